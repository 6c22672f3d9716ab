"""`remove`: forgets a synchronization; what becomes of its local copy is asked, or said."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from syncin_mount import advice
from syncin_mount.app.messages import sentence
from syncin_mount.cli.exit_status import exit_for
from syncin_mount.cli.ui import lookup, output
from syncin_mount.language import t

if TYPE_CHECKING:
    from syncin_mount.app.states.only_here import OnlyHere
    from syncin_mount.app.synchronizations.removal import KeptCopy, Removed
    from syncin_mount.config import Folders

_SHOWN = 20
"""Unsent changes that are written out."""


@click.command()
@click.argument("name")
@click.option(
    "--keep-copy",
    metavar="DIR",
    help="Keep what is in the drive and in its bin as an ordinary folder DIR, made anew.",
)
@click.option(
    "--discard-unsent",
    is_flag=True,
    help="Lose changes that the server does not have, and the bin.",
)
@click.option("--yes", is_flag=True, help="Do not ask; nothing that is only here is lost for that.")
def command(name: str, keep_copy: str | None, discard_unsent: bool, yes: bool) -> None:
    """Remove synchronization NAME and its local copy. Nothing on the server is deleted.

    In a terminal this asks first. When the local copy holds something that is nowhere else, it asks
    what becomes of it. With --keep-copy all that is in the drive is copied to DIR first, with its
    attributes, and compared; what is in the bin comes into a folder "bin" there. Stopped half-way,
    nothing is lost: run it again.
    """
    from syncin_mount.app.synchronizations import removal  # noqa: PLC0415 (start-up time)

    folders, configuration = lookup.load()
    lookup.synchronization_named(configuration, name)
    held = removal.only_here(folders, name)
    if not discard_unsent and keep_copy is None and held.is_lost:
        keep_copy = _ask(name, held, may_ask=not yes)
    elif not yes and sys.stdin.isatty():
        _confirm(name, held, keep_copy)
    kept = None if keep_copy is None else _keep(folders, name, keep_copy)
    _tell(output.run_async(removal.remove, folders, name, kept or held), kept)


def _confirm(name: str, held: OnlyHere, keep_copy: str | None) -> None:
    """Raises Abort unless somebody at the terminal agrees."""
    if keep_copy is not None:
        place = Path(keep_copy).expanduser().absolute()
        what = t(
            "'{name}' is removed, and what its local copy holds is kept in {place}",
            name=name,
            place=place,
        )
    elif held.is_lost:
        _show(name, held)
        what = t(
            "the local copy of '{name}' {held}, and that is lost", name=name, held=sentence(held)
        )
    else:
        what = t(
            "the local copy of '{name}' is deleted; the server has all that is in it", name=name
        )
    output.confirm(
        t("{upper}{value}. Remove it?", upper=what[0].upper(), value=what[1:]), abort=True
    )


def _show(name: str, held: OnlyHere) -> None:
    """Names what is only here."""
    heaps = (
        (t("not uploaded"), held.unsent, advice.command("journal", "list", name)),
        (t("only here"), held.local, advice.command("journal", "list", name, "--all")),
        (t("in the bin"), held.binned, advice.command("bin", "list", name)),
    )
    for what, paths, all_of_them in heaps:
        for path in paths[:_SHOWN]:
            output.warn(f"{what}: {output.printable(path or '(a deletion)')}")
        if len(paths) > _SHOWN:
            output.warn(
                t(
                    "{what}: … and {value} more: {all_of_them}",
                    what=what,
                    value=len(paths) - _SHOWN,
                    all_of_them=all_of_them,
                )
            )


def _ask(name: str, held: OnlyHere, *, may_ask: bool) -> str | None:
    """Where to keep a copy; None when what is only here may be lost. Raises WouldLose where nobody
    is to be asked, Abort when it is to stay."""
    from syncin_mount.app.errors import WouldLose  # noqa: PLC0415 (start-up time)

    _show(name, held)
    if not may_ask or not sys.stdin.isatty():
        raise WouldLose(name, held)
    what = t("The local copy of '{name}' {held}.", name=name, held=sentence(held))
    sys.stderr.write(f"{output.printable(what)}\n")
    choice = output.ask(
        t("Keep a copy, discard it, or stop here"), type=click.Choice(["keep", "discard", "stop"])
    )
    if choice == "stop":
        raise click.Abort
    return None if choice == "discard" else output.ask(t("The folder to make for the copy"))


def _keep(folders: Folders, name: str, place: str) -> KeptCopy:
    """The copy is at its place, whole and on the disk, when this returns. Raises NotPossible."""
    from syncin_mount.app.synchronizations.removal import keep_copy  # noqa: PLC0415 (start-up time)

    kept = keep_copy(folders, name, Path(place))
    for path in kept.copied.incomplete:
        output.warn(
            t(
                "not whole in the copy, as the file system there cannot hold it: {path}",
                path=output.printable(path),
            )
        )
    output.say(sentence(kept, name))
    if kept.copied.bin:
        output.say(
            t("{name}: the bin is in {value}", name=name, value=kept.place / kept.copied.bin)
        )
    return kept


def _tell(removed: Removed, kept: KeptCopy | None) -> None:
    gone = removed.synchronization
    if removed.not_told is not None:
        output.warn(
            t(
                "the server could not be told ({why}); its account page lists '{name}' until"
                " another synchronization with it runs",
                why=sentence(removed.not_told),
                name=gone.name,
            )
        )
    for path, error in removed.left:
        output.warn(t("{path} could not be deleted: {value}", path=path, value=exit_for(error)[1]))
    if removed.had_copy and kept is not None:
        output.say(
            t("{name}: what was in the drive is in {place}", name=gone.name, place=kept.place)
        )
    output.say(
        t(
            "{name}: removed; the folder {mountpoint} is an ordinary folder again",
            name=gone.name,
            mountpoint=gone.mountpoint,
        )
    )
