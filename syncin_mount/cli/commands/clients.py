"""`clients list|remove`: the computers and programs that are logged in to an account."""

from __future__ import annotations

import datetime as dt
import sys
from typing import TYPE_CHECKING

import click

from syncin_mount import advice
from syncin_mount.cli.exit_status import CommandError, Exit, exit_for
from syncin_mount.cli.ui import lookup, output
from syncin_mount.cli.verb_group import Verbs
from syncin_mount.language import mark, t
from syncin_mount.language.words import word

if TYPE_CHECKING:
    from syncin_mount.app.accounts.clients import AccountClient, NotAsked
    from syncin_mount.remote.registrations import Client

_SHORT = 8
"""Characters of an id that a table shows: enough to name it."""


@click.group(cls=Verbs)
def command() -> None:
    """List the clients that are logged in to your accounts, and log them out.

    A client is one installation of a program on one computer: this one, the same on your other
    computers, Sync-in's own. Each may have synchronizations of its own.
    """


@command.command("list")
@click.option("--server", metavar="NAME", help="Only this server, as 'server list' names it.")
@output.json_option
def list_(server: str | None, as_json: bool) -> None:
    """List the clients of the accounts, this computer's marked with an asterisk."""
    from syncin_mount.app.accounts.clients import clients_of_all  # noqa: PLC0415 (start-up time)

    folders, configuration = lookup.load()
    servers = (
        [lookup.server_named(configuration, server)]
        if server
        else list(configuration.servers.values())
    )
    found: list[AccountClient]
    failed: list[NotAsked]
    found, failed = output.run_async(clients_of_all, folders, servers)
    status = 0
    for each in failed:
        status, sentence = exit_for(each.error)
        output.warn(sentence)
    if as_json:
        output.emit_json(list(map(_as_json, found)))
    elif found or not status:
        output.emit_table(
            (
                mark("SERVER"),
                mark("CLIENT"),
                mark("COMPUTER"),
                mark("USER"),
                mark("PROGRAM"),
                mark("LAST LOG-IN"),
                mark("STATE"),
                mark("FOLDERS"),
            ),
            list(map(_row, found)),
            empty=t("no servers yet; add one: {command}", command=lookup.ADD_SERVER),
        )
    if status:
        sys.exit(status)


@command.command()
@click.argument("client")
@click.option(
    "--server", metavar="NAME", help="Which server, where this computer is logged in to several."
)
@click.option("--yes", is_flag=True, help="Do not ask.")
def remove(client: str, server: str | None, yes: bool) -> None:
    """Log CLIENT out of your account: the beginning of its id, as 'clients list' shows it.

    Its synchronizations end with it. Files stay, on the server and there. What it holds of an
    access ends within half an hour. For this computer, 'server remove' also forgets the server.
    """
    from syncin_mount.app.accounts import clients  # noqa: PLC0415 (start-up time)

    folders, configuration = lookup.load()
    account = lookup.server_chosen(configuration, server, "--server NAME")
    found: AccountClient = clients.client_named(
        output.run_async(clients.clients_of, folders, account), client, account
    )
    if not yes:
        _ask(found.client, account.name)
    output.run_async(clients.remove_client, folders, found)
    if found.client.is_current_client:
        output.say(
            t(
                "this computer is logged out of {login} at {url}; {after}",
                login=account.login,
                url=account.url,
                after=_after(account.name),
            )
        )
        return
    output.say(
        t(
            "{title} is logged out of {login} at {url}; its access ends within 30 minutes",
            title=_title(found.client),
            login=account.login,
            url=account.url,
        )
    )


def _after(server: str) -> str:
    return t(
        "what changes in its drives waits here until you log in again: {command}",
        command=advice.command("server", "auth", server),
    )


def _ask(client: Client, server: str) -> None:
    folders = [path.settings.remote_path for path in client.paths]
    values = {"title": _title(client), "folders": ", ".join(folders), "after": _after(server)}
    if client.is_current_client and folders:
        what = t(
            "this computer would be logged out, with its synchronizations of {folders}: {after}",
            **values,
        )
    elif client.is_current_client:
        what = t("this computer would be logged out: {after}", **values)
    elif folders:
        what = t("{title} would be logged out, with its synchronizations of {folders}", **values)
    else:
        what = t("{title} would be logged out", **values)
    if not sys.stdin.isatty():
        raise CommandError(t("{what}; say so with --yes", what=what), Exit.USAGE)
    output.confirm(t("{what}. Log it out?", what=what), abort=True)


def _title(client: Client) -> str:
    return t(
        "{id} ({user} on {computer})",
        id=client.id[:_SHORT],
        user=client.info.user,
        computer=client.info.node,
    )


def _row(found: AccountClient) -> tuple[str, ...]:
    client, last = found.client, found.last_log_in
    return (
        found.server.name,
        client.id[:_SHORT] + ("*" if client.is_current_client else ""),
        client.info.node,
        client.info.user,
        f"{client.info.type} {client.info.version}",
        output.moment(dt.datetime.fromisoformat(last).timestamp() if last else None),
        word(found.state.value),
        ", ".join(path.settings.remote_path for path in client.paths) or "-",
    )


def _as_json(found: AccountClient) -> dict[str, object]:
    client = found.client
    return {
        "server": found.server.name,
        "id": client.id,
        "this_computer": client.is_current_client,
        "computer": client.info.node,
        "user": client.info.user,
        "os": f"{client.info.os} {client.info.os_release}",
        "program": client.info.type,
        "version": client.info.version,
        "state": found.state.value,
        "token_expiration": client.token_expiration,
        "last_log_in": found.last_log_in,
        "address": client.current_ip,
        "created": client.created_at,
        "synchronizations": [
            {
                "name": path.settings.name,
                "remote": path.settings.remote_path,
                "local_path": path.settings.local_path,
            }
            for path in client.paths
        ],
    }
