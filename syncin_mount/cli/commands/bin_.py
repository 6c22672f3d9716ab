"""`bin`: what lost or was deleted, here and on the server."""

from __future__ import annotations

import sys
import time
from functools import partial
from typing import TYPE_CHECKING

import click

from reconciler.errors import Refused
from syncin_mount import advice
from syncin_mount.app.drives.both_bins import SERVER, BothBins
from syncin_mount.app.messages import kept, quantities, sentence
from syncin_mount.cli.exit_status import CommandError, Exit, exit_for
from syncin_mount.cli.ui import grouping, lookup, output
from syncin_mount.cli.ui.path_option import inside
from syncin_mount.cli.ui.time_options import age
from syncin_mount.cli.verb_group import USAGE, DriveVerbs
from syncin_mount.language import mark, t, tn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syncin_mount.app.drives.both_bins import BinContents, Restored
    from syncin_mount.control.messages import BinEntry

_local = click.option("--local", "only_local", is_flag=True, help="Only the bin on this computer.")
_server = click.option("--server", "only_server", is_flag=True, help="Only the server's trash.")
_older = click.option("--older-than", metavar="AGE", help="Only entries older than this: 12h, 30d.")


SEEN_FROM = 100
"""Entries above which it is shown how far an emptying is."""

_name = click.argument("name")


@click.group(cls=DriveVerbs, subcommand_metavar=USAGE)
def command() -> None:
    """List, restore and empty the bins of a synchronization. 'bin NAME' lists.

    On this computer: versions that lost a conflict, files deleted elsewhere, and what you
    discarded. In the server's trash: what any device deleted or replaced there.

    An ENTRY is a number, or 'server:' or 'trash:' (the desktop's) and a name.
    """


@command.command("list")
@_name
@_local
@_server
@_older
@click.option("--all", "each_one", is_flag=True, help="Each entry on a line of its own.")
@output.json_option
def list_(
    name: str,
    only_local: bool,
    only_server: bool,
    older_than: str | None,
    each_one: bool,
    as_json: bool,
) -> None:
    """List what is in the bins of synchronization NAME, the latest last: since when, why, from
    where, and of what size.

    Many entries are grouped: one line for each folder and reason.
    """
    bins = _bins(name)
    found, failure = _found(
        bins, only_local=only_local, only_server=only_server, older_than=older_than
    )
    if as_json:
        output.emit_json(found)
    elif not each_one and grouping.is_long(found):
        _show_groups(name, found)
    else:
        output.emit_table(
            (mark("ENTRY"), mark("SINCE"), mark("SIZE"), mark("WHY"), mark("FROM")),
            [
                (
                    each.entry,
                    output.moment(each.time),
                    _size(each),
                    kept.reason(each.why),
                    each.path + ("/" if each.folder else ""),
                )
                for each in found
            ],
            empty=t("the bins are empty")
            if not failure
            else t("the bin on this computer is empty"),
        )
    raise SystemExit(failure)


_WHERE = {
    "local": mark("bin"),
    "trash": mark("desktop's trash"),
    SERVER: mark("server's trash"),
}


def _show_groups(name: str, found: Sequence[BinEntry]) -> None:
    groups = grouping.grouped(
        found, lambda each: each.path, lambda each: (each.where, grouping.kind_of(each.why))
    )
    output.emit_table(
        (mark("ENTRIES"), mark("SINCE"), mark("SIZE"), mark("IN"), mark("WHY"), mark("FROM")),
        [
            (
                str(each.count),
                output.moment(max(entry.time for entry in each.items)),
                output.size(sum(entry.size for entry in each.items)),
                t(_WHERE.get(each.first.where, each.first.where)),
                grouping.shared([kept.reason(entry.why) for entry in each.items]),
                each.path or t("(several at the top)"),
            )
            for each in groups
        ],
        empty="",
    )
    output.say(
        tn(
            "{count} entry; each with its name: {command}",
            "{count} entries; each with its name: {command}",
            len(found),
            command=advice.command("bin", "list", name, "--all"),
        )
    )


@command.command()
@_name
@click.argument("entries", nargs=-1, required=True, metavar="ENTRY...")
@click.option(
    "--to", metavar="PATH", help="Restore to this path: a free name, or an existing folder."
)
def restore(name: str, entries: tuple[str, ...], to: str | None) -> None:
    """Restore an ENTRY of the bins of synchronization NAME, folders with all that is in them.

    It goes to where it was. Nothing is ever overwritten: if something is there, it becomes 'name
    (restored DATE).ext', and with --to nothing is done. A folder of the server's trash can be given
    as well: server:docs/old.
    """
    if to is not None and len(entries) > 1:
        raise CommandError(t("with --to one entry can be restored at a time"), Exit.USAGE)
    bins = _bins(name)
    place = None if to is None else inside(bins.synchronization, to)
    for entry in entries:
        back: Restored = output.run_async(bins.restore, entry, place)
        path = output.printable(back.path)
        output.say(
            t("{path} is back on the server, and comes here with the next listing", path=path)
            if back.on_server
            else t("{path} is back", path=path)
        )


@command.command()
@_name
@click.argument("entries", nargs=-1, metavar="[ENTRY]...")
@_local
@_server
@_older
@click.option("--yes", is_flag=True, help="Do not ask.")
def empty(
    name: str,
    entries: tuple[str, ...],
    only_local: bool,
    only_server: bool,
    older_than: str | None,
    yes: bool,
) -> None:
    """Delete ENTRYs of the bins of synchronization NAME for good, or all of them.

    The server's trash is that of all your devices; only what came from this synchronization's
    folder is removed.
    """
    bins = _bins(name)
    found, failure = _found(
        bins, only_local=only_local, only_server=only_server, older_than=older_than
    )
    if entries:
        missing = set(entries) - {each.entry for each in found}
        if missing:
            raise CommandError(
                t(
                    "there is no entry '{name}' of that kind; look with: {command}",
                    name=output.printable(min(missing)),
                    command=advice.command("bin", "list", name),
                )
            )
        found = [each for each in found if each.entry in entries]
    if found and not yes:
        _ask(name, found)
    removed = _emptied(name, bins, found)
    output.say(
        tn(
            "{name}: {count} entry removed for good",
            "{name}: {count} entries removed for good",
            removed,
            name=name,
        )
    )
    raise SystemExit(failure)


def _emptied(name: str, bins: BothBins, found: list[BinEntry]) -> int:
    """Removes them, and shows on a terminal how far it is. Ctrl-C stops, and says that, too."""
    handled = 0
    on_terminal = len(found) > SEEN_FROM and sys.stderr.isatty()

    def tell(count: int) -> None:
        nonlocal handled
        handled = count
        if on_terminal:
            told = t("{name}: {done} of {total} entries", name=name, done=handled, total=len(found))
            sys.stderr.write(f"\r{output.printable(told)}")
            sys.stderr.flush()

    try:
        return int(output.run_async(bins.empty, found, tell))
    except BaseException as error:
        if exit_for(error)[0] is not Exit.INTERRUPTED:
            raise
        said = t(
            "stopped after {done} of {total} entries; the others are still there",
            done=handled,
            total=len(found),
        )
        raise CommandError(said, Exit.INTERRUPTED) from None
    finally:
        if on_terminal and handled:
            sys.stderr.write("\r\x1b[K")


def _ask(name: str, found: list[BinEntry]) -> None:
    """Raises CommandError unless somebody at the terminal agrees."""
    here, there = (
        [each for each in found if (each.where == SERVER) == is_there] for is_there in (False, True)
    )
    what = _would_go(name, here, there)
    if not sys.stdin.isatty():
        raise CommandError(t("{what}; if that is meant, say --yes", what=what), Exit.USAGE)
    output.confirm(t("{what}. Remove them?", what=what), abort=True)


def _would_go(name: str, here: list[BinEntry], there: list[BinEntry]) -> str:
    if not there:
        return t("{name}: {here} would be gone for good", name=name, here=_of_bin(here))
    if not here:
        return t("{name}: {there} would be gone for good", name=name, there=_of_trash(there))
    return t(
        "{name}: {here} and {there} would be gone for good",
        name=name,
        here=_of_bin(here),
        there=_of_trash(there),
    )


def _of_bin(entries: list[BinEntry]) -> str:
    return tn(
        "{count} entry of the bin on this computer ({size})",
        "{count} entries of the bin on this computer ({size})",
        len(entries),
        size=output.size(sum(each.size for each in entries)),
    )


def _of_trash(entries: list[BinEntry]) -> str:
    return tn(
        "{count} entry of the server's trash ({size})",
        "{count} entries of the server's trash ({size})",
        len(entries),
        size=output.size(sum(each.size for each in entries)),
    )


def _size(entry: BinEntry) -> str:
    if entry.folder:
        if not entry.files:
            return t("empty")
        return f"{quantities.files(entry.files)}, {output.size(entry.size)}"
    return output.size(entry.size)


def _found(
    bins: BothBins, *, only_local: bool, only_server: bool, older_than: str | None
) -> tuple[list[BinEntry], int]:
    """What is in the bins, oldest first. Where the server cannot be asked and need not be, this is
    said and told as an exit status."""
    both = only_local == only_server
    contents: BinContents = output.run_async(
        partial(
            bins.contents,
            here=both or only_local,
            on_server=both or only_server,
            before=float("inf") if older_than is None else time.time() - age(older_than),
        )
    )
    if contents.left_out:
        output.warn(
            tn(
                "the server's trash has no end that was reached: {count} thing and what is in it"
                " are not listed; remove some on the server's page, or look again when it is"
                " faster",
                "the server's trash has no end that was reached: {count} things and what is in"
                " them are not listed; remove some on the server's page, or look again when it is"
                " faster",
                contents.left_out,
            )
        )
    failure = 0
    if contents.not_told is not None:
        failure, told = exit_for(contents.not_told)
        if isinstance(contents.not_told, Refused):  # it has no trash for this folder
            failure, told = 0, sentence(contents.not_told)
        output.warn(told)
    return list(contents.entries), failure


def _bins(name: str) -> BothBins:
    """Raises CommandError where no synchronization has the name."""
    folders, configuration = lookup.load()
    return BothBins(folders, configuration, lookup.synchronization_named(configuration, name))
