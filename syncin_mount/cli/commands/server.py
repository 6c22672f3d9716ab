"""`server add|list|auth|edit|remove`: log-ins, and how servers are reached."""

from __future__ import annotations

import os
import sys
import uuid
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler.errors import RemoteError
from syncin_mount.addresses import goes_in_clear, without_login
from syncin_mount.cli.exit_status import CommandError
from syncin_mount.cli.ui import lookup, output
from syncin_mount.cli.verb_group import Verbs
from syncin_mount.config import ConfigurationFile, Server, TokenStore
from syncin_mount.config.model import check_name
from syncin_mount.config.schema import as_table
from syncin_mount.control.sockets import listens

if TYPE_CHECKING:
    from syncin_mount.config import Configuration, Folders

_PASSWORD = click.option(
    "--password-stdin", is_flag=True, help="Read the password from standard input's first line."
)
_CODE = click.option(
    "--code",
    metavar="CODE",
    help=(
        "The two-factor code, or a recovery code; asked for when it is needed. '-': from standard"
        " input's next line, as other users see the arguments of a running command."
    ),
)


_PROXY = click.option(
    "--proxy",
    metavar="URL",
    help=(
        "Go by this proxy: http://, https:// or socks5://[USER:PASSWORD@]HOST:PORT, odd characters"
        " percent-coded. 'none': none at all; 'env': as the environment says (the default). '-':"
        " from standard input's next line."
    ),
)
_CA_FILE = click.option(
    "--ca-file",
    metavar="FILE",
    help="Trust the certificates in this PEM file instead of the system's; 'none': do not.",
)
_CLIENT_CERT = click.option(
    "--client-cert",
    metavar="FILE",
    help="Show the certificate, with its key, in this PEM file; 'none': show none.",
)


@click.group(cls=Verbs)
def command() -> None:
    """Log in to servers, and list, renew and remove these log-ins.

    The password is used once and never kept: the server gives this computer a token, which lies in
    the keyring or in a file that only you can read.
    """


@command.command()
@click.argument("name")
@click.argument("url")
@click.option(
    "--login", required=True, metavar="LOGIN", help="Your login or e-mail address on that server."
)
@_PASSWORD
@_CODE
@click.option(
    "--insecure-tls", is_flag=True, help="Accept a certificate that this system cannot verify."
)
@click.option(
    "--insecure-http",
    is_flag=True,
    help="Accept http:// to another computer: everybody in between can read.",
)
@_PROXY
@_CA_FILE
@_CLIENT_CERT
def add(
    name: str,
    url: str,
    login: str,
    password_stdin: bool,
    code: str | None,
    insecure_tls: bool,
    insecure_http: bool,
    proxy: str | None,
    ca_file: str | None,
    client_cert: str | None,
) -> None:
    """Log in to the server at URL and remember it as NAME."""
    from syncin_mount.remote import parse_url  # noqa: PLC0415 (start-up time)

    folders, configuration = lookup.load()
    wrong = check_name(name)
    if wrong:
        raise CommandError(f"'{name}' cannot be a server's name: {wrong}")
    server = Server(name, parse_url(url), login, str(uuid.uuid4()), insecure_tls, insecure_http)
    _refuse_twice(configuration, server)
    refuse_clear(server)  # before anybody types a password for it
    password, code = _password(server, password_stdin), _code(code)
    server = _reached(server, proxy, ca_file, client_cert)
    lookup.warn_insecure(server)
    store = _log_in(folders, server, password, code)

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
    folders, configuration = lookup.load()
    found = [
        (server, _has_token(folders, server), configuration.used_by(server.name))
        for server in configuration.servers.values()
    ]
    for server, _, _ in found:
        lookup.warn_insecure(server)
    if as_json:
        output.emit_json(
            [
                {
                    "name": server.name,
                    **shown_table(server),
                    "tls_verified": server.insecurity is None,
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
                _shown_url(server),
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
@click.option(
    "--insecure-http/--no-insecure-http",
    default=None,
    help="From now on accept http:// to another computer.",
)
@click.option("--register", is_flag=True, help="Register again what the server has no more.")
def auth(
    name: str,
    password_stdin: bool,
    code: str | None,
    insecure_tls: bool | None,
    insecure_http: bool | None,
    register: bool,
) -> None:
    """Log in again to server NAME, when its token expired or was revoked.

    Mounted drives go on by themselves. Synchronizations that the server has no more were removed
    on the account page, by themselves or with this computer: they are told, and registered again
    with --register alone.
    """
    folders, configuration = lookup.load()
    server = lookup.server_named(configuration, name)
    before = server
    if insecure_tls is not None:
        server = replace(server, insecure_tls=insecure_tls)
    if insecure_http is not None:
        server = replace(server, insecure_http=insecure_http)
    refuse_clear(server)
    lookup.warn_insecure(server)
    _log_in(folders, server, _password(server, password_stdin), _code(code))
    if server != before:
        ConfigurationFile(folders).update(
            lambda now: now.with_server(server) if name in now.servers else now
        )
    output.say(f"{name}: logged in to {server.url} as {server.login}")
    if server != before:
        _tell_mounted(folders, configuration, name)
    from syncin_mount.cli.ui import reregistering  # noqa: PLC0415 (start-up time)

    if register:
        reregistering.register_and_say(folders, server, configuration.used_by(name))
    else:
        reregistering.find_and_say(folders, server, configuration.used_by(name))


@command.command()
@click.argument("name")
@click.option(
    "--url", metavar="URL", help="The server's address from now on: the same server, elsewhere."
)
@click.option(
    "--insecure-tls/--verify-tls",
    default=None,
    help="Accept a certificate that this system cannot verify; or do not.",
)
@click.option(
    "--insecure-http/--no-insecure-http",
    default=None,
    help="Accept http:// to another computer, where everybody in between can read; or do not.",
)
@_PROXY
@_CA_FILE
@_CLIENT_CERT
def edit(
    name: str,
    url: str | None,
    insecure_tls: bool | None,
    insecure_http: bool | None,
    proxy: str | None,
    ca_file: str | None,
    client_cert: str | None,
) -> None:
    """Change how server NAME is reached. The log-in stays, and nothing is sent to find out whether
    it works."""
    from syncin_mount.remote import parse_url  # noqa: PLC0415 (start-up time)

    folders, configuration = lookup.load()
    before = lookup.server_named(configuration, name)
    server = before if url is None else replace(before, url=parse_url(url))
    if insecure_tls is not None:
        server = replace(server, insecure_tls=insecure_tls)
    if insecure_http is not None:
        server = replace(server, insecure_http=insecure_http)
    server = _reached(server, proxy, ca_file, client_cert)
    if server == before:
        raise CommandError(
            f"say what is to change of '{name}'; see 'syncin-mount server edit --help'"
        )
    if server.insecure_http or insecure_http is None:
        refuse_clear(server)
    lookup.warn_insecure(server)
    ConfigurationFile(folders).update(
        lambda now: now.with_server(server) if name in now.servers else now
    )
    output.say(f"{name}: {_shown_url(server)}")
    _tell_mounted(folders, configuration, name)


def _tell_mounted(folders: Folders, configuration: Configuration, name: str) -> None:
    for each in configuration.used_by(name):
        if listens(folders.socket(each)):
            output.warn(
                f"{each}: the mounted drive takes that up when it is unmounted and mounted again"
            )


def _shown_url(server: Server) -> str:
    if goes_in_clear(server.url):
        return f"{server.url} (in clear)"
    return server.url + (" (TLS not verified)" if server.insecure_tls else "")


def shown_table(server: Server) -> dict[str, Any]:
    """Its settings, without a proxy's password."""
    table: dict[str, Any] = as_table(server)
    if server.proxy is not None:
        table["proxy"] = without_login(server.proxy)
    return table


def refuse_clear(server: Server) -> None:
    """Raises CommandError where the server would be spoken to in clear, and nobody said that it
    may."""
    from syncin_mount.remote.http.route import (  # noqa: PLC0415
        refuse_clear as refuse,
    )

    if not goes_in_clear(server.url):
        return
    from syncin_mount.app.sessions import way_to  # noqa: PLC0415

    try:
        refuse(server.url, way_to(server), server.name)
    except RemoteError as error:
        raise CommandError(str(error)) from None


def _reached(
    server: Server, proxy: str | None, ca_file: str | None, client_cert: str | None
) -> Server:
    """The server with what was given of the way to it; None leaves it. Raises CommandError."""
    from syncin_mount.remote.http.route import (  # noqa: PLC0415
        NO_PROXY,
        parse_proxy,
    )

    if proxy == "-":
        proxy = sys.stdin.readline().strip()
    if proxy is not None and proxy not in {NO_PROXY, "env"}:
        try:
            parse_proxy(proxy)
        except ValueError as error:
            raise CommandError(f"the proxy cannot be used: {error}") from None
    if proxy is not None:
        server = replace(server, proxy=None if proxy == "env" else proxy)
    if ca_file is not None:
        server = replace(server, ca_file=_pem(ca_file))
    if client_cert is not None:
        server = replace(server, client_cert=_pem(client_cert))
    if server.url.startswith("https:") and (ca_file is not None or client_cert is not None):
        from syncin_mount.app.sessions import way_to  # noqa: PLC0415 (start-up time)
        from syncin_mount.remote.http.connection_pool import tls  # noqa: PLC0415

        try:
            tls(way_to(server))
        except RemoteError as error:
            raise CommandError(str(error)) from None
    return server


def _pem(text: str) -> Path | None:
    return None if text == "none" else Path(os.path.abspath(Path(text).expanduser()))


@command.command()
@click.argument("name")
def remove(name: str) -> None:
    """Log out of server NAME and forget it. Nothing on the server changes."""
    folders, configuration = lookup.load()
    server = lookup.server_named(configuration, name)

    def without(now: Configuration) -> Configuration:
        users = now.used_by(name)
        if users:
            raise CommandError(
                f"the server '{name}' is used by {', '.join(users)}; remove that first"
            )
        return now.without_server(name)

    without(configuration)
    try:
        output.run_async(_log_out, folders, server)
    except RemoteError as error:
        output.warn(
            f"the server could not be told ({error}); this computer stays in the account's list of"
            " clients"
        )
    ConfigurationFile(folders).update(without)
    TokenStore(folders, server.client_id).forget()
    output.say(f"{name}: removed")


def _log_in(folders: Folders, server: Server, password: str, code: str | None) -> TokenStore:
    """Registers this computer and keeps the token that it gets."""
    from syncin_mount.app.sessions import way_to  # noqa: PLC0415
    from syncin_mount.remote import register  # noqa: PLC0415 (start-up time)
    from syncin_mount.remote.errors import CodeWanted  # noqa: PLC0415

    async def run(code: str | None) -> str:
        return await register(
            server.url, server.login, password, code, server.client_id, way=way_to(server)
        )

    store = TokenStore(folders, server.client_id)
    try:
        token = output.run_async(run, code)
    except CodeWanted:
        if not sys.stdin.isatty():
            raise
        token = output.run_async(run, output.ask("Two-factor or recovery code").strip())
    store.save(token)
    return store


async def _log_out(folders: Folders, server: Server) -> None:
    from syncin_mount.app.sessions import session_with  # noqa: PLC0415 (start-up time)
    from syncin_mount.remote.registrations import unregister  # noqa: PLC0415

    async with session_with(folders, server) as session:
        await unregister(session)


def _refuse_twice(configuration: Configuration, server: Server) -> None:
    if server.name in configuration.servers:
        raise CommandError(
            f"there is a server '{server.name}' already; choose another name, or remove it first"
        )
    for other in configuration.servers.values():
        if (other.url, other.login) == (server.url, server.login):
            raise CommandError(
                f"{server.login} at {server.url} is there already, as '{other.name}'"
            )


def _password(server: Server, from_stdin: bool) -> str:
    """From standard input's first line, or asked for on the terminal. Never from the arguments:
    others see them."""
    if from_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
        if not password:
            raise CommandError("no password came on standard input")
        return password
    if not sys.stdin.isatty():
        raise CommandError(
            "there is no terminal to ask for the password; give it with --password-stdin"
        )
    return output.ask(f"Password of {server.login} at {server.url}", hide_input=True)


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
