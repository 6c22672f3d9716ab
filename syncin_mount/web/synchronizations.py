"""The first screen: how the synchronizations are, and what one does with them."""

from __future__ import annotations

import logging
import time
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
import trio

from syncin_mount.app.drives.addresses import open_with, opener
from syncin_mount.app.drives.open_drive import hangs
from syncin_mount.app.errors import DriveHangs, NotPossible
from syncin_mount.app.messages import sentence
from syncin_mount.app.processes.notices import Notice
from syncin_mount.app.processes.notify import notify
from syncin_mount.app.processes.supervisor_client import told
from syncin_mount.app.synchronizations import settings
from syncin_mount.config import Scheduling
from syncin_mount.control.messages import Failure, Progress, Report, SyncRequest
from syncin_mount.control.supervision import Ask, Phase, What
from syncin_mount.desktop.opening import open_folder
from syncin_mount.desktop.session_bus import has_session_bus, open_session_bus, why
from syncin_mount.language import t
from syncin_mount.web.routes import (
    Done,
    Drives,
    Name,
    Names,
    Nothing,
    OneDrive,
    Refused,
    Request,
    Route,
    Stream,
    is_expected,
)

log = logging.getLogger(__name__)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from syncin_mount.app.drives.drive import Drive
    from syncin_mount.app.processes.notices import Unnotified
    from syncin_mount.web.live import Live
    from syncin_mount.web.runs import Runs

MOST_ACTIONS = 5000
"""Actions of a plan that are shown: what is more is counted. Nobody reads more, and a plan may have
a million."""


Seconds = Annotated[int, msgspec.Meta(ge=settings.SHORTEST_PAUSE_S, le=settings.LONGEST_PAUSE_S)]


class Sync(Request, frozen=True):
    """Runs these now, one after another or ``parallel``. With ``plan``, only that plan is carried
    out, guards or not: somebody looked at it."""

    names: Names
    parallel: bool = False
    plan: Annotated[str, msgspec.Meta(max_length=200)] | None = None


class Limit(Request, frozen=True):
    """From now on at most so many bytes a second, None: as fast as it goes."""

    names: Names
    up: Annotated[int, msgspec.Meta(ge=1024, le=10**12)] | None = None
    down: Annotated[int, msgspec.Meta(ge=1024, le=10**12)] | None = None


class SomeDrives(Request, frozen=True):
    """About these."""

    names: Names


class Pause(Request, frozen=True):
    """Pauses these, until somebody resumes them (None), for so many seconds, or until tomorrow
    morning."""

    names: Names
    until: Seconds | Literal["tomorrow"] | None = None


class Enable(Request, frozen=True):
    """Has it mounted by the supervisor, or not any more."""

    name: Name
    enabled: bool


class Mount(Request, frozen=True):
    """Mounts it. With ``end_hung``, a daemon that does not answer is ended before: somebody was
    told what that loses."""

    name: Name
    end_hung: bool = False


class Schedule(Request, frozen=True):
    """How the schedules of all work together."""

    how: Literal["parallel", "sequential", "off"]


class Plan(msgspec.Struct, frozen=True, tag_field="event", tag="plan"):
    """What a run would do: ``report`` with its first actions, of ``actions`` in all."""

    report: Report
    actions: int


class Synchronizations:
    """The handlers. Each returns when it is done, and has all tabs see it."""

    def __init__(self, drives: Drives, live: Live, runs: Runs) -> None:
        self._drives = drives
        self._live = live
        self._runs = runs

    def routes(self) -> dict[str, Route]:
        return {
            "/api/watch": Route(Nothing, self.watch),
            "/api/sync": Route(Sync, self.sync),
            "/api/stop": Route(OneDrive, self.stop),
            "/api/simulate": Route(OneDrive, self.simulate),
            "/api/pause": Route(Pause, self.pause),
            "/api/resume": Route(SomeDrives, self.resume),
            "/api/limit": Route(Limit, self.limit),
            "/api/enable": Route(Enable, self.enable),
            "/api/register": Route(OneDrive, self.register),
            "/api/mount": Route(Mount, self.mount),
            "/api/scheduler": Route(Schedule, self.scheduler),
            "/api/open": Route(OneDrive, self.open),
        }

    async def watch(self, _request: Nothing) -> Stream:
        return Stream(self._live.watch())

    async def sync(self, request: Sync) -> Done:
        configuration = await self._drives.configuration()
        chosen = [configuration.synchronizations.get(name) for name in request.names]
        wanted = SyncRequest(confirmed=request.plan is not None, plan=request.plan)
        self._runs.start(
            configuration,
            [each for each in chosen if each is not None],
            wanted,
            parallel=request.parallel,
        )
        return Done()

    async def stop(self, request: OneDrive) -> Done:
        self._runs.stop(request.name)
        return Done()

    async def simulate(self, request: OneDrive) -> Stream:
        """Ends when the browser hangs up."""
        return Stream(aclosing(self._plan_lines(request.name)))

    async def _plan_lines(self, name: str) -> AsyncGenerator[object, None]:
        try:
            async with (
                self._drives.opened(name) as drive,
                drive.sync(SyncRequest(dry_run=True)) as events,
            ):
                async for event in events:
                    yield _shown(event)
        except Exception as error:
            if not is_expected(error):
                raise
            yield Refused(sentence(error, name))

    async def pause(self, request: Pause) -> Done:
        now, until = time.time(), request.until
        if until == "tomorrow":
            until = settings.pause_end_tomorrow(now)
        elif until is not None:
            until = settings.pause_end_after(until, now)
        return await self._each(request.names, lambda drive: drive.pause(until))

    async def resume(self, request: SomeDrives) -> Done:
        return await self._each(request.names, lambda drive: drive.resume())

    async def _each(
        self, names: tuple[str, ...], change: Callable[[Drive], Awaitable[Unnotified | None]]
    ) -> Done:
        missed = []
        for name in names:
            async with self._drives.opened(name) as drive:
                missed.append(await change(drive))
        self._live.look_now()
        return Done(next((sentence(each) for each in missed if each is not None), None))

    async def limit(self, request: Limit) -> Done:
        return await self._each(request.names, lambda drive: drive.limit(request.up, request.down))

    async def enable(self, request: Enable) -> Done:
        from syncin_mount.app.synchronizations import enabling  # noqa: PLC0415 (memory)

        await self._drives.named(request.name)
        switch = enabling.enable if request.enabled else enabling.disable
        try:
            done = await switch(self._drives.folders, request.name)
        finally:
            self._live.look_now()
        if done.drive is not None and done.drive.why:
            return Done(done.drive.why)
        if done.change.not_sent is not None:
            why = sentence(done.change.not_sent, request.name)
            return Done(t("the server hears of it with the next run: {why}", why=why))
        return Done()

    async def register(self, request: OneDrive) -> Done:
        """Has the server have it again, where it was removed there. Goes on with a run."""
        from syncin_mount.app.synchronizations.reregister import (  # noqa: PLC0415 (memory)
            register_again,
        )

        configuration, found = await self._drives.named(request.name)
        server = configuration.servers[found.server]
        done = await register_again(self._drives.folders, server, [found.name])
        for _, error in done.refused:
            raise NotPossible(
                t("the server does not take it back: {why}", why=sentence(error, found.name))
            )
        # Its schedule may start the next run much later.
        configuration, found = await self._drives.named(found.name)
        self._runs.start(configuration, [found], SyncRequest(), parallel=False)
        return Done(next((sentence(each) for each in done.missed), None))

    async def mount(self, request: Mount) -> Done:
        """One that is disabled is not supervised: it is mounted until it is unmounted. Raises
        DriveHangs where its daemon does, unless that is to be ended."""
        from syncin_mount.app.processes.mounting import end_hung, mount  # noqa: PLC0415 (memory)

        _, found = await self._drives.named(request.name)
        if request.end_hung:
            await end_hung(self._drives.folders, found)
        elif await hangs(self._drives.folders, found.name):
            raise DriveHangs(found.name)
        if found.enabled:
            return Done(await self._supervised(Ask(What.UP, request.name)))
        try:
            await mount(self._drives.folders, found)
        finally:
            self._live.look_now()
        return Done()

    async def _supervised(self, request: Ask) -> str | None:
        """Has the supervisor do it; why it is not so, or None."""

        def ask() -> str | None:
            answer = told(self._drives.folders, request, seconds=None)
            drive = None if answer is None or request.name is None else answer.of(request.name)
            if drive is None or drive.phase is Phase.UP:
                return None
            return drive.on_page or drive.why

        try:
            return await trio.to_thread.run_sync(ask, abandon_on_cancel=True)
        finally:
            self._live.look_now()

    async def scheduler(self, request: Schedule) -> Done:
        wanted = Scheduling(request.how)
        written = await trio.to_thread.run_sync(
            self._drives.file.update, lambda now: replace(now, scheduling=wanted)
        )
        missed = await notify(self._drives.folders, written.synchronizations, Notice.CONFIGURATION)
        self._live.look_now()
        return Done(next((sentence(each) for each in missed), None))

    async def open(self, request: OneDrive) -> Done:
        _, found = await self._drives.named(request.name)
        folder = str(found.mountpoint)
        if await _opened_over_the_bus(folder):
            return Done()
        command = opener()
        if command is None:
            raise NotPossible(
                t("there is no desktop that could show it; the folder is {folder}", folder=folder)
            )
        await trio.to_thread.run_sync(open_with, command, folder, abandon_on_cancel=True)
        return Done()


async def _opened_over_the_bus(folder: str) -> bool:
    """Whether the desktop's file manager took it: it can also from a supervisor that began before
    the desktop did."""
    if not has_session_bus():
        return False
    try:
        async with open_session_bus() as bus:
            await open_folder(bus, folder)
    except Exception as error:  # noqa: BLE001 (whatever ails the bus: there is another way)
        log.info("no file manager was reached over the bus: %s", why(error))
        return False
    return True


def _shown(event: Progress | Report | Failure) -> Progress | Plan | Refused:
    if isinstance(event, Failure):
        return Refused(event.message)
    if isinstance(event, Progress):
        return event
    few = msgspec.structs.replace(event, actions=event.actions[:MOST_ACTIONS])
    return Plan(few, len(event.actions))
