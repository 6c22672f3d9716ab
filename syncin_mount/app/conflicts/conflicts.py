"""The conflicts of one replica: what lost and where that is, acknowledged, and chosen again."""

from __future__ import annotations

import bisect
import contextlib
from typing import TYPE_CHECKING

from reconciler.model import Direction
from reconciler.reporting.conflict import Lost
from syncin_mount.app.conflicts.journal import Choice, ConflictJournal, Whereabouts, text_of
from syncin_mount.app.conflicts.places import Places
from syncin_mount.app.conflicts.versions import Versions
from syncin_mount.app.errors import ChosenAlready, RestoreFirst
from syncin_mount.control.conflict_messages import (
    ConflictEntry,
    ConflictRequest,
)
from syncin_mount.control.messages import (
    BinEntry,
)
from syncin_mount.control.service import NotDone

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from reconciler.model import NodeId
    from syncin_mount.app.conflicts.journal import Known
    from syncin_mount.app.drives.local_bin import LocalBin
    from syncin_mount.config import Synchronization
    from syncin_mount.control.conflict_messages import (
        ConflictVersions,
        ReadVersionRequest,
        VersionPart,
    )
    from syncin_mount.store import Replica

TURNED = "turned round: the version that had lost was chosen"
"""Why the version that had won is in the bin."""

UNDONE = "undone: the version that had won was chosen again"
"""Why the version that had lost is in the bin again."""

SAME_MOMENT_S = 3.0
"""Seconds by which the times of the bin and the journal may differ where both noted one event: the
desktop's trash knows whole seconds."""

_NEAREST = 3
"""Entries of the bin on either side in time that may be those of a conflict."""


class Conflicts:
    """Of one synchronization whose replica this process has. Methods raise NotDone with a
    sentence."""

    def __init__(
        self,
        replica: Replica,
        synchronization: Synchronization,
        bin_: LocalBin,
        is_in_flight: Callable[[NodeId], bool] = lambda _node: False,
    ) -> None:
        self._synchronization = synchronization
        self._bin = bin_
        self._journal = ConflictJournal(replica.folder)
        self._places = Places(replica, is_in_flight)
        self._versions = Versions(replica, bin_, self._places)

    async def entries(self, *, everything: bool) -> list[ConflictEntry]:
        """Those that nobody acknowledged, or all; oldest first."""
        known = self._journal.all()
        kept = _kept_of(known, await self._bin.entries())
        found = [self._entry(each, kept) for each in known]
        return [each for each in found if everything or not each.acknowledged]

    async def found(self, which: ConflictRequest) -> ConflictEntry:
        """The conflict of this number; or the latest one at this path, or of the number that the
        path is. Raises NotDone."""
        everything = await self.entries(everything=True)
        if which.number is not None:
            at = [each for each in everything if each.number == which.number]
            if not at:
                raise NotDone(f"there is no conflict of the number {which.number}")
        else:
            at = [each for each in everything if which.path in (each.path, each.copy)] or [
                each for each in everything if str(each.number) == which.path
            ]
            if not at:
                raise NotDone(f"there was no conflict at '{which.path}'")
        return at[-1]

    def _entry(self, known: Known, kept: Mapping[int, BinEntry]) -> ConflictEntry:
        where, entry, other = "none", None, known.other
        if _gave_way_here(known):
            if other.copy is not None:
                where = "gone" if self._places.look(other.copy) is None else "copy"
            elif other.why:
                found = kept.get(known.number)
                where, entry = ("gone", None) if found is None else (found.where, found.entry)
        elif known.lost == Lost.REMOTE.value:
            where = "server"
        return ConflictEntry(
            known.number,
            known.path,
            known.time,
            known.why,
            known.lost,
            where,
            entry,
            other.copy if known.exact else known.copy,
            known.acknowledged,
            known.choice.value,
        )

    async def acknowledge(
        self, paths: Sequence[str], *, everything: bool, numbers: Sequence[int] = ()
    ) -> list[ConflictEntry]:
        """These, by their numbers, their paths or those of folders above them, are counted no
        more. Returns which they were."""
        still = await self.entries(everything=False)
        chosen = [
            each for each in still if everything or each.number in numbers or _is_at(each, paths)
        ]
        missing = [path for path in paths if not any(_is_at(each, [path]) for each in still)]
        if missing:
            raise NotDone(f"there is no conflict at '{missing[0]}' that is not acknowledged yet")
        self._journal.acknowledge([each.number for each in chosen])
        return chosen

    # looking at both ------------------------------------------------------------------------------

    async def versions(self, which: ConflictRequest) -> ConflictVersions:
        """Both versions of a conflict, as far as they can be read."""
        return await self._versions.both(await self.found(which))

    async def read_version(self, request: ReadVersionRequest) -> VersionPart:
        """Some bytes of one of them; nothing is brought back by that."""
        conflict = await self.found(ConflictRequest(number=request.number))
        return await self._versions.part(conflict, request.version, request.offset, request.size)

    # choosing again -------------------------------------------------------------------------------

    async def swap(self, which: ConflictRequest) -> ConflictEntry:
        """Turns a conflict round: what lost becomes the content, and what won goes to the bin. A
        kill at any moment loses neither: what lost is in the bin or beside, until it has its place
        in one step, and what won is in the bin by then."""
        conflict = await self._to_choose(which, "be turned round")
        if self._places.look(conflict.path) is None:
            await self._put_back(conflict)
            other = Whereabouts()
        else:
            other = await self._put_over(conflict, TURNED)
        with _noted(conflict):
            self._journal.chose(conflict.number, Choice.SWAP, other)
        return await self._now(conflict)

    async def keep_both(self, which: ConflictRequest) -> ConflictEntry:
        """What lost comes back beside what won, under a name of its own, which the entry that is
        returned has as ``copy``."""
        conflict = await self._to_choose(which, "be kept with the other version")
        if conflict.entry is None:  # both are there
            with _noted(conflict):
                self._journal.acknowledge([conflict.number])
        else:
            beside = await self._bin.restore(conflict.entry, None)
            with _noted(conflict):
                self._journal.chose(conflict.number, Choice.BOTH, Whereabouts(copy=beside))
        return await self._now(conflict)

    async def _to_choose(self, which: ConflictRequest, what: str) -> ConflictEntry:
        self._expect_both_directions()
        conflict = await self.found(which)
        if conflict.turned:
            raise ChosenAlready(self._synchronization.name, conflict.path)
        refusal = _REFUSALS.get(conflict.kept)
        if refusal is not None:
            kind = RestoreFirst if conflict.kept == "server" else NotDone
            raise kind(f"'{conflict.path}' cannot {what}: {refusal}")
        return conflict

    def _expect_both_directions(self) -> None:
        if self._synchronization.direction_in_force is Direction.DOWNLOAD:
            raise NotDone(
                f"'{self._synchronization.name}' only follows the server, so no version of here"
                " can be chosen; copy what you need from the bin"
            )

    async def undo(self, which: ConflictRequest) -> ConflictEntry:
        """Takes back what was chosen last, or that it was acknowledged. What is in the file by now
        goes to the bin before."""
        conflict = await self.found(which)
        if not conflict.turned:
            if not conflict.acknowledged:
                raise NotDone(f"'{conflict.path}' is as the rule decided; there is nothing to undo")
            with _noted(conflict):
                self._journal.reopen(conflict.number)
            return await self._now(conflict)
        self._expect_both_directions()
        [known] = [each for each in self._journal.all() if each.number == conflict.number]
        if known.choice is Choice.BOTH:
            other = self._without_copy(conflict)
        else:
            other = await self._turned_back(conflict, known)
        with _noted(conflict):
            self._journal.undid(conflict.number, other, acknowledged=known.was_acknowledged)
        return await self._now(conflict)

    async def _now(self, conflict: ConflictEntry) -> ConflictEntry:
        return await self.found(ConflictRequest(number=conflict.number))

    def _without_copy(self, conflict: ConflictEntry) -> Whereabouts:
        """The version that had been brought back goes to the bin, as it is by now."""
        path = conflict.copy or ""
        node = self._places.look(path)
        if node is None:  # somebody removed it
            return Whereabouts(path, UNDONE)
        self._places.expect_still(node, path)
        with _told(path):
            return Whereabouts(path, UNDONE, self._places.remove(path, node, UNDONE))

    async def _turned_back(self, conflict: ConflictEntry, known: Known) -> Whereabouts:
        path, node = conflict.path, self._places.look(conflict.path)
        if conflict.kept == "gone":
            raise NotDone(f"'{path}' cannot be undone: what had won is in no bin any more")
        if conflict.kept == "none":  # nothing had won: a deletion
            if node is None:
                return Whereabouts(path, UNDONE)
            self._places.expect_still(node, path)
            with _told(path):
                return Whereabouts(path, UNDONE, self._places.remove(path, node, UNDONE))
        if node is None:
            await self._put_back(conflict)
            return Whereabouts(path, UNDONE)
        if known.lost == Lost.COPY.value and known.copy is not None:
            return await self._copy_back(conflict, known.copy)
        return await self._put_over(conflict, UNDONE)

    async def _copy_back(self, conflict: ConflictEntry, copy: str) -> Whereabouts:
        """Both get the names again that the rule had given them."""
        beside = await self._beside(conflict)
        with _told(conflict.path, beside):
            free = copy if self._places.look(copy) is None else self._places.free_beside(copy)
            self._places.move(conflict.path, free)
            self._places.move(beside, conflict.path)
        return Whereabouts(copy=free)

    # the steps ------------------------------------------------------------------------------------

    async def _put_back(self, conflict: ConflictEntry) -> None:
        """Nothing has its place: what lost gets it."""
        if conflict.entry is not None:
            await self._bin.restore(conflict.entry, conflict.path)
        else:
            with _told(conflict.path):
                self._places.move(conflict.copy or "", conflict.path)

    async def _beside(self, conflict: ConflictEntry) -> str:
        """Where the other version is in the drive, once it was brought back from the bin."""
        if conflict.entry is None:
            return conflict.copy or ""
        return await self._bin.restore(conflict.entry, self._places.free_beside(conflict.path))

    async def _put_over(self, conflict: ConflictEntry, why: str) -> Whereabouts:
        """The other version gets the name, and what has it goes to the bin."""
        path = conflict.path
        node = self._places.look(path)
        assert node is not None
        self._places.expect_still(node, path)
        beside = await self._beside(conflict)
        # From here on nothing else runs before the end.
        node = self._places.look(path) or node
        self._places.expect_still(node, path)
        with _told(path, beside):
            return Whereabouts(path, why, self._places.replace(beside, path, node, why))


_REFUSALS = {
    "none": "no other version lost; move or delete it yourself",
    "gone": "what lost is in no bin any more",
    "server": "what lost is in the server's trash",
}


def _gave_way_here(known: Known) -> bool:
    """Whether the version that has not the name is, or was, on this computer."""
    return known.exact or known.lost in {Lost.LOCAL.value, Lost.COPY.value}


def _kept_of(known: Sequence[Known], entries: Sequence[BinEntry]) -> dict[int, BinEntry]:
    """By conflicts' numbers, what the bins on this computer have of the version that gave way: the
    entry of its path and reason, nearest in time. Of several conflicts of one path, each entry is
    that of the nearest: where a version was purged, its conflict gets nobody else's. Pure."""
    by_key: dict[tuple[str | None, str | None], list[BinEntry]] = {}
    for entry in sorted(entries, key=_time):
        by_key.setdefault((text_of(entry.path), text_of(entry.why)), []).append(entry)
    pairs: list[tuple[float, int, BinEntry]] = []
    for each in known:
        other = each.other
        at = by_key.get((other.path, other.why))
        if at is None or other.copy is not None or not _gave_way_here(each):
            continue
        middle = bisect.bisect(at, other.time, key=_time)
        for entry in at[max(0, middle - _NEAREST) : middle + _NEAREST]:
            apart = abs(entry.time - other.time)
            if not each.exact or apart <= SAME_MOMENT_S:
                pairs.append((apart, each.number, entry))
    found: dict[int, BinEntry] = {}
    taken: set[str] = set()
    for _, number, entry in sorted(pairs, key=lambda pair: pair[:2]):
        if number not in found and entry.entry not in taken:
            found[number] = entry
            taken.add(entry.entry)
    return found


def _time(entry: BinEntry) -> float:
    return entry.time


def _is_at(entry: ConflictEntry, paths: Sequence[str]) -> bool:
    return any(
        path in (entry.path, entry.copy) or entry.path.startswith(f"{path.rstrip('/')}/")
        for path in paths
    )


@contextlib.contextmanager
def _told(path: str, beside: str | None = None) -> Iterator[None]:
    """What can go wrong with the files, as a sentence."""
    try:
        yield
    except OSError as error:
        where = "" if beside is None else f"; the other version is at '{beside}'"
        raise NotDone(f"'{path}' cannot be changed now: {error.strerror}{where}") from error


@contextlib.contextmanager
def _noted(conflict: ConflictEntry) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise NotDone(
            f"'{conflict.path}' has what you chose, but this cannot be noted: {error.strerror}"
        ) from error
