"""A kill while somebody chooses again at a conflict: both versions are there, and it is known
where."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import pytest

from reconciler.reporting.conflict import Lost
from syncin_mount.app.conflicts.conflicts import Conflicts
from syncin_mount.app.conflicts.journal import ConflictJournal
from syncin_mount.app.drives.local_bin import LocalBin
from syncin_mount.config import Synchronization
from syncin_mount.control.conflict_messages import (
    ConflictEntry,
    ConflictRequest,
    ReadVersionRequest,
)
from syncin_mount.control.service import NotDone
from syncin_mount.store import Replica
from syncin_mount.store.durability.event_writer import EventWriter
from tests.app.test_conflicts import (
    DOC,
    WHY,
    Made,
    copy_beside,
    lose_a_deletion,
    lose_here,
    note,
)
from tests.store.support import at, copy_of, tree, write

DOCS = Synchronization(
    "docs", "cloud", "personal/docs", Path("/docs"), path_id=1, permissions="a:d:m"
)

Which = Literal["named", "other"]
Choose = Callable[[Conflicts], Awaitable[Any]]


def conflicts_of(replica: Replica) -> Conflicts:
    return Conflicts(replica, DOCS, LocalBin(replica, DOCS, None))


@contextmanager
def opened(folder: Path) -> Iterator[Replica]:
    replica = Replica.open(folder, boot_id="boot 1", reserve_bytes=4096)
    try:
        yield replica
    finally:
        replica.close()


async def swap(conflicts: Conflicts) -> None:
    await conflicts.swap(DOC)


async def both(conflicts: Conflicts) -> None:
    await conflicts.keep_both(DOC)


async def undo(conflicts: Conflicts) -> None:
    await conflicts.undo(DOC)


@contextmanager
def kills(replica: Replica, target: Path) -> Iterator[list[Path]]:
    """The folder as a kill leaves it before and after each record that is written, of the replica
    and of the conflicts alike."""
    found: list[Path] = []

    def killed(write: Any) -> Any:
        def written(*args: Any, **more: Any) -> Any:
            found.append(copy_of(replica.folder, target / f"{len(found)}"))
            done = write(*args, **more)
            found.append(copy_of(replica.folder, target / f"{len(found)}"))
            return done

        return written

    with pytest.MonkeyPatch.context() as patch:
        for kind, name in ((EventWriter, "record"), (ConflictJournal, "_append")):
            patch.setattr(kind, name, killed(getattr(kind, name)))
        yield found


async def version(conflicts: Conflicts, entry: ConflictEntry, which: Which) -> bytes | None:
    """What it is, None where nothing is there."""
    versions = await conflicts.versions(DOC)
    if getattr(versions, which).why_not is not None:
        return None
    return await read(conflicts, entry.number, which)


async def read(conflicts: Conflicts, number: int, which: Which) -> bytes:
    return (await conflicts.read_version(ReadVersionRequest(number, which))).data


TURNED: dict[Choose, str] = {swap: "swap", both: "both", undo: ""}

CASES: dict[str, tuple[Made, tuple[Choose, ...], Choose, set[bytes | None]]] = {
    "turned round": (lose_here, (), swap, {b"won", b"lost"}),
    "turned back": (lose_here, (swap,), undo, {b"won", b"lost"}),
    "both kept": (lose_here, (), both, {b"won", b"lost"}),
    "one of both removed": (lose_here, (both,), undo, {b"won", b"lost"}),
    "a deletion turned round": (lose_a_deletion, (), swap, {None, b"lost"}),
    "a deletion turned back": (lose_a_deletion, (swap,), undo, {None, b"lost"}),
    "a copy turned round": (copy_beside, (), swap, {b"won", b"lost"}),
    "a copy turned back": (copy_beside, (swap,), undo, {b"won", b"lost"}),
}


@pytest.mark.parametrize("case", CASES)
async def test_a_kill_at_each_record_leaves_both_versions_and_their_places_known(
    tmp_path: Path, case: str
):
    made, before, choose, versions = CASES[case]
    (tmp_path / "kills").mkdir()
    with opened(tmp_path / "replica") as replica:
        made(replica)
        conflicts = conflicts_of(replica)
        for each in before:
            await each(conflicts)
        with kills(replica, tmp_path / "kills") as found:
            await choose(conflicts)
    assert len(found) > 5
    for number, folder in enumerate(found):
        with opened(folder) as replica:
            conflicts = conflicts_of(replica)
            [entry] = await conflicts.entries(everything=True)
            there = {await version(conflicts, entry, each) for each in ("named", "other")}
            assert there == versions, (number, entry)
            # What was interrupted is done now, or is done already.
            try:
                await choose(conflicts)
            except NotDone:
                assert choose is not undo or entry.turned == ""
            [entry] = await conflicts.entries(everything=True)
            assert entry.turned == TURNED[choose], number
            assert await version(conflicts, entry, "named") == outcome(case), (number, entry)
            assert len(dict(tree(replica))) <= 2


def outcome(case: str) -> bytes | None:
    """What has the name in the end."""
    if "deletion" in case:
        return b"lost" if case.endswith("round") else None
    return b"lost" if case.endswith("round") else b"won"


async def test_versions_that_gave_way_within_a_moment_are_told_apart(tmp_path: Path):
    """Two conflicts at one path; of both the version that won gave way, the later one first."""
    with opened(tmp_path / "replica") as replica:
        lose_here(replica, b"lost 1", b"won 1")
        node = at(replica, "doc.txt")
        replica.copy_to_bin(node, WHY)
        write(replica, node, b"won 2")
        note(replica, Lost.LOCAL)
        conflicts = conflicts_of(replica)
        for number, gave_way in ((2, b"won 2"), (1, b"won 1")):
            await conflicts.swap(ConflictRequest(number=number))
            assert await read(conflicts, number, "other") == gave_way
        assert await read(conflicts, 2, "other") == b"won 2"
        assert await read(conflicts, 1, "named") == b"lost 1"
