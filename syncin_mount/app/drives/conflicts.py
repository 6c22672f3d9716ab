"""Conflicts that were settled: which there were, what lost and where it is, and turning one round.

A journal beside the replica, `conflicts.jsonl`, has a line for each conflict, and for each time
that somebody acknowledged some. It is for people: a line that a kill tears is left out, and losing
the file loses no version. Lines are appended as one write each, so that a command may acknowledge
while a drive's process adds. Nothing is synced.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import msgspec

from reconciler.model import ROOT, Direction, Kind
from reconciler.names import free_names
from reconciler.reporting.conflict import Lost
from syncin_mount.app.errors import RestoreFirst
from syncin_mount.app.runtime.private_file import replace_private
from syncin_mount.control.messages import BinEntry, ConflictEntry
from syncin_mount.control.service import NotDone

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.model import NodeId
    from reconciler.reporting.conflict import ResolvedConflict
    from syncin_mount.app.drives.local_bin import LocalBin
    from syncin_mount.config import Synchronization
    from syncin_mount.store import Replica

MOST = 2_000
"""Conflicts that are remembered; of more, the oldest are forgotten, acknowledged ones first."""

TURNED = "turned round: the version that had lost was chosen"
"""Why the version that had won is in the bin."""


class _Line(msgspec.Struct, omit_defaults=True):
    """A conflict, or (``seen``) that some were acknowledged."""

    id: int = 0
    time: float = 0.0
    path: str = ""
    lost: str = ""
    why: str = ""
    copy: str | None = None
    seen: tuple[int, ...] = ()


class ConflictJournal:
    """Of one replica. Any process may read and append."""

    def __init__(self, replica: Path, now: Callable[[], float] = time.time) -> None:
        self._path = replica / "conflicts.jsonl"
        self._now = now
        self._looks: object = None
        self._known: list[_Line] = []
        self._seen: set[int] = set()

    def note(self, conflict: ResolvedConflict) -> None:
        """Remembers one that was just settled. Never raises for what the disk does."""
        self._read()
        number = max((each.id for each in self._known), default=0) + 1
        why, path, copy = map(_text, (conflict.why, conflict.path, conflict.copy))
        line = _Line(number, self._now(), path or "", conflict.lost.value, why or "", copy)
        try:
            self._append(line)
        except OSError:
            return  # the bin has what lost all the same, with its reason
        if len(self._known) >= MOST + MOST // 4:
            self._shrink()

    def all(self) -> list[tuple[_Line, bool]]:
        """Every conflict, oldest first, and whether it was acknowledged."""
        self._read()
        return [(each, each.id in self._seen) for each in self._known]

    def open_count(self) -> int:
        """How many nobody has acknowledged. Costs a look at the file's size and time."""
        self._read()
        return sum(each.id not in self._seen for each in self._known)

    def acknowledge(self, numbers: Sequence[int]) -> None:
        """They are neither counted nor shown any more. Raises OSError."""
        if numbers:
            self._append(_Line(seen=tuple(numbers)))

    def _append(self, line: _Line) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0)
        fd = os.open(self._path, flags, 0o600)
        try:
            os.write(fd, msgspec.json.encode(line) + b"\n")
        finally:
            os.close(fd)

    def _read(self) -> None:
        try:
            info = self._path.stat()
            looks = (info.st_ino, info.st_size, info.st_mtime_ns)
            data = b"" if looks == self._looks else self._path.read_bytes()
        except OSError:
            self._looks, self._known, self._seen = None, [], set()
            return
        if looks == self._looks:
            return
        self._looks, self._known, self._seen = looks, [], set()
        for text in data.split(b"\n"):
            try:
                line = msgspec.json.decode(text, type=_Line)
            except msgspec.MsgspecError:
                continue
            if line.seen:
                self._seen.update(line.seen)
            elif line.id:
                self._known.append(line)

    def _shrink(self) -> None:
        self._read()
        ordered = sorted(self._known, key=lambda each: (each.id not in self._seen, each.id))
        kept = sorted(ordered[-MOST:], key=lambda each: each.id)
        seen = tuple(each.id for each in kept if each.id in self._seen)
        lines = [*kept, *([_Line(seen=seen)] if seen else [])]
        text = b"".join(msgspec.json.encode(each) + b"\n" for each in lines).decode()
        try:
            replace_private(self._path, text)
        except OSError:
            return


def _text(text: str | None) -> str | None:
    """As JSON can hold it: bytes that are no UTF-8 are shown as escapes."""
    return None if text is None else text.encode(errors="backslashreplace").decode()


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
        self._replica = replica
        self._synchronization = synchronization
        self._bin = bin_
        self._journal = ConflictJournal(replica.folder)
        self._is_in_flight = is_in_flight

    async def entries(self, *, everything: bool) -> list[ConflictEntry]:
        """Those that nobody acknowledged, or all; oldest first."""
        known = self._journal.all()
        kept = _Kept(await self._bin.entries())
        found = [self._entry(line, acknowledged, kept) for line, acknowledged in known]
        return [each for each in found if everything or not each.acknowledged]

    def _entry(self, line: _Line, acknowledged: bool, kept: _Kept) -> ConflictEntry:
        where, entry = "none", None
        if line.lost == Lost.LOCAL.value:
            found = kept.take(line)
            where, entry = ("gone", None) if found is None else (found.where, found.entry)
        elif line.lost == Lost.REMOTE.value:
            where = "server"
        elif line.lost == Lost.COPY.value:
            where = "gone" if self._look(line.copy or "") is None else "copy"
        return ConflictEntry(
            line.id,
            line.path,
            line.time,
            line.why,
            line.lost,
            where,
            entry,
            line.copy,
            acknowledged,
        )

    async def acknowledge(self, paths: Sequence[str], *, everything: bool) -> list[ConflictEntry]:
        """These, by their paths or those of folders above them, are counted no more. Returns which
        they were."""
        still = await self.entries(everything=False)
        chosen = [each for each in still if everything or _is_at(each, paths)]
        missing = [path for path in paths if not any(_is_at(each, [path]) for each in still)]
        if missing:
            raise NotDone(f"there is no conflict at '{missing[0]}' that is not acknowledged yet")
        self._journal.acknowledge([each.number for each in chosen])
        return chosen

    async def swap(self, path: str) -> ConflictEntry:
        """Turns the latest conflict at this path round: what lost becomes the content, and what won
        goes to the bin. A kill at any moment loses neither: what lost is in the bin or beside,
        until it has its place in one step, and what won is in the bin by then."""
        if self._synchronization.direction_in_force is Direction.DOWNLOAD:
            raise NotDone(
                f"'{self._synchronization.name}' only follows the server, so no version of here"
                " can be chosen; copy what you need from the bin"
            )
        at = [
            each for each in await self.entries(everything=True) if path in (each.path, each.copy)
        ]
        if not at:
            raise NotDone(f"there was no conflict at '{path}'")
        conflict = at[-1]
        refusal = _REFUSALS.get(conflict.kept)
        if refusal is not None:
            kind = RestoreFirst if conflict.kept == "server" else NotDone
            raise kind(f"'{path}' cannot be turned round: {refusal}")
        node = self._look(conflict.path)
        if node is None:
            await self._put_back(conflict)
        else:
            await self._put_over(conflict, node)
        self._journal.acknowledge([conflict.number])
        return conflict

    async def _put_back(self, conflict: ConflictEntry) -> None:
        """Nothing has its place: what lost gets it."""
        if conflict.entry is not None:
            await self._bin.restore(conflict.entry, conflict.path)
        else:
            parent, name = self._place(conflict.copy or "")
            to, as_name = self._place(conflict.path)
            self._replica.rename(parent, name, to, as_name, no_replace=True)
            self._replica.tell_entry(parent, name)
            self._replica.tell_entry(to, as_name)

    async def _put_over(self, conflict: ConflictEntry, node: NodeId) -> None:
        self._expect_still(node, conflict.path)
        beside = conflict.copy
        if conflict.entry is not None:
            beside = await self._bin.restore(conflict.entry, self._free_beside(conflict.path))
        # From here on nothing else runs before the end.
        assert beside is not None
        node = self._look(conflict.path) or node
        self._expect_still(node, conflict.path)
        parent, name = self._place(beside)
        to, as_name = self._place(conflict.path)
        try:
            self._replica.copy_to_bin(node, TURNED)
            self._take_name(parent, name, to, as_name, node)
        except OSError as error:
            raise NotDone(
                f"'{conflict.path}' cannot be turned round now: {error.strerror}; what lost is at"
                f" '{beside}'"
            ) from error

    def _take_name(
        self, parent: NodeId, name: bytes, to: NodeId, as_name: bytes, node: NodeId
    ) -> None:
        """rename(2) over ``node``, which no program asked for: whoever has that open keeps it, and
        the kernel hears of both names."""
        moved, notifier = self._replica.lookup(parent, name), self._replica.notifier
        with notifier.unnaming([each for each in (moved, node) if each is not None]):
            self._replica.rename(parent, name, to, as_name)
        notifier.notify_new_name(parent, name)
        notifier.notify_new_name(to, as_name)

    def _expect_still(self, node: NodeId, path: str) -> None:
        """The winner is a file whose content is here, and nobody is busy with it."""
        local = self._replica.local(node)
        if local is None or local.kind is not Kind.FILE:
            raise RestoreFirst(f"'{path}' is no file any more")
        if not local.present:
            raise NotDone(
                f"the content of '{path}' is not here yet, and could not be kept; open the file"
                " first, then try again"
            )
        if local.busy or local.open_for_writing or self._is_in_flight(node):
            raise NotDone(f"'{path}' is being written or synchronized; try again in a moment")

    # places ---------------------------------------------------------------------------------------
    def _look(self, path: str) -> NodeId | None:
        node: NodeId | None = ROOT
        for part in path.split("/"):
            node = None if node is None else self._replica.lookup(node, os.fsencode(part))
        return node

    def _place(self, path: str) -> tuple[NodeId, bytes]:
        above, _, name = path.rpartition("/")
        parent = self._look(above) if above else ROOT
        if parent is None:
            raise NotDone(f"the folder '{above}' is not there any more")
        return parent, os.fsencode(name)

    def _free_beside(self, path: str) -> str:
        above, slash, name = path.rpartition("/")
        parent, _ = self._place(path)
        names = free_names(name, time.strftime("%Y-%m-%d"))
        free = next(
            each
            for each in names
            if each != name and self._replica.lookup(parent, os.fsencode(each)) is None
        )
        return f"{above}{slash}{free}"


_REFUSALS = {
    "none": "no other version lost; move or delete it yourself",
    "gone": "what lost is in no bin any more",
    "server": "what lost is in the server's trash",
}


class _Kept:
    """What the bins on this computer have of versions that lost."""

    def __init__(self, entries: Sequence[BinEntry]) -> None:
        self._entries = list(entries)

    def take(self, line: _Line) -> BinEntry | None:
        """The entry that came of this conflict: of its path and reason, the nearest in time."""
        at = [
            each
            for each in self._entries
            if _text(each.path) == line.path and _text(each.why) == line.why
        ]
        if not at:
            return None
        found = min(at, key=lambda each: abs(each.time - line.time))
        self._entries.remove(found)
        return found


def _is_at(entry: ConflictEntry, paths: Sequence[str]) -> bool:
    return any(
        path in (entry.path, entry.copy) or entry.path.startswith(f"{path.rstrip('/')}/")
        for path in paths
    )
