"""A drive, mounted or not: everything that a user can do with one.

`MountedDrive` speaks with the daemon over the control socket, `UnmountedDrive` works on the local
copy in this process. `open_drive` chooses. Answers are the control API's messages, so that both say
the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from contextlib import AbstractAsyncContextManager

    from syncin_mount.app.processes.notices import Unnotified
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


class Bin(Protocol):
    """The bin on this computer. Every method raises NotDone or NotPossible with a sentence."""

    async def entries(self) -> list[BinEntry]:
        """Everything in it, oldest first."""
        ...

    async def restore(self, which: str, to: str | None) -> str:
        """Brings an entry back to where it was, or to the path ``to``. Returns where it is now.
        Never overwrites."""
        ...

    async def empty(self, which: list[str]) -> int:
        """Removes these entries for good. Returns how many went."""
        ...


class Drive(Protocol):
    """One synchronization on this computer. Methods raise ControlError (NotRunning when the daemon
    ended meanwhile), ReplicaError, DaemonError or NotPossible; each can be cancelled."""

    @property
    def name(self) -> str: ...

    @property
    def mounted(self) -> bool:
        """Whether a daemon works on it."""
        ...

    @property
    def bin(self) -> Bin: ...

    async def status(self) -> Status:
        """How it is at this moment; never asks the server."""
        ...

    async def journal(self, *, everything: bool = False) -> list[JournalEntry]:
        """The local changes that the server does not have, in their order, each with why it waits;
        with ``everything``, also those that stay here."""
        ...

    async def hold(self, numbers: Sequence[int]) -> list[Changed]:
        """Stops the changes of these numbers of the journal before they are sent."""
        ...

    async def release(self, numbers: Sequence[int]) -> list[Changed]:
        """Lets go what was held."""
        ...

    async def discard(self, numbers: Sequence[int]) -> list[Changed]:
        """Undoes all that was changed of what these numbers stand for; the user's versions go to
        the bin."""
        ...

    async def conflicts(self, *, everything: bool = False) -> list[ConflictEntry]:
        """Conflicts that were settled and that nobody acknowledged, oldest first: what lost, and
        where it is; with ``everything``, also the acknowledged ones."""
        ...

    async def acknowledge(
        self,
        paths: Sequence[str] = (),
        *,
        everything: bool = False,
        numbers: Sequence[int] = (),
    ) -> list[ConflictEntry]:
        """Counts the conflicts of these numbers, and those at or below these paths, no more, or
        with ``everything`` none. Returns which they were. Raises NotDone for a path without
        one."""
        ...

    async def swap(self, which: ConflictRequest) -> ConflictEntry:
        """Turns a conflict round: what lost becomes the content, and what won goes to the bin.
        Loses neither, wherever it is stopped. This and the next four raise NotDone."""
        ...

    async def keep_both(self, which: ConflictRequest) -> ConflictEntry:
        """Brings what lost back beside what won: the entry's ``copy``."""
        ...

    async def undo(self, which: ConflictRequest) -> ConflictEntry:
        """Takes back what was chosen last of a conflict, or that it was acknowledged. What the
        file has by now goes to the bin before."""
        ...

    async def versions(self, which: ConflictRequest) -> ConflictVersions:
        """Both versions of a conflict, as far as they can be read."""
        ...

    async def read_version(self, request: ReadVersionRequest) -> VersionPart:
        """Some bytes of one of them; nothing is brought back by that."""
        ...

    def sync(self, request: SyncRequest) -> AbstractAsyncContextManager[AsyncIterator[SyncEvent]]:
        """One run: Progress from time to time, then one Report or Failure. Leaving early cancels
        the run, and leaves everything resumable."""
        ...

    async def explain(self, path: str) -> Explanation:
        """What is at a path of the synchronized folder, on both sides, and what a run would do."""
        ...

    async def folder(self, path: str) -> list[TreeEntry]:
        """What is in a folder of the local tree, folders first, 2000 entries at most. Raises
        ControlError or NotDone where there is no such folder."""
        ...

    async def trial(self, request: TrialRequest) -> Trial:
        """What other filters would do to the local tree; looks for 10 s at most. Raises
        ControlError or NotDone for filters that cannot be."""
        ...

    async def transfers(self, query: TransferQuery) -> list[Transfer]:
        """What was carried across and what failed, as the query has it."""
        ...

    async def wait_synced(self) -> Status:
        """Returns when the server has every change that can be sent. Raises NotMounted where
        nothing sends by itself."""
        ...

    async def pause(self, until: int | None = None) -> Unnotified | None:
        """Synchronizes nothing until ``resume``, also after a restart, or ``until`` a moment (s
        since the epoch). What the daemon could not be told is returned: the setting holds all the
        same."""
        ...

    async def resume(self) -> Unnotified | None:
        """Lets it go on where it stopped."""
        ...

    async def limit(self, up: int | None, down: int | None) -> Unnotified | None:
        """Sends and fetches at most so many bytes a second (1024 at least) from now on; None: as
        fast as it goes. Raises ConfigurationError for a limit that cannot be."""
        ...
