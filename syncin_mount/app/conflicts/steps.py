"""The changes of a drive by which one chooses again.

Each is noted before it is done, with what one sees when it is done, and once more afterwards. So
whatever a kill interrupts, the next look finds out which version is where.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import trio

from reconciler.phrases import Phrase, strerror
from syncin_mount.app.conflicts.journal import Choice, Meant, Whereabouts
from syncin_mount.control.service import NotDone

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

    from reconciler.model import NodeId
    from syncin_mount.app.conflicts.journal import ConflictJournal, Known
    from syncin_mount.app.conflicts.places import Places
    from syncin_mount.app.drives.local_bin import LocalBin
    from syncin_mount.control.conflict_messages import ConflictEntry


class Steps:
    """Of one replica. Methods raise NotDone with a sentence. Cancelled, they leave what they had
    begun either done or not: `find_out` tells."""

    def __init__(self, journal: ConflictJournal, places: Places, bin_: LocalBin) -> None:
        self._journal = journal
        self._places = places
        self._bin = bin_

    async def put_back(
        self, conflict: ConflictEntry, choice: Choice, other: Whereabouts, *, acknowledged: bool
    ) -> None:
        """Nothing has its place: what lost gets it."""
        path = conflict.path
        if conflict.entry is not None:
            await self.restore(conflict, path, choice, other, acknowledged=acknowledged)
            return
        copy = conflict.copy or ""
        node = self._places.look(copy)
        meant = Meant(choice, other, acknowledged, path, node or 0)
        with self._doing(conflict.number, path, meant):
            self._places.move(copy, path)
        await self._done(conflict, meant)

    async def restore(
        self,
        conflict: ConflictEntry,
        to: str,
        choice: Choice,
        other: Whereabouts,
        *,
        acknowledged: bool,
    ) -> None:
        """What lost comes back from the bin to a place that nothing has."""
        assert conflict.entry is not None
        mark = await self._bin.mark(conflict.entry)
        meant = Meant(choice, other, acknowledged, to, entry=mark)
        self._note(conflict.number, conflict.path, meant)
        await self._bin.restore(conflict.entry, to)
        await self._done(conflict, meant)

    async def put_over(
        self,
        conflict: ConflictEntry,
        known: Known,
        choice: Choice,
        why: str,
        *,
        acknowledged: bool,
    ) -> None:
        """The other version gets the name, and what has it goes to the bin."""
        path = conflict.path
        self._still(path)
        beside = await self._beside(conflict, known)
        # From here on nothing else runs before the end.
        node = self._still(path)
        moved = self._places.look(beside)
        assert moved is not None
        with _told(path, beside):
            other = self._places.keep(path, node, why)
        meant = Meant(choice, other, acknowledged, path, moved)
        with self._doing(conflict.number, path, meant, beside):
            self._places.put_over(beside, path, node)
        await self._done(conflict, meant)

    async def copy_back(self, conflict: ConflictEntry, known: Known, copy: str) -> None:
        """Both get the names again that the rule had given them."""
        path, number = conflict.path, conflict.number
        beside = await self._beside(conflict, known)
        moved = self._places.look(beside)
        other, back = Whereabouts(copy=beside), known.was_acknowledged
        meant = Meant(Choice.RULE, other, back, path, moved or 0)
        with self._doing(number, path, meant, beside):
            self._places.exchange(path, beside)
        await self._done(conflict, meant)
        free = copy if self._places.look(copy) is None else self._places.free_beside(copy)
        node = self._places.look(beside)
        meant = Meant(Choice.RULE, Whereabouts(copy=free), back, free, node or 0)
        with self._doing(number, path, meant, beside):
            self._places.move(beside, free)
        await self._done(conflict, meant)

    async def remove(self, conflict: ConflictEntry, known: Known, path: str, why: str) -> None:
        """What is at ``path`` goes to the bin, where something is; and it is as the rule
        decided."""
        node, back = self._places.look(path), known.was_acknowledged
        if node is None:  # somebody removed it
            await self._done(conflict, Meant(Choice.RULE, Whereabouts(path, why), back, path))
            return
        node = self._still(path)
        with _told(path):
            other = self._places.keep(path, node, why)
        meant = Meant(Choice.RULE, other, back, path, node, leaves=True)
        with self._doing(conflict.number, path, meant):
            self._places.remove(path, node)
        await self._done(conflict, meant)

    async def _beside(self, conflict: ConflictEntry, known: Known) -> str:
        """Where the other version is in the drive, once it was brought back from the bin."""
        if conflict.entry is None:
            return conflict.copy or ""
        beside = self._places.free_beside(conflict.path)
        other = Whereabouts(copy=beside)
        await self.restore(conflict, beside, known.choice, other, acknowledged=known.acknowledged)
        return beside

    def _still(self, path: str) -> NodeId:
        """What is at the path, where nobody is busy with it."""
        node = self._places.look(path)
        if node is None:
            raise NotDone(Phrase("there is nothing at '{path}' any more", path=path))
        self._places.expect_still(node, path)
        return node

    # noting ---------------------------------------------------------------------------------------

    def find_out(self, known: Known, marks: Container[str]) -> None:
        """Finds out whether what was meant was done, and notes it. ``marks`` are those of the bin's
        entries. Raises OSError."""
        meant = known.meant
        if meant is None:
            return
        if self._is_done(meant, marks):
            self._journal.did(known.number, meant)
        else:
            self._journal.left(known.number)

    def _is_done(self, meant: Meant, marks: Container[str]) -> bool:
        at = self._places.look(meant.place)
        if meant.node:
            return (at == meant.node) is not meant.leaves
        return meant.entry not in marks and at is not None

    @contextlib.contextmanager
    def _doing(
        self, number: int, path: str, meant: Meant, beside: str | None = None
    ) -> Iterator[None]:
        self._note(number, path, meant)
        with _told(path, beside):
            yield

    def _note(self, number: int, path: str, meant: Meant) -> None:
        try:
            self._journal.means(number, meant)
        except OSError as error:
            raise NotDone(
                Phrase(
                    "'{path}' stays as it is: what you choose cannot be noted ({why})",
                    path=path,
                    why=strerror(error),
                )
            ) from error

    async def _done(self, conflict: ConflictEntry, meant: Meant) -> None:
        """The change is on the disk before the note."""
        await trio.to_thread.run_sync(self._places.sync_journal)
        try:
            self._journal.did(conflict.number, meant)
        except OSError as error:
            raise NotDone(
                Phrase(
                    "'{path}' was changed, but this cannot be noted yet: {why}",
                    path=conflict.path,
                    why=strerror(error),
                )
            ) from error


@contextlib.contextmanager
def _told(path: str, beside: str | None = None) -> Iterator[None]:
    """What can go wrong with the files, as a sentence."""
    try:
        yield
    except OSError as error:
        why = strerror(error)
        raise NotDone(
            Phrase("'{path}' cannot be changed now: {why}", path=path, why=why)
            if beside is None
            else Phrase(
                "'{path}' cannot be changed now: {why}; the other version is at '{beside}'",
                path=path,
                why=why,
                beside=beside,
            )
        ) from error
