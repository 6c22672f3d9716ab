"""`show`: all settings of one synchronization."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from reconciler.errors import RemoteError
from syncin_mount import advice
from syncin_mount.app.messages import sentence
from syncin_mount.cli.ui import lookup, output
from syncin_mount.cli.ui.json_form import pause_of, settings
from syncin_mount.config.rates import rate_text
from syncin_mount.config.schema import as_table

if TYPE_CHECKING:
    from syncin_mount.config import Folders, Server, Synchronization
    from syncin_mount.remote.registrations import SyncPath

PATIENCE = 3.0
"""Seconds that a server gets to answer."""

_FIELDS = {
    "direction": "mode",
    "mode": "diff_mode",
    "conflict": "conflict_mode",
    "filters": "filters",
    "enabled": "enabled",
    "folder": "remote_path",
}


@click.command()
@click.argument("name")
@output.json_option
def command(name: str, as_json: bool) -> None:
    """Show the settings of synchronization NAME, its files on this computer, and whether the server
    has the same settings.

    Waits some seconds for the server at most. Changes nothing.
    """
    folders, configuration = lookup.load()
    synchronization = lookup.synchronization_named(configuration, name)
    server = configuration.servers[synchronization.server]
    places = {
        "configuration": str(folders.config_file),
        "replica": str(folders.replica(name)),
        "log": str(folders.log(name)),
    }
    there = _on_server(folders, server, synchronization)
    if as_json:
        output.emit_json(
            {
                "name": name,
                **settings(as_table(synchronization)),
                **pause_of(synchronization, time.time()),
                "limit_up": synchronization.limit_up,
                "limit_down": synchronization.limit_down,
                "direction_in_force": synchronization.direction_in_force.value,
                "url": server.url,
                "login": server.login,
                "on_server": there,
                **places,
            }
        )
        return
    output.emit_fields(
        [
            ("name", name),
            ("server", f"{server.name} ({server.login} at {server.url})"),
            ("remote", synchronization.remote),
            ("mountpoint", str(synchronization.mountpoint)),
            ("direction", synchronization.direction_in_force.value),
            *([("why", synchronization.restriction)] if synchronization.restriction else []),
            ("mode", synchronization.mode.value),
            ("conflict", synchronization.conflict.value),
            ("scheduler", str(synchronization.scheduler)),
            ("paused", _paused(synchronization)),
            ("limit up", rate_text(synchronization.limit_up)),
            ("limit down", rate_text(synchronization.limit_down)),
            ("filters", ", ".join(synchronization.filters) or "none"),
            ("trash", synchronization.trash.value),
            ("enabled", _enabled(synchronization)),
            ("permissions", synchronization.permissions or "not known"),
            ("on server", there),
            ("changed", output.moment(synchronization.timestamp)),
            *places.items(),
        ]
    )


def _paused(synchronization: Synchronization) -> str:
    if not synchronization.is_paused(time.time()):
        return "no"
    until = synchronization.paused_until
    return "yes" if until is None else f"until {output.minute(until)}"


def _enabled(synchronization: Synchronization) -> str:
    if synchronization.is_stopped_there:
        return "no: disabled on the account page"
    return "yes" if synchronization.enabled else "no"


def _on_server(folders: Folders, server: Server, synchronization: Synchronization) -> str:
    if synchronization.path_id is None:
        return "not registered"
    try:
        return str(output.run_async(_ask, folders, server, synchronization))
    except RemoteError as error:
        return f"not known: {sentence(error)}"


async def _ask(folders: Folders, server: Server, ours: Synchronization) -> str:
    import trio  # noqa: PLC0415 (start-up time)

    from syncin_mount.app.accounts.sessions import session_with  # noqa: PLC0415
    from syncin_mount.remote.registrations import clients  # noqa: PLC0415

    with trio.move_on_after(PATIENCE):
        async with session_with(folders, server) as session:
            paths = [
                path
                for client in await clients(session)
                if client.is_current_client
                for path in client.paths
            ]
            return _compared(
                ours, next((path.settings for path in paths if path.id == ours.path_id), None)
            )
    return "not known: the server does not answer quickly"


def _compared(ours: Synchronization, theirs: SyncPath | None) -> str:
    """What the account page shows that is not as here."""
    from syncin_mount.app.synchronizations.registration import wire  # noqa: PLC0415 (start-up time)

    if theirs is None:
        again = advice.command("edit", ours.name, "--register")
        return f"it has this no more; register it again: {again}"
    mine = wire(ours)
    other = [
        word for word, field in _FIELDS.items() if getattr(theirs, field) != getattr(mine, field)
    ]
    if not other:
        return f"number {ours.path_id}, set as here"
    newer = "newer, and hold" if theirs.timestamp > ours.timestamp else "older, and end"
    what = "is" if len(other) == 1 else "are"
    return (
        f"number {ours.path_id}; {', '.join(other)} {what} set otherwise there: {newer} with the"
        " next run"
    )
