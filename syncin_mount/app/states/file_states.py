"""The states of files and folders of a mounted drive, for who shows many of them, and what of them
changes.

Nothing is looked at while nobody watches. Who watches is told by what happens: the index tells
which nodes an event touched, the meter and the hydrator what is transferred. They only note the
number of the node; what its state is by then is looked up when it is told, `REST_S` later at the
earliest, so that much that happens at once is one message.

A watcher that reads slowly, or not at all, has `MOST_NOTED` numbers noted for it. Beyond that it is
told once that everything may be different.
"""

from __future__ import annotations

import time
from collections import defaultdict
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import trio

from reconciler.model import NodeId
from syncin_mount.app.states import folder_sums
from syncin_mount.app.states.first_event import first_of
from syncin_mount.app.states.folder_sums import FolderSums
from syncin_mount.control.state_messages import FileState, StateChange, States, StatesRequest
from syncin_mount.store.name_texts import to_bytes, to_text

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence

    from syncin_mount.app.runtime.runtime import Runtime
    from syncin_mount.store.replica.state_reader import Standing

REST_S: Final = 0.25
"""Seconds between a change and the message about it, and between two messages."""

EVERYTHING_REST_S: Final = 1.0
"""Seconds after the word that everything may be different: whoever hears it has much to ask."""

SHARE: Final = 20
"""Telling changes takes at most this part of the time."""

MOST_NOTED: Final = 2000
"""Nodes that one watcher is told of by name."""

SLICE: Final = 100
"""Nodes that are looked at between two requests of the mount: less than a millisecond."""

_SUMMED: Final = (FileState.PROBLEM, FileState.SYNCING, FileState.WAITING, FileState.ABSENT)
_KINDS: Final = {state: kind for kind, state in enumerate(_SUMMED)} | {FileState.HELD: 2}
"""What of a node counts in the folders above it."""

_URGENCY: Final = {state: number for number, state in enumerate(FileState)}


class _Watcher:
    """What one of those who watch was not told yet."""

    def __init__(self) -> None:
        self.nodes = set[int]()
        self.everything = True
        self.news = trio.Event()
        self.news.set()

    def note(self, node: int) -> None:
        if not self.everything:
            self.nodes.add(node)
            if len(self.nodes) > MOST_NOTED:
                self.look_again()
        self.news.set()

    def look_again(self) -> None:
        self.nodes.clear()
        self.everything = True
        self.news.set()

    def take(self) -> tuple[set[int], bool]:
        """What there is to tell: the nodes, or that everything may be different."""
        taken, everything = self.nodes, self.everything
        self.nodes, self.everything, self.news = set(), False, trio.Event()
        return taken, everything


class FileStates:
    """Of one mounted drive."""

    def __init__(self, runtime: Runtime, stopping: trio.Event) -> None:
        """``stopping`` ends what is told."""
        self._runtime = runtime
        self._stopping = stopping
        self._reader = runtime.replica.states
        self._watchers: list[_Watcher] = []
        self._sums: FolderSums | None = None
        self._unsummed = set[int]()
        self._stale = False  # the sums are to be made anew
        self._kept_up = False  # whether changes are noted
        self._asking = 0
        self._catching_up = trio.Lock()
        self._problems = frozenset[NodeId]()
        self._conflicts = frozenset[str]()
        self._filters = runtime.registration.settings.filters
        runtime.registration.on_change.append(self._settings_changed)

    # what is asked --------------------------------------------------------------------------------
    async def states(self, request: StatesRequest) -> States:
        """The states of many names in one folder. Other tasks run between slices of them. What was
        summed for it is kept up for the next request, until much changed that nobody asked for."""
        self._asking += 1
        try:
            return await self._states(request)
        finally:
            self._asking -= 1

    async def _states(self, request: StatesRequest) -> States:
        if not self._kept_up:
            self._begin()
        await self._catch_up()
        path, names = to_bytes(request.folder), request.names
        found: list[FileState | None] = []
        for start in range(0, len(names), SLICE):
            folder = self._reader.folder_at(path)  # it may have gone, or moved, meanwhile
            part = names[start : start + SLICE]
            found += [None] * len(part) if folder is None else self._slice(path, folder, part)
            await trio.lowlevel.checkpoint()
        return States(tuple(found))

    def _slice(
        self, path: bytes, folder: NodeId, names: Sequence[str]
    ) -> Iterator[FileState | None]:
        """Most files are settled: those are looked at in the cheapest way."""
        text = to_text(path)
        is_plain = not self._is_left_out(text)
        above = text + "/" if text else ""
        busy, hydrator = self._runtime.engine.is_in_flight, self._runtime.hydrator
        ignored = self._filters.ignored
        raws = [to_bytes(name) for name in names]
        for name, node in zip(names, self._reader.synced_files(folder, raws), strict=True):
            if (
                is_plain
                and node is not None
                and not busy(node)
                and not hydrator.is_trying(node)
                and node not in self._problems
                and (not self._conflicts or above + name not in self._conflicts)
                and not ignored(above + name)
                and name.isprintable()  # others may be no text
            ):
                yield FileState.SYNCED
            else:
                yield self._named(path, folder, name)

    def _named(self, path: bytes, folder: NodeId, name: str) -> FileState | None:
        if not name:
            standing = self._reader.standing(folder)
            return self._of(folder, standing, path)
        raw = to_bytes(name)
        found = self._reader.named(folder, raw)
        return None if found is None else self._of(*found, path + b"/" + raw if path else raw)

    def _of(self, node: NodeId, standing: Standing | None, path: bytes) -> FileState:
        """``standing`` is None for the synchronized folder itself."""
        own = FileState.SYNCED if standing is None else self._own(node, standing, path)
        if (standing is not None and not standing.folder) or own is FileState.LOCAL:
            return own
        kind = None if self._sums is None else self._sums.kind(node)
        below = FileState.SYNCED if kind is None else _SUMMED[kind]
        return min(own, below, key=_URGENCY.__getitem__)

    def _own(self, node: NodeId, standing: Standing, path: bytes) -> FileState:
        """Without what is in it. The path is where the node is, or was."""
        try:
            text = path.decode()
        except UnicodeDecodeError:
            return FileState.LOCAL
        if not standing.syncable or self._is_left_out(text):
            return FileState.LOCAL
        if self._runtime.engine.is_in_flight(node) or self._runtime.hydrator.is_trying(node):
            return FileState.SYNCING
        if node in self._problems:
            return FileState.PROBLEM
        if standing.changed:
            return FileState.HELD if standing.held else FileState.WAITING
        if text in self._conflicts:
            return FileState.CONFLICT
        return FileState.SYNCED if standing.present else FileState.ABSENT

    def _is_left_out(self, path: str) -> bool:
        return self._filters.left_out(path)

    # what changes ---------------------------------------------------------------------------------
    async def changes(self) -> AsyncGenerator[StateChange, None]:
        """What changes its state from now on, a message a folder. The first one says that it begins
        (``everything``)."""
        with self._watching() as watcher:
            while not self._stopping.is_set():
                await first_of(watcher.news, self._stopping)
                if not watcher.everything:
                    await self._rest(REST_S)
                began = time.perf_counter()
                await self._catch_up()
                nodes, everything = watcher.take()
                rest = EVERYTHING_REST_S
                if everything:
                    yield StateChange(everything=True)
                else:
                    told = await self._told(nodes)
                    rest = (time.perf_counter() - began) * SHARE
                    for change in told:
                        yield change
                await self._rest(rest - REST_S)

    async def _rest(self, seconds: float) -> None:
        with trio.move_on_after(max(seconds, 0.0)):
            await self._stopping.wait()

    async def _told(self, nodes: Iterable[int]) -> list[StateChange]:
        by_folder = defaultdict[bytes, list[tuple[str, FileState]]](list)
        for number, node in enumerate(nodes):
            if number % SLICE == SLICE - 1:
                await trio.lowlevel.checkpoint()
            path = self._reader.path(node)
            standing = self._reader.standing(node)
            if path is None or (standing is not None and not standing.here):
                continue  # it is gone; who shows it sees that
            folder, _, name = path.rpartition(b"/")
            try:
                text = name.decode()
                folder.decode()
            except UnicodeDecodeError:
                continue  # it stays on this computer, whatever happens
            by_folder[folder].append((text, self._of(NodeId(node), standing, path)))
        return [
            StateChange(
                folder.decode(), tuple(name for name, _ in told), tuple(state for _, state in told)
            )
            for folder, told in by_folder.items()
        ]

    def look_again(self) -> None:
        """Any state may be another one now."""
        self._stale = True
        for each in self._watchers:
            each.look_again()

    def _settings_changed(self) -> None:
        self._filters = self._runtime.registration.settings.filters
        self.look_again()

    def _touched(self, node: int) -> None:
        """Called in the middle of changes: it only notes the number."""
        if not (self._watchers or self._asking) and len(self._unsummed) >= MOST_NOTED:
            self._end()
            return
        if len(self._unsummed) < folder_sums.MOST:
            self._unsummed.add(node)
        else:
            self._stale = True
        for each in self._watchers:
            each.note(node)

    @contextmanager
    def _watching(self) -> Iterator[_Watcher]:
        watcher = _Watcher()
        if not self._kept_up:
            self._begin()
        self._watchers.append(watcher)
        try:
            yield watcher
        finally:
            self._watchers.remove(watcher)
            if not (self._watchers or self._asking):
                self._end()

    def _begin(self) -> None:
        runtime = self._runtime
        self._reader.watch(self._touched)
        runtime.meter.on_transfer = self._touched
        runtime.hydrator.watch(self._touched)
        runtime.conflicts.on_note = self.look_again
        self._stale = self._kept_up = True

    def _end(self) -> None:
        runtime = self._runtime
        self._reader.watch(None)
        runtime.meter.on_transfer = None
        runtime.hydrator.watch(None)
        runtime.conflicts.on_note = None
        self._kept_up = False
        self._sums = None
        self._unsummed.clear()

    # keeping up -----------------------------------------------------------------------------------
    async def _catch_up(self) -> None:
        """What is remembered of problems, conflicts and folders is true when this returns."""
        async with self._catching_up:
            self._conflicts = self._runtime.conflicts.open_paths()
            problems = self._runtime.engine.lasting_problems()
            for node in problems ^ self._problems:
                self._touched(node)
            self._problems = problems
            if self._sums is None or self._stale or self._may_start_over():
                sums = await self._started_over()
            else:
                sums = self._sums
            await self._sum_touched(sums)
            if sums.tangled:
                await self._started_over()

    async def _started_over(self) -> FolderSums:
        self._stale = False
        self._unsummed.clear()
        sums = self._sums = await self._summed()
        for each in self._watchers:
            each.look_again()
        return sums

    def _may_start_over(self) -> bool:
        """Whether what did not fit does now."""
        fits = self._reader.unsettled_count() < folder_sums.MOST // 2
        return self._sums is not None and self._sums.full and fits

    async def _summed(self) -> FolderSums:
        sums = FolderSums(self._above)
        for number, node in enumerate(self._reader.unsettled()):
            if number % SLICE == SLICE - 1:
                await trio.lowlevel.checkpoint()
            self._sum(sums, node)
            if sums.full:
                break
        return sums

    async def _sum_touched(self, sums: FolderSums) -> None:
        """Those who watch are told of the folders whose state that changes."""
        number = 0
        while self._unsummed:
            number += 1
            if number % SLICE == 0:
                await trio.lowlevel.checkpoint()
            changed = self._sum(sums, self._unsummed.pop())
            for folder in changed:
                for each in self._watchers:
                    each.note(folder)

    def _sum(self, sums: FolderSums, node: int) -> set[int]:
        standing = self._reader.standing(node)
        moved = sums.place(node)
        if standing is None:
            return moved | sums.put(node, 0, None)
        state = self._own(NodeId(node), standing, self._reader.path(node) or standing.name)
        return moved | sums.put(node, standing.parent, _KINDS.get(state))

    def _above(self, folder: int) -> int | None:
        standing = self._reader.standing(folder)
        return None if standing is None else standing.parent
