"""`rename`: another name for a synchronization."""

from __future__ import annotations

import click

from syncin_mount.app.drives.open_drive import is_mounted
from syncin_mount.app.processes.supervisor_client import told
from syncin_mount.cli.commands.mount import command as mount
from syncin_mount.cli.commands.umount import is_there, status_of, unmount_drive
from syncin_mount.cli.ui import lookup, output
from syncin_mount.control.supervision import Ask, What


@click.command()
@click.argument("name")
@click.argument("new_name", metavar="NEW")
@click.option(
    "--force",
    is_flag=True,
    help="Also while files are open; programs that use them get errors.",
)
@click.pass_context
def command(ctx: click.Context, name: str, new_name: str, force: bool) -> None:
    """Rename synchronization NAME to NEW.

    Mount point, settings, registration, local copy, pending changes, history and log stay. A
    mounted drive is unmounted for a moment, and mounted again. Stopped at any moment, nothing is
    lost: the next command completes it.
    """
    from syncin_mount.app.messages import sentence  # noqa: PLC0415 (start-up time)
    from syncin_mount.app.synchronizations.rename_drive import rename_drive  # noqa: PLC0415

    folders, configuration = lookup.load()
    synchronization = lookup.synchronization_named(configuration, name)
    if name == new_name:
        output.say(f"{name}: it has this name")
        return
    lookup.check_new_name(configuration, new_name)
    mounted = is_there(folders, synchronization)
    manual = False
    if mounted:
        if is_mounted(folders, name):
            manual = output.run_async(status_of, folders, name).manual
        unmount_drive(folders, synchronization, force=force)
    told(folders, Ask(What.HOLD, name))
    try:
        missed = output.run_async(rename_drive, folders, name, new_name)
    except BaseException:
        if mounted:
            there = name in lookup.load()[1].synchronizations
            again = name if there else new_name
            ctx.invoke(mount, name=again, foreground=False, manual=manual, ready_fd=None)
        raise
    output.say(f"{name} is '{new_name}' now")
    if missed is not None:
        output.warn(f"the server hears of it with the next run: {sentence(missed, new_name)}")
    if mounted:
        ctx.invoke(mount, name=new_name, foreground=False, manual=manual, ready_fd=None)
    else:
        told(folders, Ask(What.FOLLOW, new_name))
