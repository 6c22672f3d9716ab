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
from syncin_mount.language import ENGLISH, mark, speaking, t

if TYPE_CHECKING:
    from syncin_mount.config import Server, Synchronization


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
            (mark("name"), name),
            (mark("server"), _server(server)),
            (mark("remote"), synchronization.remote),
            (mark("mountpoint"), str(synchronization.mountpoint)),
            (mark("direction"), synchronization.direction_in_force.value),
            *([(mark("why"), synchronization.restriction)] if synchronization.restriction else []),
            (mark("mode"), synchronization.mode.value),
            (mark("conflict"), synchronization.conflict.value),
            (mark("scheduler"), str(synchronization.scheduler)),
            (mark("paused"), _paused(synchronization)),
            (mark("limit up"), rate_text(synchronization.limit_up)),
            (mark("limit down"), rate_text(synchronization.limit_down)),
            (mark("filters"), ", ".join(synchronization.filters) or t("none")),
            (mark("trash"), synchronization.trash.value),
            (mark("enabled"), _enabled(synchronization)),
            (mark("permissions"), synchronization.permissions or t("not known")),
            (mark("on server"), sentence(there, name)),
            (mark("changed"), output.moment(synchronization.timestamp)),
            *places.items(),
        ]
    )


def _in_english(there: object) -> str:
    """Of JSON, whoever reads it."""
    with speaking(ENGLISH):
        return sentence(there)


def _paused(synchronization: Synchronization) -> str:
    if not synchronization.is_paused(time.time()):
        return t("no")
    until = synchronization.paused_until
    return t("yes") if until is None else t("until {time}", time=output.minute(until))


def _server(server: Server) -> str:
    return t("{name} ({login} at {url})", name=server.name, login=server.login, url=server.url)


def _enabled(synchronization: Synchronization) -> str:
    if synchronization.is_stopped_there:
        return t("no: disabled on the account page")
    return t("yes") if synchronization.enabled else t("no")
