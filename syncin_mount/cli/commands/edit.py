"""`edit`: other settings for a synchronization."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.model import Conflict, Direction, Mode
from syncin_mount.cli import configured, output
from syncin_mount.cli.changing import change_settings
from syncin_mount.cli.commands.add import absolute, check_mountpoint, schedule, values
from syncin_mount.cli.exits import CommandError
from syncin_mount.config import Scheduler, Trash
from syncin_mount.config.rules import objection
from syncin_mount.control.sockets import listens

if TYPE_CHECKING:
    from syncin_mount.config import Synchronization

_WORDS = ("direction", "mode", "conflict", "scheduler", "trash", "mountpoint")


@click.command()
@click.argument("name")
@click.option("--direction", type=values(Direction), help="Who follows whom.")
@click.option("--mode", type=values(Mode), help="How equal files are recognised.")
@click.option("--conflict", type=values(Conflict), help="Who wins where both sides changed.")
@click.option("--trash", type=values(Trash), help="Where what loses here goes.")
@click.option(
    "--every", metavar="TIME", help="How often a run starts by itself: 15m, 2h, 1d; off: it follows both sides."
)
@click.option("--mountpoint", metavar="DIR", help="Where it is mounted from the next mount on: an empty folder.")
def command(
    name: str,
    direction: str | None,
    mode: str | None,
    conflict: str | None,
    trash: str | None,
    every: str | None,
    mountpoint: str | None,
) -> None:
    """Change settings of synchronization NAME.

    A mounted drive takes them up with its next run, and the account page shows them. With --every, a run starts so
    often while the drive is mounted, and nothing is carried between; 'sync' starts one at any time. With '--every off'
    a mounted drive follows both sides by itself. The filters are changed with
    'filter', the server's folder by moving it there.
    """
    if (direction, mode, conflict, trash, every, mountpoint) == (None,) * 6:
        raise click.UsageError(
            "nothing to change; give --direction, --mode, --conflict, --trash, --every or --mountpoint"
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
    told = [f"{word} {_said(new)} instead of {_said(old)}" for word, old, new in changes if new != old]
    if not told:
        output.say(f"{name}: nothing changed")
        return
    output.say(f"{name}: {', '.join(told)}; {_when(name, trash=now.trash != before.trash)}")
    if now.restriction:
        output.warn(now.restriction)


def _said(value: object) -> str:
    return str(value) if isinstance(value, Path | Scheduler) else str(getattr(value, "value", value))


def _when(name: str, *, trash: bool) -> str:
    folders, _ = configured.load()
    if trash and listens(folders.socket(name)):
        return "the next run follows, and the trash from the next mount on"
    return "the next run follows"


def _check_place(name: str, place: Path) -> None:
    """Raises CommandError unless the drive can be mounted there next time."""
    folders, configuration = configured.load()
    present = configured.synchronization_named(configuration, name)
    if place == present.mountpoint:
        return
    if listens(folders.socket(name)):
        raise CommandError(
            f"'{name}' is in use; unmount it before it gets another mount point: syncin-mount umount {name}"
        )
    others = configuration.without_synchronization(name)
    refused = objection(others, replace(present, mountpoint=place), folders)
    if refused:
        raise CommandError(refused)
    check_mountpoint(place)
    place.mkdir(parents=True, exist_ok=True)
