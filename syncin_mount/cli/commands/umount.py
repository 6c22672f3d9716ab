"""`umount`: ends a drive."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from syncin_mount import advice
from syncin_mount.app.drives.open_drive import is_mounted
from syncin_mount.app.processes.supervisor_client import told
from syncin_mount.cli.exit_status import CommandError, Exit
from syncin_mount.cli.ui import lookup, output
from syncin_mount.control.supervision import Ask, What

if TYPE_CHECKING:
    from syncin_mount.config import Folders, Synchronization
    from syncin_mount.control.messages import Status

_PATIENCE = 60.0
"""Seconds that a daemon gets to write down what the system hands over."""


@click.command()
@click.argument("name")
@click.option(
    "--force", is_flag=True, help="Also while files are open; programs that use them get errors."
)
def command(name: str, force: bool) -> None:
    """Unmount the drive of synchronization NAME.

    Pending changes are kept, and uploaded after the next mount or by 'sync'. While 'up' supervises,
    the drive stays unmounted until 'mount NAME' or the next 'up'.
    """
    folders, configuration = lookup.load()
    synchronization = lookup.synchronization_named(configuration, name)
    if is_there(folders, synchronization):
        output.say(unmount_drive(folders, synchronization, force=force))
        told(folders, Ask(What.HOLD, name))
        return
    supervised = told(folders, Ask(What.HOLD, name))
    if supervised is None or supervised.of(name) is None:
        raise CommandError(f"'{name}' is not mounted")
    output.say(f"{name} is not mounted, and stays so until: {advice.command('mount', name)}")


def is_there(folders: Folders, synchronization: Synchronization) -> bool:
    """Whether there is something to unmount: a daemon, or a drive without one."""
    from syncin_mount.mount_table import is_ours, mounted_at  # noqa: PLC0415 (start-up time)

    mount = mounted_at(synchronization.mountpoint)
    return is_mounted(folders, synchronization.name) or (mount is not None and is_ours(mount))


def unmount_drive(folders: Folders, synchronization: Synchronization, *, force: bool) -> str:
    """Ends the drive and its daemon; the line that tells. Raises CommandError when files of it are
    open, or the daemon does not end."""
    from syncin_mount.mount_table import (  # noqa: PLC0415
        is_ours,
        mounted_at,
        take_away,
    )

    name = synchronization.name
    # Asked for now: when the drive is gone, the daemon may be past answering while it still ends.
    status = output.run_async(status_of, folders, name) if is_mounted(folders, name) else None
    mount = mounted_at(synchronization.mountpoint)
    if mount is not None and is_ours(mount):
        why = take_away(synchronization.mountpoint, force=force)
        if why is not None:
            advice = (
                "; close them, or use --force" if not force and why.startswith("files ") else ""
            )
            raise CommandError(f"'{name}' cannot be unmounted: {why}{advice}", Exit.UNFINISHED)
    if status is None or status.pid is None:
        return f"{name} is unmounted"
    output.run_async(_wait_for_end, folders, synchronization, status.pid)
    if not status.waiting:
        return f"{name} is unmounted"
    return (
        f"{name} is unmounted; {output.count(status.waiting, 'change')} for the server"
        f" {_wait(status.waiting)} here"
    )


def _wait(number: int) -> str:
    return "waits" if number == 1 else "wait"


async def status_of(folders: Folders, name: str) -> Status:
    """What the daemon says. Raises ControlError."""
    from syncin_mount.control.client import Client  # noqa: PLC0415 (start-up time)

    async with Client(folders.socket(name)) as daemon:
        return await daemon.status()


async def _wait_for_end(folders: Folders, synchronization: Synchronization, pid: int) -> None:
    """Returns when the daemon's process is gone. One that does not see that its drive is gone is
    asked to stop."""
    import trio  # noqa: PLC0415 (start-up time)

    from syncin_mount.control.client import Client, ControlError  # noqa: PLC0415
    from syncin_mount.mount_table import alive  # noqa: PLC0415

    try:
        async with Client(folders.socket(synchronization.name)) as daemon:
            await daemon.stop()
    except ControlError:
        pass  # it is on its way out already
    with trio.move_on_after(_PATIENCE):
        while alive(pid):  # noqa: ASYNC110 (another process: there is nothing to wait on)
            await trio.sleep(0.02)
        return
    raise CommandError(
        f"the daemon of '{synchronization.name}' (process {pid}) does not end; its log says more: "
        f"{folders.log(synchronization.name)}",
        Exit.UNFINISHED,
    )
