"""`pause` and `resume`: nothing is carried for a while."""

from __future__ import annotations

import click

from syncin_mount import advice
from syncin_mount.app import settings
from syncin_mount.cli.ui import lookup, notices, output

_everything = click.option("--all", "everything", is_flag=True, help="All synchronizations.")


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@_everything
def pause(names: tuple[str, ...], everything: bool) -> None:
    """Carry nothing for synchronizations NAME until 'resume', in either direction.

    The drive works on as without a network: changes wait in the journal, and what is not here yet
    cannot be opened. What is under way stops at once, and goes on where it stopped. A pause
    outlasts unmounting and the end of the session; 'sync' says that it is on instead of carrying
    anything. It holds on this computer alone.
    """
    _set(names, everything=everything, paused=True)


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@_everything
def resume(names: tuple[str, ...], everything: bool) -> None:
    """Let synchronizations NAME go on, where they stopped."""
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
