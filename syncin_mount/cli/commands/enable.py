"""`enable` and `disable`: which synchronizations `up` mounts and `sync --all` runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from syncin_mount import advice
from syncin_mount.cli.ui import lookup, output
from syncin_mount.cli.ui.notices import warn_of_change
from syncin_mount.language import t

if TYPE_CHECKING:
    from syncin_mount.app.synchronizations.enabling import Switched


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
def enable(names: tuple[str, ...]) -> None:
    """Include synchronizations NAME... in 'up' and 'sync --all'.

    While 'up' supervises, they are mounted at once. The account page shows and changes this, too.
    """
    from syncin_mount.app.synchronizations import enabling  # noqa: PLC0415 (start-up time)

    folders, names = lookup.all_named(names)
    for name in names:
        _tell_enabled(name, output.run_async(enabling.enable, folders, name))


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
def disable(names: tuple[str, ...]) -> None:
    """Leave synchronizations NAME... out of 'up' and 'sync --all'.

    While 'up' supervises, they are unmounted; pending changes are kept. 'mount' and 'sync NAME'
    work as before. The account page shows and changes this, too.
    """
    from syncin_mount.app.synchronizations import enabling  # noqa: PLC0415 (start-up time)

    folders, names = lookup.all_named(names)
    for name in names:
        _tell_disabled(name, output.run_async(enabling.disable, folders, name))


def _tell_enabled(name: str, done: Switched) -> None:
    from syncin_mount.control.supervision import Phase  # noqa: PLC0415 (start-up time)

    warn_of_change(done.change)
    what = f"{name} was enabled already" if done.was_enabled else f"{name} is enabled"
    drive = done.drive
    if drive is None:
        output.say(what if done.is_there else f"{what}; 'up' mounts it")
    elif drive.phase is Phase.UP and done.is_there:  # it may not have noticed an end yet
        output.say(
            t(
                "{what}, and mounted at {mountpoint}",
                what=what,
                mountpoint=done.synchronization.mountpoint,
            )
        )
    elif drive.why:
        output.say(what)
        output.warn(f"{name}: {drive.why}")
    else:
        output.say(
            t(
                "{what}; it was unmounted; mount it: {command}",
                what=what,
                command=advice.command("mount", name),
            )
        )


def _tell_disabled(name: str, done: Switched) -> None:
    warn_of_change(done.change)
    what = f"{name} is disabled" if done.was_enabled else f"{name} was disabled already"
    if done.was_there:
        what += f"; {_what_became(name, done)}"
    if done.waiting:
        what += (
            f"; {output.count(done.waiting, 'change')} for the server"
            f" {'waits' if done.waiting == 1 else 'wait'} here"
        )
    output.say(what)


def _what_became(name: str, done: Switched) -> str:
    if not done.is_there:
        return "it was unmounted"
    if done.drive is None:
        return f"it stays mounted; unmount it: {advice.command('umount', name)}"
    return f"it is unmounted as soon as that is possible: {done.drive.why}"
