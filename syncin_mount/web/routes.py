"""The calls of the page: what each is given, and who answers it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import trio

from reconciler.errors import RemoteError
from syncin_mount.app.drives.open_drive import open_drive
from syncin_mount.app.errors import InvalidRequest, NotPossible
from syncin_mount.config import ConfigurationError, ConfigurationFile, FolderError
from syncin_mount.config.tokens import TokenError
from syncin_mount.control.failures import ControlError
from syncin_mount.control.service import NotDone
from syncin_mount.control.supervision import SupervisorError
from syncin_mount.errors import DaemonError
from syncin_mount.language import t

if TYPE_CHECKING:
    from syncin_mount.app.drives.drive import Drive
    from syncin_mount.config import Configuration, Folders, Synchronization

_EXPECTED = (
    *(ConfigurationError, ControlError, DaemonError, FolderError, NotDone, NotPossible),
    *(RemoteError, SupervisorError, TokenError),
)
_OF_THE_STORE = "syncin_mount.store.errors.ReplicaError"


def is_expected(error: Exception) -> bool:
    """Whether its text is a sentence for people. The store is not loaded for that: one that was
    never loaded raised nothing."""
    kinds = (f"{kind.__module__}.{kind.__name__}" for kind in type(error).__mro__)
    return isinstance(error, _EXPECTED) or _OF_THE_STORE in kinds


Name = Annotated[str, msgspec.Meta(max_length=200)]
Names = Annotated[tuple[Name, ...], msgspec.Meta(max_length=1000)]
PathText = Annotated[str, msgspec.Meta(max_length=8192)]
"""Bounds of what a request may say; the largest body bounds the rest."""


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the page asks for. A field that nobody knows is refused."""


class Nothing(Request, frozen=True):
    """A request, or an answer, that says nothing more."""


class OneDrive(Request, frozen=True):
    """About one synchronization."""

    name: Name


class Done(msgspec.Struct, frozen=True):
    """It was done; ``but`` says what was not, as a sentence."""

    but: str | None = None


class Refused(msgspec.Struct, frozen=True, tag_field="event", tag="refused"):
    """It was not done: why, as a sentence; ``help`` is the word for what would help, where the page
    has something to offer for it."""

    why: str
    help: str | None = None


@dataclass(frozen=True, slots=True)
class Stream:
    """An answer that goes on, line by line, as long as somebody reads it."""

    lines: AbstractAsyncContextManager[AsyncIterator[object]]


@dataclass(frozen=True, slots=True)
class Content:
    """An answer of bytes: their media type, and the pieces, which may end early."""

    kind: str
    pieces: AbstractAsyncContextManager[AsyncIterator[bytes]]


Handle = Callable[[Any], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Route:
    """A call: ``kind`` is what it is given, and ``handle`` answers with a struct, a Stream or a
    Content. It
    raises what `is_expected`."""

    kind: type[Request]
    handle: Handle


class Drives:
    """The configured synchronizations, as they are at the moment."""

    def __init__(self, folders: Folders) -> None:
        self.folders = folders
        self.file = ConfigurationFile(folders)

    async def configuration(self) -> Configuration:
        """Raises ConfigurationError."""
        return await trio.to_thread.run_sync(self.file.read)

    async def named(self, name: str) -> tuple[Configuration, Synchronization]:
        """Raises InvalidRequest where there is none (any more)."""
        configuration = await self.configuration()
        found = configuration.synchronizations.get(name)
        if found is None:
            raise InvalidRequest(t("there is no synchronization '{name}' any more", name=name))
        return configuration, found

    @asynccontextmanager
    async def opened(self, name: str) -> AsyncIterator[Drive]:
        """The drive, mounted or not. Raises InvalidRequest."""
        configuration, found = await self.named(name)
        async with open_drive(self.folders, configuration, found) as drive:
            yield drive


def merged(*tables: Mapping[str, Route]) -> dict[str, Route]:
    """All calls; no path is given twice."""
    found: dict[str, Route] = {}
    for table in tables:
        assert found.keys().isdisjoint(table)
        found |= table
    return found
