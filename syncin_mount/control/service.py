"""What the control API needs from the daemon."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Iterator
    from contextlib import AbstractAsyncContextManager

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


class NotDone(Exception):
    """What was asked for cannot be done, and nothing was. ``str()`` is one sentence: what, why,
    what to do."""


class Service(Protocol):
    """One mounted synchronization. Everything is called from the daemon's trio thread.

    The ``async`` ones are cancelled when their caller hangs up, and raise what
    ``reconciler.errors`` has.
    """

    def status(self) -> Status: ...
    def metrics(self) -> str:
        """Its figures, in the text format of Prometheus (version 0.0.4)."""
        ...

    def watch(self) -> AsyncGenerator[Summary, None]:
        """How it is, and each time that this changes how it is then. Ends with the drive."""
        ...

    def follow(self) -> AsyncGenerator[Status, None]:
        """The same in full."""
        ...

    def journal(self, *, everything: bool) -> Iterator[JournalEntry]: ...
    def change(self, request: ChangeRequest) -> list[Changed]: ...
    async def transfers(self, query: TransferQuery) -> list[Transfer]: ...
    def sync(self, request: SyncRequest) -> AbstractAsyncContextManager[AsyncIterator[SyncEvent]]:
        """Runs once; the last event is a Report or a Failure."""
        ...

    def state_changes(self) -> AsyncGenerator[StateChange, None]:
        """Which files and folders change their state, as they do. Ends with the drive."""
        ...

    async def states(self, request: StatesRequest) -> States:
        """The states of many names in one folder."""
        ...

    async def explain(self, path: str) -> Explanation:
        """What is at a path relative to the synchronized folder, and what a run would do about
        it."""
        ...

    async def folder(self, request: FolderRequest) -> list[TreeEntry]:
        """What is in a folder of the local tree. Raises NotDone where there is none."""
        ...

    async def trial(self, request: TrialRequest) -> Trial:
        """What other filters would do to the local tree. Raises NotDone for one that cannot be."""
        ...

    async def bin(self) -> list[BinEntry]:
        """What is in the bin of this computer. It and the next two raise NotDone."""
        ...

    async def restore(self, request: RestoreRequest) -> Restored: ...
    async def conflicts(self, *, everything: bool) -> list[ConflictEntry]:
        """Conflicts that were settled, oldest first. The next six raise NotDone."""
        ...

    async def acknowledge(self, request: AcknowledgeRequest) -> list[ConflictEntry]: ...
    async def swap(self, request: ConflictRequest) -> ConflictEntry: ...
    async def keep_both(self, request: ConflictRequest) -> ConflictEntry: ...
    async def undo(self, request: ConflictRequest) -> ConflictEntry: ...
    async def versions(self, request: ConflictRequest) -> ConflictVersions: ...
    async def read_version(self, request: ReadVersionRequest) -> VersionPart: ...
    async def empty(self, request: EmptyRequest) -> EmptyResult: ...

    async def wait_synced(self) -> None:
        """Returns when nothing waits for the server any more. Raises RemoteError when that cannot
        come about now."""
        ...

    async def reload(self) -> None:
        """Takes up what the configuration says now."""
        ...

    def retry(self) -> None:
        """Somebody logged in again, or let the server have it otherwise: a run is tried at once,
        with new access."""
        ...

    def stop(self) -> None:
        """Asks the daemon to unmount and end; returns at once."""
        ...
