"""`bin`: what lost or was deleted, here and on the server."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import click

from reconciler.errors import Refused, RemoteError
from syncin_mount import advice
from syncin_mount.app.drives.open_drive import open_drive
from syncin_mount.app.messages import sentence
from syncin_mount.cli.exit_status import CommandError, Exit, exit_for
from syncin_mount.cli.ui import grouping, lookup, output
from syncin_mount.cli.ui.path_option import inside
from syncin_mount.cli.ui.time_options import age
from syncin_mount.cli.verb_group import USAGE, DriveVerbs

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from syncin_mount.app.drives.drive import Bin
    from syncin_mount.app.drives.server_trash import ServerTrash
    from syncin_mount.config import Configuration, Folders, Synchronization
    from syncin_mount.control.messages import BinEntry

T = TypeVar("T")

_SERVER = "server"
_AT_ONCE = 100
"""Entries that the daemon is asked to remove in one request."""

_local = click.option("--local", "only_local", is_flag=True, help="Only the bin on this computer.")
_server = click.option("--server", "only_server", is_flag=True, help="Only the server's trash.")
_older = click.option("--older-than", metavar="AGE", help="Only entries older than this: 12h, 30d.")


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
    bins = _Bins.of(name)
    found, failure = _found(
        bins, only_local=only_local, only_server=only_server, older_than=older_than
    )
    if as_json:
        output.emit_json(found)
    elif not each_one and grouping.is_long(found):
        _show_groups(name, found)
    else:
        output.emit_table(
            ("ENTRY", "SINCE", "SIZE", "WHY", "FROM"),
            [
                (
                    each.entry,
                    output.moment(each.time),
                    _size(each),
                    each.why,
                    each.path + ("/" if each.folder else ""),
                )
                for each in found
            ],
            empty="the bins are empty" if not failure else "the bin on this computer is empty",
        )
    raise SystemExit(failure)


_WHERE = {"local": "bin", "trash": "desktop's trash", _SERVER: "server's trash"}


def _show_groups(name: str, found: list[BinEntry]) -> None:
    groups = grouping.grouped(
        found, lambda each: each.path, lambda each: (each.where, grouping.kind_of(each.why))
    )
    output.emit_table(
        ("ENTRIES", "SINCE", "SIZE", "IN", "WHY", "FROM"),
        [
            (
                str(each.count),
                output.moment(max(entry.time for entry in each.items)),
                output.size(sum(entry.size for entry in each.items)),
                _WHERE.get(each.first.where, each.first.where),
                grouping.shared([entry.why for entry in each.items]),
                each.path or "(several at the top)",
            )
            for each in groups
        ],
        empty="",
    )
    output.say(
        f"{len(found)} entries; each with its name: {advice.command('bin', 'list', name, '--all')}"
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
        raise CommandError("with --to one entry can be restored at a time", Exit.USAGE)
    bins = _Bins.of(name)
    place = None if to is None else inside(bins.synchronization, to)
    for entry in entries:
        side, colon, path = entry.partition(":")
        if colon and side == _SERVER:
            there = output.run_async(
                bins.on_server, lambda trash, path=path: trash.restore(_checked(path), place)
            )
            what = "is back on the server, and comes here with the next listing"
        else:
            there = output.run_async(
                bins.here, lambda here, entry=entry: here.restore(entry, place)
            )
            what = "is back"
        output.say(f"{output.printable(there)} {what}")


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
    bins = _Bins.of(name)
    found, failure = _found(
        bins, only_local=only_local, only_server=only_server, older_than=older_than
    )
    if entries:
        missing = set(entries) - {each.entry for each in found}
        if missing:
            raise CommandError(
                f"there is no entry '{output.printable(min(missing))}' of that kind; "
                f"look with: {advice.command('bin', 'list', name)}"
            )
        found = [each for each in found if each.entry in entries]
    if found and not yes:
        _ask(name, found)
    here = [each.entry for each in found if each.where != _SERVER]
    there = [each.entry.partition(":")[2] for each in found if each.where == _SERVER]
    removed = 0
    for start in range(0, len(here), _AT_ONCE):
        some = here[start : start + _AT_ONCE]
        removed += output.run_async(bins.here, lambda bin_, some=some: bin_.empty(some))
    if there:
        removed += output.run_async(bins.on_server, lambda trash: trash.empty(there))
    output.say(f"{name}: {output.count(removed, 'entry', 'entries')} removed for good")
    raise SystemExit(failure)


def _ask(name: str, found: list[BinEntry]) -> None:
    """Raises CommandError unless somebody at the terminal agrees."""
    parts = []
    for what, chosen in (
        ("of the bin on this computer", [each for each in found if each.where != _SERVER]),
        ("of the server's trash", [each for each in found if each.where == _SERVER]),
    ):
        if chosen:
            size = output.size(sum(each.size for each in chosen))
            parts.append(f"{output.count(len(chosen), 'entry', 'entries')} {what} ({size})")
    what = f"{name}: {' and '.join(parts)} would be gone for good"
    if not sys.stdin.isatty():
        raise CommandError(f"{what}; if that is meant, say --yes", Exit.USAGE)
    output.confirm(f"{what}. Remove them?", abort=True)


def _size(entry: BinEntry) -> str:
    if entry.folder:
        return (
            f"{output.count(entry.files, 'file')}, {output.size(entry.size)}"
            if entry.files
            else "empty"
        )
    return output.size(entry.size)


def _checked(path: str) -> str:
    """A path inside the synchronized folder. Raises CommandError."""
    parts = [part for part in path.split("/") if part not in {"", "."}]
    if not parts or ".." in parts:
        raise CommandError(
            f"'server:{output.printable(path)}' is no entry of the server's trash; give it as the"
            " list has it",
            Exit.USAGE,
        )
    return "/".join(parts)


async def _entries(trash: ServerTrash) -> tuple[list[BinEntry], int]:
    """What is listed, and how many things are not."""
    return await trash.entries(), trash.left_out


def _found(
    bins: _Bins, *, only_local: bool, only_server: bool, older_than: str | None
) -> tuple[list[BinEntry], int]:
    """What is in the bins, oldest first. Where the server cannot be asked and need not be, this is
    said and told as an exit status."""
    before = time.time() - age(older_than) if older_than is not None else float("inf")
    both = only_local == only_server
    found: list[BinEntry] = (
        output.run_async(bins.here, lambda here: here.entries()) if both or only_local else []
    )
    failure = 0
    if both or only_server:
        try:
            there, left_out = output.run_async(bins.on_server, _entries)
            found += there
            if left_out:
                output.warn(
                    "the server's trash has no end that was reached:"
                    f" {output.count(left_out, 'thing')} and what is in them are not listed; remove"
                    " some on the server's page, or look again when it is faster"
                )
        except Refused as error:
            if not both:
                raise
            output.warn(sentence(error))
        except RemoteError as error:
            if not both:
                raise
            failure, told = exit_for(error)
            output.warn(told)
    return (
        sorted((each for each in found if each.time < before), key=lambda each: each.time),
        failure,
    )


@dataclass(slots=True)
class _Bins:
    """Both bins of a synchronization, mounted or not."""

    folders: Folders
    configuration: Configuration
    synchronization: Synchronization

    @staticmethod
    def of(name: str) -> _Bins:
        """Raises CommandError where no synchronization has the name."""
        folders, configuration = lookup.load()
        return _Bins(folders, configuration, lookup.synchronization_named(configuration, name))

    async def here(self, act: Callable[[Bin], Awaitable[T]]) -> T:
        """Does something with the bin on this computer."""
        async with open_drive(self.folders, self.configuration, self.synchronization) as drive:
            return await act(drive.bin)

    async def on_server(self, act: Callable[[ServerTrash], Awaitable[T]]) -> T:
        """Does something with the server's trash."""
        from syncin_mount.app.accounts.sessions import session_with  # noqa: PLC0415 (start-up time)
        from syncin_mount.app.drives.server_trash import ServerTrash  # noqa: PLC0415

        server = self.configuration.servers[self.synchronization.server]
        async with session_with(self.folders, server) as session:
            return await act(ServerTrash(session, self.synchronization.remote))
