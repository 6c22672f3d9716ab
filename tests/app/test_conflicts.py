"""A conflict is compared, turned round, kept twice and undone, mounted or not, and nothing is
lost."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from reconciler.model import ROOT, NodeId
from reconciler.reporting.conflict import Lost, ResolvedConflict
from syncin_mount.app.conflicts.comparison import compare
from syncin_mount.app.conflicts.journal import ConflictJournal
from syncin_mount.app.drives.drive import Drive
from syncin_mount.app.drives.unmounted import open_replica
from syncin_mount.app.messages import sentence
from syncin_mount.control.conflict_messages import (
    ConflictRequest,
    ReadVersionRequest,
)
from syncin_mount.control.failures import ControlError
from syncin_mount.control.service import NotDone
from syncin_mount.store import Replica
from tests.app.test_drive import Computer
from tests.store.support import at, make, tree, write

WHY = "edited on both sides: the server's version wins"
DOC = ConflictRequest("doc.txt")
REFUSED = (NotDone, ControlError)


class Scene(Computer):
    """A drive, mounted or not, with conflicts."""

    def __init__(self, place: Path, *, mounted: bool) -> None:
        super().__init__(place)
        self.is_mounted = mounted
        self.replica: Replica | None = None

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Drive]:
        if not self.is_mounted:
            async with self.drive() as drive:
                yield drive
            return
        async with self.mounted() as runtime:
            self.replica = runtime.replica
            try:
                async with self.drive() as drive:
                    yield drive
            finally:
                self.replica = None

    @contextmanager
    def looked_into(self) -> Iterator[Replica]:
        """The local copy: the daemon's, or opened for the moment."""
        if self.replica is not None:
            yield self.replica
            return
        self.folders.replica("docs").mkdir(parents=True, exist_ok=True)
        with open_replica(self.folders, "docs") as replica:
            assert replica is not None
            yield replica

    def contents(self) -> dict[str, bytes | None]:
        with self.looked_into() as replica:
            return dict(tree(replica))

    def save(self, path: str, data: bytes) -> None:
        with self.looked_into() as replica:
            write(replica, at(replica, path), data)

    def in_bin(self) -> set[bytes]:
        with self.looked_into() as replica:
            return {read_entry(replica, each.sequence) for each in replica.bin.entries()}


def read_entry(replica: Replica, sequence: int) -> bytes:
    fd = replica.bin.open(sequence)
    try:
        return os.pread(fd, 1 << 20, 0)
    finally:
        os.close(fd)


def lose_here(replica: Replica, lost: bytes = b"lost", won: bytes = b"won") -> None:
    """As a run does where the server's version wins."""
    node = make(replica, "doc.txt", data=lost)
    replica.copy_to_bin(node, WHY)
    write(replica, node, won)
    note(replica, Lost.LOCAL)


def note(replica: Replica, lost: Lost, copy: str | None = None) -> None:
    journal = ConflictJournal(replica.folder)
    journal.note(ResolvedConflict(NodeId(1), "doc.txt", lost, WHY, copy))


def lose_a_deletion(replica: Replica) -> None:
    """As a run does where the server's deletion wins."""
    node = make(replica, "doc.txt", data=b"lost")
    replica.copy_to_bin(node, WHY)
    replica.unlink(ROOT, b"doc.txt")
    note(replica, Lost.LOCAL)


def copy_beside(replica: Replica) -> None:
    make(replica, "doc.txt", data=b"won")
    make(replica, "doc (conflict).txt", data=b"lost")
    note(replica, Lost.COPY, "doc (conflict).txt")


@pytest.fixture(params=[True, False], ids=["mounted", "unmounted"])
def scene(tmp_path: Path, request: pytest.FixtureRequest) -> Scene:
    return Scene(tmp_path, mounted=request.param)


Made = Callable[[Replica], None]


def begin(scene: Scene, made: Made = lose_here) -> None:
    with scene.looked_into() as replica:
        made(replica)


async def only(drive: Drive) -> tuple[str, str, bool]:
    [entry] = await drive.conflicts(everything=True)
    return entry.turned, entry.kept, entry.acknowledged


async def test_turned_round_and_undone_the_file_and_the_bin_are_as_before(scene: Scene):
    begin(scene)
    async with scene.opened() as drive:
        await drive.swap(DOC)
        assert (scene.contents(), scene.in_bin()) == ({"doc.txt": b"lost"}, {b"won"})
        assert await only(drive) == ("swap", "local", True)
        undone = await drive.undo(DOC)
        assert (scene.contents(), scene.in_bin()) == ({"doc.txt": b"won"}, {b"lost"})
        assert (undone.turned, undone.kept, undone.acknowledged) == ("", "local", False)
        await drive.swap(DOC)
        assert (scene.contents(), scene.in_bin()) == ({"doc.txt": b"lost"}, {b"won"})


async def test_it_is_known_after_a_restart_what_was_chosen(scene: Scene):
    begin(scene)
    async with scene.opened() as drive:
        await drive.swap(DOC)
    async with scene.opened() as drive:
        assert await only(drive) == ("swap", "local", True)
        await drive.undo(DOC)
    async with scene.opened() as drive:
        assert await only(drive) == ("", "local", False)


async def test_what_was_edited_since_goes_to_the_bin_before_it_is_undone(scene: Scene):
    begin(scene)
    async with scene.opened() as drive:
        scene.save("doc.txt", b"won, and edited")
        await drive.swap(DOC)
        assert scene.in_bin() == {b"won, and edited"}
        scene.save("doc.txt", b"lost, and edited")
        await drive.undo(DOC)
        assert scene.contents() == {"doc.txt": b"won, and edited"}
        assert scene.in_bin() == {b"lost, and edited"}


async def test_both_are_kept_and_that_is_undone(scene: Scene):
    begin(scene)
    async with scene.opened() as drive:
        kept = await drive.keep_both(DOC)
        assert (kept.turned, kept.kept) == ("both", "copy")
        assert kept.copy is not None
        assert scene.contents() == {"doc.txt": b"won", kept.copy: b"lost"}
        scene.save(kept.copy, b"lost, and edited")
        undone = await drive.undo(DOC)
        assert (undone.turned, undone.kept, undone.acknowledged) == ("", "local", False)
        assert scene.contents() == {"doc.txt": b"won"}
        assert scene.in_bin() == {b"lost, and edited"}


async def test_both_are_kept_and_the_copy_was_removed_since(scene: Scene):
    begin(scene)
    async with scene.opened() as drive:
        kept = await drive.keep_both(DOC)
        with scene.looked_into() as replica:
            replica.unlink(ROOT, os.fsencode(kept.copy or ""))
        assert await only(drive) == ("both", "gone", True)
        await drive.undo(DOC)
        assert await only(drive) == ("", "gone", False)
        assert scene.contents() == {"doc.txt": b"won"}


async def test_a_deletion_that_won_is_turned_round_and_undone(scene: Scene):
    begin(scene, lose_a_deletion)
    async with scene.opened() as drive:
        await drive.swap(DOC)
        assert (scene.contents(), scene.in_bin()) == ({"doc.txt": b"lost"}, set())
        await drive.undo(DOC)
        assert (scene.contents(), scene.in_bin()) == ({}, {b"lost"})


async def test_names_of_a_conflict_copy_are_turned_round_and_undone(scene: Scene):
    begin(scene, copy_beside)
    async with scene.opened() as drive:
        await drive.swap(DOC)
        assert (scene.contents(), scene.in_bin()) == ({"doc.txt": b"lost"}, {b"won"})
        await drive.undo(DOC)
        assert scene.contents() == {"doc.txt": b"won", "doc (conflict).txt": b"lost"}
        assert await only(drive) == ("", "copy", False)


async def test_undoing_a_swap_overwrites_nothing_that_has_the_copy_s_name_by_now(scene: Scene):
    begin(scene, copy_beside)
    async with scene.opened() as drive:
        await drive.swap(DOC)
        with scene.looked_into() as replica:
            make(replica, "doc (conflict).txt", data=b"another")
        undone = await drive.undo(DOC)
        found = scene.contents()
        assert found.pop(undone.copy or "") == b"lost"
        assert found == {"doc.txt": b"won", "doc (conflict).txt": b"another"}


async def test_an_acknowledged_one_is_counted_again(scene: Scene):
    begin(scene)
    async with scene.opened() as drive:
        [entry] = await drive.acknowledge(numbers=[1])
        assert (entry.number, await drive.conflicts()) == (1, [])
        await drive.undo(DOC)
        assert (await drive.status()).conflicts == 1
        with pytest.raises(REFUSED, match="there is nothing to undo"):
            await drive.undo(DOC)


async def test_what_was_acknowledged_before_it_was_turned_round_is_so_afterwards(scene: Scene):
    begin(scene)
    async with scene.opened() as drive:
        await drive.acknowledge(["doc.txt"])
        await drive.swap(DOC)
        await drive.undo(DOC)
        assert await only(drive) == ("", "local", True)


async def test_one_is_meant_by_its_number_where_several_are_at_a_path(scene: Scene):
    begin(scene)
    with scene.looked_into() as replica:
        node = at(replica, "doc.txt")
        replica.copy_to_bin(node, "another conflict")
        write(replica, node, b"won again")
        ConflictJournal(replica.folder).note(
            ResolvedConflict(NodeId(1), "doc.txt", Lost.LOCAL, "another conflict")
        )
    async with scene.opened() as drive:
        assert (await drive.swap(ConflictRequest(number=1))).number == 1
        assert scene.contents() == {"doc.txt": b"lost"}
        assert (await drive.versions(ConflictRequest("2"))).conflict.number == 2
        assert scene.in_bin() == {b"won", b"won again"}
        with pytest.raises(REFUSED, match="no conflict of the number 9"):
            await drive.swap(ConflictRequest(number=9))


async def test_what_was_chosen_already_is_undone_first(scene: Scene):
    begin(scene)
    async with scene.opened() as drive:
        await drive.swap(DOC)
        with pytest.raises(REFUSED) as raised:
            await drive.keep_both(DOC)
        assert sentence(raised.value) == (
            "of 'doc.txt' a version was chosen already; undo that first with: "
            "syncin-mount conflicts docs --undo doc.txt"
        )


async def test_what_is_in_no_bin_any_more_is_neither_undone_nor_taken_for_another(scene: Scene):
    begin(scene)
    async with scene.opened() as drive:
        await drive.swap(DOC)
        [entry] = await drive.bin.entries()
        await drive.bin.empty([entry.entry])
        assert await only(drive) == ("swap", "gone", True)
        with pytest.raises(REFUSED, match="what had won is in no bin any more"):
            await drive.undo(DOC)
        assert scene.contents() == {"doc.txt": b"lost"}


async def test_of_several_at_a_path_each_has_its_own_version_and_a_purged_one_none(scene: Scene):
    begin(scene)
    with scene.looked_into() as replica:
        [first] = replica.bin.entries()
        node = at(replica, "doc.txt")
        write(replica, node, b"lost later")
        replica.copy_to_bin(node, WHY)
        write(replica, node, b"won later")
        note(replica, Lost.LOCAL)
        replica.bin.drop([first.sequence])
    async with scene.opened() as drive:
        earlier, later = await drive.conflicts(everything=True)
        assert (earlier.kept, later.kept) == ("gone", "local")
        await drive.swap(ConflictRequest(number=later.number))
        assert scene.contents() == {"doc.txt": b"lost later"}


async def test_a_file_that_is_being_written_is_left_alone(scene: Scene):
    begin(scene)
    async with scene.opened() as drive:
        await drive.swap(DOC)
        if scene.replica is None:
            return  # no program has it open where nothing is mounted
        scene.replica.begin_write(at(scene.replica, "doc.txt"))
        with pytest.raises(REFUSED, match="is being written or synchronized"):
            await drive.undo(DOC)


# --- looking at both ------------------------------------------------------------------------------


async def test_both_versions_are_read_in_pieces_and_nothing_is_brought_back(scene: Scene):
    begin(scene, lambda replica: lose_here(replica, b"0123456789", b"won"))
    async with scene.opened() as drive:
        versions = await drive.versions(DOC)
        assert (versions.named.where, versions.named.side, versions.named.size) == (
            "here",
            "remote",
            3,
        )
        assert (versions.other.where, versions.other.side, versions.other.size) == (
            "local",
            "local",
            10,
        )
        part = await drive.read_version(ReadVersionRequest(1, "other", 3, 4))
        assert (part.data, part.size) == (b"3456", 10)
        assert (await drive.read_version(ReadVersionRequest(1, "other", 8, 4))).data == b"89"
        assert (await drive.read_version(ReadVersionRequest(1, "other", 99, 4))).data == b""
        assert (await drive.read_version(ReadVersionRequest(1, "named", 0, 9))).data == b"won"
        assert scene.contents() == {"doc.txt": b"won"}
        assert scene.in_bin() == {b"0123456789"}


async def test_turned_round_the_sides_are_too(scene: Scene):
    begin(scene)
    async with scene.opened() as drive:
        await drive.swap(DOC)
        versions = await drive.versions(DOC)
        assert (versions.named.side, versions.other.side) == ("local", "remote")


PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)


@pytest.mark.parametrize(
    ("lost", "won", "kind", "why"),
    [
        (b"a\nb\n", b"a\nc\n", "text", None),
        (PNG, PNG + b"x", "picture", None),
        (b"same", b"same", "same", None),
        (b"a\r\n", b"a\n", "other", "only in how lines end"),
        (b"\0\1", b"text", "other", "no text"),
        (PNG, b"text", "other", "no text"),
        (b"x" * 600_000, b"y", "other", "too large"),
        (b"x" * 600_000, b"x" * 600_000, "same", None),
        (b"x\0" * 1_300_000, b"x\0" * 1_299_999 + b"yz", "other", "too large"),
        (b"<svg onload='alert(1)'/>", b"<svg/>", "text", None),
    ],
)
async def test_they_are_compared_as_what_they_are(
    tmp_path: Path, lost: bytes, won: bytes, kind: str, why: str | None
):
    scene = Scene(tmp_path, mounted=False)
    begin(scene, lambda replica: lose_here(replica, lost, won))
    async with scene.opened() as drive:
        found = await compare(drive, DOC)
    assert found.kind == kind
    assert (found.why is None) if why is None else (why in (found.why or ""))


async def test_what_cannot_be_compared_any_more_says_why(scene: Scene):
    begin(scene)
    async with scene.opened() as drive:
        with scene.looked_into() as replica:
            replica.unlink(ROOT, b"doc.txt")
        assert (await compare(drive, DOC)).why == (
            "They cannot be compared: there is nothing at 'doc.txt' any more"
        )
        [entry] = await drive.bin.entries()
        await drive.bin.empty([entry.entry])
        versions = await drive.versions(DOC)
        assert versions.other.why_not == "it is in no bin any more"


@pytest.mark.parametrize(
    ("lost", "why"),
    [
        (Lost.REMOTE, "it is in the server's trash alone; bring it back to look at it"),
        (Lost.DELETION, "the other side had deleted it, so there is one version"),
        (Lost.PLACE, "the sides disagreed about the place alone, so there is one version"),
    ],
)
async def test_one_version_alone_says_so(scene: Scene, lost: Lost, why: str):
    def made(replica: Replica) -> None:
        make(replica, "doc.txt", data=b"won")
        note(replica, lost)

    begin(scene, made)
    async with scene.opened() as drive:
        assert (await drive.versions(DOC)).other.why_not == why
        with pytest.raises(REFUSED):
            await drive.read_version(ReadVersionRequest(1, "other"))
