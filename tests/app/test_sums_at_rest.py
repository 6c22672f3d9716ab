"""How much a drive has that nobody works on: remembered by who worked on it last, else counted."""

from __future__ import annotations

from pathlib import Path

import pytest

from syncin_mount.app.runtime import base_counting
from syncin_mount.app.runtime.base_counting import RememberedSums, remember_sums, sums_at_rest
from syncin_mount.store import Replica
from tests.store.support import make, open_replica, settle

SIZES = (0, 3, 1000)
SUMS = (len(SIZES), sum(SIZES))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A replica with files that both sides have; nobody remembered how many."""
    replica = open_replica(tmp_path / "replica")
    for number, size in enumerate(SIZES):
        settle(replica, make(replica, f"f{number}", data=b"x" * size))
    replica.close()
    return tmp_path / "replica"


def at_rest(folder: Path) -> tuple[int, int] | None:
    replica = Replica.open(folder)
    try:
        return sums_at_rest(replica, folder)
    finally:
        replica.close()


def test_few_are_counted_and_remembered(folder: Path, monkeypatch: pytest.MonkeyPatch):
    assert at_rest(folder) == SUMS
    monkeypatch.setattr(base_counting, "AT_REST", 0)
    assert at_rest(folder) == SUMS  # remembered: nothing is counted any more


def test_very_many_are_not_counted(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(base_counting, "AT_REST", 2)
    assert at_rest(folder) is None


def test_who_works_on_it_remembers_as_it_ends(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(base_counting, "AT_REST", 0)
    replica = Replica.open(folder)
    settle(replica, make(replica, "another", data=b"y" * 7))
    remember_sums(replica, folder)
    replica.close()
    assert at_rest(folder) == (SUMS[0] + 1, SUMS[1] + 7)


def test_what_changed_since_is_not_told(folder: Path, monkeypatch: pytest.MonkeyPatch):
    assert at_rest(folder) == SUMS
    replica = Replica.open(folder)
    settle(replica, make(replica, "another", data=b"y" * 7))
    replica.close()  # without a word: as a kill does it
    monkeypatch.setattr(base_counting, "AT_REST", 0)
    assert at_rest(folder) is None
    monkeypatch.setattr(base_counting, "AT_REST", 100)
    assert at_rest(folder) == (SUMS[0] + 1, SUMS[1] + 7)


@pytest.mark.parametrize("text", ["", "x", "1 2", "1 2 3 4", "7 -1 5", "7 1 -5", "ä", "\0" * 50])
def test_a_file_of_nonsense_says_nothing(tmp_path: Path, text: str):
    (tmp_path / "sums").write_text(text)
    assert RememberedSums(tmp_path).load(7) is None


def test_a_folder_that_takes_no_file_holds_up_nobody(tmp_path: Path):
    memory = RememberedSums(tmp_path / "not there")
    memory.save(1, 2, 3)
    assert memory.load(1) is None
