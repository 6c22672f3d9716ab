"""`rename`: another name for a synchronization."""

from __future__ import annotations

from functools import partial

import click

from syncin_mount.cli.ui import lookup, output
from syncin_mount.language import t


@click.command()
@click.argument("name")
@click.argument("new_name", metavar="NEW")
@click.option(
    "--force",
    is_flag=True,
    help="Also while files are open; programs that use them get errors.",
)
def command(name: str, new_name: str, force: bool) -> None:
    """Rename synchronization NAME to NEW.

    Mount point, settings, registration, local copy, pending changes, history and log stay. A
    mounted drive is unmounted for a moment, and mounted again. Stopped at any moment, nothing is
    lost: the next command completes it.
    """
    from syncin_mount.app.messages import sentence  # noqa: PLC0415 (start-up time)
    from syncin_mount.app.synchronizations.rename_drive import Renamed, rename  # noqa: PLC0415

    folders, configuration = lookup.load()
    synchronization = lookup.synchronization_named(configuration, name)
    if name == new_name:
        output.say(t("{name}: it has this name", name=name))
        return

    done: Renamed = output.run_async(partial(rename, folders, name, new_name, force=force))
    output.say(t("{name} is '{new_name}' now", name=name, new_name=new_name))
    if done.not_sent is not None:
        output.warn(
            t(
                "the server hears of it with the next run: {why}",
                why=sentence(done.not_sent, new_name),
            )
        )
    if done.not_mounted is not None:
        raise done.not_mounted
    if done.mounted:
        output.say(
            t(
                "{new_name} is mounted at {mountpoint}",
                new_name=new_name,
                mountpoint=synchronization.mountpoint,
            )
        )
