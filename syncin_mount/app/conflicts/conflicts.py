"""The conflicts of one replica: what lost and where that is, acknowledged, and chosen again."""

from __future__ import annotations

import bisect
import contextlib
from typing import TYPE_CHECKING

from reconciler.model import Direction
from reconciler.phrases import Phrase, strerror
from reconciler.reporting.conflict import Lost
from syncin_mount.app.conflicts.journal import Choice, ConflictJournal, Whereabouts, text_of
from syncin_mount.app.conflicts.places import Places
from syncin_mount.app.conflicts.steps import Steps
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

TURNED = Phrase("turned round: the version that had lost was chosen")
"""Why the version that had won is in the bin."""

UNDONE = Phrase("undone: the version that had won was chosen again")
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
        under_way: set[int] | None = None,
    ) -> None:
        """``under_way`` has the numbers of conflicts that this process is just choosing again; it
        is one set for all that are made of a replica."""
        self._synchronization = synchronization
        self._bin = bin_
        self._journal = ConflictJournal(replica.folder)
        self._places = Places(replica, is_in_flight)
        self._steps = Steps(self._journal, self._places, bin_)
        self._under_way = set[int]() if under_way is None else under_way
        self._versions = Versions(replica, bin_, self._places)

    async def entries(self, *, everything: bool) -> list[ConflictEntry]:
        """Those that nobody acknowledged, or all; oldest first."""
        in_bin = await self._bin.marked_entries()
        known = self._found_out({mark for _, mark in in_bin})
        kept = _kept_of(known, in_bin)
        found = [self._entry(each, kept) for each in known]
        return [each for each in found if everything or not each.acknowledged]

    async def found(self, which: ConflictRequest) -> ConflictEntry:
        """The conflict of this number; or the latest one at this path, or of the number that the
        path is. Raises NotDone."""
        everything = await self.entries(everything=True)
        if which.number is not None:
            at = [each for each in everything if each.number == which.number]
            if not at:
                raise NotDone(
                    Phrase("there is no conflict of the number {number}", number=which.number)
                )
        else:
            at = [each for each in everything if which.path in (each.path, each.copy)] or [
                each for each in everything if str(each.number) == which.path
            ]
            if not at:
                raise NotDone(Phrase("there was no conflict at '{path}'", path=which.path))
        return at[-1]

    def _found_out(self, marks: set[str]) -> list[Known]:
        """All, once it is known of each whether it was done what somebody meant."""
        known = self._journal.all()
        open_ones = [
            each for each in known if each.meant is not None and each.number not in self._under_way
        ]
        if not open_ones:
            return known
        with contextlib.suppress(OSError):  # the next look tries again
            for each in open_ones:
                self._steps.find_out(each, marks)
        return self._journal.all()

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
            raise NotDone(
                Phrase(
                    "there is no conflict at '{path}' that is not acknowledged yet",
                    path=missing[0],
                )
            )
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
        conflict = await self._to_choose(which, _not_turned)
        with self._choosing(conflict) as known:
            if self._places.look(conflict.path) is None:
                await self._steps.put_back(conflict, Choice.SWAP, Whereabouts(), acknowledged=True)
            else:
                await self._steps.put_over(conflict, known, Choice.SWAP, TURNED, acknowledged=True)
        return await self._now(conflict)

    async def keep_both(self, which: ConflictRequest) -> ConflictEntry:
        """What lost comes back beside what won, under a name of its own, which the entry that is
        returned has as ``copy``."""
        conflict = await self._to_choose(which, _not_both)
        with self._choosing(conflict):
            if conflict.entry is None:  # both are there
                with _noted(conflict):
                    self._journal.acknowledge([conflict.number])
            else:
                to = self._places.free_at(conflict.path)
                await self._steps.restore(
                    conflict, to, Choice.BOTH, Whereabouts(copy=to), acknowledged=True
                )
        return await self._now(conflict)

    @contextlib.contextmanager
    def _choosing(self, conflict: ConflictEntry) -> Iterator[Known]:
        """Nobody else does meanwhile."""
        number = conflict.number
        if number in self._under_way:
            raise NotDone(
                Phrase("'{path}' is just being changed; try again in a moment", path=conflict.path)
            )
        [known] = [each for each in self._journal.all() if each.number == number]
        self._under_way.add(number)
        try:
            yield known
        finally:
            self._under_way.discard(number)

    async def _to_choose(
        self, which: ConflictRequest, refused: Callable[[str, str], Phrase]
    ) -> ConflictEntry:
        self._expect_both_directions()
        conflict = await self.found(which)
        if conflict.turned:
            raise ChosenAlready(self._synchronization.name, conflict.path)
        refusal = _REFUSALS.get(conflict.kept)
        if refusal is not None:
            kind = RestoreFirst if conflict.kept == "server" else NotDone
            raise kind(refused(conflict.path, refusal))
        return conflict

    def _expect_both_directions(self) -> None:
        if self._synchronization.direction_in_force is Direction.DOWNLOAD:
            raise NotDone(
                Phrase(
                    "'{drive}' only follows the server, so no version of here can be"
                    " chosen; copy what you need from the bin",
                    drive=self._synchronization.name,
                )
            )

    async def undo(self, which: ConflictRequest) -> ConflictEntry:
        """Takes back what was chosen last, or that it was acknowledged. What is in the file by now
        goes to the bin before."""
        conflict = await self.found(which)
        if not conflict.turned:
            if not conflict.acknowledged:
                raise NotDone(
                    Phrase(
                        "'{path}' is as the rule decided; there is nothing to undo",
                        path=conflict.path,
                    )
                )
            with _noted(conflict):
                self._journal.reopen(conflict.number)
            return await self._now(conflict)
        self._expect_both_directions()
        with self._choosing(conflict) as known:
            if known.choice is Choice.BOTH:
                await self._steps.remove(conflict, known, conflict.copy or "", UNDONE)
            else:
                await self._turn_back(conflict, known)
        return await self._now(conflict)

    async def _now(self, conflict: ConflictEntry) -> ConflictEntry:
        return await self.found(ConflictRequest(number=conflict.number))

    async def _turn_back(self, conflict: ConflictEntry, known: Known) -> None:
        path, back = conflict.path, known.was_acknowledged
        if conflict.kept == "gone":
            raise NotDone(
                Phrase("'{path}' cannot be undone: what had won is in no bin any more", path=path)
            )
        if conflict.kept == "none":  # nothing had won: a deletion
            await self._steps.remove(conflict, known, path, UNDONE)
        elif self._places.look(path) is None:
            other = Whereabouts(path, UNDONE)
            await self._steps.put_back(conflict, Choice.RULE, other, acknowledged=back)
        elif known.lost == Lost.COPY.value and known.copy is not None:
            await self._steps.copy_back(conflict, known, known.copy)
        else:
            await self._steps.put_over(conflict, known, Choice.RULE, UNDONE, acknowledged=back)


_REFUSALS = {
    "none": Phrase("no other version lost; move or delete it yourself"),
    "gone": Phrase("what lost is in no bin any more"),
    "server": Phrase("what lost is in the server's trash"),
}


def _gave_way_here(known: Known) -> bool:
    """Whether the version that has not the name is, or was, on this computer."""
    return known.exact or known.lost in {Lost.LOCAL.value, Lost.COPY.value}


def _kept_of(
    known: Sequence[Known], entries: Sequence[tuple[BinEntry, str]]
) -> dict[int, BinEntry]:
    """By conflicts' numbers, what the bins on this computer have of the version that gave way: the
    entry of its mark; where none was noted, that of its path and reason, nearest in time. Of
    several conflicts of one path, each entry is that of the nearest: where a version was purged,
    its conflict gets nobody else's. Pure."""
    by_mark = {mark: entry for entry, mark in entries}
    marks = {each.other.mark: each.number for each in known if each.other.mark}
    found = {number: by_mark[mark] for mark, number in marks.items() if mark in by_mark}
    by_key: dict[tuple[str | None, str | None], list[BinEntry]] = {}
    unnamed = [entry for entry, mark in entries if mark not in marks]
    for entry in sorted(unnamed, key=_time):
        by_key.setdefault((text_of(entry.path), text_of(entry.why)), []).append(entry)
    pairs: list[tuple[bool, float, int, BinEntry]] = []
    for each in known:
        other = each.other
        at = by_key.get((other.path, other.why))
        if at is None or other.mark or other.copy is not None or not _gave_way_here(each):
            continue
        middle = bisect.bisect(at, other.time, key=_time)
        for entry in at[max(0, middle - _NEAREST) : middle + _NEAREST]:
            apart = abs(entry.time - other.time)
            # What gave way by a rule is in the bin before its conflict is noted: one that came
            # later is another's, unless somebody set the clock.
            later = not each.exact and entry.time > other.time
            if not each.exact or apart <= SAME_MOMENT_S:
                pairs.append((later, apart, each.number, entry))
    taken: set[str] = set()
    for *_, number, entry in sorted(pairs, key=lambda pair: pair[:3]):
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
def _noted(conflict: ConflictEntry) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise NotDone(
            Phrase(
                "'{path}' has what you chose, but this cannot be noted: {why}",
                path=conflict.path,
                why=strerror(error),
            )
        ) from error


def _not_turned(path: str, why: str) -> Phrase:
    return Phrase("'{path}' cannot be turned round: {why}", path=path, why=why)


def _not_both(path: str, why: str) -> Phrase:
    return Phrase("'{path}' cannot be kept with the other version: {why}", path=path, why=why)
