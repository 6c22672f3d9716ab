"""`journal`: what the server does not have yet, why, and what is to become of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import click

from syncin_mount.cli.exit_status import Exit
from syncin_mount.cli.ui import lookup, output
from syncin_mount.cli.unmounted_service import daemon_of, replica_of
from syncin_mount.cli.verb_group import USAGE, DriveVerbs

if TYPE_CHECKING:
    from syncin_mount.config import Folders, Synchronization
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
    help="Also what stays here: its name or a filter leaves it out.",
)
@output.json_option
def list_(name: str, everything: bool, as_json: bool) -> None:
    """List what waits in synchronization NAME, in its order, and why it waits."""
    folders, configuration = lookup.load()
    synchronization = lookup.synchronization_named(configuration, name)
    entries: list[JournalEntry] = output.run_async(journal_of, folders, synchronization, everything)
    if as_json:
        import msgspec  # noqa: PLC0415 (start-up time)

        output.emit_json(msgspec.to_builtins(entries))
        return
    output.emit_table(
        ("NUMBER", "TIME", "CHANGE", "PATH", "WHY IT WAITS"),
        [
            (
                str(entry.sequence),
                output.moment(entry.time),
                entry.op,
                entry.path + (f" -> {entry.new_path}" if entry.new_path else ""),
                _why(entry),
            )
            for entry in entries
        ],
        empty="nothing waits: the server has every change",
    )


def _why(entry: JournalEntry) -> str:
    why = entry.why or ""
    return why if entry.until is None else f"{why} (tried again at {output.moment(entry.until)})"


_numbers = click.argument(
    "numbers", nargs=-1, required=True, type=click.IntRange(1), metavar="NUMBER..."
)


@command.command()
@click.argument("name")
@_numbers
def hold(name: str, numbers: tuple[int, ...]) -> None:
    """Stop the changes of these NUMBERs in NAME before they are sent.

    The file or folder is held: what else is changed of it waits, too, and it stays here and on the
    server as it is, also across restarts, until it is released or discarded. With a folder all that
    is in it is held.
    """
    _change(name, "hold", numbers)


@command.command()
@click.argument("name")
@_numbers
def release(name: str, numbers: tuple[int, ...]) -> None:
    """Let go what was held by these NUMBERs in NAME: it is sent as anything else."""
    _change(name, "release", numbers)


@command.command()
@click.argument("name")
@_numbers
def discard(name: str, numbers: tuple[int, ...]) -> None:
    """Undo all that was changed of what these NUMBERs in NAME stand for.

    \b
    edited    the server's version is fetched again, yours goes to the bin
    made      goes to the bin; a folder with all that was made in it (what was
              moved into it goes back)
    deleted   comes back; a folder with all that was deleted in it
    moved     goes back, beside what has its place by now
    """
    _change(name, "discard", numbers)


def _change(
    name: str, what: Literal["hold", "release", "discard"], numbers: tuple[int, ...]
) -> None:
    folders, configuration = lookup.load()
    synchronization = lookup.synchronization_named(configuration, name)
    answers: list[Changed] = output.run_async(_changed, folders, synchronization, what, numbers)
    for each in answers:
        if each.done:
            output.say(output.printable(each.said))
        else:
            output.warn(output.printable(each.said))
    if not all(each.done for each in answers):
        raise SystemExit(Exit.UNFINISHED)


async def journal_of(
    folders: Folders, synchronization: Synchronization, everything: bool
) -> list[JournalEntry]:
    """What waits, and with ``everything`` also what stays here. Raises ControlError,
    ReplicaError."""
    async with daemon_of(folders, synchronization.name) as daemon:
        if daemon is not None:
            async with daemon.journal(everything=everything) as entries:
                return [entry async for entry in entries]
    from syncin_mount.app import views  # noqa: PLC0415 (start-up time)

    filters = views.filter_of(synchronization.filters)
    with replica_of(folders, synchronization.name) as replica:
        return (
            [] if replica is None else list(views.journal(replica, filters, everything=everything))
        )


async def _changed(
    folders: Folders,
    synchronization: Synchronization,
    what: Literal["hold", "release", "discard"],
    numbers: tuple[int, ...],
) -> list[Changed]:
    from syncin_mount.control.messages import Changed, ChangeRequest  # noqa: PLC0415 (start-up time)

    request = ChangeRequest(what, numbers)
    async with daemon_of(folders, synchronization.name) as daemon:
        if daemon is not None:
            return await daemon.change(request)
    from syncin_mount.app.hold_discard import changed  # noqa: PLC0415 (start-up time)

    with replica_of(folders, synchronization.name) as replica:
        if replica is None:
            return [
                Changed(number, False, f"nothing waits under the number {number}")
                for number in numbers
            ]
        return changed(replica, request)[0]
