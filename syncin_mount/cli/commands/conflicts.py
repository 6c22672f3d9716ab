"""`conflicts`: what both sides had changed differently, what lost, and choosing that instead."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from syncin_mount import advice
from syncin_mount.app.conflicts.comparison import compare as compare_versions
from syncin_mount.app.drives.open_drive import open_drive
from syncin_mount.app.messages import kept
from syncin_mount.cli.ui import grouping, lookup, output
from syncin_mount.cli.ui.path_option import inside
from syncin_mount.control.conflict_messages import ConflictRequest
from syncin_mount.language import mark, t, tn

if TYPE_CHECKING:
    from syncin_mount.app.conflicts.comparison import Comparison
    from syncin_mount.control.conflict_messages import ConflictEntry, ConflictVersion


@click.command()
@click.argument("name")
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@click.option("--acknowledge", is_flag=True, help="Count the conflicts at these PATHs no more.")
@click.option("--compare", is_flag=True, help="Show both versions of the conflict at this PATH.")
@click.option("--swap", is_flag=True, help="Choose the version that lost at this PATH.")
@click.option("--keep-both", is_flag=True, help="Bring back what lost beside this PATH.")
@click.option("--undo", is_flag=True, help="Undo what was chosen at this PATH.")
@click.option(
    "--all", "everything", is_flag=True, help="Every conflict, each on a line of its own."
)
@output.json_option
def command(
    name: str,
    paths: tuple[str, ...],
    acknowledge: bool,
    compare: bool,
    swap: bool,
    keep_both: bool,
    undo: bool,
    everything: bool,
    as_json: bool,
) -> None:
    """List conflicts of synchronization NAME: what lost, why, and where it is now; or compare both
    versions, choose again, or acknowledge.

    The latest conflict at PATH is meant. A conflict's number, which the list has, can be given
    instead. Nothing is lost by choosing: what gives way goes to the bin.

    \b
    conflicts docs                        what nobody has acknowledged
    conflicts docs --all                  the acknowledged ones, too
    conflicts docs --compare a.txt        both versions, line by line
    conflicts docs --swap a.txt           the version that lost becomes the
                                          content; the winner goes to the bin
    conflicts docs --keep-both a.txt      what lost comes back beside it
    conflicts docs --acknowledge a.txt    do not show it any more; --all: none
    conflicts docs --undo a.txt           take back any of the last three
    """
    folders, configuration = lookup.load()
    synchronization = lookup.synchronization_named(configuration, name)
    verb = _verb(
        {
            "--acknowledge": acknowledge,
            "--compare": compare,
            "--swap": swap,
            "--keep-both": keep_both,
            "--undo": undo,
        },
        paths,
        everything=everything,
    )
    places = [inside(synchronization, path) for path in paths]

    async def run() -> list[ConflictEntry] | Comparison:
        async with open_drive(folders, configuration, synchronization) as drive:
            if acknowledge:
                numbers = _numbers(places, await drive.conflicts())
                at = [each for each in places if each not in numbers]
                return await drive.acknowledge(
                    at, everything=everything, numbers=list(numbers.values())
                )
            if verb is None:
                return await drive.conflicts(everything=everything)
            which = ConflictRequest(places[0])
            if compare:
                return await compare_versions(drive, which)
            change = {"--swap": drive.swap, "--keep-both": drive.keep_both, "--undo": drive.undo}
            return [await change[verb](which)]

    found: list[ConflictEntry] | Comparison = output.run_async(run)
    if as_json:
        output.emit_json(found)
    elif not isinstance(found, list):
        _show_comparison(name, found)
    elif acknowledge:
        output.say(
            tn(
                "{name}: {count} conflict acknowledged",
                "{name}: {count} conflicts acknowledged",
                len(found),
                name=name,
            )
        )
    elif verb is None:
        _show(name, found, each_one=everything)
    else:
        output.say(_done(verb, found[0]))


def _verb(verbs: dict[str, bool], paths: tuple[str, ...], *, everything: bool) -> str | None:
    """Which of them was given. Raises UsageError for what does not fit together."""
    given = [verb for verb, is_given in verbs.items() if is_given]
    if len(given) > 1:
        raise click.UsageError(
            t("{value} and {value2} exclude each other", value=given[0], value2=given[1])
        )
    if not given:
        if paths:
            raise click.UsageError(
                t(
                    "say what is to be done with the PATHs: {names} or --undo",
                    names=", ".join([*verbs][:-1]),
                )
            )
        return None
    if given[0] == "--acknowledge":
        if bool(paths) == everything:
            raise click.UsageError(t("--acknowledge takes PATHs, or --all"))
    elif len(paths) != 1 or everything:
        raise click.UsageError(t("{value} takes one PATH", value=given[0]))
    return given[0]


def _numbers(places: list[str], found: list[ConflictEntry]) -> dict[str, int]:
    """Which of these are numbers of conflicts, and no paths of others."""
    by_number = {str(each.number): each.number for each in found}
    paths = {each.path for each in found} | {each.copy for each in found}
    return {
        place: by_number[place] for place in places if place in by_number and place not in paths
    }


def _done(verb: str, entry: ConflictEntry) -> str:
    if verb == "--swap":
        return t("'{path}' is the version that had lost; the other is in the bin", path=entry.path)
    if verb == "--keep-both":
        return t(
            "'{path}' stays; what had lost is back as '{copy}'", path=entry.path, copy=entry.copy
        )
    if entry.acknowledged:
        return t("'{path}' is as the rule had decided", path=entry.path)
    return t(
        "'{path}' is as the rule had decided, and counted as a conflict again", path=entry.path
    )


def _show(name: str, found: list[ConflictEntry], *, each_one: bool) -> None:
    if grouping.is_long(found) and not each_one:
        _show_groups(name, found)
    else:
        _show_each(found)
    if any(each.kept in {"local", "trash", "copy"} and not each.turned for each in found):
        output.say(
            t(
                "look at both: {command}",
                command=advice.command("conflicts", name, "--compare", "PATH"),
            )
        )
        output.say(
            t(
                "choose what lost: {command}",
                command=advice.command("conflicts", name, "--swap", "PATH"),
            )
        )
    if any(not each.acknowledged for each in found):
        output.say(
            t(
                "seen all: {command}",
                command=advice.command("conflicts", name, "--acknowledge", "--all"),
            )
        )


def _show_groups(name: str, found: list[ConflictEntry]) -> None:
    groups = grouping.grouped(
        found, lambda each: each.path, lambda each: (each.kept, grouping.kind_of(each.why))
    )
    output.emit_table(
        (
            mark("CONFLICTS"),
            mark("SINCE"),
            mark("PATH"),
            mark("WHAT HAPPENED"),
            mark("WHAT LOST IS"),
        ),
        [
            (
                str(each.count),
                output.moment(each.first.time),
                each.path or t("(several at the top)"),
                grouping.shared([kept.reason(one.why) for one in each.items]),
                _whereabouts(each.first) if each.count == 1 else t(_WHERE[each.first.kept]),
            )
            for each in groups
        ],
        empty="",
    )
    output.say(
        tn(
            "{count} conflict; each of them: {command}",
            "{count} conflicts; each of them: {command}",
            len(found),
            command=advice.command("conflicts", name, "--all"),
        )
    )


_WHERE = {
    "local": mark("in the bin"),
    "trash": mark("in the desktop's trash"),
    "server": mark("in the server's trash"),
    "copy": mark("beside them"),
    "gone": mark("in no bin any more"),
    "none": mark("a deletion, or another place"),
}


def _show_each(found: list[ConflictEntry]) -> None:
    output.emit_table(
        (
            mark("NUMBER"),
            mark("WHEN"),
            mark("PATH"),
            mark("WHAT HAPPENED"),
            mark("THE OTHER VERSION IS"),
        ),
        [
            (
                str(each.number),
                output.moment(each.time),
                each.path,
                _what_happened(each),
                _whereabouts(each),
            )
            for each in found
        ],
        empty=t("no conflicts that are not acknowledged"),
    )


def _what_happened(each: ConflictEntry) -> str:
    why = kept.reason(each.why)
    if each.turned == "swap":
        return t("{why} (turned round)", why=why)
    if each.turned == "both":
        return t("{why} (both kept)", why=why)
    return t("{why} (acknowledged)", why=why) if each.acknowledged else why


def _whereabouts(each: ConflictEntry) -> str:
    if each.kept == "local":
        return t("in the bin as {entry}", entry=each.entry)
    if each.kept == "trash":
        return t("in the desktop's trash as {entry}", entry=each.entry)
    if each.kept == "server":
        return t("in the server's trash")
    if each.kept == "copy":
        return t("beside it as {copy}", copy=each.copy)
    if each.kept == "gone":
        return t("in no bin any more")
    if each.lost == "deletion":
        return t("a deletion")
    return t("another place, not {copy}", copy=each.copy)


_SIDES = {"local": mark("of this computer"), "remote": mark("of the server")}
_PLACES = {
    "local": mark("in the bin"),
    "trash": mark("in the desktop's trash"),
    "server": mark("in the server's trash"),
    "gone": mark("in no bin any more"),
    "none": mark("there is no other version"),
}


def _show_comparison(name: str, found: Comparison) -> None:
    """As `diff -u` shows it: ``-`` is the version that has the name, ``+`` the other one."""
    conflict = found.versions.conflict
    output.say(
        t(
            "{name}: {path}, conflict {number}: {why}",
            name=name,
            path=conflict.path,
            number=conflict.number,
            why=kept.reason(conflict.why),
        )
    )
    output.say(f"- {_facts_of(found.versions.named)}")
    output.say(f"+ {_facts_of(found.versions.other)}")
    if found.kind == "same":
        output.say(t("Both versions are the same, byte for byte"))
    elif found.kind == "picture":
        output.say(t("They are pictures: look at both on the page"))
    if found.why is not None:
        output.say(found.why)
    for row in found.rows:
        if row.kind == "skipped":
            equal = tn("{count} equal line", "{count} equal lines", row.count)
            output.say(f"      … {equal}")
        elif row.kind == "same":
            output.say(f"{row.left_number:>5}   {row.left}")
        else:
            if row.left is not None:
                output.say(f"{row.left_number:>5} - {row.left}")
            if row.right is not None:
                output.say(f"{row.right_number:>5} + {row.right}")
    if found.more:
        output.say(tn("… {count} more line", "… {count} more lines", found.more))
    if conflict.turned:
        output.say(
            t(
                "undo what was chosen: {command}",
                command=advice.command("conflicts", name, "--undo", "PATH"),
            )
        )
    elif conflict.kept in {"local", "trash", "copy"}:
        output.say(
            t(
                "choose the other: {command}",
                command=advice.command("conflicts", name, "--swap", "PATH"),
            )
        )


def _facts_of(version: ConflictVersion) -> str:
    where = t(_PLACES[version.where]) if version.where in _PLACES else version.path
    parts = [where, t(_SIDES.get(version.side, ""))]
    if version.size is not None:
        parts += [output.size(version.size), output.moment(version.mtime)]
    return ", ".join(part for part in parts if part)
