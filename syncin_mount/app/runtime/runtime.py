"""The assembly: a replica, a session with its server, and the tasks that keep both sides the
same."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import functools
import logging
import platform
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import trio

from reconciler.engine.engine import Engine
from reconciler.engine.parts import EngineOptions
from reconciler.engine.schedule import Schedule
from reconciler.errors import Reason
from reconciler.hydration.hydrator import Hydrator
from reconciler.phrases import Phrase
from reconciler.requests.connectivity import Connectivity
from syncin_mount.app.accounts.sessions import session_with
from syncin_mount.app.conflicts.journal import ConflictJournal
from syncin_mount.app.drives.trash_handover import Handover
from syncin_mount.app.errors import Paused
from syncin_mount.app.messages import sentence
from syncin_mount.app.runs.hooks import Hooks
from syncin_mount.app.runs.progress_meter import Meter
from syncin_mount.app.runtime.base_counting import BaseCounting, remember_sums
from syncin_mount.app.runtime.config_watch import Following
from syncin_mount.app.runtime.content_patrol import Patrol
from syncin_mount.app.runtime.content_sync import ContentSync
from syncin_mount.app.runtime.descriptor_limit import enough_descriptors
from syncin_mount.app.runtime.disk_trouble import DiskTrouble
from syncin_mount.app.runtime.first_runs_after_import import FirstRuns
from syncin_mount.app.runtime.history_upkeep import keep_history
from syncin_mount.app.runtime.other_clients import Neighbours
from syncin_mount.app.runtime.timed_pause import TimedPause
from syncin_mount.app.runtime.turns import RememberedDeletions, RememberedRun, Turns
from syncin_mount.app.synchronizations import settings
from syncin_mount.app.synchronizations.adoption import Adoption
from syncin_mount.app.synchronizations.registration import Registration, Save
from syncin_mount.config import ConfigurationError, ConfigurationFile, Scheduling, private_folder
from syncin_mount.config.rules import not_there_yet
from syncin_mount.errors import DaemonError
from syncin_mount.remote import Folder
from syncin_mount.remote.http.rate_limit import Limits
from syncin_mount.store import Replica
from syncin_mount.store.errors import IndexDamaged
from syncin_mount.trash import find_user_bin

if TYPE_CHECKING:
    from syncin_mount.config import Configuration, Folders, Server, Synchronization
    from syncin_mount.remote import Session

log = logging.getLogger(__name__)

COMMIT_EVERY = 1.0
"""Seconds between commits of the index, when they are quick."""

COMMIT_SHARE = 20
"""A commit is followed by at least this many times its own duration: so commits take less than 5 %
of the time. The same holds for the syncs of the contents before them."""

FIRST_RESTART = 2.0
LONGEST_RESTART = 300.0
"""Seconds before a task that failed unexpectedly is started again: doubled from the first to the
longest."""


class SystemClock:
    """Wall time."""

    def now_ns(self) -> int:
        return time.time_ns()


@dataclass(slots=True)
class Runtime:
    """One synchronization at work. ``handover`` is None where the replica's bin is the user's, as
    ``own_bin`` says why. ``failure`` is what made a task fail that is being restarted, ``disk``
    what the local disk refuses at the moment."""

    registration: Registration
    session: Session
    server: Server
    replica: Replica
    link: Connectivity
    hydrator: Hydrator
    engine: Engine
    meter: Meter
    turns: Turns
    limits: Limits
    schedule: Schedule
    conflicts: ConflictJournal
    pause_end: TimedPause
    counting: BaseCounting
    hooks: Hooks
    neighbours: Neighbours
    following: Following | None = None
    handover: Handover | None = None
    own_bin: str = ""
    failure: str | None = None
    disk: str | None = None
    passed_on: Callable[[], Awaitable[None]] = trio.lowlevel.checkpoint
    """Returns when programs see in the drive every change so far."""

    @property
    def synchronization(self) -> Synchronization:
        """As it is configured now: the server may have changed it since the start."""
        return self.registration.synchronization

    def reschedule(self) -> None:
        """The engine takes up what the schedule's settings are now."""
        every = self.synchronization.scheduler.seconds
        self.engine.reschedule(every, allowed=self.turns.scheduling is not Scheduling.OFF)

    def limit(self, up: float | None, down: float | None) -> None:
        """Bytes a second from now on, None: as fast as it goes."""
        if (up, down) != (self.limits.up.rate, self.limits.down.rate):
            log.info("limits: up %s, down %s bytes a second", up or "no", down or "no")
            self.limits.change(up, down)

    def pause(self, paused: bool) -> None:
        """Stops all exchange with the server, or lets it go on."""
        if paused and not self.link.paused:
            log.info("paused")
            why = Paused(self.synchronization.name)
            self.engine.pause(Reason(str(why), remedy=why))
        elif self.link.paused and not paused:
            log.info("resumed")
            self.engine.resume()

    def follow_pause(self, configured: Synchronization) -> None:
        """Takes up the pause as it is configured, with its end."""
        self.pause(configured.is_paused(time.time()))
        # One that is over already is taken out of the configuration, too.
        self.pause_end.set(configured.paused_until if configured.paused else None)

    async def configure(self, now: Configuration) -> None:
        """Takes up what somebody changed in the configuration."""
        self.turns.scheduling = now.scheduling
        edited = now.synchronizations.get(self.synchronization.name)
        if edited is not None:
            self.follow_pause(edited)
            self.limit(edited.limit_up, edited.limit_down)
            await self.registration.adopt(edited)
        self.reschedule()

    def tell_disk(self, trouble: str | None) -> None:
        self.disk = trouble


@contextlib.asynccontextmanager
async def open_runtime(
    folders: Folders,
    server: Server,
    synchronization: Synchronization,
    *,
    manual: bool = False,
    alone: bool = False,
) -> AsyncIterator[Runtime]:
    """Opens the replica (which locks it) and starts its tasks; ends them, and commits and closes
    it, at the exit.

    Never needs the network. ``alone`` leaves the engine's own loop out: runs happen only by
    ``engine.sync``. Raises ReplicaError, DaemonError.
    """
    if refused := not_there_yet(synchronization):
        raise DaemonError(f"'{synchronization.name}': {refused}")
    if server.insecurity is not None:
        log.warning("%s", server.insecurity)
    folders.make()
    enough_descriptors()
    replica = Replica.open(private_folder(folders.replica(synchronization.name), mark=False))
    try:
        limits = Limits(synchronization.limit_up, synchronization.limit_down)
        async with session_with(folders, server, limits) as session, trio.open_nursery() as nursery:
            runtime = _assemble(folders, replica, session, server, synchronization, manual=manual)

            def begin(task: Callable[..., Awaitable[None]]) -> None:
                nursery.start_soon(_kept_running, runtime, task)

            begin(functools.partial(_commit_regularly, replica, runtime.tell_disk))
            begin(functools.partial(keep_history, replica.history, folders))
            begin(runtime.counting.run)
            begin(runtime.hooks.run)
            await nursery.start(_kept_running, runtime, runtime.hydrator.run)
            if not alone:
                runtime.following = Following(ConfigurationFile(folders), runtime.configure)
                await nursery.start(_kept_running, runtime, runtime.following.run)
                await nursery.start(_kept_running, runtime, runtime.pause_end.run)
                begin(runtime.neighbours.run)
                await nursery.start(_kept_running, runtime, runtime.engine.run)
                # Only while the drive is there: what the user restores must find it.
                begin(Patrol(replica, runtime.hydrator).run)
                runtime.handover, runtime.own_bin = _handover(folders, replica, synchronization)
                if runtime.handover is not None:
                    await nursery.start(_kept_running, runtime, runtime.handover.run)
            yield runtime
            if alone:  # a drive that ends does not wait for the user's commands
                await runtime.neighbours.tell()
                await runtime.hooks.drained()
            runtime.schedule.keep()
            nursery.cancel_scope.cancel()
        remember_sums(replica, folders.replica(synchronization.name))
    finally:
        replica.close()


def _assemble(
    folders: Folders,
    replica: Replica,
    session: Session,
    server: Server,
    synchronization: Synchronization,
    *,
    manual: bool,
) -> Runtime:
    meter, link = Meter(), Connectivity()
    remote = Folder(session, synchronization.remote, synchronization.path_id or 0)
    hydrator = Hydrator(replica, remote, link, progress=meter)
    file = ConfigurationFile(folders)
    registration = Registration(
        session,
        remote,
        synchronization,
        host=platform.node() or "here",
        save=_saver(file),
        load=functools.partial(_load, file, synchronization.name),
        offered=Adoption(folders, file, server, session).look,
    )
    turns, clock = Turns(folders.state), SystemClock()
    schedule = Schedule(
        clock,
        synchronization.scheduler.seconds,
        memory=RememberedRun(folders.replica(synchronization.name)),
        turn=turns.turn,
    )
    neighbours = Neighbours(session, registration, link, manual=manual)

    conflicts = ConflictJournal(folders.replica(synchronization.name))
    hooks = Hooks(file, lambda: registration.synchronization, hydrator.wait_drained)
    engine = Engine(
        replica,
        remote,
        hydrator,
        link,
        settings=registration.settings,
        clock=clock,
        progress=meter,
        schedule=schedule,
        options=EngineOptions(
            fetch_settings=FirstRuns(replica, registration.fetch_settings).fetch_settings,
            manual=manual,
            deletions=RememberedDeletions(folders.replica(synchronization.name)),
            stamp=_stamp,
            name=lambda: registration.synchronization.remote,
            on_conflict=conflicts.note,
            on_run=hooks.note,
            on_sent=neighbours.note_sent,
        ),
    )
    limits = session.wire.limits

    async def end_pause(until: int) -> None:
        runtime.pause(False)
        await _note_pause_end(folders, registration.synchronization.name, until)

    runtime = Runtime(
        registration,
        session,
        server,
        replica,
        link,
        hydrator,
        engine,
        meter,
        turns,
        limits,
        schedule,
        conflicts,
        TimedPause(end_pause),
        BaseCounting(replica),
        hooks,
        neighbours,
    )
    neighbours.on_move = engine.others_sent
    registration.on_change.append(runtime.reschedule)
    runtime.follow_pause(synchronization)
    return runtime


async def _note_pause_end(folders: Folders, name: str, until: int) -> None:
    """So that whoever shows the configuration shows no pause any more. Where that fails, the moment
    has passed all the same."""
    try:
        await trio.to_thread.run_sync(settings.end_pause, folders, name, until)
    except (ConfigurationError, KeyError) as error:
        log.warning("the configuration still has a pause that is over: %s", error)


def _handover(
    folders: Folders, replica: Replica, synchronization: Synchronization
) -> tuple[Handover | None, str]:
    """What brings things to the desktop's trash, or None and why there is no such thing."""
    user_bin, why = find_user_bin(folders, synchronization)
    if user_bin is None:
        return None, why
    return Handover(replica, user_bin, synchronization.mountpoint), ""


def _saver(file: ConfigurationFile) -> Save:
    """Puts what differs into the configuration as it is then: somebody may have edited the rest
    meanwhile."""

    async def save(before: Synchronization, after: Synchronization) -> None:
        changed = {
            field.name: getattr(after, field.name)
            for field in dataclasses.fields(after)
            if getattr(after, field.name) != getattr(before, field.name)
        }

        def with_it(now: Configuration) -> Configuration:
            present = now.synchronizations.get(after.name)
            return (
                now
                if present is None
                else now.with_synchronization(dataclasses.replace(present, **changed))
            )

        await trio.to_thread.run_sync(file.update, with_it)

    return save


async def _load(file: ConfigurationFile, name: str) -> Synchronization | None:
    """None also where the configuration cannot be read: then what is in force stays so."""
    try:
        configuration = await trio.to_thread.run_sync(file.read)
    except ConfigurationError as error:
        log.warning("the configuration is not followed: %s", error)
        return None
    return configuration.synchronizations.get(name)


def _stamp(now_ns: int) -> str:
    """Local time in a form that every file system takes as part of a name."""
    return dt.datetime.fromtimestamp(now_ns / 1e9).astimezone().strftime("%Y-%m-%d %H-%M-%S")


async def _commit_regularly(
    replica: Replica,
    tell: Callable[[str | None], None] = lambda _trouble: None,
    *,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Brings contents to the disk (`runtime.content_sync`), and then the index; last go
    the contents that were replaced. About once a second each.

    What is not in the index yet is in the journal: a failure costs nothing but a longer start, and
    is tried again. ``tell`` is given what the disk refuses, and None when it does not any more.
    """
    task_status.started()
    trouble = DiskTrouble(tell, replica.folder.name)
    contents = ContentSync(replica, time.monotonic)
    pause, sync_from, synced_until = COMMIT_EVERY, 0.0, 0
    while True:
        await trio.sleep(pause)
        if (
            replica.has_open_snapshot()
        ):  # a big plan is being made; a commit would have it begin again
            pause = COMMIT_EVERY
            continue
        started = time.monotonic()
        if started >= sync_from:
            try:
                synced_until = await contents.run()
            except OSError as error:
                trouble.met("contents", error)
            else:
                trouble.over("contents")
            ended = time.monotonic()
            sync_from, started = ended + (ended - started) * COMMIT_SHARE, ended
        try:
            replica.commit(effects_until=synced_until)
            replica.require_space()
        except OSError as error:
            trouble.met("index", error)
        else:
            trouble.over("index")
        pause = max(COMMIT_EVERY, (time.monotonic() - started) * COMMIT_SHARE)


class _FirstStart:
    """Passes on that a task has started once, however often it is started again."""

    def __init__(self, status: trio.TaskStatus[None]) -> None:
        self._status: trio.TaskStatus[None] | None = status

    def started(self, value: None = None) -> None:
        if self._status is not None:
            self._status.started(value)
            self._status = None


async def _kept_running(
    runtime: Runtime,
    task: Callable[..., Awaitable[None]],
    *,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Runs the task for ever. An error of ours must not take the drive away from under its users:
    it is logged with its traceback, shown by the status, and the task starts again after a growing
    pause."""
    pause = FIRST_RESTART
    first = _FirstStart(task_status)
    while True:
        began = trio.current_time()
        try:
            await task(task_status=first)
        except IndexDamaged as error:
            runtime.failure = sentence(error, runtime.synchronization.name)
            log.error("%s", runtime.failure)
        except Exception as error:
            log.exception("a task of the drive failed; it starts again in %.0f s", pause)
            runtime.failure = Phrase(
                "an error of this program ({kind}); the log says more",
                kind=type(error).__name__,
            )
        first.started()
        if trio.current_time() - began > LONGEST_RESTART:
            pause = FIRST_RESTART
        await trio.sleep(pause)
        pause = min(pause * 2, LONGEST_RESTART)
