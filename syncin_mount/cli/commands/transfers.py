"""`transfers`: what was carried across, and what failed."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from syncin_mount import advice
from syncin_mount.app.messages import kept
from syncin_mount.cli.exit_status import CommandError, Exit
from syncin_mount.cli.ui import grouping, lookup, output
from syncin_mount.cli.ui.time_options import moment
from syncin_mount.language import mark, t, tn
from syncin_mount.language.numbers import number
from syncin_mount.language.words import word

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from syncin_mount.app.runs.transfer_history import TransferHistory
    from syncin_mount.cli.ui.grouping import Group
    from syncin_mount.control.messages import Transfer

_ACTIONS = ("make", "send", "fetch", "move", "touch", "delete")

_WIDE = 110
"""Columns of a terminal from which on all is shown."""


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--action", type=click.Choice(_ACTIONS), help="Only this kind.")
@click.option("--side", type=click.Choice(("local", "remote")), help="Only what changed this side.")
@click.option(
    "--search", metavar="TEXT", help="Only paths that hold this text, in capitals or not."
)
@click.option(
    "--since",
    metavar="TIME",
    help="Only since then: 15m, 2h, 3d ago, or 2026-01-31, or 2026-01-31T13:00.",
)
@click.option(
    "--until", metavar="TIME", help="Only before then; a date alone is meant with all of its day."
)
@click.option("--failed", is_flag=True, help="Only what failed, for good or for the time being.")
@click.option(
    "--run",
    type=click.IntRange(1),
    metavar="NUMBER",
    help="Only this run; one synchronization has to be named.",
)
@click.option(
    "--limit",
    type=click.IntRange(1),
    help="At most so many, the newest.  [default: 1000; with --all and --json 100, --follow 10]",
)
@click.option(
    "--before", metavar="WHERE", help="The page before: what the page after it said at its end."
)
@click.option(
    "--all", "each_one", is_flag=True, help="Each transfer on a line of its own, however many."
)
@click.option("--follow", is_flag=True, help="Go on with new ones as they come, until Ctrl-C.")
@output.json_option
def command(
    names: tuple[str, ...],
    action: str | None,
    side: str | None,
    search: str | None,
    since: str | None,
    until: str | None,
    failed: bool,
    run: int | None,
    limit: int | None,
    before: str | None,
    each_one: bool,
    follow: bool,
    as_json: bool,
) -> None:
    """List the transfers and other actions of synchronizations NAME, or of all: the newest last.

    It has everything that runs did on either side, and what failed, with the reason.

    \b
      transfers docs --failed                    what failed
      transfers docs --search report --since 3d  what became of a file
      transfers --follow                         as it happens

    config.toml limits it: [history] with days = 180 and megabytes = 500 for each synchronization.
    With --json --follow each line is one transfer.
    """
    from syncin_mount.app.runs.transfer_history import TransferHistory  # noqa: PLC0415 (start-up time)
    from syncin_mount.control.messages import TransferQuery  # noqa: PLC0415

    folders, configuration = lookup.load()
    chosen = [
        lookup.synchronization_named(configuration, name).name for name in dict.fromkeys(names)
    ]
    chosen = chosen or list(configuration.synchronizations)
    if run is not None and len(chosen) != 1:
        raise CommandError(
            t("each synchronization counts its runs for itself; name the one that is meant"),
            Exit.USAGE,
        )
    if follow and (before or until):
        raise CommandError(t("--follow goes with neither --before nor --until"), Exit.USAGE)
    now = time.time()
    query = TransferQuery(
        action,
        side,
        search,
        None if since is None else moment(since, now),
        failed,
        limit or (10 if follow else 100 if each_one or as_json else 1000),
        None if until is None else moment(until, now, ends=True),
        run,
    )
    history = TransferHistory(folders, configuration, tuple(chosen), query)
    table = _Table(
        chosen,
        as_json=as_json,
        several=len(configuration.synchronizations) > 1,
        each_one=each_one,
    )
    if follow:
        _follow(history, table)
        return
    found, older = output.run_async(history.newest, _cursors(before, chosen))
    table.page(found[::-1], older, plain=query == TransferQuery())


def _follow(history: TransferHistory, table: _Table) -> None:
    """Until Ctrl-C."""

    async def run() -> None:
        async for found in history.follow():
            table.lines(found)

    try:
        output.run_async(run)
    except KeyboardInterrupt:
        return


def _cursors(before: str | None, chosen: list[str]) -> dict[str, int]:
    """What ``--before`` says: for each synchronization the number of the transfer that the page
    ends before."""
    if before is None:
        return {}
    parts = (
        [f"{chosen[0]}:{before}"] if before.isdecimal() and len(chosen) == 1 else before.split(",")
    )
    found = {}
    for part in parts:
        name, colon, number = part.rpartition(":")
        if not colon or not number.isdecimal() or int(number) >= 1 << 63:
            raise CommandError(
                t(
                    "'{before}' does not say where the page is to end; give what the last page"
                    " said at its end",
                    before=before,
                ),
                Exit.USAGE,
            )
        found[name] = int(number)
    return found


@dataclass(frozen=True, slots=True)
class _Table:
    """How transfers are shown. ``several``: the name of each one's synchronization, too."""

    names: list[str]
    as_json: bool
    several: bool
    each_one: bool

    def page(self, found: list[Transfer], older: Mapping[str, int], *, plain: bool) -> None:
        if self.as_json:
            output.emit_json(found)
        else:
            empty = t("nothing was transferred yet") if plain else t("nothing fits")
            if not self.each_one and grouping.is_long(found):
                self._show_groups(found)
            else:
                output.emit_table(self._columns(), map(self._cells, found), empty=empty)
        if older:
            where = ",".join(f"{name}:{number}" for name, number in older.items())
            if len(self.names) == 1:
                where = where.rpartition(":")[2]
            output.warn(
                t(
                    "there are older ones: the same with --before '{where}'",
                    where=output.printable(where),
                )
            )

    def _show_groups(self, found: list[Transfer]) -> None:
        """One line for each run, action, result and folder."""
        groups = grouping.grouped(
            found,
            lambda each: each.path,
            lambda each: (
                each.synchronization,
                each.run,
                each.side,
                each.op,
                each.result,
                grouping.kind_of(each.why or ""),
            ),
        )
        name = ["NAME"] if self.several else []
        output.emit_table(
            [
                mark("TIME"),
                *name,
                mark("RUN"),
                mark("SIDE"),
                mark("ACTION"),
                mark("COUNT"),
                mark("SIZE"),
                mark("PATH"),
                mark("RESULT"),
            ],
            [self._group(group) for group in groups],
            empty="",
        )
        each_one = advice.command("transfers", *self.names, "--all")
        output.say(
            tn(
                "{count} transfer; each of them: {command}",
                "{count} transfers; each of them: {command}",
                len(found),
                command=each_one,
            )
        )

    def _group(self, group: Group[Transfer]) -> list[str]:
        one, last = group.first, max(each.time for each in group.items)
        size = sum(each.size for each in group.items)
        why = grouping.shared([kept.reason(each.why or "") for each in group.items])
        return [
            output.moment(last),
            *([one.synchronization] if self.several else []),
            str(one.run),
            word(one.side),
            word(one.op),
            str(group.count),
            output.size(size) if size else "",
            group.path or t("(several at the top)"),
            _result(one.result, why),
        ]

    def lines(self, found: Iterable[Transfer]) -> None:
        for each in found:
            if self.as_json:
                output.json_line(each)
            else:
                output.say("  ".join(output.printable(cell) for cell in self._cells(each) if cell))

    @property
    def _wide(self) -> bool:
        return not output.on_terminal() or shutil.get_terminal_size().columns >= _WIDE

    def _columns(self) -> list[str]:
        name = ["NAME"] if self.several else []
        if self._wide:
            return ["TIME", *name, "RUN", "SIDE", "ACTION", "PATH", "SIZE", "TOOK", "RESULT"]
        return ["TIME", *name, "SIDE", "ACTION", "PATH", "RESULT"]

    def _cells(self, each: Transfer) -> list[str]:
        name = [each.synchronization] if self.several else []
        path = each.path + (f" -> {each.new_path}" if each.new_path else "")
        result = _result(each.result, kept.reason(each.why or ""))
        head = [output.moment(each.time), *name]
        if not self._wide:
            return [*head, word(each.side), word(each.op), path, result]
        size, took = (
            output.size(each.size) if each.size else "",
            f"{number(each.seconds, 1)} s" if each.seconds else "",
        )
        return [*head, str(each.run), word(each.side), word(each.op), path, size, took, result]


def _result(result: str, why: str) -> str:
    """``done``, or what came of it and why."""
    return word(result) + (f": {why}" if why and result != "done" else "")
