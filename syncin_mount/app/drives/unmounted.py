"""A drive that no daemon works on: its local copy, in this process."""

from __future__ import annotations

import contextlib
import functools
import sqlite3
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import trio

from reconciler.model import Direction
from reconciler.phrases import Phrase
from syncin_mount.app.conflicts.conflicts import Conflicts
from syncin_mount.app.conflicts.journal import ConflictJournal
from syncin_mount.app.drives import filter_trial, views
from syncin_mount.app.drives.drive_state import with_state
from syncin_mount.app.drives.hold_discard import changed
from syncin_mount.app.drives.local_bin import LocalBin
from syncin_mount.app.errors import HistoryUnreadable, NeverSynchronized, NotMounted
from syncin_mount.app.runtime.base_counting import sums_at_rest
from syncin_mount.app.runtime.turns import last_run_of
from syncin_mount.app.synchronizations import settings
from syncin_mount.control.messages import Changed, ChangeRequest, Status
from syncin_mount.control.service import NotDone
from syncin_mount.control.tree_messages import Portion, Trial
from syncin_mount.store import OldHistory, Replica, read_history
from syncin_mount.store.format_version import require_known
from syncin_mount.trash import find_user_bin

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

    from syncin_mount.app.runtime.runtime import Runtime
    from syncin_mount.config import Configuration, Folders, Synchronization
    from syncin_mount.control.conflict_messages import (
        ConflictEntry,
        ConflictRequest,
        ConflictVersions,
        ReadVersionRequest,
        VersionPart,
    )
    from syncin_mount.control.messages import (
        BinEntry,
        Explanation,
        JournalEntry,
        SyncEvent,
        SyncRequest,
        Transfer,
        TransferQuery,
    )
    from syncin_mount.control.tree_messages import TreeEntry, TrialRequest


@contextlib.contextmanager
def open_replica(folders: Folders, name: str, *, look: bool = False) -> Iterator[Replica | None]:
    """The local copy, opened and locked, or None when nothing was ever synchronized. ``look``: for
    a moment, and whoever wants it waits for that. Raises ReplicaError."""
    folder = folders.replica(name)
    if not folder.is_dir():
        yield None
        return
    replica = Replica.open(folder, look=look)
    try:
        yield replica
    finally:
        replica.close()


@dataclass(frozen=True, slots=True)
class UnmountedBin:
    """A `Bin`: the local copy's, and the desktop's trash. Each call opens and locks
    the local copy for as long as it takes."""

    folders: Folders
    synchronization: Synchronization

    @contextlib.contextmanager
    def _open(self) -> Iterator[LocalBin | None]:
        with open_replica(self.folders, self.synchronization.name) as replica:
            if replica is None:
                yield None
                return
            user_bin, _ = find_user_bin(self.folders, self.synchronization)
            yield LocalBin(replica, self.synchronization, user_bin)

    async def entries(self) -> list[BinEntry]:
        with self._open() as found:
            return [] if found is None else await found.entries()

    async def restore(self, which: str, to: str | None) -> str:
        with self._open() as found:
            if found is None:
                raise NeverSynchronized(self.synchronization.name, which)
            return await found.restore(which, to)

    async def empty(self, which: list[str]) -> int:
        with self._open() as found:
            return 0 if found is None else await found.empty(which)


@dataclass(frozen=True, slots=True)
class UnmountedDrive:
    """A `Drive`. Each call opens the local copy for as long as it takes, and
    raises ReplicaError where another process has it."""

    folders: Folders
    configuration: Configuration
    synchronization: Synchronization

    @property
    def name(self) -> str:
        return self.synchronization.name

    @property
    def mounted(self) -> bool:
        return False

    @property
    def bin(self) -> UnmountedBin:
        return UnmountedBin(self.folders, self.synchronization)

    async def status(self) -> Status:
        return self.status_at_rest()

    def status_at_rest(self) -> Status:
        """The same, for who has no event loop."""
        here = self.synchronization
        with open_replica(self.folders, self.name, look=True) as replica:
            filters, paused = views.filter_of(here.filters), here.is_paused(time.time())
            folder = self.folders.replica(self.name)
            sums = (0, 0) if replica is None else sums_at_rest(replica, folder)
            files, size = sums or (None, None)
            status = Status(
                name=here.name,
                server=here.server,
                remote=here.remote,
                mountpoint=str(here.mountpoint),
                mounted=False,
                waiting=0 if replica is None else views.waiting(replica, filters),
                absent=0 if replica is None else replica.contents.absent_count(),
                known=0 if replica is None else replica.base_count(),
                files=files,
                bytes=size,
                restriction=here.restriction,
                conflicts=ConflictJournal(self.folders.replica(here.name)).open_count(),
                held=0 if replica is None else len(replica.local_changes.held_nodes()),
                schedule=str(here.scheduler),
                paused=paused,
                paused_until=here.paused_until if paused else None,
                limit_up=here.limit_up,
                limit_down=here.limit_down,
                last_run=last_run_of(self.folders, here.name),
                direction=here.direction_in_force.value,
                read_only=here.direction_in_force is Direction.DOWNLOAD,
            )
            return with_state(status)

    async def journal(self, *, everything: bool = False) -> list[JournalEntry]:
        filters = views.filter_of(self.synchronization.filters)
        with open_replica(self.folders, self.name, look=True) as replica:
            if replica is None:
                return []
            return list(views.journal(replica, filters, everything=everything))

    async def hold(self, numbers: Sequence[int]) -> list[Changed]:
        return self._change("hold", numbers)

    async def release(self, numbers: Sequence[int]) -> list[Changed]:
        return self._change("release", numbers)

    async def discard(self, numbers: Sequence[int]) -> list[Changed]:
        return self._change("discard", numbers)

    def _change(
        self, what: Literal["hold", "release", "discard"], numbers: Sequence[int]
    ) -> list[Changed]:
        with open_replica(self.folders, self.name) as replica:
            if replica is None:
                return [
                    Changed(
                        number,
                        False,
                        Phrase("nothing waits under the number {number}", number=number),
                    )
                    for number in numbers
                ]
            return changed(replica, ChangeRequest(what, tuple(numbers)))[0]

    async def conflicts(self, *, everything: bool = False) -> list[ConflictEntry]:
        with self._opened_conflicts() as found:
            return [] if found is None else await found.entries(everything=everything)

    async def acknowledge(
        self,
        paths: Sequence[str] = (),
        *,
        everything: bool = False,
        numbers: Sequence[int] = (),
    ) -> list[ConflictEntry]:
        with self._opened_conflicts() as found:
            if found is None:
                return []
            return await found.acknowledge(paths, everything=everything, numbers=numbers)

    async def swap(self, which: ConflictRequest) -> ConflictEntry:
        with self._its_conflicts() as found:
            return await found.swap(which)

    async def keep_both(self, which: ConflictRequest) -> ConflictEntry:
        with self._its_conflicts() as found:
            return await found.keep_both(which)

    async def undo(self, which: ConflictRequest) -> ConflictEntry:
        with self._its_conflicts() as found:
            return await found.undo(which)

    async def versions(self, which: ConflictRequest) -> ConflictVersions:
        with self._its_conflicts() as found:
            return await found.versions(which)

    async def read_version(self, request: ReadVersionRequest) -> VersionPart:
        with self._its_conflicts() as found:
            return await found.read_version(request)

    @contextlib.contextmanager
    def _its_conflicts(self) -> Iterator[Conflicts]:
        with self._opened_conflicts() as found:
            if found is None:
                raise NotDone(
                    Phrase(
                        "'{name}' was never synchronized, so it has no conflicts", name=self.name
                    )
                )
            yield found

    @contextlib.contextmanager
    def _opened_conflicts(self) -> Iterator[Conflicts | None]:
        with open_replica(self.folders, self.name) as replica:
            if replica is None:
                yield None
                return
            user_bin, _ = find_user_bin(self.folders, self.synchronization)
            yield Conflicts(
                replica,
                self.synchronization,
                LocalBin(replica, self.synchronization, user_bin),
            )

    @contextlib.asynccontextmanager
    async def sync(self, request: SyncRequest) -> AsyncIterator[AsyncIterator[SyncEvent]]:
        from syncin_mount.app.runs.run_events import sync_events  # noqa: PLC0415 (start-up time)

        async with self._at_work() as runtime, sync_events(runtime, request) as events:
            yield events

    async def explain(self, path: str) -> Explanation:
        async with self._at_work() as runtime:
            return views.explanation(self.name, path, await runtime.engine.explain(path))

    async def folder(self, path: str) -> list[TreeEntry]:
        def look() -> list[TreeEntry]:
            with open_replica(self.folders, self.name, look=True) as replica:
                return [] if replica is None else filter_trial.folder_entries(replica, path)

        return await trio.to_thread.run_sync(look)

    async def trial(self, request: TrialRequest) -> Trial:
        """In a thread, where a large tree keeps nobody waiting."""

        def look() -> Trial:
            with open_replica(self.folders, self.name) as replica:
                if replica is None:
                    return Trial(Portion(), Portion(), 0, whole=True)
                return filter_trial.in_thread(filter_trial.trial_of(replica, request))

        return await trio.to_thread.run_sync(look)

    @contextlib.asynccontextmanager
    async def _at_work(self) -> AsyncIterator[Runtime]:
        """The drive's assembly without its own loop; what it logs goes to the drive's log."""
        from syncin_mount.app.runtime.runtime import open_runtime  # noqa: PLC0415 (start-up time)
        from syncin_mount.logs.files import log_task_to  # noqa: PLC0415

        log_task_to(self.folders.log(self.name), self.configuration.log)
        server = self.configuration.servers[self.synchronization.server]
        async with open_runtime(self.folders, server, self.synchronization, alone=True) as runtime:
            yield runtime

    async def transfers(self, query: TransferQuery) -> list[Transfer]:
        """From the history's file: a run without a mount may be writing it, or nobody."""
        wanted = views.wanted(query)
        require_known(self.folders.replica(self.name))
        try:
            found = read_history(self.folders.replica(self.name) / "history.sqlite", wanted)
        except OldHistory:
            with open_replica(self.folders, self.name) as replica:
                found = [] if replica is None else replica.history.query(wanted)
        except sqlite3.Error as error:
            raise HistoryUnreadable(self.name, str(error)) from error
        return views.transfers(found, self.name)

    async def wait_synced(self) -> Status:
        raise NotMounted(self.name)

    async def pause(self, until: int | None = None) -> None:
        await trio.to_thread.run_sync(
            functools.partial(settings.pause, self.folders, [self.name], paused=True, until=until)
        )

    async def resume(self) -> None:
        await trio.to_thread.run_sync(
            functools.partial(settings.pause, self.folders, [self.name], paused=False)
        )

    async def limit(self, up: int | None, down: int | None) -> None:
        await trio.to_thread.run_sync(
            settings.limit, self.folders, [self.name], lambda _up, _down: (up, down)
        )
