"""`show`: all settings of one synchronization."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from syncin_mount.app.messages import sentence
from syncin_mount.cli.ui import lookup, output
from syncin_mount.cli.ui.json_form import pause_of, settings
from syncin_mount.config.rates import rate_text
from syncin_mount.config.schema import as_table
from syncin_mount.language import ENGLISH, speaking

if TYPE_CHECKING:
    from syncin_mount.config import Synchronization


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
    from syncin_mount.app.settings.details import on_server  # noqa: PLC0415 (start-up time)

    there = output.run_async(on_server, folders, server, synchronization)
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
                "on_server": _in_english(there),
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
            ("on server", sentence(there, name)),
            ("changed", output.moment(synchronization.timestamp)),
            *places.items(),
        ]
    )


def _in_english(there: object) -> str:
    """Of JSON, whoever reads it."""
    with speaking(ENGLISH):
        return sentence(there)


def _paused(synchronization: Synchronization) -> str:
    if not synchronization.is_paused(time.time()):
        return "no"
    until = synchronization.paused_until
    return "yes" if until is None else f"until {output.minute(until)}"


def _enabled(synchronization: Synchronization) -> str:
    if synchronization.is_stopped_there:
        return "no: disabled on the account page"
    return "yes" if synchronization.enabled else "no"
