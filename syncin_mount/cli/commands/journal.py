"""`journal`: what the server does not have yet, why, and what is to become of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from syncin_mount import advice
from syncin_mount.app.drives.open_drive import ask_drive, open_drive
from syncin_mount.cli.exit_status import Exit
from syncin_mount.cli.ui import grouping, lookup, output
from syncin_mount.cli.verb_group import USAGE, DriveVerbs
from syncin_mount.language import mark, t, tn
from syncin_mount.language.words import word

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from syncin_mount.app.drives.drive import Drive
    from syncin_mount.control.messages import Changed, JournalEntry


@click.group(cls=DriveVerbs, subcommand_metavar=USAGE)
def command() -> None:
    """List the local changes that the server does not have yet, and hold or undo them. 'journal
    NAME' lists.

    \b
    journal list docs         what is pending, in its order, and why
    journal hold docs 17      do not upload the file until it is released
    journal release docs 17   upload it after all
    journal discard docs 17   undo the change; your version goes to the bin
    """


@command.command("list")
@click.argument("name")
@click.option(
    "--all",
    "everything",
    is_flag=True,
    help="Each change on a line of its own, and also what a filter or its name keeps here.",
)
@output.json_option
def list_(name: str, everything: bool, as_json: bool) -> None:
    """List the pending changes of synchronization NAME, oldest first, and why they are pending.

    Many changes are grouped: one line for each folder and reason.
    """
    folders, configuration = lookup.load()
    synchronization = lookup.synchronization_named(configuration, name)
    entries: list[JournalEntry] = output.run_async(
        ask_drive,
        folders,
        configuration,
        synchronization,
        lambda drive: drive.journal(everything=everything),
    )
    if as_json:
        output.emit_json(entries)
        return
    if not everything and grouping.is_long(entries):
        _show_groups(name, entries)
        return
    output.emit_table(
        (mark("NUMBER"), mark("TIME"), mark("CHANGE"), mark("PATH"), mark("WHY IT WAITS")),
        [
            (
                str(entry.sequence),
                output.moment(entry.time),
                word(entry.op),
                entry.path + (f" -> {entry.new_path}" if entry.new_path else ""),
                _why(entry),
            )
            for entry in entries
        ],
        empty=t("nothing waits: the server has every change"),
    )


def _show_groups(name: str, entries: list[JournalEntry]) -> None:
    found = grouping.grouped(
        entries, lambda each: each.path, lambda each: (each.state, grouping.kind_of(each.why or ""))
    )
    output.emit_table(
        (
            mark("CHANGES"),
            mark("SINCE"),
            mark("WHAT"),
            mark("SIZE"),
            mark("PATH"),
            mark("WHY THEY WAIT"),
        ),
        [
            (
                str(each.count),
                output.moment(each.first.time),
                ", ".join(dict.fromkeys(word(entry.op) for entry in each.items)),
                _size(each.items),
                each.path or t("(several at the top)"),
                each.first.why or ""
                if each.count == 1
                else grouping.shared([entry.why or "" for entry in each.items]),
            )
            for each in found
        ],
        empty="",
    )
    output.say(
        tn(
            "{count} change; each with its number: {command}",
            "{count} changes; each with its number: {command}",
            len(entries),
            command=advice.command("journal", "list", name, "--all"),
        )
    )


def _size(entries: tuple[JournalEntry, ...]) -> str:
    """Of the files, each once, though it was created and written."""
    sizes = {entry.path: entry.size or 0 for entry in entries}
    return output.size(sum(sizes.values())) if any(sizes.values()) else ""


def _why(entry: JournalEntry) -> str:
    why = entry.why or ""
    return (
        why
        if entry.until is None
        else t("{why} (tried again at {time})", why=why, time=output.moment(entry.until))
    )


_numbers = click.argument(
    "numbers", nargs=-1, required=True, type=click.IntRange(1), metavar="NUMBER..."
)


@command.command()
@click.argument("name")
@_numbers
def hold(name: str, numbers: tuple[int, ...]) -> None:
    """Hold the changes of these NUMBERs in NAME: do not upload them.

    The file or folder is held with all further changes, on both sides and across restarts, until it
    is released or discarded. A folder is held with all that is in it.
    """
    _change(name, lambda drive: drive.hold(numbers))


@command.command()
@click.argument("name")
@_numbers
def release(name: str, numbers: tuple[int, ...]) -> None:
    """Release the held changes of these NUMBERs in NAME: upload them after all."""
    _change(name, lambda drive: drive.release(numbers))


@command.command()
@click.argument("name")
@_numbers
def discard(name: str, numbers: tuple[int, ...]) -> None:
    """Undo the changes of these NUMBERs in NAME.

    \b
    edited    the server's version is downloaded again; yours goes to the bin
    created   goes to the bin; a folder with all that was created in it (what
              was moved into it goes back)
    deleted   is restored; a folder with all that was deleted in it
    moved     goes back, beside what has taken its place
    """
    _change(name, lambda drive: drive.discard(numbers))


def _change(name: str, change: Callable[[Drive], Awaitable[list[Changed]]]) -> None:
    folders, configuration = lookup.load()
    synchronization = lookup.synchronization_named(configuration, name)

    async def run() -> list[Changed]:
        async with open_drive(folders, configuration, synchronization) as drive:
            return await change(drive)

    answers: list[Changed] = output.run_async(run)
    for each in answers:
        if each.done:
            output.say(output.printable(each.said))
        else:
            output.warn(output.printable(each.said))
    if not all(each.done for each in answers):
        raise SystemExit(Exit.UNFINISHED)
