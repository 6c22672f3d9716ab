"""What the first screen shows, as it changes. The drives are asked only while somebody looks."""

from __future__ import annotations

import time
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import trio
from msgspec import structs

from syncin_mount import __version__
from syncin_mount.app.drives.addresses import address_on_server
from syncin_mount.app.messages import sentence
from syncin_mount.app.messages.reconciler import with_buttons
from syncin_mount.app.runs.status_poller import DriveState, StatusPoller
from syncin_mount.config import ConfigurationError, ConfigurationFile, Scheduling
from syncin_mount.web.asgi import encode
from syncin_mount.web.runs import RunState

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Iterator

    from syncin_mount.config import Configuration, Folders
    from syncin_mount.control.messages import Status
    from syncin_mount.web.runs import Runs

BUSY_S = 0.5
IDLE_S = 2.0
"""Seconds between two looks at a drive that works, and at one that pause."""

IDLE_DRIVES_A_SECOND = 20
"""Of many drives that rest, so many are asked in a second at most: each costs a few
milliseconds."""


class Card(msgspec.Struct, frozen=True, tag_field="event", tag="card"):
    """A synchronization on the first screen. ``status`` is None while its daemon starts or ends,
    ``phase`` is the supervisor's word for it; ``why`` it is not mounted as it should be, and
    ``error`` why nothing can be told. ``page`` is the remote folder's address in the browser,
    ``disabled_there``: it was disabled on the account page, ``folder`` the mount point with ``~``
    for the home folder, ``direction`` the one that is set."""

    name: str
    server: str
    remote: str
    page: str
    mountpoint: str
    folder: str
    enabled: bool
    disabled_there: bool
    direction: str
    status: Status | None = None
    phase: str | None = None
    why: str | None = None
    next_try: float | None = None
    error: str | None = None
    unverified: str | None = None
    run: RunState | None = None


class Gone(msgspec.Struct, frozen=True, tag_field="event", tag="gone"):
    """A synchronization was removed, or renamed."""

    name: str


class Account(msgspec.Struct, frozen=True):
    """A server, as it is configured."""

    name: str
    url: str
    login: str


class Program(msgspec.Struct, frozen=True, tag_field="event", tag="program"):
    """What holds for all. ``order`` has the names of the cards, as they are configured;
    ``trouble`` is what keeps the configuration from being followed."""

    version: str
    order: tuple[str, ...]
    servers: tuple[Account, ...]
    scheduler: str
    trouble: str | None = None


class Live:
    """The cards. All tabs share one look."""

    def __init__(self, folders: Folders, runs: Runs, nursery: trio.Nursery) -> None:
        self._file = ConfigurationFile(folders)
        self._poller = StatusPoller(folders)
        self._runs = runs
        self._nursery = nursery
        self._watchers = 0
        self._looking: trio.CancelScope | None = None
        self._wanted = trio.Event()
        self._changed = trio.Event()
        self._cards: dict[str, Card] = {}
        self._program: Program | None = None
        self._due: dict[str, float] = {}
        self._configuration: Configuration | None = None
        self._stamp: object = None
        runs.on_change = self.look_now

    def look_now(self) -> None:
        """Somebody did something: all drives are asked at once, where anybody looks."""
        self._due.clear()
        self._wanted.set()

    @asynccontextmanager
    async def watch(self) -> AsyncIterator[AsyncIterator[object]]:
        """The program and each card, and then whatever changes of them."""
        self._watchers += 1
        if self._looking is None:
            self._looking = trio.CancelScope()
            self._due.clear()
            self._nursery.start_soon(self._look, self._looking)
        try:
            async with aclosing(self._lines()) as lines:
                yield lines
        finally:
            self._watchers -= 1
            if not self._watchers:
                self._looking.cancel()
                self._looking = None
                self._program = None

    async def _lines(self) -> AsyncGenerator[object, None]:
        sent: dict[str, bytes] = {}
        while True:
            changed = self._changed
            for key, line in self._all():
                shown = encode(line)
                if sent.get(key) != shown:
                    sent[key] = shown
                    yield line
            if self._program is not None:
                for name in sent.keys() - self._cards.keys() - {""}:
                    del sent[name]
                    yield Gone(name)
            await changed.wait()

    def _all(self) -> Iterator[tuple[str, Card | Program]]:
        if self._program is None:
            return
        yield "", self._program
        for name in self._program.order:
            if name in self._cards:
                yield name, self._cards[name]

    # looking --------------------------------------------------------------------------------------
    async def _look(self, scope: trio.CancelScope) -> None:
        with scope:
            while True:
                self._wanted = trio.Event()
                await self._look_once()
                with trio.move_on_after(BUSY_S):
                    await self._wanted.wait()

    async def _look_once(self) -> None:
        stamp = self._file.stamp()
        if self._configuration is None or stamp != self._stamp:
            self._stamp = stamp
            try:
                self._configuration = await trio.to_thread.run_sync(self._file.read)
            except ConfigurationError as error:
                known = self._program or Program(__version__, (), (), Scheduling.PARALLEL.value)
                self._tell(structs.replace(known, trouble=sentence(error)))
                return
            self._due.clear()
        configuration = self._configuration
        now = trio.current_time()
        chosen = [
            each
            for name, each in configuration.synchronizations.items()
            if self._due.get(name, now) <= now
        ]
        if chosen:
            wall = time.time()
            for seen in await self._poller.look(configuration, chosen, wall):
                card = self._card(configuration, seen)
                self._cards[card.name] = card
                idle_s = max(IDLE_S, len(configuration.synchronizations) / IDLE_DRIVES_A_SECOND)
                self._due[card.name] = now + (BUSY_S if _is_busy(card) else idle_s)
        for name in self._cards.keys() - configuration.synchronizations.keys():
            del self._cards[name]
        self._tell(
            Program(
                __version__,
                tuple(configuration.synchronizations),
                tuple(
                    Account(each.name, each.url, each.login)
                    for each in configuration.servers.values()
                ),
                configuration.scheduling.value,
                self._poller.trouble,
            )
        )

    def _tell(self, program: Program) -> None:
        self._program = program
        self._changed.set()
        self._changed = trio.Event()

    def _card(self, configuration: Configuration, seen: DriveState) -> Card:
        here, supervised = seen.configured, seen.supervised
        return Card(
            name=here.name,
            server=here.server,
            remote=here.remote,
            page=address_on_server(configuration.servers[here.server], here.remote),
            mountpoint=str(here.mountpoint),
            folder=_in_home(here.mountpoint),
            enabled=here.enabled,
            disabled_there=here.is_stopped_there,
            direction=here.direction.value,
            status=None if seen.status is None else _calm(seen.status),
            phase=None if supervised is None else supervised.phase.value,
            why=None if supervised is None else supervised.why,
            next_try=None if supervised is None else _whole(supervised.next_try),
            error=None if seen.error is None else sentence(seen.error, here.name),
            unverified=seen.unverified,
            run=self._runs.of(here.name),
        )


def _in_home(path: Path) -> str:
    """``~/Documents`` for what is in the home folder."""
    home = Path.home()
    return f"~/{path.relative_to(home)}" if home in path.parents else str(path)


def _is_busy(card: Card) -> bool:
    """Whether it changes from one moment to the next."""
    if card.run is not None and card.run.phase != "ended":
        return True
    return card.status is None or bool(card.status.running) or card.status.work is not None


def _calm(status: Status) -> Status:
    """The same for the page; moments that are counted anew each time differ no more by
    fractions."""
    return structs.replace(
        status,
        halted=None if status.halted is None else with_buttons(status.halted),
        next_try=_whole(status.next_try),
        offline_since=_whole(status.offline_since),
    )


def _whole(moment: float | None) -> float | None:
    return None if moment is None else float(round(moment))
