"""The life of a mounted synchronization: one process from mount to unmount."""

from __future__ import annotations

import contextlib
import functools
import logging
import signal
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import trio

from reconciler.engine.plan_worker import freeze_gc_baseline
from reconciler.phrases import Phrase
from syncin_mount.app.drives.mounted_service import MountedService
from syncin_mount.app.messages import sentence
from syncin_mount.app.processes.page_opening import SupervisedPage
from syncin_mount.app.runtime.runtime import open_runtime
from syncin_mount.config import ConfigurationFile, FolderError
from syncin_mount.control.announcements import announced
from syncin_mount.control.server import serve_control
from syncin_mount.control.transport import listens
from syncin_mount.daemon.desktop import keep_told
from syncin_mount.daemon.frontends import find_frontend
from syncin_mount.errors import DaemonError
from syncin_mount.language import ENGLISH, speak
from syncin_mount.store.lock import dying_holder
from syncin_mount.vfs import FileSystem, MountError, MountOptions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syncin_mount.app.runtime.runtime import Runtime
    from syncin_mount.config import Folders, Server, Synchronization
    from syncin_mount.vfs import Frontend

log = logging.getLogger(__name__)

END_OF_THE_KILLED = 5.0
"""Seconds that a killed process has to end once nothing holds it any more."""

if sys.platform == "win32":
    _ENDING = (signal.SIGINT, signal.SIGBREAK)
else:
    _ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


async def run_mounted(
    folders: Folders,
    server: Server,
    synchronization: Synchronization,
    *,
    manual: bool,
    on_ready: Callable[[], None],
) -> None:
    """Mounts the drive and serves it until it is unmounted, asked to stop, or told by a signal;
    then ends in order: the frontend (which hands over what the system still holds), the control
    API, engine and hydrator, the replica.

    ``on_ready`` is called once the drive can be used. The server need not be there. Raises
    DaemonError, MountError, ReplicaError.
    """
    speak(ENGLISH)  # logs, and what is kept; whoever asks is answered in their language
    name = synchronization.name
    if listens(folders.socket(name)):
        raise DaemonError(
            Phrase(
                "'{name}' is mounted already at {mountpoint}; unmount it first",
                name=name,
                mountpoint=synchronization.mountpoint,
            )
        )
    frontend = find_frontend()
    stopping = trio.Event()
    async with trio.open_nursery() as signals:
        await signals.start(_stop_on_signal, stopping)
        await _release_the_killed(folders, frontend, synchronization)
        await trio.to_thread.run_sync(_require_configured, folders, name)
        async with open_runtime(folders, server, synchronization, manual=manual) as runtime:
            # Once more: from here on, who removes or renames it finds the local copy in use.
            await trio.to_thread.run_sync(_require_configured, folders, name)
            await trio.to_thread.run_sync(frontend.prepare, synchronization.mountpoint)
            async with trio.open_nursery() as nursery:
                service = MountedService(runtime, stopping, manual=manual)
                say = functools.partial(sentence, drive=name)
                await nursery.start(serve_control, service, folders.socket(name), say)
                page = SupervisedPage(folders)
                nursery.start_soon(keep_told, runtime, ConfigurationFile(folders), page)
                fs = FileSystem(runtime.replica, runtime.hydrator)
                runtime.passed_on = fs.names.passed_on
                fs.visits.tell = runtime.engine.visit
                runtime.engine.open_folders(fs.visits.open_now)
                _follow_direction(runtime, fs)
                # modules and the like: some 20 ms of every full collection later
                freeze_gc_baseline()
                log.info("mounting %s at %s", name, synchronization.mountpoint)
                with _announced(folders, synchronization):
                    await _serve(frontend, fs, synchronization, stopping, on_ready)
                log.info("unmounted %s", name)
                nursery.cancel_scope.cancel()
        signals.cancel_scope.cancel()


def _require_configured(folders: Folders, name: str) -> None:
    """Raises DaemonError for a synchronization that another command removed or renamed since this
    process read of it: its drive would be one that no command knows, with a local copy of its own.
    Waits for who writes the configuration."""
    now = ConfigurationFile(folders).update(lambda now: now)
    if name not in now.synchronizations:
        raise DaemonError(Phrase("there is no synchronization '{name}' any more", name=name))


@contextlib.contextmanager
def _announced(folders: Folders, synchronization: Synchronization) -> Iterator[None]:
    """File managers are told of the drive; without that, it works all the same."""
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(
                announced(folders, synchronization.name, synchronization.mountpoint)
            )
        except (FolderError, OSError) as error:
            log.warning("file managers are not told of the drive: %s", error)
        yield


async def _release_the_killed(
    folders: Folders, frontend: Frontend, synchronization: Synchronization
) -> None:
    """Ends the drive of a daemon that was killed and cannot end, because its threads wait in the
    kernel for who waits for that drive (docs/internals/crash-table.md, "What a kill can leave
    standing"). What remains is said when the replica is opened."""
    pid = dying_holder(folders.replica(synchronization.name))
    if pid is None or not await trio.to_thread.run_sync(frontend.abort, synchronization.mountpoint):
        return
    log.warning(
        "process %d was killed and could not end; the connection of its drive was aborted", pid
    )
    with trio.move_on_after(END_OF_THE_KILLED):
        while dying_holder(folders.replica(synchronization.name)) is not None:  # noqa: ASYNC110 (a process is polled)
            await trio.sleep(0.02)


def _follow_direction(runtime: Runtime, fs: FileSystem) -> None:
    """A drive that mirrors the server is read-only, for as long as it does."""

    def follow() -> None:
        fs.read_only = not runtime.synchronization.direction_in_force.changes_server

    follow()
    runtime.registration.on_change.append(follow)


async def _serve(
    frontend: Frontend,
    fs: FileSystem,
    synchronization: Synchronization,
    stopping: trio.Event,
    on_ready: Callable[[], None],
) -> None:
    """Runs the frontend until it is unmounted from outside or ``stopping`` is set."""
    mountpoint, options = synchronization.mountpoint, MountOptions(label=synchronization.name)
    async with trio.open_nursery() as nursery:

        async def serve(*, task_status: trio.TaskStatus[None]) -> None:
            await frontend.run(fs, mountpoint, options=options, task_status=task_status)
            stopping.set()

        await nursery.start(serve)
        on_ready()
        await stopping.wait()
        nursery.cancel_scope.cancel()


async def _stop_on_signal(stopping: trio.Event, *, task_status: trio.TaskStatus[None]) -> None:
    with trio.open_signal_receiver(*_ENDING) as signals:
        task_status.started()
        async for number in signals:
            log.info("stopping: %s", signal.Signals(number).name)
            stopping.set()


__all__ = ["MountError", "run_mounted"]
