"""`mount`: the drive, in the background or in the foreground."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import click

from syncin_mount import advice
from syncin_mount.app.processes.mounting import first_status, mount, require_unmounted
from syncin_mount.cli.exit_status import spoken_exit
from syncin_mount.cli.ui import lookup, output
from syncin_mount.language import t

if TYPE_CHECKING:
    from collections.abc import Callable

    from syncin_mount.config import Configuration, Folders, Synchronization


@click.command()
@click.argument("name")
@click.option("--foreground", is_flag=True, help="Stay here; Ctrl-C unmounts.")
@click.option("--manual", is_flag=True, help="Synchronize by 'sync' only.")
@click.option(
    "--ready-fd", type=int, hidden=True, help="Where the daemon says that the drive is there."
)
def command(name: str, foreground: bool, manual: bool, ready_fd: int | None) -> None:
    """Mount synchronization NAME as a drive.

    Returns when the drive can be used. The server may be offline: what was synchronized before is
    there, and changes are uploaded when the server is back. While 'up' supervises, it keeps the
    drive mounted from then on.
    """
    folders, configuration = lookup.load()
    synchronization = lookup.synchronization_named(configuration, name)
    server = configuration.servers[synchronization.server]
    if ready_fd is not None:
        _daemon(folders, configuration, synchronization, manual=manual, descriptor=ready_fd)
        return
    lookup.warn_insecure(server)
    lookup.warn_untrusting([server])
    if foreground:
        require_unmounted(folders, synchronization)
        _run(
            folders,
            configuration,
            synchronization,
            manual=manual,
            on_ready=lambda: _say_mounted(synchronization),
        )
        return
    output.run_async(partial(mount, folders, synchronization, manual=manual))
    _say_mounted(synchronization)
    status = output.run_async(first_status, folders, name)
    if status is not None and status.known == 0 and status.online is False:
        output.warn(
            t(
                "the drive is empty: it was never synchronized, and the server is away"
                " ({why_offline})",
                why_offline=status.why_offline,
            )
        )


def _say_mounted(synchronization: Synchronization) -> None:
    output.say(
        t(
            "{name} is mounted at {mountpoint}",
            name=synchronization.name,
            mountpoint=synchronization.mountpoint,
        )
    )
    if synchronization.is_stopped_there:
        output.warn(
            t(
                "nothing is transferred: it was disabled on the account page; enable it there, or"
                " here: {command}",
                command=advice.command("enable", synchronization.name),
            )
        )


def _run(
    folders: Folders,
    configuration: Configuration,
    synchronization: Synchronization,
    *,
    manual: bool,
    on_ready: Callable[[], None],
) -> None:
    from syncin_mount.daemon.process import run_mounted  # noqa: PLC0415
    from syncin_mount.logs.files import log_to  # noqa: PLC0415 (start-up time)

    log_to(folders.log(synchronization.name), configuration.log)
    server = configuration.servers[synchronization.server]

    async def run() -> None:
        await run_mounted(folders, server, synchronization, manual=manual, on_ready=on_ready)

    output.run_async(run)


def _daemon(
    folders: Folders,
    configuration: Configuration,
    synchronization: Synchronization,
    *,
    manual: bool,
    descriptor: int,
) -> None:
    """The background's side: the one sentence of an error goes through the pipe to the command that
    waits."""
    from syncin_mount.app.processes.spawn import ReadyPipe  # noqa: PLC0415 (start-up time)

    pipe = ReadyPipe(descriptor)
    try:
        _run(folders, configuration, synchronization, manual=manual, on_ready=pipe.ready)
    except BaseException as error:
        pipe.refused(*spoken_exit(error))
        raise
