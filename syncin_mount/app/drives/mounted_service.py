"""The control API's view of a mounted synchronization."""

from __future__ import annotations

import os
import time
from contextlib import aclosing
from typing import TYPE_CHECKING, TypeVar

import trio
from msgspec import structs

from reconciler.model import Direction
from reconciler.phrases import Phrase
from syncin_mount.app.conflicts.conflicts import Conflicts
from syncin_mount.app.drives import views
from syncin_mount.app.drives.drive_state import state_of, with_state
from syncin_mount.app.drives.filter_trial import folder_entries, in_loop, trial_of
from syncin_mount.app.drives.hold_discard import changed
from syncin_mount.app.drives.local_bin import LocalBin
from syncin_mount.app.messages import sentence, sentence_or_none
from syncin_mount.app.runs.run_events import sync_events
from syncin_mount.app.runtime.free_space import DownloadsDoNotFit, Need, lacking
from syncin_mount.app.states.file_states import FileStates
from syncin_mount.app.states.first_event import first_of
from syncin_mount.control.conflict_messages import (
    AcknowledgeRequest,
    ConflictEntry,
    ConflictRequest,
    ConflictVersions,
    ReadVersionRequest,
    VersionPart,
)
from syncin_mount.control.messages import (
    BinEntry,
    Changed,
    ChangeRequest,
    EmptyRequest,
    EmptyResult,
    Explanation,
    JournalEntry,
    Problem,
    Restored,
    RestoreRequest,
    Status,
    Summary,
    SyncEvent,
    SyncRequest,
    Transfer,
    TransferQuery,
)
from syncin_mount.control.state_messages import StateChange, States, StatesRequest
from syncin_mount.control.tree_messages import FolderRequest, TreeEntry, Trial, TrialRequest

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
    from contextlib import AbstractAsyncContextManager

    from syncin_mount.app.runtime.runtime import Runtime

_Look = TypeVar("_Look", Status, Summary)

WATCH_EVERY = 1.0
"""Seconds between two looks for somebody who watches."""

FOLLOW_BUSY_EVERY = 0.5
"""Seconds between two looks for somebody who follows the state in full, while the drive works."""

WATCH_SHARE = 20
"""Looks for somebody who watches take at most this part of the time: one that took long is
followed by a longer rest."""


def status_of(runtime: Runtime, *, mounted: bool, manual: bool = False) -> Status:
    """This moment's state of a synchronization at work."""
    now = runtime.engine.status()
    synchronization, downloads = runtime.synchronization, runtime.hydrator.downloads()
    name = synchronization.name
    problems = list(views.problems(now.problems, runtime.engine.settings.filters, name))
    for path, why in runtime.hydrator.rot():
        problems.insert(0, Problem(path, sentence(why, name), lasting=True))
    if runtime.failure is not None:
        problems.insert(0, Problem("", sentence(runtime.failure, name), lasting=True))
    if runtime.disk is not None:
        problems.insert(0, Problem("", sentence(runtime.disk, name), lasting=False))
    problems += _room_problems(runtime)
    offline = now.offline_seconds
    files, size = runtime.counting.sums() or (None, None)
    status = Status(
        name=name,
        server=runtime.server.name,
        remote=synchronization.remote,
        mountpoint=str(synchronization.mountpoint),
        mounted=mounted,
        pid=os.getpid(),
        manual=manual,
        online=None if runtime.link.paused else now.online,
        why_offline=None
        if runtime.link.paused
        else sentence_or_none(now.offline_why or None, name),
        offline_since=None if offline is None else time.time() - offline,
        direction=synchronization.direction_in_force.value,
        read_only=synchronization.direction_in_force is Direction.DOWNLOAD,
        running=now.running,
        waiting=views.waiting(runtime.replica, runtime.engine.settings.filters),
        absent=runtime.replica.contents.absent_count(),
        known=runtime.replica.base_count(),
        files=files,
        bytes=size,
        last_run=None if now.last_run_ns is None else now.last_run_ns / 1e9,
        next_try=None if now.next_try_seconds is None else time.time() + now.next_try_seconds,
        transfers=runtime.meter.running(downloads),
        work=runtime.meter.progress(downloads) if now.running or downloads.waiting else None,
        problems=tuple(problems),
        conflicts=runtime.conflicts.open_count(),
        halted=sentence_or_none(now.halted, name),
        halt=None if now.halted is None else now.halted.danger.value,
        refused=sentence_or_none(now.refused, name),
        failed=sentence_or_none(now.failed, name),
        restriction=synchronization.restriction,
        bin=_bin(runtime),
        held=len(runtime.replica.local_changes.held_nodes()),
        schedule=str(synchronization.scheduler),
        next_run=_whole_second(now.next_run_ns),
        waits_for_turn=now.waits_for_turn,
        paused=runtime.link.paused,
        paused_until=runtime.pause_end.until if runtime.link.paused else None,
        limit_up=_whole(runtime.limits.up.rate),
        limit_down=_whole(runtime.limits.down.rate),
    )
    return with_state(status)


def _whole_second(moment_ns: int | None) -> float | None:
    """It is counted anew at each look: fractions would make every look different."""
    return None if moment_ns is None else float(round(moment_ns / 1e9))


def _room_problems(runtime: Runtime) -> list[Problem]:
    """Where what comes by itself will fill the disk, that is told before it does."""
    downloads, (files, size) = runtime.hydrator.downloads(), runtime.meter.to_download
    # What is arriving takes its room as it comes.
    need = Need.of(files + downloads.waiting, size + downloads.bytes)
    room = lacking(need, runtime.replica.folder)
    if room is None:
        return []
    why = sentence(DownloadsDoNotFit(room), runtime.synchronization.name)
    return [Problem("", why, lasting=True)]


def summary_of(runtime: Runtime) -> Summary:
    """This moment's state of a mounted drive in short. What costs more with more pending changes is
    left out."""
    now, downloads = runtime.engine.status(), runtime.hydrator.downloads()
    name, filters = runtime.synchronization.name, runtime.engine.settings.filters
    own = [each for each in (runtime.failure,) if each is not None]
    own += [sentence(why, name) for _, why in runtime.hydrator.rot()]
    problems = [Problem("", each, lasting=True) for each in own]
    problems += views.problems(now.problems, filters, name)
    if runtime.disk is not None:
        problems.append(Problem("", sentence(runtime.disk, name), lasting=False))
    problems += _room_problems(runtime)
    work = runtime.meter.progress(downloads) if now.running or downloads.waiting else None
    status = Status(
        name=name,
        server=runtime.server.name,
        remote=runtime.synchronization.remote,
        mountpoint=str(runtime.synchronization.mountpoint),
        mounted=True,
        online=None if runtime.link.paused else now.online,
        running=now.running,
        work=work,
        problems=tuple(problems),
        halted=sentence_or_none(now.halted, name),
        refused=sentence_or_none(now.refused, name),
        failed=sentence_or_none(now.failed, name),
        waits_for_turn=now.waits_for_turn,
        paused=runtime.link.paused,
    )
    return Summary(
        state=state_of(status).value,
        waiting=now.waiting,
        files=0 if work is None else work.files,
        files_done=0 if work is None else work.files_done,
        left=None if work is None or work.left is None else float(round(work.left)),
        problems=sum(each.lasting for each in problems),
        conflicts=runtime.conflicts.open_count(),
        halted=status.halted,
        refused=status.refused,
        failed=status.failed,
    )


def _rest(status: Status) -> float:
    return WATCH_EVERY if status.work is None else FOLLOW_BUSY_EVERY


def in_whole_seconds(status: Status) -> Status:
    """Without fractions of the moments that are counted anew each time."""
    return structs.replace(
        status,
        next_try=None if status.next_try is None else float(round(status.next_try)),
        offline_since=None if status.offline_since is None else float(round(status.offline_since)),
    )


def _whole(rate: float | None) -> int | None:
    return None if rate is None else int(rate)


def _bin(runtime: Runtime) -> str | None:
    """Where what loses here goes; None without a drive, when it stays in the replica's bin for
    now."""
    if runtime.handover is not None:
        trouble = runtime.handover.trouble
        if trouble:
            return Phrase(
                "the desktop's trash, {place}; for now it stays in the synchronization's own:"
                " {why}",
                place=runtime.handover.place,
                why=trouble,
            )
        return Phrase("the desktop's trash, {place}", place=runtime.handover.place)
    return (
        Phrase("the synchronization's own, {place}", place=runtime.own_bin)
        if runtime.own_bin
        else None
    )


class MountedService:
    """A ``syncin_mount.control.service.Service``. ``stop`` sets the event that ends the daemon."""

    def __init__(self, runtime: Runtime, stopping: trio.Event, *, manual: bool) -> None:
        self._runtime = runtime
        self._stopping = stopping
        self._manual = manual
        self._asked = trio.Event()
        self._choosing = set[int]()
        self._states = FileStates(runtime, stopping)

    def status(self) -> Status:
        return status_of(self._runtime, mounted=True, manual=self._manual)

    def metrics(self) -> str:
        from syncin_mount.app.support.metrics import exposition  # noqa: PLC0415 (few ask)

        return exposition([self.status()])

    async def watch(self) -> AsyncGenerator[Summary, None]:
        """Ends when the daemon is asked to."""
        looks = self._looks(lambda: summary_of(self._runtime), lambda _: WATCH_EVERY)
        async with aclosing(looks):
            async for each in looks:
                yield each

    async def follow(self) -> AsyncGenerator[Status, None]:
        """Ends when the daemon is asked to. Moments that are counted anew with each look are told
        in whole seconds, so that they alone are no change."""
        looks = self._looks(lambda: in_whole_seconds(self.status()), _rest)
        async with aclosing(looks):
            async for each in looks:
                yield each

    async def _looks(
        self, look: Callable[[], _Look], rest: Callable[[_Look], float]
    ) -> AsyncGenerator[_Look, None]:
        """Those that differ from the one before, with ``rest`` seconds between two; at once after
        somebody asked for something."""
        shown: _Look | None = None
        while not self._stopping.is_set():
            asked = self._asked
            began = time.perf_counter()
            now = look()
            took = time.perf_counter() - began
            if now != shown:
                shown = now
                yield now
            with trio.move_on_after(max(rest(now), took * WATCH_SHARE)):
                await first_of(asked, self._stopping)

    def _ask(self) -> None:
        """Something may be different at once: those who watch are told."""
        self._asked.set()
        self._asked = trio.Event()
        self._states.look_again()

    async def state_changes(self) -> AsyncGenerator[StateChange, None]:
        """Ends when the daemon is asked to."""
        changes = self._states.changes()
        async with aclosing(changes):
            async for each in changes:
                yield each

    async def states(self, request: StatesRequest) -> States:
        """The states of many names in one folder."""
        return await self._states.states(request)

    def journal(self, *, everything: bool) -> Iterator[JournalEntry]:
        engine = self._runtime.engine
        return views.journal(
            self._runtime.replica, engine.settings.filters, engine.why_waits, everything=everything
        )

    def change(self, request: ChangeRequest) -> list[Changed]:
        """Stops, lets go or undoes local changes; what was undone to the server's version is
        fetched."""
        done, fetch = changed(self._runtime.replica, request, self._runtime.engine.is_in_flight)
        self._runtime.hydrator.want(*fetch)
        self._ask()
        return done

    async def transfers(self, query: TransferQuery) -> list[Transfer]:
        """In a thread: a million rows may take a moment to look through."""
        history, name = self._runtime.replica.history, self._runtime.synchronization.name
        found = await trio.to_thread.run_sync(history.query, views.wanted(query))
        return views.transfers(found, name)

    def sync(self, request: SyncRequest) -> AbstractAsyncContextManager[AsyncIterator[SyncEvent]]:
        return sync_events(self._runtime, request)

    async def explain(self, path: str) -> Explanation:
        return views.explanation(
            self._runtime.synchronization.name, path, await self._runtime.engine.explain(path)
        )

    async def folder(self, request: FolderRequest) -> list[TreeEntry]:
        """What is in a folder of the local tree. Raises NotDone."""
        return folder_entries(self._runtime.replica, request.path)

    async def trial(self, request: TrialRequest) -> Trial:
        """What other filters would do. Raises NotDone."""
        return await in_loop(trial_of(self._runtime.replica, request))

    async def bin(self) -> list[BinEntry]:
        """What is in the bin of this computer."""
        return await self._bin().entries()

    async def restore(self, request: RestoreRequest) -> Restored:
        """Brings an entry of it back. Raises NotDone."""
        return Restored(await self._bin().restore(request.entry, request.to))

    async def empty(self, request: EmptyRequest) -> EmptyResult:
        """Removes entries of it for good. Raises NotDone."""
        return EmptyResult(await self._bin().empty(list(request.entries)))

    async def conflicts(self, *, everything: bool) -> list[ConflictEntry]:
        """Conflicts that were settled, oldest first."""
        return await self._conflicts().entries(everything=everything)

    async def acknowledge(self, request: AcknowledgeRequest) -> list[ConflictEntry]:
        """Counts some no more. Raises NotDone."""
        done = await self._conflicts().acknowledge(
            request.paths, everything=request.everything, numbers=request.numbers
        )
        self._ask()
        return done

    async def swap(self, request: ConflictRequest) -> ConflictEntry:
        """Turns one round. This and the next four raise NotDone."""
        done = await self._conflicts().swap(request)
        self._ask()
        return done

    async def keep_both(self, request: ConflictRequest) -> ConflictEntry:
        """Brings what lost back beside what won."""
        done = await self._conflicts().keep_both(request)
        self._ask()
        return done

    async def undo(self, request: ConflictRequest) -> ConflictEntry:
        """Takes back what was chosen of one."""
        done = await self._conflicts().undo(request)
        self._ask()
        return done

    async def versions(self, request: ConflictRequest) -> ConflictVersions:
        """Both versions of one."""
        return await self._conflicts().versions(request)

    async def read_version(self, request: ReadVersionRequest) -> VersionPart:
        """Some bytes of one of them."""
        return await self._conflicts().read_version(request)

    def _conflicts(self) -> Conflicts:
        here = self._runtime
        return Conflicts(
            here.replica,
            here.synchronization,
            self._bin(),
            here.engine.is_in_flight,
            self._choosing,
        )

    def _bin(self) -> LocalBin:
        handover = self._runtime.handover
        user_bin = handover.bin if handover is not None else None
        return LocalBin(self._runtime.replica, self._runtime.synchronization, user_bin)

    async def wait_synced(self) -> None:
        """Returns when all that can be sent is sent, or nothing is sent by itself: the status says
        which."""
        await self._runtime.engine.wait_synced()

    async def reload(self) -> None:
        if self._runtime.following is not None:
            await self._runtime.following.look()
            self._ask()

    def retry(self) -> None:
        self._runtime.session.forget_access()
        self._runtime.engine.retry()
        self._ask()

    def stop(self) -> None:
        self._stopping.set()
