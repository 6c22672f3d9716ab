"""`umount`: ends a drive."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from syncin_mount.cli import configured, output
from syncin_mount.cli.exits import CommandError, Exit
from syncin_mount.control.sockets import listens

if TYPE_CHECKING:
    from syncin_mount.config import Folders, Synchronization

_PATIENCE = 60.0
"""Seconds that a daemon gets to write down what the system hands over."""


@click.command()
@click.argument("name")
@click.option("--force", is_flag=True, help="Also while files are open; programs that use them get errors.")
def command(name: str, force: bool) -> None:
    """Unmount the drive of synchronization NAME.

    Changes that the server does not have yet are kept and carried across after the next mount, or by 'sync'.
    """
    folders, configuration = configured.load()
    synchronization = configured.synchronization_named(configuration, name)
    from syncin_mount.daemon.mounts import is_ours, mounted_at  # noqa: PLC0415 (start-up time)

    mount = mounted_at(synchronization.mountpoint)
    running = listens(folders.socket(name))
    if not running and (mount is None or not is_ours(mount)):
        raise CommandError(f"'{name}' is not mounted")
    # Asked for now: when the drive is gone, the daemon may be past answering while it still ends.
    pid = output.run_async(_pid, folders, name) if running else None
    if mount is not None and is_ours(mount):
        _take_away(synchronization, force=force)
    if pid is not None:
        output.run_async(_wait_for_end, folders, synchronization, pid)
    output.say(f"{name} is unmounted")


def _take_away(synchronization: Synchronization, *, force: bool) -> None:
    """Raises CommandError when the drive is in use: the system itself tells, before anything is ended."""
    from syncin_mount.daemon.mounts import mounted_at, unmount, users  # noqa: PLC0415 (start-up time)

    point = synchronization.mountpoint
    why = unmount(point)
    if why is None or mounted_at(point) is None:
        return
    if not force:
        names = users(point)
        by = f" by {', '.join(names[:5])}" if names else ""
        if "busy" in why.lower() or names:
            why = f"files of it are open{by}; close them, or use --force"
        raise CommandError(f"'{synchronization.name}' cannot be unmounted: {why}", Exit.UNFINISHED)
    why = unmount(point, lazily=True)
    if why is not None and mounted_at(point) is not None:
        raise CommandError(f"'{synchronization.name}' cannot be unmounted: {why}", Exit.UNFINISHED)


async def _pid(folders: Folders, name: str) -> int | None:
    from syncin_mount.control.client import Client  # noqa: PLC0415 (start-up time)

    async with Client(folders.socket(name)) as daemon:
        return (await daemon.status()).pid


async def _wait_for_end(folders: Folders, synchronization: Synchronization, pid: int) -> None:
    """Returns when the daemon's process is gone. One that does not see that its drive is gone is asked to stop."""
    import trio  # noqa: PLC0415 (start-up time)

    from syncin_mount.control.client import Client, ControlError  # noqa: PLC0415
    from syncin_mount.daemon.mounts import alive  # noqa: PLC0415

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
