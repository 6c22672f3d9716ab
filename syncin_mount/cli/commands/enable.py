"""`enable` and `disable`: which synchronizations `up` mounts and `sync --all` runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from syncin_mount import advice
from syncin_mount.cli.ui import lookup, output
from syncin_mount.cli.ui.notices import warn_of_change
from syncin_mount.language import t, tn

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
    what = (
        t("{name} was enabled already", name=name)
        if done.was_enabled
        else t("{name} is enabled", name=name)
    )
    drive = done.drive
    if drive is None:
        output.say(what if done.is_there else t("{what}; 'up' mounts it", what=what))
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
    what = (
        t("{name} is disabled", name=name)
        if done.was_enabled
        else t("{name} was disabled already", name=name)
    )
    if done.was_there:
        what += f"; {_what_became(name, done)}"
    if done.waiting:
        waits = tn(
            "{count} change for the server waits here",
            "{count} changes for the server wait here",
            done.waiting,
        )
        what += f"; {waits}"
    output.say(what)


def _what_became(name: str, done: Switched) -> str:
    if not done.is_there:
        return t("it was unmounted")
    if done.drive is None:
        return t("it stays mounted; unmount it: {command}", command=advice.command("umount", name))
    return t("it is unmounted as soon as that is possible: {why}", why=done.drive.why)
