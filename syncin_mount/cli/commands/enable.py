"""`enable` and `disable`: which synchronizations `up` mounts and `sync --all` runs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from syncin_mount import advice
from syncin_mount.app.processes.supervisor_client import told
from syncin_mount.cli.commands.umount import is_there
from syncin_mount.cli.ui import lookup, output
from syncin_mount.cli.ui.notices import change_settings
from syncin_mount.control.supervision import Answer, Ask, Phase, What

if TYPE_CHECKING:
    from syncin_mount.config import Synchronization


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
def enable(names: tuple[str, ...]) -> None:
    """Include synchronizations NAME... in 'up' and 'sync --all'.

    While 'up' supervises, they are mounted at once. The account page shows and changes this, too.
    """
    _check(names)
    for name in dict.fromkeys(names):
        before, now = change_settings(name, _enabled)
        folders, _ = lookup.load()
        answer = told(folders, Ask(What.FOLLOW, name), seconds=None)
        drive = None if answer is None else answer.of(name)
        what = f"{name} is enabled" if not before.enabled else f"{name} was enabled already"
        if drive is None:
            output.say(what if is_there(folders, now) else f"{what}; 'up' mounts it")
        elif drive.phase is Phase.UP:
            output.say(f"{what}, and mounted at {now.mountpoint}")
        elif drive.why:
            output.say(what)
            output.warn(f"{name}: {drive.why}")
        else:
            output.say(f"{what}; it was unmounted; mount it: {advice.command('mount', name)}")


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
def disable(names: tuple[str, ...]) -> None:
    """Leave synchronizations NAME... out of 'up' and 'sync --all'.

    While 'up' supervises, they are unmounted; pending changes are kept. 'mount' and 'sync NAME'
    work as before. The account page shows and changes this, too.
    """
    _check(names)
    for name in dict.fromkeys(names):
        before, now = change_settings(name, lambda present: replace(present, enabled=False))
        folders, _ = lookup.load()
        there = is_there(folders, now)
        waiting = _waiting(name) if there else 0
        answer = told(folders, Ask(What.FOLLOW, name), seconds=None)
        what = f"{name} is disabled" if before.enabled else f"{name} was disabled already"
        if there:
            what += f"; {_what_became(name, answer, mounted=is_there(folders, now))}"
        if waiting:
            what += (
                f"; {output.count(waiting, 'change')} for the server"
                f" {'waits' if waiting == 1 else 'wait'} here"
            )
        output.say(what)


def _enabled(present: Synchronization) -> Synchronization:
    return replace(present, enabled=True, disabled_there=None)


def _check(names: tuple[str, ...]) -> None:
    """All names, before anything is changed."""
    _, configuration = lookup.load()
    for name in names:
        lookup.synchronization_named(configuration, name)


def _what_became(name: str, answer: Answer | None, *, mounted: bool) -> str:
    drive = None if answer is None else answer.of(name)
    if not mounted:
        return "it was unmounted"
    if drive is None:
        return f"it stays mounted; unmount it: {advice.command('umount', name)}"
    return f"it is unmounted as soon as that is possible: {drive.why}"


def _waiting(name: str) -> int:
    """Changes that the mounted drive has for the server; 0 when it does not tell."""
    from syncin_mount.cli.commands.umount import status_of  # noqa: PLC0415 (start-up time)
    from syncin_mount.control.client import ControlError  # noqa: PLC0415

    folders, _ = lookup.load()
    try:
        return int(output.run_async(status_of, folders, name).waiting)
    except ControlError:
        return 0
