"""`check`: is the local copy of a synchronization sound? With --repair, it is put in order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from syncin_mount import advice
from syncin_mount.app.drives.open_drive import is_mounted
from syncin_mount.cli.exit_status import CommandError, Exit
from syncin_mount.cli.ui import lookup, output
from syncin_mount.language import t

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from syncin_mount.store.maintenance.repair import Repaired


@click.command()
@click.argument("name")
@click.option("--repair", is_flag=True, help="Put in order what is wrong; no content is removed.")
@click.option(
    "--contents", is_flag=True, help="Read all contents as well, and compare their checksums."
)
@output.json_option
def command(name: str, repair: bool, contents: bool, as_json: bool) -> None:
    """Compare index, journal and contents of the local copy of synchronization NAME with each
    other.

    Nothing may be mounted. What is wrong is listed, a line each, and the exit status is 1.

    With --repair the index is made anew out of what can be read of it, of the journal and of the
    contents. Contents that have no place any more go to the bin, the damaged files are set aside.
    When it is not sure what the server had already, the next synchronization unites both sides as a
    first one does, and deletes nothing. Exit status 0 means that all is in order now.

    With --contents, read every content and compare it with its known checksum, as a disk may return
    other bytes than were saved. With --repair, too, the next run downloads what the server has, and
    the rest is listed.
    """
    folders, configuration = lookup.load()
    lookup.synchronization_named(configuration, name)
    if is_mounted(folders, name):
        raise CommandError(
            t(
                "'{name}' is mounted, so its local copy is in use; unmount it first: {command}",
                name=name,
                command=advice.command("umount", name),
            )
        )
    folder = folders.replica(name)
    if not folder.is_dir():
        _show([], as_json=as_json, empty="nothing was synchronized yet: there is no local copy")
    elif repair:
        _repair(folder, contents=contents, as_json=as_json)
    else:
        from syncin_mount.store import check  # noqa: PLC0415 (start-up time)

        found = [str(each) for each in check(folder)]
        if contents and not found:
            found = _look_at_contents(folder, heal=False)
        _show(found, as_json=as_json, empty="all is in order")
        if found:
            raise CommandError(
                f"{output.count(len(found), 'thing')} of '{name}' out of order; "
                f"repair it, which keeps all contents: {advice.command('check', name, '--repair')}",
                Exit.UNFINISHED,
            )


def _look_at_contents(folder: Path, *, heal: bool) -> list[str]:
    from syncin_mount.store import Replica  # noqa: PLC0415 (start-up time)
    from syncin_mount.store.maintenance.content_check import look_at_contents  # noqa: PLC0415

    replica = Replica.open(folder)
    try:
        return [each.what for each in look_at_contents(replica, heal=heal)]
    finally:
        replica.close()


def _repair(folder: Path, *, contents: bool, as_json: bool) -> None:
    from syncin_mount.store.maintenance.repair import repair  # noqa: PLC0415 (start-up time)

    done = repair(folder)
    left = [str(each) for each in done.left]
    if contents and not left:
        done.said += _look_at_contents(folder, heal=True)
        left = _look_at_contents(folder, heal=False) if done.said else []
    if as_json:
        aside = None if done.aside is None else str(done.aside)
        output.emit_json(_document(done.said, aside, left, bases_ended=done.bases_ended))
    else:
        _show(done.said, as_json=False, empty="all was in order")
        _tell_outcome(done)
    if left:
        raise CommandError(
            t("this is still out of order: {names}", names="; ".join(left[:5])), Exit.UNFINISHED
        )


def _tell_outcome(done: Repaired) -> None:
    if done.aside is None:
        return
    output.say(
        t(
            "repaired; the damaged files are in {aside}, and may be removed when nothing is missed",
            aside=done.aside,
        )
    )
    if done.bases_ended:
        output.say(t("the next synchronization unites both sides and deletes nothing"))


def _document(
    found: list[str],
    aside: str | None = None,
    left: Sequence[str] = (),
    *,
    bases_ended: bool = False,
) -> dict[str, object]:
    return {"found": found, "aside": aside, "bases_ended": bases_ended, "unrepaired": list(left)}


def _show(lines: list[str], *, as_json: bool, empty: str) -> None:
    if as_json:
        output.emit_json(_document(lines))
        return
    for line in lines or [empty]:
        output.say(output.printable(line))
