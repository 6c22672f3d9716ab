"""`umount`: ends a drive."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import click

from syncin_mount import advice
from syncin_mount.app.processes.mounting import is_there, unmount
from syncin_mount.app.processes.supervisor_client import told
from syncin_mount.cli.exit_status import CommandError
from syncin_mount.cli.ui import lookup, output
from syncin_mount.control.supervision import Ask, What
from syncin_mount.language import t, tn

if TYPE_CHECKING:
    from syncin_mount.app.processes.mounting import Unmounted
    from syncin_mount.config import Folders, Synchronization


@click.command()
@click.argument("name")
@click.option(
    "--force",
    is_flag=True,
    help="Also while files are open, whose programs get errors, and when the daemon hangs.",
)
def command(name: str, force: bool) -> None:
    """Unmount the drive of synchronization NAME.

    Pending changes are kept, and uploaded after the next mount or by 'sync'. While 'up' supervises,
    the drive stays unmounted until 'mount NAME' or the next 'up'.
    """
    folders, configuration = lookup.load()
    synchronization = lookup.synchronization_named(configuration, name)
    if is_there(folders, synchronization):
        output.say(unmount_and_tell(folders, synchronization, force=force))
        told(folders, Ask(What.HOLD, name))
        return
    supervised = told(folders, Ask(What.HOLD, name))
    if supervised is None or supervised.of(name) is None:
        raise CommandError(t("'{name}' is not mounted", name=name))
    output.say(
        t(
            "{name} is not mounted, and stays so until: {command}",
            name=name,
            command=advice.command("mount", name),
        )
    )


def unmount_and_tell(folders: Folders, synchronization: Synchronization, *, force: bool) -> str:
    """Ends the drive and its daemon; the line that tells. Raises NotPossible."""

    done: Unmounted = output.run_async(partial(unmount, folders, synchronization, force=force))
    waiting = done.waiting
    if not waiting:
        return t("{name} is unmounted", name=synchronization.name)
    return tn(
        "{name} is unmounted; {count} change for the server waits here",
        "{name} is unmounted; {count} changes for the server wait here",
        waiting,
        name=synchronization.name,
    )
