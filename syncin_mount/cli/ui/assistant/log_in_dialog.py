"""Passwords and codes, asked for on the terminal or read from standard input. Never from the
arguments of a running command: others see them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from reconciler.errors import Unauthorized
from syncin_mount.app.messages import sentence
from syncin_mount.cli.exit_status import CommandError, Exit
from syncin_mount.cli.ui import output
from syncin_mount.language import t

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from syncin_mount.config import Folders, Server

_ATTEMPTS = 3
"""How often a password is asked for: servers lock an account after some more."""

_WRONG_LOGIN = 401
"""The status of a login, password or code that the server does not accept
(docs/reference/server-protocol.md)."""


def log_in(
    act: Callable[[Folders, Server, str, str | None], Awaitable[object]],
    folders: Folders,
    server: Server,
    password: str | None,
    code: str | None,
) -> None:
    """Logs in. Where no password was given, somebody types it: the address is tried before, and a
    wrong password is asked for again."""
    if password is not None:
        _with_code(act, folders, server, password, code)
        return
    from syncin_mount.app.accounts.log_in import probe_server  # noqa: PLC0415 (start-up time)

    if sys.stdin.isatty():
        output.run_async(probe_server, server)
    for left in reversed(range(_ATTEMPTS)):
        password = password_for(server, from_stdin=False)
        try:
            _with_code(act, folders, server, password, code_from(code))
        except Unauthorized as error:
            if not left or error.status != _WRONG_LOGIN or code == "-":
                raise
            output.warn(sentence(error))
        else:
            return


def _with_code(
    act: Callable[[Folders, Server, str, str | None], Awaitable[object]],
    folders: Folders,
    server: Server,
    password: str,
    code: str | None,
) -> None:
    """Logs in; a code that is wanted and was not given is asked for on the terminal."""
    from syncin_mount.remote.errors import CodeWanted  # noqa: PLC0415 (start-up time)

    try:
        output.run_async(act, folders, server, password, code)
    except CodeWanted:
        if not sys.stdin.isatty():
            raise
        code = output.ask(t("Two-factor or recovery code")).strip()
        output.run_async(act, folders, server, password, code)


def password_for(server: Server, *, from_stdin: bool) -> str:
    """From standard input's first line, or asked for on the terminal. Never from the arguments:
    others see them."""
    if from_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
        if not password:
            raise CommandError(t("no password came on standard input"), Exit.USAGE)
        return password
    if not sys.stdin.isatty():
        raise CommandError(
            t("there is no terminal to ask for the password; give it with --password-stdin"),
            Exit.USAGE,
        )
    return output.ask(
        t("Password of {login} at {url}", login=server.login, url=server.url), hide_input=True
    )


def code_from(given: str | None) -> str | None:
    """After the password: it stands on the line behind that one's."""
    if given != "-":
        return given
    code = sys.stdin.readline().strip()
    if not code:
        raise CommandError(t("no code came on standard input"), Exit.USAGE)
    return code
