"""`edit`: other settings for a synchronization."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.model import Conflict, Direction, Mode
from syncin_mount import advice
from syncin_mount.app.drives.open_drive import is_mounted
from syncin_mount.app.synchronizations.mountpoint import absolute, check_mountpoint
from syncin_mount.cli.commands.add import schedule, values
from syncin_mount.cli.exit_status import CommandError
from syncin_mount.cli.ui import lookup, output
from syncin_mount.cli.ui.notices import change_settings
from syncin_mount.config import Scheduler, Trash
from syncin_mount.config.rules import objection
from syncin_mount.deep_tree import make_folders

if TYPE_CHECKING:
    from syncin_mount.config import Synchronization

_FIXED = {
    "--name": (f"another name is given by: {advice.command('rename', 'NAME', 'NEW')}"),
    "--server": (
        "the server stays, as the local copy is of its folder; add a synchronization with the"
        " other one"
    ),
    "--remote": (
        "the server's folder is followed when it is moved or renamed there; for another one, add"
        " another"
    ),
}

_WORDS = ("direction", "mode", "conflict", "scheduler", "trash", "mountpoint")


@click.command()
@click.argument("name")
@click.option("--direction", type=values(Direction), help="Sync direction.")
@click.option(
    "--mode", type=values(Mode), help="How to compare files: by size and time, or by checksum."
)
@click.option("--conflict", type=values(Conflict), help="How to resolve conflicting edits.")
@click.option(
    "--trash",
    type=values(Trash),
    help="Where losing versions and deleted files go on this computer.",
)
@click.option(
    "--every",
    metavar="TIME",
    help="How often to synchronize: 15m, 2h, 1d; off: at each change.",
)
@click.option(
    "--mountpoint",
    metavar="DIR",
    help="Mount point from the next mount on: an empty folder.",
)
@click.option(
    "--register",
    is_flag=True,
    help="Register it again after it was removed on the account page.",
)
@click.option("--name", "new_name", hidden=True)
@click.option("--server", hidden=True)
@click.option("--remote", hidden=True)
def command(
    name: str,
    direction: str | None,
    mode: str | None,
    conflict: str | None,
    trash: str | None,
    every: str | None,
    mountpoint: str | None,
    register: bool,
    new_name: str | None,
    server: str | None,
    remote: str | None,
) -> None:
    """Change settings of synchronization NAME.

    A mounted drive follows with its next run, and the account page shows the new settings. The
    latest change wins, here or on that page. With --every, the drive synchronizes so often while
    it is mounted, and 'sync' does so at any time. With '--every off' it synchronizes at each
    change. 'filter' changes filters, 'rename' the name. Server and remote folder stay; a remote
    folder that is moved or renamed is followed by itself.
    """
    for option, value in (("--name", new_name), ("--server", server), ("--remote", remote)):
        if value is not None:
            raise click.UsageError(_FIXED[option])
    nothing = (direction, mode, conflict, trash, every, mountpoint) == (None,) * 6
    if register:
        _register(name)
        if nothing:
            return
    if nothing:
        raise click.UsageError(
            "no setting given; use --direction, --mode, --conflict, --trash, --every or"
            " --mountpoint"
        )
    scheduler = None if every is None else schedule(every)
    place = absolute(mountpoint) if mountpoint else None
    if place is not None:
        _check_place(name, place)

    def change(present: Synchronization) -> Synchronization:
        return replace(
            present,
            direction=present.direction if direction is None else Direction(direction),
            mode=present.mode if mode is None else Mode(mode),
            conflict=present.conflict if conflict is None else Conflict(conflict),
            scheduler=present.scheduler if scheduler is None else scheduler,
            trash=present.trash if trash is None else Trash(trash),
            mountpoint=present.mountpoint if place is None else place,
        )

    before, now = change_settings(name, change)
    changes = [(word, getattr(before, word), getattr(now, word)) for word in _WORDS]
    told = [
        f"{word} {_said(new)} instead of {_said(old)}" for word, old, new in changes if new != old
    ]
    if not told:
        output.say(f"{name}: nothing changed")
        return
    output.say(f"{name}: {', '.join(told)}; {_when(before, now)}")
    if now.restriction:
        output.warn(now.restriction)


def _register(name: str) -> None:
    folders, configuration = lookup.load()
    synchronization = lookup.synchronization_named(configuration, name)
    from syncin_mount.cli.ui.notices import register_and_say  # noqa: PLC0415 (start-up time)

    if register_and_say(folders, configuration.servers[synchronization.server], [name]):
        output.say(f"{name}: the server has it; there was nothing to register")


def _said(value: object) -> str:
    return (
        str(value) if isinstance(value, Path | Scheduler) else str(getattr(value, "value", value))
    )


def _when(before: Synchronization, now: Synchronization) -> str:
    folders, _ = lookup.load()
    if not is_mounted(folders, now.name):
        return "the next run follows"
    later = now.trash is not before.trash
    return "the next run follows" + (", and the trash from the next mount on" if later else "")


def _check_place(name: str, place: Path) -> None:
    """Raises CommandError unless the drive can be mounted there next time."""
    folders, configuration = lookup.load()
    present = lookup.synchronization_named(configuration, name)
    if place == present.mountpoint:
        return
    if is_mounted(folders, name):
        raise CommandError(
            f"'{name}' is in use; unmount it before it gets another mount point:"
            f" {advice.command('umount', name)}"
        )
    others = configuration.without_synchronization(name)
    refused = objection(others, replace(present, mountpoint=place), folders)
    if refused:
        raise CommandError(refused)
    check_mountpoint(place)
    make_folders(os.fsencode(place))
