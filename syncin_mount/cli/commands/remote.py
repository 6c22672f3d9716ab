"""`remote ls|mkdir`: the server's folders."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from syncin_mount.app.accounts.remote_folders import browse, make_remote_folder
from syncin_mount.app.messages import sentence_or_none
from syncin_mount.cli.ui import lookup, output
from syncin_mount.cli.ui.assistant.remote_choice import beside, remark
from syncin_mount.cli.verb_group import Verbs
from syncin_mount.language import t

if TYPE_CHECKING:
    from syncin_mount.app.accounts.remote_folders import RemoteFolder

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
    found: list[RemoteFolder] = output.run_async(
        browse, folders, configuration, account, path.strip("/")
    )
    if as_json:
        output.emit_json(list(map(_as_json, found)))
        return
    for each in found:
        name = output.printable(each.item.path) + ("/" if each.item.is_folder else "")
        output.say(beside(name, remark(each) if each.item.is_folder else ""))


@command.command()
@click.argument("path")
@_SERVER
def mkdir(path: str, server: str | None) -> None:
    """Make the folder PATH on the server."""
    folders, configuration = lookup.load()
    account = lookup.server_chosen(configuration, server, "--server NAME")
    output.run_async(make_remote_folder, folders, account, path.strip("/"))
    output.say(t("made {name}", name=output.printable(path.strip("/"))))


def _as_json(found: RemoteFolder) -> dict[str, object]:
    return {
        "name": found.item.name,
        "path": found.item.path,
        "folder": found.item.is_folder,
        "permissions": found.item.permissions,
        "synchronizable": found.objection is None,
        "why_not": sentence_or_none(found.objection),
    }
