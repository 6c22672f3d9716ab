"""`server add|list|auth|edit|remove`: log-ins, and how servers are reached."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from syncin_mount.addresses import goes_in_clear, without_login
from syncin_mount.app.accounts.accounts import accounts
from syncin_mount.app.messages import sentence
from syncin_mount.cli.exit_status import CommandError, Exit
from syncin_mount.cli.ui import lookup, output
from syncin_mount.cli.ui.assistant import log_in_dialog
from syncin_mount.cli.verb_group import Verbs
from syncin_mount.config.schema import as_table
from syncin_mount.language import mark, t

if TYPE_CHECKING:
    from syncin_mount.app.accounts.accounts import Account
    from syncin_mount.app.accounts.log_in import WayChange
    from syncin_mount.config import Configuration, Folders, Server

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
    from syncin_mount.app.accounts import account_changes, log_in  # noqa: PLC0415 (start-up time)

    folders, configuration = lookup.load()
    way = log_in.WayChange(insecure_tls=insecure_tls, insecure_http=insecure_http)
    server = account_changes.new_account(configuration, name, url, login, way)
    # Before the way: what comes from standard input begins with the password.
    password = log_in_dialog.password_for(server, from_stdin=True) if password_stdin else None
    code = code if password is None else log_in_dialog.code_from(code)
    server = account_changes.changed_account(server, _way(proxy, ca_file, client_cert))
    lookup.warn_insecure(server)
    log_in_dialog.log_in(log_in.add, folders, server, password, code)
    output.say(t("{name}: logged in to {url} as {login}", name=name, url=server.url, login=login))


@command.command("list")
@output.json_option
def list_(as_json: bool) -> None:
    """List the servers and whether this computer still has a token for each."""
    folders, configuration = lookup.load()
    found = accounts(folders, configuration)
    for each in found:
        lookup.warn_insecure(each.server)
    if as_json:
        output.emit_json(
            [
                {
                    "name": each.server.name,
                    **shown_table(each.server),
                    "tls_verified": each.server.insecurity is None,
                    "logged_in": each.logged_in,
                    "log_in_refused": each.refused,
                    "synchronizations": each.used_by,
                }
                for each in found
            ]
        )
        return
    output.emit_table(
        (mark("NAME"), mark("URL"), mark("LOGIN"), mark("TOKEN"), mark("USED BY")),
        [
            (
                each.server.name,
                _shown_url(each.server),
                each.server.login,
                _token(each),
                ", ".join(each.used_by) or "-",
            )
            for each in found
        ],
        empty=t("no servers yet; add one: {command}", command=lookup.ADD_SERVER),
    )


def _token(account: Account) -> str:
    if account.refused:
        return t("refused")
    return t("kept") if account.logged_in else t("none")


@command.command()
@click.argument("name", required=False)
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
    name: str | None,
    password_stdin: bool,
    code: str | None,
    insecure_tls: bool | None,
    insecure_http: bool | None,
    register: bool,
) -> None:
    """Log in again to server NAME, or to the only one, when its token expired or was revoked.

    Mounted drives continue by themselves. A warning names synchronizations that were removed on
    the account page; --register registers them again.
    """
    from syncin_mount.app.accounts import account_changes, log_in  # noqa: PLC0415 (start-up time)
    from syncin_mount.cli.ui import notices  # noqa: PLC0415

    folders, configuration = lookup.load()
    before = lookup.server_chosen(configuration, name, "NAME")
    way = log_in.WayChange(insecure_tls=insecure_tls, insecure_http=insecure_http)
    server = account_changes.account_to_log_in(before, way)
    lookup.warn_insecure(server)
    password = log_in_dialog.password_for(server, from_stdin=True) if password_stdin else None
    code = code if password is None else log_in_dialog.code_from(code)
    log_in_dialog.log_in(log_in.log_in, folders, server, password, code)
    output.say(
        t(
            "{name}: logged in to {url} as {login}",
            name=server.name,
            url=server.url,
            login=server.login,
        )
    )
    _keep(folders, configuration, before, server)
    if register:
        notices.register_and_say(folders, server, configuration.used_by(server.name))
    else:
        notices.find_and_say(folders, server, configuration.used_by(server.name))


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
    """Change how to reach server NAME. The log-in stays. Nothing is sent to try it."""
    from syncin_mount.app.accounts.account_changes import changed_account  # noqa: PLC0415 (start-up time)

    folders, configuration = lookup.load()
    before = lookup.server_named(configuration, name)
    way = replace(_way(proxy, ca_file, client_cert), url=url)
    way = replace(way, insecure_tls=insecure_tls, insecure_http=insecure_http)
    server = changed_account(before, way)
    if server == before:
        raise CommandError(
            t(
                "say what is to change of '{name}'; see 'syncin-mount server edit --help'",
                name=name,
            ),
            Exit.USAGE,
        )
    lookup.warn_insecure(server)
    _keep(folders, configuration, before, server, said=f"{name}: {_shown_url(server)}")


def _keep(
    folders: Folders,
    configuration: Configuration,
    before: Server,
    server: Server,
    said: str | None = None,
) -> None:
    """Remembers the way to the server, and says which mounted drives still go the old one."""
    from syncin_mount.app.accounts.account_changes import keep_account  # noqa: PLC0415 (start-up time)

    done = output.run_async(keep_account, folders, configuration, before, server)
    if said is not None:
        output.say(said)
    for name in done.to_remount:
        output.warn(
            t(
                "{name}: the mounted drive takes that up when it is unmounted and mounted again",
                name=name,
            )
        )


def _shown_url(server: Server) -> str:
    if goes_in_clear(server.url):
        return t("{url} (in clear)", url=server.url)
    if server.insecure_tls:
        return t("{url} (TLS not verified)", url=server.url)
    return server.url


def shown_table(server: Server) -> dict[str, Any]:
    """Its settings, without a proxy's password."""
    table: dict[str, Any] = as_table(server)
    if server.proxy is not None:
        table["proxy"] = without_login(server.proxy)
    return table


def _way(proxy: str | None, ca_file: str | None, client_cert: str | None) -> WayChange:
    """What was given of the way to a server."""
    from syncin_mount.app.accounts.log_in import WayChange  # noqa: PLC0415 (start-up time)

    if proxy == "-":
        proxy = sys.stdin.readline().strip()
    return WayChange(proxy=proxy, ca_file=_pem(ca_file), client_cert=_pem(client_cert))


def _pem(text: str | None) -> Path | None:
    from syncin_mount.app.accounts.log_in import NO_FILE  # noqa: PLC0415 (start-up time)

    if text is None:
        return None
    return NO_FILE if text == "none" else Path(os.path.abspath(Path(text).expanduser()))


@command.command()
@click.argument("name")
def remove(name: str) -> None:
    """Log out of server NAME and forget it. Nothing on the server changes."""
    from syncin_mount.app.accounts import log_in  # noqa: PLC0415 (start-up time)

    folders, configuration = lookup.load()
    server = lookup.server_named(configuration, name)
    not_told = output.run_async(log_in.remove, folders, server)
    if not_told is not None:
        output.warn(
            t(
                "the server could not be told ({why}); this computer stays in the account's list"
                " of clients",
                why=sentence(not_told),
            )
        )
    output.say(t("{name}: removed", name=name))
