"""`journal`: what the server does not have yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from syncin_mount.cli import configured, output
from syncin_mount.cli.replicas import daemon_of, replica_of

if TYPE_CHECKING:
    from syncin_mount.config import Folders, Synchronization
    from syncin_mount.control.messages import JournalEntry


@click.command()
@click.argument("name")
@output.json_option
def command(name: str, as_json: bool) -> None:
    """List the local changes of synchronization NAME that the server does not have yet, in their order."""
    folders, configuration = configured.load()
    synchronization = configured.synchronization_named(configuration, name)
    entries: list[JournalEntry] = output.run_async(_journal, folders, synchronization)
    if as_json:
        import msgspec  # noqa: PLC0415 (start-up time)

        output.emit_json(msgspec.to_builtins(entries))
        return
    output.emit_table(
        ("NUMBER", "TIME", "CHANGE", "PATH"),
        [
            (
                str(entry.sequence),
                output.moment(entry.time),
                entry.op,
                entry.path + (f" -> {entry.new_path}" if entry.new_path else ""),
            )
            for entry in entries
        ],
        empty="nothing waits: the server has every change",
    )


async def _journal(folders: Folders, synchronization: Synchronization) -> list[JournalEntry]:
    async with daemon_of(folders, synchronization.name) as daemon:
        if daemon is not None:
            async with daemon.journal() as entries:
                return [entry async for entry in entries]
    from syncin_mount.daemon import views  # noqa: PLC0415 (start-up time)

    filters = views.filter_of(synchronization.filters)
    with replica_of(folders, synchronization.name) as replica:
        return [] if replica is None else list(views.journal(replica, filters))
