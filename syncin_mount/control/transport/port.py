"""What a way between commands and daemons has to do, whatever the system has for it."""

from __future__ import annotations

import errno
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from reconciler.phrases import Phrase

if TYPE_CHECKING:
    import socket
    from collections.abc import Mapping
    from pathlib import Path

    import trio

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Any, Any, Any], Awaitable[None]]
"""An ASGI application."""


class StrangerListens(PermissionError):
    """Another user's process listens there, and nothing is said to it."""

    def __init__(self) -> None:
        super().__init__(errno.EACCES, Phrase("another user's process listens there"))


@dataclass(frozen=True, slots=True)
class Address:
    """Where a daemon is, for HTTP: the ``host``, the ``headers`` that let a request in, and the
    path of its ``socket`` (None: it is at the host). ``greeting`` is what lets in whoever does not
    speak HTTP, before anything else is said."""

    host: str
    headers: Mapping[str, str] = field(default_factory=dict)
    greeting: bytes = b""
    socket: str | None = None


class Transport(Protocol):
    """A way to a daemon, by the ``path`` of the file that it makes when it listens. Only processes
    of the same user can use it, and only such are spoken to."""

    def address(self, path: Path) -> Address:
        """Raises OSError where nobody can be asked."""
        ...

    def connect(self, path: Path, seconds: float | None) -> socket.socket:
        """A connection to a process of ours, with that time limit (None: none). Blocks. Raises
        StrangerListens; TimeoutError or BlockingIOError where very many wait to be let in; another
        OSError where nobody listens."""
        ...

    async def open_stream(self, path: Path) -> trio.SocketStream:
        """The same in an event loop, for who has asked `is_strangers`. Raises OSError."""
        ...

    def listener_of(self, path: Path) -> int | None:
        """The process of ours that accepts connections there (0 where the system does not tell), or
        None. A file alone proves nothing: a killed daemon leaves it."""
        ...

    def is_strangers(self, path: Path) -> bool:
        """Whether another user's process accepts connections there."""
        ...

    def is_overrun(self, path: Path) -> bool:
        """Whether so many connections wait there to be accepted that no other can be made: who
        listens hangs, or is busy at this moment."""
        ...

    async def serve_http(self, path: Path, app: App, task_status: trio.TaskStatus[None]) -> None:
        """Answers with ``app`` until cancelled; the file goes then. What an ended daemon left there
        is replaced: the caller holds a lock that says that there is no living one. Reports started
        once connections are accepted. Raises OSError, FolderError."""
        ...

    async def serve_streams(
        self,
        path: Path,
        talk: Callable[[trio.SocketStream], Awaitable[None]],
        task_status: trio.TaskStatus[None],
    ) -> None:
        """The same, with connections as they are. ``talk`` raises nothing."""
        ...
