"""The page's server: there from the first time that somebody asks for the page."""

from __future__ import annotations

import logging
import socket
from typing import TYPE_CHECKING

import trio

from syncin_mount.control.transport.http_server import Connections
from syncin_mount.control.transport.peers import comes_from_us
from syncin_mount.language.choice import LanguageSetting
from syncin_mount.system import tcp
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
            connections = Connections(
                app, comes_from_us, of="page", most=CONNECTIONS, idle_s=HEADERS_S
            )
            task_status.started(port)
            log.info("the page is served on port %d", port)
            await trio.serve_listeners(connections.serve, [listener], handler_nursery=nursery)


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
    tcp.keep_port(stdlib)
    stdlib.bind(("127.0.0.1", 0))
    stdlib.listen(CONNECTIONS)
    return trio.SocketListener(trio.socket.from_stdlib_socket(stdlib))
