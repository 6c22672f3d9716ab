"""`down`: all drives unmounted, and nothing mounts them again."""

from __future__ import annotations

import click

from syncin_mount.app.errors import NotPossible
from syncin_mount.app.messages import sentence
from syncin_mount.app.processes.mounting import is_there
from syncin_mount.app.processes.supervisor_client import told
from syncin_mount.cli.commands.umount import unmount_and_tell
from syncin_mount.cli.exit_status import Exit
from syncin_mount.cli.ui import lookup, output
from syncin_mount.control.supervision import Ask, What
from syncin_mount.language import t


@click.command()
@click.option(
    "--force", is_flag=True, help="Also while files are open; programs that use them get errors."
)
def command(force: bool) -> None:
    """Unmount all drives, and stop the supervisor.

    Pending changes are kept, and uploaded after the next 'up' or 'mount', or by 'sync'. A drive
    with open files stays mounted, and then the supervisor stays, too.
    """
    folders, configuration = lookup.load()
    supervised = told(folders, Ask(What.HOLD))
    left = there = 0
    for each in configuration.synchronizations.values():
        if not is_there(folders, each):
            continue
        there += 1
        try:
            output.say(unmount_and_tell(folders, each, force=force))
        except NotPossible as error:
            left += 1
            output.warn(sentence(error, each.name))
    if left:
        raise SystemExit(int(Exit.UNFINISHED))
    if supervised is not None:
        told(folders, Ask(What.END), seconds=None)
        output.say(t("nothing is supervised any more"))
    elif not there:
        output.say(t("nothing is mounted"))
