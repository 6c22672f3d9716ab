"""`check`: is the local copy of a synchronization sound? With --repair, it is put in order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from syncin_mount import advice
from syncin_mount.app.drives.open_drive import is_mounted
from syncin_mount.cli.exit_status import CommandError, Exit
from syncin_mount.cli.ui import lookup, output
from syncin_mount.language import t

if TYPE_CHECKING:
    from syncin_mount.app.support.copy_check import Checked


@click.command()
@click.argument("name")
@click.option("--repair", is_flag=True, help="Put in order what is wrong; no content is removed.")
@click.option(
    "--contents", is_flag=True, help="Read all contents as well, and compare their checksums."
)
@output.json_option
def command(name: str, repair: bool, contents: bool, as_json: bool) -> None:
    """Compare index, journal and contents of the local copy of synchronization NAME with each
    other.

    Nothing may be mounted. What is wrong is listed, a line each, and the exit status is 1.

    With --repair the index is made anew out of what can be read of it, of the journal and of the
    contents. Contents that have no place any more go to the bin, the damaged files are set aside.
    When it is not sure what the server had already, the next synchronization unites both sides as a
    first one does, and deletes nothing. Exit status 0 means that all is in order now.

    With --contents, read every content and compare it with its known checksum, as a disk may return
    other bytes than were saved. With --repair, too, the next run downloads what the server has, and
    the rest is listed.
    """
    folders, configuration = lookup.load()
    lookup.synchronization_named(configuration, name)
    if is_mounted(folders, name):
        raise CommandError(
            t(
                "'{name}' is mounted, so its local copy is in use; unmount it first: {command}",
                name=name,
                command=advice.command("umount", name),
            )
        )
    from syncin_mount.app.messages import store as messages  # noqa: PLC0415 (start-up time)
    from syncin_mount.app.support.copy_check import examine_copy, repair_copy  # noqa: PLC0415

    look = repair_copy if repair else examine_copy
    checked = look(folders.replica(name), contents=contents, tell=lambda _: None)
    if as_json:
        output.emit_json(_document(checked))
    else:
        for line in (*messages.findings(checked), *messages.outcome(checked)):
            output.say(output.printable(line))
    trouble = messages.trouble(checked, name)
    if trouble is not None:
        raise CommandError(trouble, Exit.UNFINISHED)


def _document(checked: Checked) -> dict[str, object]:
    return {
        "found": [*checked.found],
        "aside": None if checked.aside is None else str(checked.aside),
        "bases_ended": checked.bases_ended,
        "unrepaired": [*checked.left] if checked.repaired else [],
    }
