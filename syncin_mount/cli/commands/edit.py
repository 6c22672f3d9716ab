"""`edit`: other settings for a synchronization."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.model import Conflict, Direction, Mode
from syncin_mount import advice
from syncin_mount.cli.commands.add import values
from syncin_mount.cli.ui import lookup, output
from syncin_mount.cli.ui.notices import warn_of_change
from syncin_mount.config import Scheduler, Trash
from syncin_mount.language import mark, t

if TYPE_CHECKING:
    from syncin_mount.app.synchronizations.editing import Edited


_FIXED = {
    "--name": (mark("another name is given by: {command}")),
    "--server": (
        mark(
            "the server stays, as the local copy is of its folder; add a synchronization"
            " with the other one"
        )
    ),
    "--remote": (
        mark(
            "the server's folder is followed when it is moved or renamed there; for"
            " another one, add another"
        )
    ),
}


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
            raise click.UsageError(
                t(_FIXED[option], command=advice.command("rename", "NAME", "NEW"))
            )
    from syncin_mount.app.synchronizations import editing, from_text  # noqa: PLC0415 (start-up time)
    from syncin_mount.app.synchronizations.mountpoint import absolute  # noqa: PLC0415

    edits = editing.Edits(
        direction=None if direction is None else Direction(direction),
        mode=None if mode is None else Mode(mode),
        conflict=None if conflict is None else Conflict(conflict),
        trash=None if trash is None else Trash(trash),
        scheduler=None if every is None else from_text.schedule_from_text(every),
        mountpoint=absolute(mountpoint) if mountpoint else None,
    )
    if not edits.given and not register:
        raise click.UsageError(
            t(
                "no setting given; use --direction, --mode, --conflict, --trash, --every or"
                " --mountpoint"
            )
        )
    folders, configuration = lookup.load()
    lookup.synchronization_named(configuration, name)
    if register:
        _register(name)
    if edits.given:
        _tell(name, output.run_async(editing.edit, folders, name, edits))


def _register(name: str) -> None:
    folders, configuration = lookup.load()
    synchronization = lookup.synchronization_named(configuration, name)
    from syncin_mount.cli.ui.notices import register_and_say  # noqa: PLC0415 (start-up time)

    if register_and_say(folders, configuration.servers[synchronization.server], [name]):
        output.say(t("{name}: the server has it; there was nothing to register", name=name))


def _tell(name: str, done: Edited) -> None:
    warn_of_change(done.change)
    told = [
        t("{word} {new} instead of {old}", word=word, new=_said(new), old=_said(old))
        for word, old, new in done.changes
        if word != "filters"
    ]
    if not told:
        output.say(t("{name}: nothing changed", name=name))
        return
    names = ", ".join(told)
    output.say(
        t(
            "{name}: {names}; the next run follows, and the trash from the next mount on",
            name=name,
            names=names,
        )
        if done.waits_for_mount
        else t("{name}: {names}; the next run follows", name=name, names=names)
    )
    if done.change.after.restriction:
        output.warn(done.change.after.restriction)


def _said(value: object) -> str:
    return (
        str(value) if isinstance(value, Path | Scheduler) else str(getattr(value, "value", value))
    )
