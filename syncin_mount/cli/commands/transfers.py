"""`transfers`: what was carried across, and what failed."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import click

from syncin_mount.cli import configured, output
from syncin_mount.cli.exits import CommandError
from syncin_mount.cli.replicas import daemon_of, replica_of
from syncin_mount.config.model import Unit, parse_schedule

if TYPE_CHECKING:
    from syncin_mount.config import Folders
    from syncin_mount.control.messages import Transfer, TransferQuery

_ACTIONS = ("make", "send", "fetch", "move", "touch", "delete")


@click.command()
@click.argument("name", required=False)
@click.option("--action", type=click.Choice(_ACTIONS), help="Only this kind.")
@click.option("--side", type=click.Choice(("local", "remote")), help="Only what changed this side.")
@click.option("--search", metavar="TEXT", help="Only paths that hold this text.")
@click.option("--since", metavar="TIME", help="Only since then: 15m, 2h, 1d ago, or 2026-01-31, or 2026-01-31T13:00.")
@click.option("--failed", is_flag=True, help="Only what did not succeed.")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True, help="At most so many, the newest.")
@output.json_option
def command(
    name: str | None,
    action: str | None,
    side: str | None,
    search: str | None,
    since: str | None,
    failed: bool,
    limit: int,
    as_json: bool,
) -> None:
    """List what was carried across by synchronization NAME, or by all: the newest last."""
    from syncin_mount.control.messages import TransferQuery  # noqa: PLC0415 (start-up time)

    folders, configuration = configured.load()
    names = list(configuration.synchronizations)
    if name is not None:
        names = [configured.synchronization_named(configuration, name).name]
    query = TransferQuery(action, side, search, None if since is None else _moment(since), failed, limit)
    found: list[Transfer] = []
    for each in names:
        found += output.run_async(_transfers, folders, each, query)
    found.sort(key=lambda transfer: transfer.time)
    found = found[-limit:]
    if as_json:
        import msgspec  # noqa: PLC0415 (start-up time)

        output.emit_json(msgspec.to_builtins(found))
        return
    output.emit_table(
        ("TIME", "NAME", "SIDE", "ACTION", "PATH", "SIZE", "RESULT"),
        [
            (
                output.moment(each.time),
                each.synchronization,
                each.side,
                each.op,
                each.path + (f" -> {each.new_path}" if each.new_path else ""),
                output.size(each.size) if each.size else "",
                each.result + (f": {each.why}" if each.why and each.result != "done" else ""),
            )
            for each in found
        ],
        empty="nothing was carried across yet" if query == TransferQuery(limit=limit) else "nothing fits",
    )


async def _transfers(folders: Folders, name: str, query: TransferQuery) -> list[Transfer]:
    async with daemon_of(folders, name) as daemon:
        if daemon is not None:
            async with daemon.transfers(query) as found:
                return [transfer async for transfer in found]
    from syncin_mount.daemon import views  # noqa: PLC0415 (start-up time)

    with replica_of(folders, name) as replica:
        return [] if replica is None else list(views.transfers(replica, name, query))


_SECONDS = {Unit.MINUTE: 60, Unit.HOUR: 3600, Unit.DAY: 86400}


def _moment(text: str) -> float:
    """Seconds since the epoch of ``15m`` (ago) or an ISO date or time (local unless it says otherwise)."""
    ago = parse_schedule(text)
    if ago is not None and ago.unit in _SECONDS:
        return dt.datetime.now(dt.UTC).timestamp() - ago.value * _SECONDS[ago.unit]
    try:
        return dt.datetime.fromisoformat(text).astimezone().timestamp()
    except ValueError as error:
        raise CommandError(f"'{text}' is no time; give it as 15m, 2h, 1d, 2026-01-31 or 2026-01-31T13:00") from error
