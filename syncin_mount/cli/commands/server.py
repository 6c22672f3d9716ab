"""`server add|list|auth|remove`: log-ins."""

from __future__ import annotations

import sys
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from reconciler.errors import RemoteError
from syncin_mount.cli import configured, output
from syncin_mount.cli.configured import unverified
from syncin_mount.cli.exits import CommandError
from syncin_mount.cli.registering import register_again
from syncin_mount.config import ConfigurationFile, Server, TokenStore
from syncin_mount.config.model import check_name
from syncin_mount.config.schema import as_table
from syncin_mount.control.sockets import listens

if TYPE_CHECKING:
    from syncin_mount.config import Configuration, Folders

_PASSWORD = click.option("--password-stdin", is_flag=True, help="Read the password from standard input's first line.")
_CODE = click.option(
    "--code",
    metavar="CODE",
    help="The two-factor code, or a recovery code; asked for when it is needed. '-': from standard input's next line, "
    "as other users see the arguments of a running command.",
)


@click.group()
def command() -> None:
    """Log in to servers, and list, renew and remove these log-ins.

    The password is used once and never kept: the server gives this computer a token, which lies in the keyring or in
    a file that only you can read.
    """


@command.command()
@click.argument("name")
@click.argument("url")
@click.option("--login", required=True, metavar="LOGIN", help="Your login or e-mail address on that server.")
@_PASSWORD
@_CODE
@click.option("--insecure-tls", is_flag=True, help="Accept a certificate that this system cannot verify.")
def add(name: str, url: str, login: str, password_stdin: bool, code: str | None, insecure_tls: bool) -> None:
    """Log in to the server at URL and remember it as NAME."""
    from syncin_mount.server import parse_url  # noqa: PLC0415 (start-up time)

    folders, configuration = configured.load()
    wrong = check_name(name)
    if wrong:
        raise CommandError(f"'{name}' cannot be a server's name: {wrong}")
    server = Server(name, parse_url(url), login, str(uuid.uuid4()), insecure_tls)
    _refuse_twice(configuration, server)
    if insecure_tls:
        output.warn(unverified(server))
    store = _log_in(folders, server, _password(server, password_stdin), _code(code))

    def with_server(now: Configuration) -> Configuration:
        _refuse_twice(now, server)
        return now.with_server(server)

    try:
        ConfigurationFile(folders).update(with_server)
    except BaseException:
        store.forget()
        raise
    output.say(f"{name}: logged in to {server.url} as {login}")


@command.command("list")
@output.json_option
def list_(as_json: bool) -> None:
    """List the servers and whether this computer still has a token for each."""
    folders, configuration = configured.load()
    found = [
        (server, _has_token(folders, server), configuration.used_by(server.name))
        for server in configuration.servers.values()
    ]
    for server, _, _ in found:
        if server.insecure_tls:
            output.warn(unverified(server))
    if as_json:
        output.emit_json(
            [
                {
                    "name": server.name,
                    **as_table(server),
                    "tls_verified": not server.insecure_tls,
                    "logged_in": kept,
                    "synchronizations": users,
                }
                for server, kept, users in found
            ]
        )
        return
    output.emit_table(
        ("NAME", "URL", "LOGIN", "TOKEN", "USED BY"),
        [
            (
                server.name,
                server.url + (" (TLS not verified)" if server.insecure_tls else ""),
                server.login,
                "kept" if kept else "none",
                ", ".join(users) or "-",
            )
            for server, kept, users in found
        ],
        empty="no servers yet; add one: syncin-mount server add NAME URL --login LOGIN",
    )


@command.command()
@click.argument("name")
@_PASSWORD
@_CODE
@click.option(
    "--insecure-tls/--verify-tls",
    default=None,
    help="From now on accept a certificate that this system cannot verify; or do not any more.",
)
def auth(name: str, password_stdin: bool, code: str | None, insecure_tls: bool | None) -> None:
    """Log in again to server NAME, when its token expired or was revoked.

    Mounted drives go on by themselves. Synchronizations that the server has no more (they go with the client on the
    account page) are registered again.
    """
    folders, configuration = configured.load()
    server = configured.server_named(configuration, name)
    before = server
    if insecure_tls is not None:
        server = replace(server, insecure_tls=insecure_tls)
    if server.insecure_tls:
        output.warn(unverified(server))
    _log_in(folders, server, _password(server, password_stdin), _code(code))
    if server != before:
        ConfigurationFile(folders).update(lambda now: now.with_server(server) if name in now.servers else now)
    output.say(f"{name}: logged in to {server.url} as {server.login}")
    if server != before:
        for each in configuration.used_by(name):
            if listens(folders.socket(each)):
                output.warn(f"{each}: the mounted drive takes that up when it is unmounted and mounted again")
    register_again(folders, server, configuration.used_by(name))


@command.command()
@click.argument("name")
def remove(name: str) -> None:
    """Log out of server NAME and forget it. Nothing on the server changes."""
    folders, configuration = configured.load()
    server = configured.server_named(configuration, name)

    def without(now: Configuration) -> Configuration:
        users = now.used_by(name)
        if users:
            raise CommandError(f"the server '{name}' is used by {', '.join(users)}; remove that first")
        return now.without_server(name)

    without(configuration)
    try:
        output.run_async(_log_out, folders, server)
    except RemoteError as error:
        output.warn(f"the server could not be told ({error}); this computer stays in the account's list of clients")
    ConfigurationFile(folders).update(without)
    TokenStore(folders, server.client_id).forget()
    output.say(f"{name}: removed")


def _log_in(folders: Folders, server: Server, password: str, code: str | None) -> TokenStore:
    """Registers this computer and keeps the token that it gets."""
    from syncin_mount.server import register  # noqa: PLC0415 (start-up time)
    from syncin_mount.server.errors import CodeWanted  # noqa: PLC0415

    async def run(code: str | None) -> str:
        return await register(
            server.url, server.login, password, code, server.client_id, insecure_tls=server.insecure_tls
        )

    store = TokenStore(folders, server.client_id)
    try:
        token = output.run_async(run, code)
    except CodeWanted:
        if not sys.stdin.isatty():
            raise
        token = output.run_async(run, str(click.prompt("Two-factor or recovery code", err=True)).strip())
    store.save(token)
    return store


async def _log_out(folders: Folders, server: Server) -> None:
    from syncin_mount.daemon.accounts import session_with  # noqa: PLC0415 (start-up time)
    from syncin_mount.server.paths import unregister  # noqa: PLC0415

    async with session_with(folders, server) as session:
        await unregister(session)


def _refuse_twice(configuration: Configuration, server: Server) -> None:
    if server.name in configuration.servers:
        raise CommandError(f"there is a server '{server.name}' already; choose another name, or remove it first")
    for other in configuration.servers.values():
        if (other.url, other.login) == (server.url, server.login):
            raise CommandError(f"{server.login} at {server.url} is there already, as '{other.name}'")


def _password(server: Server, from_stdin: bool) -> str:
    """From standard input's first line, or asked for on the terminal. Never from the arguments: others see them."""
    if from_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
        if not password:
            raise CommandError("no password came on standard input")
        return password
    if not sys.stdin.isatty():
        raise CommandError("there is no terminal to ask for the password; give it with --password-stdin")
    return str(click.prompt(f"Password of {server.login} at {server.url}", hide_input=True, err=True))


def _code(given: str | None) -> str | None:
    """After the password: it stands on the line behind that one's."""
    if given != "-":
        return given
    code = sys.stdin.readline().strip()
    if not code:
        raise CommandError("no code came on standard input")
    return code


def _has_token(folders: Folders, server: Server) -> bool:
    try:
        TokenStore(folders, server.client_id).load()
    except (LookupError, OSError):
        return False
    return True
