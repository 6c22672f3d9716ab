"""`show`: all settings of one synchronization."""

from __future__ import annotations

import click

from syncin_mount.cli import configured, output
from syncin_mount.config.rates import rate_text
from syncin_mount.config.schema import as_table


@click.command()
@click.argument("name")
@output.json_option
def command(name: str, as_json: bool) -> None:
    """Show all settings of synchronization NAME, and where its parts lie."""
    folders, configuration = configured.load()
    synchronization = configured.synchronization_named(configuration, name)
    server = configuration.servers[synchronization.server]
    places = {
        "configuration": str(folders.config_file),
        "replica": str(folders.replica(name)),
        "log": str(folders.log(name)),
    }
    if as_json:
        output.emit_json(
            {
                "name": name,
                **as_table(synchronization),
                "direction_in_force": synchronization.direction_in_force.value,
                "url": server.url,
                "login": server.login,
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
            ("paused", "yes" if synchronization.paused else "no"),
            ("limit up", rate_text(synchronization.limit_up)),
            ("limit down", rate_text(synchronization.limit_down)),
            ("filters", ", ".join(synchronization.filters) or "none"),
            ("trash", synchronization.trash.value),
            ("enabled", "yes" if synchronization.enabled else "no"),
            ("permissions", synchronization.permissions or "not known"),
            ("changed", output.moment(synchronization.timestamp)),
            *places.items(),
        ]
    )
