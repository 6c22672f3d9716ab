"""`list`: the synchronizations."""

from __future__ import annotations

import click

from syncin_mount.cli import configured, output
from syncin_mount.config.schema import as_table
from syncin_mount.control.sockets import listens


@click.command("list")
@output.json_option
def command(as_json: bool) -> None:
    """List the synchronizations."""
    folders, configuration = configured.load()
    found = [(each, listens(folders.socket(each.name))) for each in configuration.synchronizations.values()]
    if as_json:
        output.emit_json([{"name": each.name, **as_table(each), "mounted": mounted} for each, mounted in found])
        return
    output.emit_table(
        ("NAME", "SERVER", "REMOTE FOLDER", "MOUNT POINT", "STATE"),
        [
            (each.name, each.server, each.remote, str(each.mountpoint), "mounted" if mounted else "not mounted")
            for each, mounted in found
        ],
        empty="no synchronizations yet; add one: syncin-mount add NAME --server S --remote PATH --mountpoint DIR",
    )
