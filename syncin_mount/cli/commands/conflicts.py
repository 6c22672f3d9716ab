"""`conflicts`: what both sides had changed differently, what lost, and choosing that instead."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from syncin_mount import advice
from syncin_mount.app.drives.open_drive import open_drive
from syncin_mount.cli.ui import grouping, lookup, output
from syncin_mount.cli.ui.path_option import inside

if TYPE_CHECKING:
    from syncin_mount.control.messages import ConflictEntry


@click.command()
@click.argument("name")
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@click.option("--acknowledge", is_flag=True, help="Count the conflicts at these PATHs no more.")
@click.option("--swap", is_flag=True, help="Choose the version that lost at this PATH.")
@click.option(
    "--all", "everything", is_flag=True, help="Every conflict, each on a line of its own."
)
@output.json_option
def command(
    name: str,
    paths: tuple[str, ...],
    acknowledge: bool,
    swap: bool,
    everything: bool,
    as_json: bool,
) -> None:
    """List conflicts of synchronization NAME: what lost, why, and where it is now; or acknowledge
    or swap those at each PATH.

    \b
    conflicts docs                        what nobody has acknowledged
    conflicts docs --all                  the acknowledged ones, too
    conflicts docs --acknowledge a.txt    do not show it any more; --all: none
    conflicts docs --swap a.txt           the version that lost becomes the
                                          content; the winner goes to the bin
    """
    folders, configuration = lookup.load()
    synchronization = lookup.synchronization_named(configuration, name)
    if acknowledge and swap:
        raise click.UsageError("--acknowledge and --swap exclude each other")
    if swap and (len(paths) != 1 or everything):
        raise click.UsageError("--swap takes one PATH")
    if acknowledge and bool(paths) == everything:
        raise click.UsageError("--acknowledge takes PATHs, or --all")
    if paths and not (acknowledge or swap):
        raise click.UsageError("say what is to be done with the PATHs: --acknowledge or --swap")
    places = [inside(synchronization, path) for path in paths]

    async def run() -> list[ConflictEntry]:
        async with open_drive(folders, configuration, synchronization) as drive:
            if swap:
                return [await drive.swap(places[0])]
            if acknowledge:
                return await drive.acknowledge(places, everything=everything)
            return await drive.conflicts(everything=everything)

    found: list[ConflictEntry] = output.run_async(run)
    if as_json:
        output.emit_json(found)
    elif swap:
        output.say(f"'{found[0].path}' is the version that had lost; the other is in the bin")
    elif acknowledge:
        output.say(f"{name}: {output.count(len(found), 'conflict')} acknowledged")
    else:
        _show(name, found, each_one=everything)


def _show(name: str, found: list[ConflictEntry], *, each_one: bool) -> None:
    if grouping.is_long(found) and not each_one:
        _show_groups(name, found)
    else:
        _show_each(found)
    if any(each.kept in {"local", "trash", "copy"} for each in found):
        output.say(f"choose what lost: {advice.command('conflicts', name, '--swap', 'PATH')}")
    if any(not each.acknowledged for each in found):
        output.say(f"seen all: {advice.command('conflicts', name, '--acknowledge', '--all')}")


def _show_groups(name: str, found: list[ConflictEntry]) -> None:
    groups = grouping.grouped(
        found, lambda each: each.path, lambda each: (each.kept, grouping.kind_of(each.why))
    )
    output.emit_table(
        ("CONFLICTS", "SINCE", "PATH", "WHAT HAPPENED", "WHAT LOST IS"),
        [
            (
                str(each.count),
                output.moment(each.first.time),
                each.path or "(several at the top)",
                grouping.shared([one.why for one in each.items]),
                _kept(each.first) if each.count == 1 else _WHERE[each.first.kept],
            )
            for each in groups
        ],
        empty="",
    )
    output.say(
        f"{len(found)} conflicts; each of them: {advice.command('conflicts', name, '--all')}"
    )


_WHERE = {
    "local": "in the bin",
    "trash": "in the desktop's trash",
    "server": "in the server's trash",
    "copy": "beside them",
    "gone": "in no bin any more",
    "none": "a deletion, or another place",
}


def _show_each(found: list[ConflictEntry]) -> None:
    output.emit_table(
        ("WHEN", "PATH", "WHAT HAPPENED", "WHAT LOST IS"),
        [
            (
                output.moment(each.time),
                each.path,
                each.why + (" (acknowledged)" if each.acknowledged else ""),
                _kept(each),
            )
            for each in found
        ],
        empty="no conflicts that are not acknowledged",
    )


def _kept(each: ConflictEntry) -> str:
    if each.kept == "local":
        return f"in the bin as {each.entry}"
    if each.kept == "trash":
        return f"in the desktop's trash as {each.entry}"
    if each.kept == "server":
        return "in the server's trash"
    if each.kept == "copy":
        return f"beside it as {each.copy}"
    if each.kept == "gone":
        return "in no bin any more"
    return "a deletion" if each.lost == "deletion" else f"another place, not {each.copy}"
