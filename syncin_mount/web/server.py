"""The page's server: there from the first time that somebody asks for the page."""

from __future__ import annotations

import logging
import socket
from typing import TYPE_CHECKING, Any, cast

import trio
from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.config import Config
from hypercorn.trio.tcp_server import TCPServer
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import ConnectionState

from syncin_mount.language.choice import LanguageSetting
from syncin_mount.web import peers
from syncin_mount.web.accounts import LogIns
from syncin_mount.web.assistant.additions import Additions
from syncin_mount.web.assistant.folders import Choosers
from syncin_mount.web.assistant.servers import Servers
from syncin_mount.web.assistant.starting import Starts
from syncin_mount.web.changes import Changes
from syncin_mount.web.live import Live
from syncin_mount.web.page import Page
from syncin_mount.web.records.conflicts import ConflictCalls
from syncin_mount.web.records.lists import Records
from syncin_mount.web.routes import Drives, merged
from syncin_mount.web.runs import Runs
from syncin_mount.web.settings.accounts import Accounts
from syncin_mount.web.settings.clients import Clients
from syncin_mount.web.settings.copies import Copies
from syncin_mount.web.settings.filters import Filters
from syncin_mount.web.settings.program import ProgramPart
from syncin_mount.web.support import Support
from syncin_mount.web.synchronizations import Synchronizations
from syncin_mount.web.tickets import Gate

if TYPE_CHECKING:
    from syncin_mount.config import Folders
    from syncin_mount.web.live import Supervision
    from syncin_mount.web.routes import Route

log = logging.getLogger(__name__)

CONNECTIONS = 64
"""At the same time: a browser has six, and a tab uses one all the time."""

HEADERS_S = 5.0
"""Seconds in which a connection's next request has to begin, headers and all."""


class PageServer:
    """Serves the page on a random port of 127.0.0.1, in ``nursery``, to processes of this user.

    Nothing listens, and nothing is loaded, before `address` is called the first time; from then
    on nothing wakes it but requests.
    """

    def __init__(self, folders: Folders, supervision: Supervision, nursery: trio.Nursery) -> None:
        self._folders = folders
        self._supervision = supervision
        self._nursery = nursery
        self._gate = Gate(trio.current_time)
        self._port: int | None = None
        self._starting = trio.Lock()

    async def address(self) -> str:
        """The page's address with a new ticket: whoever has it gets in, once, within 30 s. Raises
        OSError where no port can be had."""
        async with self._starting:
            if self._port is None:
                self._port = await self._nursery.start(self._run)
        return f"http://127.0.0.1:{self._port}/#ticket={self._gate.ticket()}"

    async def _run(self, *, task_status: trio.TaskStatus[int]) -> None:
        """An error of the page must not end the drives' supervisor; the next `address` begins
        anew."""
        try:
            await self._serve(task_status)
        except Exception:
            if self._port is None:
                raise  # to whoever asked for it
            log.exception("the page ended")
        finally:
            self._port = None

    async def _serve(self, task_status: trio.TaskStatus[int]) -> None:
        listener = _listen()
        port = int(listener.socket.getsockname()[1])
        async with trio.open_nursery() as nursery:
            runs = Runs(self._folders, nursery)
            live = Live(self._folders, self._supervision, runs, nursery)
            drives = Drives(self._folders)
            starts = Starts(self._folders, live, nursery)
            routes = routes_of(drives, live, runs, starts)
            app = Page(self._gate, port, routes, LanguageSetting(self._folders.config_file).now)
            task_status.started(port)
            log.info("the page is served on port %d", port)
            await trio.serve_listeners(
                Connections(app, port).serve, [listener], handler_nursery=nursery
            )


def routes_of(drives: Drives, live: Live, runs: Runs, starts: Starts) -> dict[str, Route]:
    """All calls that the page answers, by their paths."""
    return merged(
        Synchronizations(drives, live, runs).routes(),
        LogIns(drives, live).routes(),
        Records(drives, live).routes(),
        ConflictCalls(drives, live).routes(),
        Changes(drives, live).routes(),
        Copies(drives, live).routes(),
        Filters(drives, live).routes(),
        Accounts(drives, live).routes(),
        Clients(drives, live).routes(),
        ProgramPart(drives, live).routes(),
        Support(drives).routes(),
        Servers(drives, live).routes(),
        Choosers(drives).routes(),
        Additions(drives, starts).routes(),
    )


def _listen() -> trio.SocketListener:
    stdlib = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    stdlib.bind(("127.0.0.1", 0))
    stdlib.listen(CONNECTIONS)
    return trio.SocketListener(trio.socket.from_stdlib_socket(stdlib))


class Connections:
    """Hands connections to hypercorn, which speaks HTTP, once it is known whose they are: others
    get no byte, and can keep nothing busy."""

    def __init__(self, app: Page, port: int) -> None:
        config = Config()
        config.accesslog = None
        config.errorlog = logging.getLogger("hypercorn.error")
        config.include_server_header = False
        config.keep_alive_timeout = HEADERS_S
        self._config = config
        # Hypercorn's types are ASGI by names of its own; ours is the same protocol.
        # hypercorn names its own types of scope and messages; ours are plain dictionaries
        self._app = ASGIWrapper(app)  # type: ignore[arg-type]
        self._context = WorkerContext(None)
        self._port = port
        self._count = 0

    async def serve(self, stream: trio.SocketStream) -> None:
        """One connection, to its end."""
        if self._count >= CONNECTIONS or not self._may_ask(stream):
            await trio.aclose_forcefully(stream)
            return
        self._count += 1
        try:
            # Its types know connections with TLS only.
            state: Any = ConnectionState({})
            await TCPServer(self._app, self._config, self._context, state, cast("Any", stream))
        except Exception:
            log.exception("a connection of the page failed")
        finally:
            self._count -= 1

    def _may_ask(self, stream: trio.SocketStream) -> bool:
        try:
            host, port = stream.socket.getpeername()
        except OSError:
            return False  # it is gone
        if peers.is_ours((host, port), ("127.0.0.1", self._port)):
            return True
        log.warning("a connection from another user's process was refused")
        return False
