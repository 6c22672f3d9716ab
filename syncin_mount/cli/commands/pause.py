"""`pause` and `resume`: nothing is carried for a while."""

from __future__ import annotations

import click

from syncin_mount import advice
from syncin_mount.app.synchronizations import settings
from syncin_mount.cli.ui import lookup, notices, output

_everything = click.option("--all", "everything", is_flag=True, help="All synchronizations.")


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@_everything
def pause(names: tuple[str, ...], everything: bool) -> None:
    """Pause synchronizations NAME until 'resume', in both directions.

    The drive works as without a network: changes stay pending, and files that are not on this
    computer yet cannot be opened. Transfers stop at once, and continue where they stopped. A pause
    outlasts unmounting and restarts, and stops 'sync', too. It is in force on this computer only.
    """
    _set(names, everything=everything, paused=True)


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@_everything
def resume(names: tuple[str, ...], everything: bool) -> None:
    """Resume synchronizations NAME."""
    _set(names, everything=everything, paused=False)


def _set(names: tuple[str, ...], *, everything: bool, paused: bool) -> None:
    folders, configuration = lookup.load()
    chosen = lookup.chosen(configuration, names, everything=everything)
    before = {name: configuration.synchronizations[name].paused for name in chosen}

    settings.pause(folders, chosen, paused=paused)
    notices.configuration_changed(folders, chosen)
    for name, was in before.items():
        if was == paused:
            output.say(f"{name}: {'is paused already' if paused else 'is not paused'}")
        elif paused:
            output.say(
                f"{name}: paused; nothing is transferred until: {advice.command('resume', name)}"
            )
        else:
            output.say(f"{name}: resumed; pending changes are uploaded")
