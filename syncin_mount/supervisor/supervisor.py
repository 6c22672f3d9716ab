"""The supervisor at work: looks, starts and stops what `supervisor.RestartPolicy` decides, and
answers the commands.

It holds no drive itself: each is a process of its own, and goes on when the supervisor is killed.
The next supervisor finds the drives by their sockets.
"""

from __future__ import annotations

import logging
import signal
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import trio
from msgspec.structs import replace

from reconciler.phrases import Phrase, strerror
from syncin_mount.advice import Reader, writing_for
from syncin_mount.app.drives.open_drive import hangs
from syncin_mount.app.messages import sentence, sentence_or_none
from syncin_mount.app.processes.page_opening import SupervisedPage
from syncin_mount.app.processes.spawn import (
    EndedSilently,
    Refusal,
    refusal_in,
    signal_name,
)
from syncin_mount.config import (
    Configuration,
    ConfigurationError,
    ConfigurationFile,
)
from syncin_mount.control.supervision import (
    NAME,
    Answer,
    Ask,
    Phase,
    Supervised,
    What,
    serve_supervision,
)
from syncin_mount.control.transport import listener_of
from syncin_mount.errors import DaemonError
from syncin_mount.language import ENGLISH, speak, speaking
from syncin_mount.mount_table import mounted_at, take_away
from syncin_mount.supervisor.lock import only_supervisor
from syncin_mount.supervisor.logind import keep_delaying
from syncin_mount.supervisor.processes import Daemon, ask_to_end, open_daemon
from syncin_mount.supervisor.restart_policy import Drive, RestartPolicy, Start
from syncin_mount.supervisor.telling import tell_drives, wait_synced, wake_up
from syncin_mount.system.processes import first_word
from syncin_mount.tray.tray import keep_tray

if TYPE_CHECKING:
    from pathlib import Path

    from syncin_mount.config import Folders
    from syncin_mount.web.server import PageServer

log = logging.getLogger(__name__)

LOOK_EVERY = 2.0
"""Seconds between looks at the configuration's file, and at the sockets of drives that are down."""

SOON_S = 2.0
"""Seconds in which a daemon says how it is before its drive is unmounted."""

PATIENCE = 60.0
"""Seconds that the daemons get, all together, to write down what the system hands over at the
end."""

if sys.platform == "win32":
    _ENDING = (signal.SIGINT, signal.SIGBREAK)
else:
    _ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


async def supervise(
    folders: Folders,
    *,
    on_serving: Callable[[], None] = lambda: None,
    on_ready: Callable[[], None] = lambda: None,
    on_ending: Callable[[], None] = lambda: None,
    sync_seconds: float = 0.0,
) -> None:
    """Mounts every enabled synchronization and keeps it mounted, until told to end or by a signal;
    then unmounts all.

    ``on_serving`` is called once commands are answered, ``on_ready`` once each drive was tried,
    ``on_ending`` when the end begins. On SIGTERM drives get ``sync_seconds`` seconds to send what
    waits before they are unmounted. Raises DaemonError when there is a supervisor already,
    ConfigurationError when there is nothing to begin with.
    """
    speak(ENGLISH)  # logs, and what is kept; whoever asks is answered in their language
    with only_supervisor(folders):
        supervisor = Supervisor(folders, on_ending, sync_seconds)
        supervisor.read_configuration(must=True)
        async with trio.open_nursery() as nursery:
            await nursery.start(supervisor.stop_on_signal)
            await nursery.start(serve_supervision, folders.socket(NAME), supervisor.answer)
            on_serving()
            supervisor.pages = nursery
            nursery.start_soon(supervisor.run)
            nursery.start_soon(supervisor.tell_ready, on_ready)
            nursery.start_soon(keep_delaying, supervisor.sync_drives, supervisor.wake_drives)
            nursery.start_soon(keep_tray, folders, supervisor, SupervisedPage(folders))
            await supervisor.over.wait()
            nursery.cancel_scope.cancel()


class Supervisor:
    """The acting half. ``over`` is set when all is unmounted and nothing remains to be done;
    ``configuration`` is as it was read last, ``pages`` is where the page runs once somebody asks
    for it. (A `Supervision` of `syncin_mount.tray.supervision` and of `syncin_mount.web.live`.)"""

    def __init__(
        self,
        folders: Folders,
        on_ending: Callable[[], None] = lambda: None,
        sync_seconds: float = 0.0,
    ) -> None:
        self._folders = folders
        self._sync_seconds = sync_seconds
        self._on_ending = on_ending
        self._file = ConfigurationFile(folders)
        self._read: object = None  # what the file was like when it was read last
        self._trouble: Exception | None = None
        self.configuration = Configuration()
        self._points: dict[str, Path] = {}
        self._policy = RestartPolicy()
        self._daemons: dict[str, Daemon] = {}
        self._changed = trio.Event()
        self._page: PageServer | None = None
        self.pages: trio.Nursery | None = None
        self.over = trio.Event()

    # the loop -------------------------------------------------------------------------------------
    async def run(self) -> None:
        """Looks and acts, for ever. Cancelled, it leaves the drives as they are."""
        async with trio.open_nursery() as nursery:
            while True:
                self._look(nursery)
                acts = self._policy.decide(trio.current_time())
                if acts:
                    self._wake()
                for act in acts:
                    if isinstance(act, Start):
                        nursery.start_soon(self._start, act)
                    else:
                        nursery.start_soon(self._stop, act.name)
                changed = self._changed
                due = self._policy.next_due(trio.current_time())
                with trio.move_on_after(LOOK_EVERY if due is None else min(due, LOOK_EVERY)):
                    await changed.wait()

    async def tell_ready(self, on_ready: Callable[[], None]) -> None:
        """Calls it when every drive is up or was tried in vain."""
        await self._wait_stable(None)
        on_ready()

    def _look(self, nursery: trio.Nursery) -> None:
        self.read_configuration()
        for name, drive in list(self._policy.drives.items()):
            if drive.phase not in {Phase.WAITING, Phase.DOWN} or name in self._daemons:
                continue
            pid = listener_of(self._folders.socket(name))
            daemon = None if pid is None else _daemon(pid)
            if daemon is not None:
                log.info("%s is mounted already, by process %d", name, daemon.pid)
                self._daemons[name] = daemon
                self._policy.running(trio.current_time(), name)
                nursery.start_soon(self._watch, name, daemon)
                self._wake()

    def read_configuration(self, *, must: bool = False) -> None:
        """Follows the configuration where its file changed. One that cannot be read changes nothing
        (``must``: raises ConfigurationError)."""
        looks = _looks(self._file.path)
        if looks == self._read and not must:
            return
        self._read = looks
        try:
            self.configuration = self._file.read()
        except ConfigurationError as error:
            if must:
                raise
            log.error("the configuration is not followed: %s", error)
            self._trouble = error
            self._wake()
            return
        self._trouble = None
        found = self.configuration.synchronizations.values()
        self._points |= {
            each.name: each.mountpoint for each in found if each.name not in self._daemons
        }
        self._policy.configured(trio.current_time(), [each.name for each in found if each.enabled])
        self._wake()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = trio.Event()

    async def wait_changed(self) -> None:
        """Returns when the configuration or a drive may have become different."""
        await self._changed.wait()

    def mount(self, name: str) -> None:
        """Has the drive up again, and tries at once."""
        self._policy.release(trio.current_time(), name)
        self._wake()

    async def _wait_stable(self, name: str | None) -> None:
        while not self._policy.is_stable(trio.current_time(), name):
            await self._changed.wait()

    async def _hear_of_ends(self, name: str | None) -> None:
        """Returns when no daemon of the drive (all, without a name) is taken for one that runs and
        has ended: whoever saw the end before this process did would be told of a mounted drive."""
        while any(
            daemon.has_ended() for each, daemon in self._daemons.items() if name in {None, each}
        ):
            await self._changed.wait()

    # the drives -----------------------------------------------------------------------------------
    async def _start(self, act: Start) -> None:
        """One daemon's life, from its start."""
        name = act.name
        try:
            daemon, pipe = await open_daemon(
                self._folders, name, ["--manual"] if act.manual else []
            )
        except DaemonError as error:
            self._refused(name, Refusal(1, error))
            return
        self._daemons[name] = daemon
        word = await first_word(pipe)
        refusal = refusal_in(word) if word else None
        if word and refusal is None:
            log.info("%s is mounted, by process %d", name, daemon.pid)
            self._policy.running(trio.current_time(), name)
            self._wake()
        status = await daemon.ended()
        self._gone(name, daemon)
        if refusal is not None:
            self._refused(name, refusal)
        elif not word:
            self._refused(name, Refusal(1, EndedSilently(self._folders, name, status or 0)))
        else:
            self._ended(name, status)

    def _refused(self, name: str, refusal: Refusal) -> None:
        log.error("%s: %s", name, sentence(refusal.why, name))
        self._policy.refused(trio.current_time(), name, refusal.status, refusal.why)
        self._wake()

    async def _watch(self, name: str, daemon: Daemon) -> None:
        """The life of a daemon that is not our child. How it ended shows in its socket file, which
        it takes away when it ends in order."""
        await daemon.ended()
        self._gone(name, daemon)
        self._ended(name, None if self._folders.socket(name).exists() else 0)

    def _gone(self, name: str, daemon: Daemon) -> None:
        daemon.close()
        del self._daemons[name]

    def _ended(self, name: str, status: int | None) -> None:
        """``status``: 0 in order, negative for a signal, None for a kill that only its socket file
        tells of."""
        if status == 0:
            log.info("%s was unmounted", name)
            self._policy.ended(trio.current_time(), name, in_order=True)
            self._wake()
            return
        if status is None or status < 0:
            why = (
                Phrase("the daemon of '{name}' was killed", name=name)
                if status is None
                else Phrase(
                    "the daemon of '{name}' was killed by {signal}",
                    name=name,
                    signal=signal_name(-status),
                )
            )
        else:
            why = Phrase(
                "the daemon of '{name}' ended with status {status}; its log says more: {log}",
                name=name,
                status=status,
                log=self._folders.log(name),
            )
        log.error("%s", why)
        self._policy.ended(trio.current_time(), name, in_order=False, why=why, status=1)
        self._wake()

    async def _stop(self, name: str) -> None:
        """Unmounts what is not enabled any more, unless files are open in it."""
        daemon, point = self._daemons.get(name), self._points.get(name)
        if daemon is None:
            self._policy.ended(trio.current_time(), name, in_order=True)
            self._wake()
            return
        why: str | None = None
        # unmounting would wait for it; one that was only slow is asked again soon
        if await hangs(self._folders, name, patience=SOON_S):
            why = Phrase("the daemon does not answer")
        elif daemon.has_ended():
            return  # what is mounted there now may be another drive's, or the same under a new name
        elif point is not None and mounted_at(point) is not None:
            why = await trio.to_thread.run_sync(take_away, point)
        if why is None:
            await ask_to_end(
                self._folders, {name: daemon}
            )  # one may not see that its drive is gone
        else:
            log.warning("%s is not enabled any more, but cannot be unmounted yet: %s", name, why)
            self._policy.busy(trio.current_time(), name, why)
            self._wake()

    # commands and signals -------------------------------------------------------------------------
    async def answer(self, request: Ask) -> Answer:
        """What a command asked for; see `What`."""
        self.read_configuration()
        if request.what is What.PAGE:
            return await self._with_page()
        if request.what is not What.LOOK:
            await self._hear_of_ends(request.name)
        if request.what is What.UP:
            self._policy.release(trio.current_time(), request.name, manual=request.manual)
        elif request.what is What.HOLD:
            self._policy.hold(request.name)
        elif request.what is What.END:
            await self.end()
            return self._answer()
        self._wake()
        if request.what is not What.LOOK:
            await self._wait_stable(request.name)
        return self._answer()

    async def _with_page(self) -> Answer:
        """Serves the page from now on; what it needs is loaded only here."""
        if self._page is None:
            from syncin_mount.web.server import PageServer  # noqa: PLC0415 (most need no page)

            assert self.pages is not None
            self._page = PageServer(self._folders, self, self.pages)
        try:
            with speaking(ENGLISH), writing_for(Reader.TERMINAL):  # it outlives who asks
                address = await self._page.address()
            return replace(self._answer(), page=address)
        except OSError as error:
            return replace(
                self._answer(), trouble=Phrase("it has no port ({why})", why=strerror(error))
            )

    def _answer(self) -> Answer:
        return Answer(self.supervised(), self.trouble)

    @property
    def trouble(self) -> str | None:
        """What keeps the configuration from being followed, for who reads it in this context."""
        return sentence_or_none(self._trouble)

    def supervised(self) -> tuple[Supervised, ...]:
        """All drives that are to be up, and how they are, for who reads it in this context."""
        now, wall = trio.current_time(), time.time()
        return tuple(_told(drive, now, wall) for drive in self._policy.drives.values())

    async def end(self) -> None:
        """Has every daemon end in order, and waits for that; then this is over. Cancelled, the rest
        goes on ending."""
        self._on_ending()
        self._policy.end()
        with trio.move_on_after(PATIENCE) as waiting:
            while self._daemons:
                changed = self._changed
                await ask_to_end(self._folders, dict(self._daemons))
                # one that just began may have had no ear for it yet
                with trio.move_on_after(LOOK_EVERY):
                    await changed.wait()
        if waiting.cancelled_caught:
            log.error("these do not end, and are left alone: %s", ", ".join(self._daemons))
        self.over.set()

    # the computer ends, or sleeps -----------------------------------------------------------------
    async def sync_drives(self) -> None:
        """Returns when each drive has sent what waits, or will not now."""
        log.info("what waits is sent before the end, or sleep")
        await tell_drives(self._folders, list(self._daemons), wait_synced)
        log.info("nothing is left that is sent now")

    async def wake_drives(self) -> None:
        """The network may be there again, and runs be due."""
        log.info("the computer goes on: the servers are tried at once")
        await tell_drives(self._folders, list(self._daemons), wake_up)

    async def stop_on_signal(
        self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Ends everything on a signal."""
        with trio.open_signal_receiver(*_ENDING) as signals:
            task_status.started()
            async for number in signals:
                log.info("ending: %s", signal.Signals(number).name)
                if number == signal.SIGTERM and self._sync_seconds:
                    with trio.move_on_after(self._sync_seconds):
                        await self.sync_drives()
                await self.end()


def _told(drive: Drive, now: float, wall: float) -> Supervised:
    """``wall`` is the time of day at ``now``."""
    why = sentence_or_none(drive.why or None, drive.name)
    with writing_for(Reader.PAGE):
        on_page = sentence_or_none(drive.why or None, drive.name)
    due = wall + max(0.0, drive.due - now)
    next_try = due if drive.phase is Phase.WAITING or why else None
    return Supervised(drive.name, drive.phase, drive.failures, why, drive.status, next_try, on_page)


def _daemon(pid: int) -> Daemon | None:
    """None when the process is gone by now."""
    try:
        return Daemon(pid)
    except ProcessLookupError:
        return None


def _looks(path: Path) -> object:
    """Differs when the file was replaced or edited."""
    try:
        found = path.stat()
    except OSError as error:
        return error.errno
    return found.st_ino, found.st_mtime_ns, found.st_size
