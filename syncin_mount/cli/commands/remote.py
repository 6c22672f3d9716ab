"""`remote ls|mkdir`: the server's folders."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from syncin_mount.cli.ui import lookup, output
from syncin_mount.cli.ui.assistant.remote_browser import listed, make
from syncin_mount.cli.ui.assistant.remote_choice import beside, in_order, note, unsuited
from syncin_mount.cli.verb_group import Verbs
from syncin_mount.config.rules import remote_user

if TYPE_CHECKING:
    from syncin_mount.config import Synchronization
    from syncin_mount.remote.browse import RemoteItem

_SERVER = click.option(
    "--server", metavar="NAME", help="Which server, where this computer is logged in to several."
)


@click.group(cls=Verbs)
def command() -> None:
    """Look into a server's folders and make new ones.

    Paths begin with personal/, spaces/ or shares/.
    """


@command.command()
@click.argument("path", default="")
@_SERVER
@output.json_option
def ls(path: str, server: str | None, as_json: bool) -> None:
    """List PATH on the server; without PATH, what there is to begin with.

    Beside a folder stands why it cannot be synchronized, or that it can only be read.
    """
    folders, configuration = lookup.load()
    account = lookup.server_chosen(configuration, server, "--server NAME")
    items: list[RemoteItem] = in_order(output.run_async(listed, folders, account, path.strip("/")))

    def user(path: str) -> Synchronization | None:
        return remote_user(configuration, account, path)

    if as_json:
        output.emit_json([_as_json(item, unsuited(item, user)) for item in items])
        return
    for item in items:
        name = output.printable(item.path) + ("/" if item.is_folder else "")
        aside = note(item, user) if item.is_folder else ""
        output.say(beside(name, aside))


@command.command()
@click.argument("path")
@_SERVER
def mkdir(path: str, server: str | None) -> None:
    """Make the folder PATH on the server."""
    folders, configuration = lookup.load()
    account = lookup.server_chosen(configuration, server, "--server NAME")
    output.run_async(make, folders, account, path.strip("/"))
    output.say(f"made {output.printable(path.strip('/'))}")


def _as_json(item: RemoteItem, why: str | None) -> dict[str, object]:
    return {
        "name": item.name,
        "path": item.path,
        "folder": item.is_folder,
        "permissions": item.permissions,
        "synchronizable": why is None,
        "why_not": why,
    }
