"""`filter`: what a synchronization leaves out."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from syncin_mount import advice
from syncin_mount.cli.exit_status import CommandError, Exit
from syncin_mount.cli.ui import lookup, output
from syncin_mount.cli.ui.notices import change_settings
from syncin_mount.cli.verb_group import USAGE, DriveVerbs
from syncin_mount.config.filters import (
    GLOB,
    FilterError,
    entered,
    matcher,
    objection,
    parse,
)
from syncin_mount.config.globs import is_glob

if TYPE_CHECKING:
    from syncin_mount.config import Synchronization


_name = click.argument("name")


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
        ("NUMBER", "RULE", "AS SYNC-IN STORES IT"),
        [(str(number), str(rule), pattern) for number, rule, pattern in rules],
        empty="no filters: only the names that are left out everywhere (.DS_Store, Thumbs.db, …)",
    )


@command.command()
@_name
@click.argument("rules", nargs=-1, required=True, metavar="RULE...")
def add(name: str, rules: tuple[str, ...]) -> None:
    """Leave out of synchronization NAME what fits one of the RULEs."""
    kept = {rule: entered(rule) for rule in rules}
    new = [rule.pattern for rule in kept.values()]

    def added(present: tuple[str, ...]) -> tuple[str, ...]:
        return (*present, *(pattern for pattern in dict.fromkeys(new) if pattern not in present))

    _change(name, added)
    for typed, rule in kept.items():
        if is_glob(typed) or typed.startswith(f"{GLOB}:"):
            output.say(f"  {typed} is kept as {rule}, as Sync-in stores no wildcards")


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
        f"'{name}' has no filter '{rule}'; list them: {advice.command('filter', 'list', name)}",
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
    from syncin_mount.app.drives.views import stays_here  # noqa: PLC0415 (start-up time)

    _, configuration = lookup.load()
    patterns = lookup.synchronization_named(configuration, name).filters
    rows = [(path, _decided(path.strip("/"), patterns, stays_here)) for path in paths]
    if as_json:
        output.emit_json(
            [{"path": path, "left_out": why is not None, "by": why} for path, why in rows]
        )
        return
    for path, why in rows:
        output.say(
            f"{output.printable(path)}: "
            + ("synchronized" if why is None else f"left out by {why}")
        )


def _decided(path: str, patterns: tuple[str, ...], by_name: Callable[[str], bool]) -> str | None:
    """The rule that leaves the path, or a folder above it, out."""
    parts = path.split("/")
    for length in range(1, len(parts) + 1):
        above = "/".join(parts[:length])
        if by_name(above):
            return f"its name, which is left out everywhere ({parts[length - 1]})"
        for pattern in patterns:
            fits = matcher((pattern,))
            if fits is not None and fits(above):
                return f"{parse(pattern)}"
    return None


def _change(name: str, change: Callable[[tuple[str, ...]], tuple[str, ...]]) -> None:
    def changed(present: Synchronization) -> Synchronization:
        filters = change(present.filters)
        wrong = objection(filters)
        if wrong:
            raise FilterError(f"the filters stay as they are: {wrong}")
        return replace(present, filters=filters)

    before, now = change_settings(name, changed)
    if now == before:
        output.say(f"{name}: nothing changed, {output.count(len(now.filters), 'filter')}")
    else:
        output.say(f"{name}: {output.count(len(now.filters), 'filter')} now; the next run follows")
