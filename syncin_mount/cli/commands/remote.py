"""`remote ls|mkdir`: the server's folders."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reconciler.errors import Exists
from syncin_mount.cli import configured, output
from syncin_mount.cli.exits import CommandError, Exit

if TYPE_CHECKING:
    from syncin_mount.config import Folders, Server
    from syncin_mount.server.browse import RemoteItem

_SERVER = click.option("--server", required=True, metavar="NAME", help="The server, as 'server list' names it.")


@click.group()
def command() -> None:
    """Look into a server's folders and make new ones.

    Paths begin with personal/, spaces/ or shares/.
    """


@command.command()
@click.argument("path", default="")
@_SERVER
@output.json_option
def ls(path: str, server: str, as_json: bool) -> None:
    """List PATH on the server; without PATH, what there is to begin with."""
    folders, configuration = configured.load()
    account = configured.server_named(configuration, server)
    items: list[RemoteItem] = output.run_async(_tree, folders, account, path.strip("/"))
    if as_json:
        output.emit_json(
            [{"name": i.name, "path": i.path, "folder": i.is_folder, "permissions": i.permissions} for i in items]
        )
        return
    for item in sorted(items, key=lambda each: (not each.is_folder, each.name)):
        output.say(output.printable(item.path) + ("/" if item.is_folder else ""))


@command.command()
@click.argument("path")
@_SERVER
def mkdir(path: str, server: str) -> None:
    """Make the folder PATH on the server."""
    folders, configuration = configured.load()
    account = configured.server_named(configuration, server)
    output.run_async(_make, folders, account, path.strip("/"))
    output.say(f"made {output.printable(path.strip('/'))}")


async def _tree(folders: Folders, server: Server, path: str) -> list[RemoteItem]:
    from syncin_mount.daemon.accounts import session_with  # noqa: PLC0415 (start-up time)
    from syncin_mount.server.browse import tree  # noqa: PLC0415

    async with session_with(folders, server) as session:
        if not path:
            await session.check()
        return await tree(session, path, files=True)


async def _make(folders: Folders, server: Server, path: str) -> None:
    from syncin_mount.daemon.accounts import session_with  # noqa: PLC0415 (start-up time)
    from syncin_mount.server.browse import make_folder  # noqa: PLC0415

    async with session_with(folders, server) as session:
        try:
            await make_folder(session, path)
        except Exists as error:
            raise CommandError(f"'{path}' is there already on {server.url}", Exit.REFUSED) from error
