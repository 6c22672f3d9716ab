"""`filter`: what a synchronization leaves out."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import click

from syncin_mount import advice
from syncin_mount.app.messages import quantities
from syncin_mount.app.messages.quantities import size
from syncin_mount.cli.exit_status import CommandError, Exit
from syncin_mount.cli.ui import lookup, output
from syncin_mount.cli.ui.notices import warn_of_change
from syncin_mount.cli.verb_group import USAGE, DriveVerbs
from syncin_mount.config.filters import GLOB, FilterError, Rule, entered, parse
from syncin_mount.config.globs import is_glob
from syncin_mount.language import mark, t, tn
from syncin_mount.language.numbers import number

if TYPE_CHECKING:
    from collections.abc import Callable

    from syncin_mount.app.drives.drive import Drive
    from syncin_mount.app.synchronizations.change_settings import SettingsChange
    from syncin_mount.control.tree_messages import Portion, Trial


_name = click.argument("name")

_MOST_SHOWN = 20
"""Paths that a trial shows."""


@click.group(cls=DriveVerbs, subcommand_metavar=USAGE)
def command() -> None:
    """Choose what a synchronization leaves out.

    \b
    A RULE is compared with the path in the drive, without regard to case:
      *.tmp                 wildcards: a name anywhere (quote them for the shell)
      build/**              wildcards: a path from the top
      starts-with:tmp       contains:draft       ends-with:.bak
      path:docs/old         this file or folder
      regexp:^build/.*[.]o$ a JavaScript regular expression (no look-around)
    Sync-in's own forms (^tmp.*, .*draft.*, .*.bak$, docs/old) work, too.

    A folder is left out with everything in it. A new filter deletes nothing: both sides keep what
    they have, and are merged again when the filter is removed.
    """


@command.command("list")
@_name
@output.json_option
def list_(name: str, as_json: bool) -> None:
    """List the filters of synchronization NAME."""
    _, configuration = lookup.load()
    patterns = lookup.synchronization_named(configuration, name).filters
    rules = [(number, parse(pattern), pattern) for number, pattern in enumerate(patterns, 1)]
    if as_json:
        output.emit_json(
            [
                {"number": n, "kind": rule.kind.value, "text": rule.text, "pattern": pattern}
                for n, rule, pattern in rules
            ]
        )
        return
    output.emit_table(
        (mark("NUMBER"), mark("RULE"), mark("AS SYNC-IN STORES IT")),
        [(str(number), str(rule), pattern) for number, rule, pattern in rules],
        empty=t(
            "no filters: only the names that are left out everywhere (.DS_Store, Thumbs.db, …)"
        ),
    )


@command.command()
@_name
@click.argument("rules", nargs=-1, required=True, metavar="RULE...")
def add(name: str, rules: tuple[str, ...]) -> None:
    """Leave out of synchronization NAME what fits one of the RULEs."""
    from syncin_mount.app.settings.filters import changed  # noqa: PLC0415 (start-up time)

    kept = {rule: entered(rule) for rule in rules}
    _change(name, lambda present: changed(present, add=rules))
    for typed, rule in kept.items():
        if is_glob(typed) or typed.startswith(f"{GLOB}:"):
            output.say(
                t(
                    "  {typed} is kept as {rule}, as Sync-in stores no wildcards",
                    typed=typed,
                    rule=rule,
                )
            )


@command.command()
@_name
@click.argument("rules", nargs=-1, required=True, metavar="RULE|NUMBER...")
def remove(name: str, rules: tuple[str, ...]) -> None:
    """Remove filters of synchronization NAME, by RULE or by the NUMBER in the list.

    What they left out is merged again on both sides.
    """

    def removed(present: tuple[str, ...]) -> tuple[str, ...]:
        gone = {_found(name, present, rule) for rule in rules}
        return tuple(pattern for pattern in present if pattern not in gone)

    _change(name, removed)


def _found(name: str, present: tuple[str, ...], rule: str) -> str:
    """The pattern that is meant: a number of the list, the pattern itself, or the rule. Raises
    CommandError."""
    if rule.isdecimal() and 1 <= int(rule) <= len(present):
        return present[int(rule) - 1]
    for pattern in present:
        if rule == pattern or rule == str(parse(pattern)):
            return pattern
    with contextlib.suppress(FilterError):
        if entered(rule).pattern in present:
            return entered(rule).pattern
    raise CommandError(
        t(
            "'{name}' has no filter '{rule}'; list them: {command}",
            name=name,
            rule=rule,
            command=advice.command("filter", "list", name),
        ),
        Exit.USAGE,
    )


@command.command()
@_name
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@output.json_option
def test(name: str, paths: tuple[str, ...], as_json: bool) -> None:
    """Tell which of the PATHs in synchronization NAME are left out, and by which rule.

    A PATH is relative to the synchronized folder.
    """
    from syncin_mount.app.settings.filters import why_left_out  # noqa: PLC0415 (start-up time)

    _, configuration = lookup.load()
    patterns = lookup.synchronization_named(configuration, name).filters
    rows = [(path, _said(why_left_out(path, patterns))) for path in paths]
    if as_json:
        output.emit_json(
            [{"path": path, "left_out": why is not None, "by": why} for path, why in rows]
        )
        return
    for path, why in rows:
        output.say(
            f"{output.printable(path)}: "
            + (t("synchronized") if why is None else t("left out by {why}", why=why))
        )


def _said(why: Rule | str | None) -> str | None:
    if isinstance(why, str):
        return t("its name, which is left out everywhere ({why})", why=why)
    return None if why is None else str(why)


@command.command("try")
@_name
@click.argument("rules", nargs=-1, required=True, metavar="RULE...")
@output.json_option
def try_(name: str, rules: tuple[str, ...], as_json: bool) -> None:
    """Show what the RULEs would leave out of the drive NAME, besides what is left out now. Changes
    nothing.

    Looks at the tree as it is on this computer, for ten seconds at most.
    """
    from syncin_mount.app.settings.filters import changed  # noqa: PLC0415 (start-up time)

    _, configuration = lookup.load()
    present = lookup.synchronization_named(configuration, name).filters
    found: Trial = output.run_async(_try, name, present, changed(present, add=rules))
    if as_json:
        output.emit_json(_as_json(found))
        return
    output.say(
        t(
            "{name}: {portion} would be left out, on both sides as they are",
            name=name,
            portion=_portion(found.out),
        )
    )
    for each in found.out.examples[:_MOST_SHOWN]:
        output.say(f"  {output.printable(each.path)}{'/' if each.folder else ''}")
    if len(found.out.examples) > _MOST_SHOWN:
        output.say("  …")
    if found.out.pending:
        output.warn(
            tn(
                "{count} change in there would not be uploaded any more",
                "{count} changes in there would not be uploaded any more",
                found.out.pending,
            )
        )
    if not found.whole:
        output.warn(
            t(
                "the drive is large: only {looked} files and folders were looked at",
                looked=number(found.looked),
            )
        )


async def _try(name: str, present: tuple[str, ...], wanted: tuple[str, ...]) -> Trial:
    from syncin_mount.app.drives.open_drive import open_drive  # noqa: PLC0415 (start-up time)
    from syncin_mount.control.tree_messages import TrialRequest  # noqa: PLC0415

    folders, configuration = lookup.load()
    drive: Drive
    async with open_drive(folders, configuration, configuration.synchronizations[name]) as drive:
        return await drive.trial(TrialRequest(present, wanted))


def _as_json(found: Trial) -> dict[str, object]:
    return {
        "files": found.out.files,
        "folders": found.out.folders,
        "size": found.out.bytes,
        "waiting": found.out.pending,
        "examples": [each.path for each in found.out.examples],
        "looked_at": found.looked,
        "whole": found.whole,
    }


def _portion(found: Portion) -> str:
    return t(
        "{files} ({size}) and {folders}",
        files=quantities.files(found.files),
        size=size(found.bytes),
        folders=quantities.folders(found.folders),
    )


def _change(name: str, change: Callable[[tuple[str, ...]], tuple[str, ...]]) -> None:
    from syncin_mount.app.settings.filters import set_filters  # noqa: PLC0415 (start-up time)

    folders, configuration = lookup.load()
    lookup.synchronization_named(configuration, name)
    done: SettingsChange = output.run_async(set_filters, folders, name, change)
    warn_of_change(done)
    filters = tn("{count} filter", "{count} filters", len(done.after.filters))
    if done.after == done.before:
        output.say(t("{name}: nothing changed, {filters}", name=name, filters=filters))
    else:
        output.say(t("{name}: {filters} now; the next run follows", name=name, filters=filters))
