"""A drive that a daemon works on, over its control socket."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import trio

from syncin_mount.app.processes.notices import Notice, Unnotified
from syncin_mount.app.synchronizations import settings
from syncin_mount.control.conflict_messages import AcknowledgeRequest
from syncin_mount.control.failures import ControlError, NotRunning
from syncin_mount.control.messages import (
    ChangeRequest,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from contextlib import AbstractAsyncContextManager

    from syncin_mount.config import Configuration, Folders, Synchronization
    from syncin_mount.control.client import Client
    from syncin_mount.control.conflict_messages import (
        ConflictEntry,
        ConflictRequest,
        ConflictVersions,
        ReadVersionRequest,
        VersionPart,
    )
    from syncin_mount.control.messages import (
        BinEntry,
        Changed,
        Explanation,
        JournalEntry,
        Status,
        SyncEvent,
        SyncRequest,
        Transfer,
        TransferQuery,
    )
    from syncin_mount.control.tree_messages import TreeEntry, Trial, TrialRequest


@dataclass(frozen=True, slots=True)
class MountedBin:
    """A `syncin_mount.app.drives.drive.Bin`: the daemon's."""

    daemon: Client

    async def entries(self) -> list[BinEntry]:
        return await self.daemon.bin()

    async def restore(self, which: str, to: str | None) -> str:
        return (await self.daemon.restore(which, to)).path

    async def empty(self, which: list[str]) -> int:
        return (await self.daemon.empty(tuple(which))).count


@dataclass(frozen=True, slots=True)
class MountedDrive:
    """A `syncin_mount.app.drives.drive.Drive`. ``daemon`` is an open client of its daemon."""

    folders: Folders
    synchronization: Synchronization
    daemon: Client

    @property
    def name(self) -> str:
        return self.synchronization.name

    @property
    def mounted(self) -> bool:
        return True

    @property
    def bin(self) -> MountedBin:
        return MountedBin(self.daemon)

    async def status(self) -> Status:
        return await self.daemon.status()

    async def journal(self, *, everything: bool = False) -> list[JournalEntry]:
        async with self.daemon.journal(everything=everything) as entries:
            return [entry async for entry in entries]

    async def hold(self, numbers: Sequence[int]) -> list[Changed]:
        return await self.daemon.change(ChangeRequest("hold", tuple(numbers)))

    async def release(self, numbers: Sequence[int]) -> list[Changed]:
        return await self.daemon.change(ChangeRequest("release", tuple(numbers)))

    async def discard(self, numbers: Sequence[int]) -> list[Changed]:
        return await self.daemon.change(ChangeRequest("discard", tuple(numbers)))

    async def conflicts(self, *, everything: bool = False) -> list[ConflictEntry]:
        return await self.daemon.conflicts(everything=everything)

    async def acknowledge(
        self,
        paths: Sequence[str] = (),
        *,
        everything: bool = False,
        numbers: Sequence[int] = (),
    ) -> list[ConflictEntry]:
        request = AcknowledgeRequest(tuple(paths), everything, tuple(numbers))
        return await self.daemon.acknowledge(request)

    async def swap(self, which: ConflictRequest) -> ConflictEntry:
        return await self.daemon.swap(which)

    async def keep_both(self, which: ConflictRequest) -> ConflictEntry:
        return await self.daemon.keep_both(which)

    async def undo(self, which: ConflictRequest) -> ConflictEntry:
        return await self.daemon.undo(which)

    async def versions(self, which: ConflictRequest) -> ConflictVersions:
        return await self.daemon.versions(which)

    async def read_version(self, request: ReadVersionRequest) -> VersionPart:
        return await self.daemon.read_version(request)

    def sync(self, request: SyncRequest) -> AbstractAsyncContextManager[AsyncIterator[SyncEvent]]:
        return self.daemon.sync(request)

    async def explain(self, path: str) -> Explanation:
        return await self.daemon.explain(path)

    async def folder(self, path: str) -> list[TreeEntry]:
        return await self.daemon.folder(path)

    async def trial(self, request: TrialRequest) -> Trial:
        return await self.daemon.trial(request)

    async def transfers(self, query: TransferQuery) -> list[Transfer]:
        async with self.daemon.transfers(query) as found:
            return [transfer async for transfer in found]

    async def wait_synced(self) -> Status:
        return await self.daemon.wait_synced()

    async def pause(self, until: int | None = None) -> Unnotified | None:
        return await self._configure(lambda: self._pause(paused=True, until=until))

    async def resume(self) -> Unnotified | None:
        return await self._configure(lambda: self._pause(paused=False))

    async def limit(self, up: int | None, down: int | None) -> Unnotified | None:
        return await self._configure(
            lambda: settings.limit(self.folders, [self.name], lambda _up, _down: (up, down))
        )

    def _pause(self, *, paused: bool, until: int | None = None) -> Configuration:
        return settings.pause(self.folders, [self.name], paused=paused, until=until)

    async def _configure(self, change: Callable[[], Configuration]) -> Unnotified | None:
        await trio.to_thread.run_sync(change)
        try:
            await self.daemon.reload()
        except NotRunning:
            return None
        except ControlError as error:
            return Unnotified(self.name, Notice.CONFIGURATION, error)
        return None
