"""Mounting and unmounting a drive, with its daemon: by the supervisor where one runs, else by this
process."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import trio

from reconciler.phrases import Phrase
from syncin_mount.app.drives.open_drive import hangs, is_mounted
from syncin_mount.app.errors import (
    CannotUnmount,
    DaemonGoesOn,
    DriveHangs,
    NotMountable,
    NotPossible,
)
from syncin_mount.app.processes.supervisor_client import told
from syncin_mount.control.supervision import Ask, Phase, What

if TYPE_CHECKING:
    from syncin_mount.config import Folders, Synchronization
    from syncin_mount.control.messages import Status

PATIENCE_S = 60.0
"""Seconds that a daemon gets to write down what the system hands over."""

FIRST_STATUS_S = 5.0
"""How long a new drive gets to know whether the server is there."""


@dataclass(frozen=True, slots=True)
class Unmounted:
    """``waiting`` are changes that wait here for the server; 0 also where nobody could tell."""

    waiting: int = 0


def is_there(folders: Folders, synchronization: Synchronization) -> bool:
    """Whether there is something to unmount: a daemon, or a drive without one."""
    from syncin_mount.mount_table import is_ours, mounted_at  # noqa: PLC0415 (start-up time)

    mount = mounted_at(synchronization.mountpoint)
    return is_mounted(folders, synchronization.name) or (mount is not None and is_ours(mount))


def require_unmounted(folders: Folders, synchronization: Synchronization) -> None:
    """Raises NotPossible where a daemon works on it."""
    if is_mounted(folders, synchronization.name):
        raise NotPossible(
            Phrase(
                "'{drive}' is mounted already at {mountpoint}",
                drive=synchronization.name,
                mountpoint=synchronization.mountpoint,
            )
        )


async def status_of(folders: Folders, name: str) -> Status:
    """What the daemon says. Raises ControlError."""
    from syncin_mount.control.client import Client  # noqa: PLC0415 (start-up time)

    async with Client(folders.socket(name)) as daemon:
        return await daemon.status()


async def mount(
    folders: Folders, synchronization: Synchronization, *, manual: bool = False
) -> None:
    """Mounts it in the background; returns when the drive can be used. Raises NotPossible where it
    is mounted already, DriveHangs, NotMountable, DaemonError, SupervisorError. Cancelled, it leaves
    the daemon to come up."""
    if await hangs(folders, synchronization.name):
        raise DriveHangs(synchronization.name)
    require_unmounted(folders, synchronization)
    await _mount_now(folders, synchronization, manual=manual)


async def mount_again(
    folders: Folders, synchronization: Synchronization, *, manual: bool = False
) -> None:
    """As `mount`, after a moment in which it was away: a supervisor may have been quicker. What it
    mounted otherwise is mounted anew. Also raises CannotUnmount, DaemonGoesOn, ControlError."""
    await _mount_now(folders, synchronization, manual=manual)
    if (await status_of(folders, synchronization.name)).manual is not manual:
        await unmount(folders, synchronization)
        await _mount_now(folders, synchronization, manual=manual)


async def _mount_now(folders: Folders, synchronization: Synchronization, *, manual: bool) -> None:
    await trio.to_thread.run_sync(
        lambda: _mount(folders, synchronization, manual=manual), abandon_on_cancel=True
    )


def _mount(folders: Folders, synchronization: Synchronization, *, manual: bool) -> None:
    if _handed_over(folders, synchronization, manual=manual):
        return
    from syncin_mount.app.processes.spawn import spawn  # noqa: PLC0415 (start-up time)

    refusal = spawn(folders, synchronization.name, ["--manual"] if manual else [])
    if refusal is not None:
        raise NotMountable(refusal.why, refusal.status)


def _handed_over(folders: Folders, synchronization: Synchronization, *, manual: bool) -> bool:
    """Whether the supervisor mounted it: it does with what is enabled. Raises NotMountable when it
    could not."""
    if not synchronization.enabled:
        return False
    answer = told(folders, Ask(What.UP, synchronization.name, manual=manual), seconds=None)
    drive = None if answer is None else answer.of(synchronization.name)
    if drive is None:
        return False
    if drive.phase is not Phase.UP:
        raise NotMountable(drive.why or Phrase("its daemon ended at once"), drive.status)
    return True


async def first_status(folders: Folders, name: str) -> Status | None:
    """The daemon's status once it knows whether the server is there; None when it does not tell
    within seconds. Only a drive that holds nothing waits for that."""
    from syncin_mount.control.client import Client  # noqa: PLC0415 (start-up time)
    from syncin_mount.control.failures import ControlError  # noqa: PLC0415 (start-up time)

    try:
        with trio.move_on_after(FIRST_STATUS_S):
            async with Client(folders.socket(name)) as daemon:
                while True:
                    status = await daemon.status()
                    if status.known or status.manual or status.online is not None:
                        return status
                    await trio.sleep(0.05)
    except ControlError:
        return None
    return None


async def unmount(
    folders: Folders, synchronization: Synchronization, *, force: bool = False
) -> Unmounted:
    """Ends the drive and its daemon; with ``force`` also while files are open, or when the daemon
    hangs: it is killed then, as a power cut would end it. A supervisor is not told (`What.HOLD`)
    but in that case. Raises CannotUnmount, DaemonGoesOn, DriveHangs, ControlError."""
    from syncin_mount.control.failures import NoAnswer  # noqa: PLC0415 (start-up time)

    name = synchronization.name
    # Asked for now: when the drive is gone, the daemon may be past answering while it still ends.
    try:
        status = await status_of(folders, name) if is_mounted(folders, name) else None
    except NoAnswer as error:
        if not force:
            raise DriveHangs(name) from error
        await _kill(folders, name)
        status = None
    await _take_away(synchronization, force=force)
    if status is None or status.pid is None:
        return Unmounted()
    await _wait_for_end(folders, synchronization, status.pid)
    return Unmounted(status.waiting)


async def end_hung(folders: Folders, synchronization: Synchronization) -> None:
    """Ends the drive of a daemon that hangs, as `unmount` with ``force`` does; one that answers is
    left alone. What was acknowledged is in the journal. Raises CannotUnmount, DaemonGoesOn,
    SupervisorError."""
    if await hangs(folders, synchronization.name):
        await _kill(folders, synchronization.name)
        await _take_away(synchronization, force=True)


async def _take_away(synchronization: Synchronization, *, force: bool) -> None:
    """Raises CannotUnmount."""
    from syncin_mount.mount_table import (  # noqa: PLC0415 (start-up time)
        is_ours,
        mounted_at,
        take_away,
    )

    mounted = mounted_at(synchronization.mountpoint)
    if mounted is None or not is_ours(mounted):
        return
    why = await trio.to_thread.run_sync(lambda: take_away(synchronization.mountpoint, force=force))
    if why is not None:
        may_force = not force and why.startswith("files ")
        raise CannotUnmount(synchronization.name, why, may_force=may_force)


async def _kill(folders: Folders, name: str) -> None:
    """Ends a daemon that does not answer; a supervisor leaves it so. Raises DaemonGoesOn."""
    from syncin_mount.control.transport import listener_of  # noqa: PLC0415 (start-up time)
    from syncin_mount.system.processes import alive, kill  # noqa: PLC0415 (start-up time)

    pid = listener_of(folders.socket(name))
    if not pid:  # nobody is told of there
        return
    with suppress(ProcessLookupError):
        kill(pid)
    with trio.move_on_after(PATIENCE_S):
        # The supervisor hears of it by itself: asked before that, it would take it for mounted.
        while alive(pid) or await trio.to_thread.run_sync(is_up, folders, name):  # noqa: ASYNC110
            await trio.sleep(0.02)
        await trio.to_thread.run_sync(told, folders, Ask(What.HOLD, name))
        return
    raise DaemonGoesOn(name, pid, folders.log(name))


def is_up(folders: Folders, name: str) -> bool:
    """Whether a supervisor takes the drive for mounted."""
    answer = told(folders, Ask(What.LOOK))
    drive = None if answer is None else answer.of(name)
    return drive is not None and drive.phase is Phase.UP


async def _wait_for_end(folders: Folders, synchronization: Synchronization, pid: int) -> None:
    """Returns when the daemon's process is gone. One that does not see that its drive is gone is
    asked to stop."""
    from syncin_mount.control.client import Client  # noqa: PLC0415 (start-up time)
    from syncin_mount.control.failures import ControlError  # noqa: PLC0415 (start-up time)
    from syncin_mount.system.processes import alive  # noqa: PLC0415

    try:
        async with Client(folders.socket(synchronization.name)) as daemon:
            await daemon.stop()
    except ControlError:
        pass  # it is on its way out already
    with trio.move_on_after(PATIENCE_S):
        while alive(pid):  # noqa: ASYNC110 (another process: there is nothing to wait on)
            await trio.sleep(0.02)
        return
    name = synchronization.name
    raise DaemonGoesOn(name, pid, folders.log(name))
