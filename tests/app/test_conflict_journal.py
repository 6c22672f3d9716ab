"""The journal of conflicts is shared, survives torn lines and full disks, and stays short."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

import pytest

from reconciler.model import NodeId
from reconciler.reporting.conflict import Lost, ResolvedConflict
from syncin_mount.app.conflicts import journal as journal_module
from syncin_mount.app.conflicts.journal import Choice, ConflictJournal, Meant, Whereabouts
from tests.small_disk import small_disk

WHY = "edited on both sides: the server's version wins"


def noted(folder: Path, count: int) -> ConflictJournal:
    journal = ConflictJournal(folder, now=lambda: 1000.0)
    for number in range(count):
        journal.note(ResolvedConflict(NodeId(1), f"größe {number}", Lost.LOCAL, WHY))
    return journal


def swapped(number: int, moment: float) -> Meant:
    path = f"größe {number - 1}"
    return Meant(Choice.SWAP, Whereabouts(path, "why", moment), True, path, 5)


def test_what_another_process_appends_is_read_too(tmp_path: Path):
    journal, another = noted(tmp_path, 3), ConflictJournal(tmp_path)
    assert journal.open_count() == 3
    another.acknowledge([2])
    another.did(3, swapped(3, 7.0))
    assert journal.open_count() == 1
    journal.reopen(2)
    assert [(each.number, each.acknowledged, each.choice) for each in another.all()] == [
        (1, False, Choice.RULE),
        (2, False, Choice.RULE),
        (3, True, Choice.SWAP),
    ]


def test_a_torn_line_is_left_out(tmp_path: Path):
    journal = noted(tmp_path, 2)
    with (tmp_path / "conflicts.jsonl").open("ab") as file:
        file.write(b'{"seen":[1')
    assert journal.open_count() == 2
    assert ConflictJournal(tmp_path).open_count() == 2


def test_a_torn_line_does_not_take_the_next_one_with_it(tmp_path: Path):
    journal = noted(tmp_path, 2)
    with (tmp_path / "conflicts.jsonl").open("ab") as file:
        file.write(b'{"seen":[1')
    journal.did(2, swapped(2, 7.0))
    for each in journal, ConflictJournal(tmp_path):
        assert [known.choice for known in each.all()] == [Choice.RULE, Choice.SWAP]


def test_what_a_full_disk_takes_half_of_is_told_and_not_noted(tmp_path: Path):
    with small_disk(tmp_path / "disk", "tmpfs", 1) as disk:
        journal = noted(disk.path, 2)
        disk.fill()
        told = 0
        with suppress(OSError):
            for told in range(1, 10_000):
                journal.did(2, swapped(2, told))
        disk.free()
        lines = (disk.path / "conflicts.jsonl").read_bytes()
        assert not lines.endswith(b"\n")  # half of one was taken
        assert lines.count(b"\n") == 2 + told - 1
        undone = Whereabouts("größe 1", "why", 8.0)
        journal.did(2, Meant(Choice.RULE, undone, False, "größe 1", 7))
        known = ConflictJournal(disk.path).all()
        assert [each.choice for each in known] == [Choice.RULE, Choice.RULE]


def test_they_are_remembered_however_long_ago_they_were(tmp_path: Path):
    moments = iter(time.time() - years * 365 * 86_400 for years in (30, 1, 0))
    journal = ConflictJournal(tmp_path, now=lambda: next(moments))
    for years in (30, 1, 0):
        journal.note(ResolvedConflict(NodeId(1), f"{years}", Lost.LOCAL, WHY))
    assert [each.path for each in journal.all()] == ["30", "1", "0"]
    assert journal.open_count() == 3


def test_of_very_many_the_oldest_acknowledged_ones_are_forgotten_and_choices_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(journal_module, "MOST", 8)
    journal = noted(tmp_path, 10)
    journal.acknowledge([5, 7, 9])
    journal.did(6, Meant(Choice.BOTH, Whereabouts(copy="beside"), True, "beside"))
    undone = Whereabouts("beside", "undone", 9.5, mark="7-95")
    journal.did(6, Meant(Choice.RULE, undone, False, "beside", 7, leaves=True))
    journal.did(10, swapped(10, 9.0))
    journal.means(3, swapped(3, 9.0))
    journal.means(4, swapped(4, 9.0))
    journal.left(4)
    before = {each.number: each for each in journal.all()}
    noted(tmp_path, 1)
    after = {each.number: each for each in ConflictJournal(tmp_path).all()}
    assert sorted(after) == [1, 2, 3, 4, 6, 8, 10, 11]
    assert (after[3].meant, after[4].meant) == (swapped(3, 9.0), None)
    assert {number: after[number] for number in after if number != 11} == {
        number: before[number] for number in after if number != 11
    }
