"""What the first screen shows, as it changes. The drives are followed only while somebody looks."""

from __future__ import annotations

import functools
import logging
import math
import time
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import msgspec
import trio
from msgspec import structs

from syncin_mount import __version__
from syncin_mount.app.drives.addresses import address_on_server
from syncin_mount.app.drives.open_drive import is_mounted
from syncin_mount.app.errors import NotPossible
from syncin_mount.app.messages import sentence
from syncin_mount.app.runs.status_poller import DriveState, StatusPoller
from syncin_mount.app.synchronizations.mountpoint import has_rest_of_import
from syncin_mount.control.failures import NoAnswer
from syncin_mount.control.messages import encoded
from syncin_mount.control.supervision import Answer
from syncin_mount.control.watching import NotTold, Silent, follow_living
from syncin_mount.language import current, t
from syncin_mount.web.runs import RunState

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Iterator
    from collections.abc import Set as AbstractSet

    from syncin_mount.config import Configuration, Folders, Synchronization
    from syncin_mount.control.messages import Status
    from syncin_mount.control.supervision import Supervised
    from syncin_mount.web.runs import Runs

log = logging.getLogger(__name__)

TELL_EVERY_S = 0.1
"""Seconds between two parts that a tab is sent, at least: what changes meanwhile is told once, as
it is then."""

BUSY_S = 0.5
REST_S = 5.0
"""Seconds between two looks at a drive without a daemon: while a run works on it, and else."""

LOOKS_A_SECOND = 20
"""Of many drives without a daemon so many are looked at in a second at most: each costs a few
milliseconds."""

FOLLOW_AGAIN_S = 1.0
"""Seconds before a daemon is followed again that told no more."""


class Supervision(Protocol):
    """What the page needs of the supervisor. Everything is called from its trio thread."""

    @property
    def configuration(self) -> Configuration:
        """As it was read last."""
        ...

    @property
    def trouble(self) -> str | None:
        """What keeps it from being followed, as a sentence."""
        ...

    def supervised(self) -> tuple[Supervised, ...]:
        """All drives that are to be mounted, and how they are."""
        ...

    def read_configuration(self) -> None:
        """Follows the file where it changed."""
        ...

    async def wait_changed(self) -> None:
        """Returns when any of this may have become different."""
        ...


class Card(msgspec.Struct, frozen=True, tag_field="event", tag="card"):
    """A synchronization on the first screen. ``status`` is None while its daemon starts or ends,
    ``phase`` is the supervisor's word for it; ``why`` it is not mounted as it should be, and
    ``error`` why nothing can be told. ``page`` is the remote folder's address in the browser,
    ``disabled_there``: it was disabled on the account page, ``folder`` the mount point with ``~``
    for the home folder, ``direction`` the one that is set; ``unfinished``: an import stopped, and
    can go on; ``checking``: its local copy is being looked into; ``hangs``: its daemon is there and
    does not answer."""

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
    unfinished: bool = False
    checking: bool = False
    hangs: bool = False


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
    """The first screen as tabs show it: `Cards` in each of their languages."""

    def __init__(
        self, folders: Folders, supervision: Supervision, runs: Runs, nursery: trio.Nursery
    ) -> None:
        self._make = functools.partial(Cards, folders, supervision, runs, nursery)
        self._all: dict[str, Cards] = {}
        self._checked: set[str] = set()
        runs.on_change = self.look_now

    @contextmanager
    def checking(self, name: str) -> Iterator[None]:
        """Its local copy belongs to somebody meanwhile: nobody looks into it, and its card says
        so. Raises NotPossible where it does already."""
        if name in self._checked:
            raise NotPossible(t("the local copy of '{name}' is being checked already", name=name))
        self._checked.add(name)
        self.look_now()
        try:
            yield
        finally:
            self._checked.discard(name)
            self.look_now()

    def look_now(self) -> None:
        """Somebody did something: what no daemon tells is looked at, where anybody sees it."""
        for cards in self._all.values():
            cards.look_now()

    def watch(self) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """The program and each card in the language of the context."""
        language = current()
        if language not in self._all:
            self._all[language] = self._make(self._checked)
        return self._all[language].watch()


class Cards:
    """The cards, while at least one tab shows them. Tabs of one language share what is known: each
    daemon tells it by one stream (`control.watching.follow_drive`), and the supervisor is in this
    process. Only drives without a daemon are looked at now and then."""

    def __init__(
        self,
        folders: Folders,
        supervision: Supervision,
        runs: Runs,
        nursery: trio.Nursery,
        checked: AbstractSet[str],
    ) -> None:
        """``checked`` are those whose copy is nobody's to look into."""
        self._folders = folders
        self._supervision = supervision
        self._checked = checked
        self._poller = StatusPoller(folders)
        self._runs = runs
        self._nursery = nursery
        self._watchers = 0
        self._scope: trio.CancelScope | None = None
        self._woken = trio.Event()
        self._changed = trio.Event()
        self._lines: dict[str, tuple[int, bytes]] = {}  # the program's has no name
        self._count = 0
        self._seen: dict[str, DriveState] = {}
        self._supervised: dict[str, Supervised] = {}
        self._following: set[str] = set()
        self._again: dict[str, float] = {}
        self._due: dict[str, float] = {}

    def look_now(self) -> None:
        """What no daemon tells is looked at, where anybody sees it."""
        self._due.clear()
        self._woken.set()

    @asynccontextmanager
    async def watch(self) -> AsyncIterator[AsyncIterator[bytes]]:
        """The program and each card as lines of JSON, and then whatever changes of them. Who reads
        slowly gets what is the latest then, and keeps nobody waiting."""
        self._watchers += 1
        if self._scope is None:
            self._scope = trio.CancelScope()
            self._nursery.start_soon(self._follow_all, self._scope)
        try:
            async with aclosing(self._parts()) as parts:
                yield parts
        finally:
            self._watchers -= 1
            if not self._watchers:
                self._scope.cancel()
                self._scope = None
                self._forget()

    def _forget(self) -> None:
        """It may be otherwise when somebody looks again."""
        for known in (self._lines, self._seen, self._following, self._again, self._due):
            known.clear()

    async def _parts(self) -> AsyncGenerator[bytes, None]:
        sent: dict[str, int] = {}
        while True:
            changed = self._changed
            part = bytearray()
            for name in sent.keys() - self._lines.keys():
                del sent[name]
                part += encoded(Gone(name)) + b"\n"
            for name, (count, line) in self._lines.items():
                if sent.get(name) != count:
                    sent[name] = count
                    part += line
            if part:
                yield bytes(part)
            told = trio.current_time()
            await changed.wait()
            await trio.sleep_until(told + TELL_EVERY_S)

    def _put(self, name: str, value: Card | Program) -> None:
        line = encoded(value) + b"\n"
        if name not in self._lines or self._lines[name][1] != line:
            self._count += 1
            self._lines[name] = self._count, line
            self._tell()

    def _tell(self) -> None:
        self._changed.set()
        self._changed = trio.Event()

    # looking --------------------------------------------------------------------------------------
    async def _follow_all(self, scope: trio.CancelScope) -> None:
        with scope:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._notice_changes)
                while True:
                    self._woken = trio.Event()
                    self._supervision.read_configuration()
                    self._ask_supervisor()
                    self._tell_program()
                    for name in [*self._seen]:
                        self._tell_card(name)
                    await self._look(nursery)
                    with trio.move_on_at(min(self._due.values(), default=math.inf)):
                        await self._woken.wait()

    async def _notice_changes(self) -> None:
        while True:
            await self._supervision.wait_changed()
            before, now = self._supervised, self._ask_supervisor()
            for name in now.keys() | before.keys():
                if _without_time(now.get(name)) != _without_time(before.get(name)):
                    self._due.pop(name, None)
            self._woken.set()

    def _ask_supervisor(self) -> dict[str, Supervised]:
        self._supervised = {each.name: each for each in self._supervision.supervised()}
        return self._supervised

    async def _look(self, nursery: trio.Nursery) -> None:
        """Follows the daemons that are there, and looks at drives without one where that is due."""
        configuration, now = self._supervision.configuration, trio.current_time()
        chosen = []
        for name, each in configuration.synchronizations.items():
            if name in self._checked:
                self._seen[name] = DriveState(each, None)
                self._tell_card(name)
                continue
            if name in self._following or self._due.get(name, now) > now:
                continue
            if self._again.get(name, now) <= now and is_mounted(self._folders, name):
                self._following.add(name)
                self._due.pop(name, None)
                nursery.start_soon(self._follow, name)
            else:
                chosen.append(each)
        if not chosen:
            return
        answer = Answer(self._supervision.supervised(), self._supervision.trouble)
        rest_s = max(REST_S, len(configuration.synchronizations) / LOOKS_A_SECOND)
        # Before they are asked: what somebody does meanwhile makes them due again.
        self._due |= {each.name: now + rest_s for each in chosen}
        for seen in await self._poller.look(configuration, chosen, time.time(), answer):
            name = seen.configured.name
            if name in self._following or name in self._checked:
                continue
            self._seen[name] = seen
            self._tell_card(name)
            if self._is_at_work(seen) and name in self._due:
                self._due[name] = now + BUSY_S

    async def _follow(self, name: str) -> None:
        """Until its daemon tells nothing more; then it is looked at. One that hangs is followed
        again at once: looking at it would wait for it, too."""
        try:
            await follow_living(self._folders.socket(name), lambda status: self._see(name, status))
        except Silent:
            self._see(name, None, NoAnswer())
            self._again.pop(name, None)
        except NotTold as error:
            log.debug("%s does not tell how it is: %s", name, error)
            self._again[name] = trio.current_time() + FOLLOW_AGAIN_S
            self._due[name] = trio.current_time()
        self._following.discard(name)
        self._woken.set()

    def _see(self, name: str, status: Status | None, error: Exception | None = None) -> None:
        here = self._supervision.configuration.synchronizations.get(name)
        if here is not None:
            silent = isinstance(error, NoAnswer)
            self._seen[name] = DriveState(here, status, error=error, silent=silent)
            self._tell_card(name)

    def _is_at_work(self, seen: DriveState) -> bool:
        """Whether it changes from one moment to the next."""
        run = self._runs.of(seen.configured.name)
        if run is not None and run.phase != "ended":
            return True
        return seen.error is None and (seen.status is None or seen.status.mounted)

    # telling --------------------------------------------------------------------------------------
    def _tell_program(self) -> None:
        configuration = self._supervision.configuration
        here = configuration.synchronizations
        for known in (self._lines, self._seen, self._due, self._again):
            for name in known.keys() - here.keys() - {""}:
                del known[name]
                self._tell()
        servers = configuration.servers.values()
        self._put(
            "",
            Program(
                __version__,
                tuple(here),
                tuple(Account(each.name, each.url, each.login) for each in servers),
                configuration.scheduling.value,
                self._supervision.trouble,
            ),
        )

    def _tell_card(self, name: str) -> None:
        configuration = self._supervision.configuration
        here, seen = configuration.synchronizations.get(name), self._seen[name]
        if here is not None:
            supervised = self._supervised.get(name)
            self._put(name, self._card(configuration, here, seen, supervised))

    def _card(
        self,
        configuration: Configuration,
        here: Synchronization,
        seen: DriveState,
        supervised: Supervised | None,
    ) -> Card:
        server = configuration.servers[here.server]
        return Card(
            name=here.name,
            server=here.server,
            remote=here.remote,
            page=address_on_server(server, here.remote),
            mountpoint=str(here.mountpoint),
            folder=_in_home(here.mountpoint),
            enabled=here.enabled,
            disabled_there=here.is_stopped_there,
            direction=here.direction.value,
            status=None if seen.status is None else _calm(seen.status),
            phase=None if supervised is None else supervised.phase.value,
            why=None if supervised is None else supervised.on_page or supervised.why,
            next_try=None if supervised is None else _whole(supervised.next_try),
            error=None if seen.error is None else sentence(seen.error, here.name),
            hangs=seen.silent,
            unverified=server.insecurity,
            run=self._runs.of(here.name),
            unfinished=_is_unfinished(self._folders, here, seen.status),
            checking=here.name in self._checked,
        )


def _without_time(supervised: Supervised | None) -> object:
    """What is the same as long as nothing happens to it."""
    return None if supervised is None else structs.replace(supervised, next_try=None)


def _is_unfinished(folders: Folders, here: Synchronization, status: Status | None) -> bool:
    if status is None or status.mounted:
        return False
    return has_rest_of_import(folders, here)


def _in_home(path: Path) -> str:
    """``~/Documents`` for what is in the home folder."""
    home = Path.home()
    return f"~/{path.relative_to(home)}" if home in path.parents else str(path)


def _calm(status: Status) -> Status:
    """The same for the page; moments that are counted anew each time differ no more by
    fractions."""
    return structs.replace(
        status,
        next_try=_whole(status.next_try),
        offline_since=_whole(status.offline_since),
    )


def _whole(moment: float | None) -> float | None:
    return None if moment is None else float(round(moment))
