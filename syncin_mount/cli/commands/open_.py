"""`open`: the drive's folder in the file manager, or the server's in the browser."""

from __future__ import annotations

import click

from syncin_mount import advice
from syncin_mount.app.drives.addresses import address_on_server, open_with, opener
from syncin_mount.app.drives.open_drive import is_mounted
from syncin_mount.cli.exit_status import CommandError
from syncin_mount.cli.ui import lookup, output
from syncin_mount.language import t


@click.command()
@click.argument("name")
@click.option("--remote", is_flag=True, help="The folder on the server, in the browser.")
@click.option("--print", "only_print", is_flag=True, help="Only print the path or address.")
def command(name: str, remote: bool, only_print: bool) -> None:
    """Open the folder of synchronization NAME in the file manager.

    Where there is no desktop, its path (or address, with --remote) is printed.
    """
    folders, configuration = lookup.load()
    synchronization = lookup.synchronization_named(configuration, name)
    if not remote and not is_mounted(folders, name):
        raise CommandError(
            t(
                "'{name}' is not mounted; mount it first: {command}",
                name=name,
                command=advice.command("mount", name),
            )
        )
    server = configuration.servers[synchronization.server]
    target = (
        address_on_server(server, synchronization.remote)
        if remote
        else str(synchronization.mountpoint)
    )
    command = None if only_print else opener()
    if command is None:
        output.say(target)
        return
    open_with(command, target)
