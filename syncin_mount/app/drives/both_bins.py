"""The bins of a synchronization, mounted or not: the one on this computer (with what is in the
desktop's trash), and the server's trash."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import trio

from reconciler.errors import RemoteError
from reconciler.phrases import Phrase
from syncin_mount.app.drives.open_drive import open_drive
from syncin_mount.app.errors import InvalidRequest
from syncin_mount.printable import printable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from syncin_mount.app.drives.drive import Bin
    from syncin_mount.app.drives.server_trash import ServerTrash
    from syncin_mount.config import Configuration, Folders, Synchronization
    from syncin_mount.control.messages import BinEntry

T = TypeVar("T")

SERVER = "server"
"""Where an entry of the server's trash is, and how its name begins, before a colon."""

AT_ONCE = 100
"""Entries that the daemon is asked to remove in one request."""

AT_ONCE_THERE = 20
"""Entries of the server's trash, each a request of its own, after which the progress is told."""


@dataclass(frozen=True, slots=True)
class BinContents:
    """``entries``, the oldest first. ``left_out`` counts things of the server's trash that are not
    listed, as its end was not reached; ``not_told`` is why it could not be asked."""

    entries: tuple[BinEntry, ...]
    left_out: int = 0
    not_told: RemoteError | None = None


@dataclass(frozen=True, slots=True)
class Restored:
    """Where an entry is now. What is back ``on_server`` comes here with the next listing."""

    path: str
    on_server: bool


@dataclass(frozen=True, slots=True)
class BothBins:
    """Every method raises NotDone, NotPossible, ControlError or ReplicaError for the bin here, and
    RemoteError for the server's."""

    folders: Folders
    configuration: Configuration
    synchronization: Synchronization

    async def contents(
        self, *, here: bool = True, on_server: bool = True, before: float = math.inf
    ) -> BinContents:
        """What is in them, of what came there ``before`` (seconds since the epoch). Where both are
        asked, a server that does not tell hides nothing that is here."""
        found = await self._here(lambda bin_: bin_.entries()) if here else []
        left_out, not_told = 0, None
        if on_server:
            try:
                there, left_out = await self._on_server(_listed)
                found += there
            except RemoteError as error:
                if not here:
                    raise
                not_told = error
        some = sorted((each for each in found if each.time < before), key=lambda each: each.time)
        return BinContents(tuple(some), left_out, not_told)

    async def restore(self, entry: str, place: str | None = None) -> Restored:
        """Brings an entry back to where it was, or to ``place``. Nothing is overwritten."""
        side, colon, path = entry.partition(":")
        if not (colon and side == SERVER):
            there = await self._here(lambda bin_: bin_.restore(entry, place))
            return Restored(there, on_server=False)
        checked = _checked(path)
        there = await self._on_server(lambda trash: trash.restore(checked, place))
        return Restored(there, on_server=True)

    async def empty(
        self, entries: Sequence[BinEntry], told: Callable[[int], None] = lambda _handled: None
    ) -> int:
        """Removes these for good. Returns how many went. ``told`` hears how many it has dealt with
        so far. Cancelled, it leaves the rest where it is."""
        here = [each.entry for each in entries if each.where != SERVER]
        there = [each.entry.partition(":")[2] for each in entries if each.where == SERVER]
        removed = handled = 0
        for start in range(0, len(here), AT_ONCE):
            some = here[start : start + AT_ONCE]
            # mypy infers no type for a lambda with a default, which keeps this round's ``some``
            removed += await self._here(lambda bin_, some=some: bin_.empty(some))  # type: ignore[misc]
            handled += len(some)
            told(handled)
            await trio.lowlevel.checkpoint()  # nothing above need be one

        async def on_server(trash: ServerTrash) -> int:
            gone, before = 0, handled
            for start in range(0, len(there), AT_ONCE_THERE):
                some = there[start : start + AT_ONCE_THERE]
                gone += await trash.empty(some)
                told(before + start + len(some))
            return gone

        return removed + (await self._on_server(on_server) if there else 0)

    async def _here(self, act: Callable[[Bin], Awaitable[T]]) -> T:
        async with open_drive(self.folders, self.configuration, self.synchronization) as drive:
            return await act(drive.bin)

    async def _on_server(self, act: Callable[[ServerTrash], Awaitable[T]]) -> T:
        from syncin_mount.app.accounts.sessions import session_with  # noqa: PLC0415 (start-up time)
        from syncin_mount.app.drives.server_trash import ServerTrash  # noqa: PLC0415

        server = self.configuration.servers[self.synchronization.server]
        async with session_with(self.folders, server) as session:
            return await act(ServerTrash(session, self.synchronization.remote))


async def _listed(trash: ServerTrash) -> tuple[list[BinEntry], int]:
    return await trash.entries(), trash.left_out


def _checked(path: str) -> str:
    """A path inside the synchronized folder. Raises InvalidRequest."""
    parts = [part for part in path.split("/") if part not in {"", "."}]
    if not parts or ".." in parts:
        raise InvalidRequest(
            Phrase(
                "'server:{path}' is no entry of the server's trash; give it as the list has it",
                path=printable(path),
            )
        )
    return "/".join(parts)
