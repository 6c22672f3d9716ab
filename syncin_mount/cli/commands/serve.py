"""`syncin-mount serve`: the embedded server from the command line."""

from __future__ import annotations

import errno
import os
import secrets
import signal
import ssl
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import click
import trio

from reconciler.phrases import strerror
from syncin_mount.cli.ui import output
from syncin_mount.devserver.certificate import FILE_NAME as CERTIFICATE_NAME
from syncin_mount.devserver.certificate import self_signed
from syncin_mount.devserver.faultfile import FaultFileError
from syncin_mount.devserver.model import FULL_PERMISSIONS, Space, User
from syncin_mount.devserver.server import DevServer
from syncin_mount.devserver.serving import Running, serve_listeners
from syncin_mount.devserver.store import StateError
from syncin_mount.language import t

_LOCK_NAME = "devserver.lock"


def parse_user(text: str) -> User:
    """`LOGIN:PASSWORD`. Raises click.ClickException; the text never shows the password."""
    login, colon, password = text.partition(":")
    if not colon or not login or not password:
        raise click.ClickException(
            t("A user is given as LOGIN:PASSWORD, with both parts and a colon between them.")
        )
    if "/" in login or "\0" in login or login in (".", ".."):
        raise click.ClickException(
            t(
                "The login {login} cannot be the name of a folder: choose another one.",
                login=repr(login),
            )
        )
    return User(login=login, password=password, email=f"{login}@example.test")


def parse_space(text: str) -> Space:
    """`ALIAS:LOGIN[,LOGIN]`. Raises click.ClickException."""
    alias, _, logins = text.partition(":")
    members = [login for login in logins.split(",") if login]
    if not alias or not members or "/" in alias or alias in (".", "..", "personal"):
        raise click.ClickException(
            t("A space is given as ALIAS:LOGIN[,LOGIN], not as {text}.", text=repr(text))
        )
    return Space(alias=alias, members=dict.fromkeys(members, FULL_PERMISSIONS))


def _users_from(file: Path) -> list[User]:
    try:
        lines = file.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise click.ClickException(
            t("The users file {file} cannot be read: {error}.", file=file, error=error)
        ) from error
    return [
        parse_user(line.strip())
        for line in lines
        if line.strip() and not line.lstrip().startswith("#")
    ]


def _check_root(root: Path) -> None:
    if not root.exists():
        raise click.ClickException(
            t(
                "The folder {root} does not exist: create it, or give another one with --root.",
                root=root,
            )
        )
    if not root.is_dir():
        raise click.ClickException(t("{root} is no folder: give a folder with --root.", root=root))
    if not os.access(root, os.W_OK | os.X_OK):
        raise click.ClickException(
            t("The folder {root} cannot be written to: give another one with --root.", root=root)
        )


@contextmanager
def _only_server(root: Path) -> Iterator[None]:
    """Holds the root for this process; a second server would overwrite the first one's state."""
    if sys.platform == "win32":
        yield
    else:
        import fcntl  # noqa: PLC0415  # exists on POSIX only

        descriptor = os.open(root / _LOCK_NAME, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise click.ClickException(
                    t("Another server already uses {root}: stop it first.", root=root)
                ) from error
            yield
        finally:
            os.close(descriptor)


def _build(
    root: Path,
    users: list[User],
    spaces: list[Space],
    faults: Path | None,
    request_log: Path | None,
) -> tuple[DevServer, str | None]:
    """The server, and a line about the user that was made up because none is known."""
    try:
        server = DevServer(root, users, spaces=spaces, fault_file=faults, request_log=request_log)
        if server.store.state.accounts:
            return server, None
        server.close()
        password = secrets.token_urlsafe(9)
        made_up = User(login="user1", password=password, email="user1@example.test")
        server = DevServer(
            root, [made_up], spaces=spaces, fault_file=faults, request_log=request_log
        )
    except StateError as error:
        raise click.ClickException(str(error)) from error
    except FaultFileError as error:
        raise click.ClickException(
            t("The fault rules in {faults} cannot be used: {error}.", faults=faults, error=error)
        ) from error
    except OSError as error:
        raise click.ClickException(
            t(
                "The server cannot start: {filename}: {why}.",
                filename=error.filename,
                why=strerror(error),
            )
        ) from error
    return server, t(
        "No user was given: log in as user1 with the password {password}", password=password
    )


def _listen_error(host: str, port: int, error: OSError) -> click.ClickException:
    if error.errno == errno.EADDRINUSE:
        return click.ClickException(
            t(
                "Port {port} on {host} is in use: give another one with --port, or 0 for any.",
                port=port,
                host=host,
            )
        )
    if error.errno == errno.EACCES:
        return click.ClickException(
            t(
                "Port {port} needs more rights than you have: give one from 1024 up with --port.",
                port=port,
            )
        )
    return click.ClickException(
        t(
            "The server cannot listen on {host}:{port}: {why}.",
            host=host,
            port=port,
            why=strerror(error),
        )
    )


def _write_ready(file: Path, url: str) -> None:
    beside = file.with_name(f"{file.name}.new")
    beside.write_text(f"{url}\n", encoding="utf-8")
    beside.replace(file)


def _certificate(root: Path, host: str) -> ssl.SSLContext:
    try:
        return self_signed(root, host)
    except ImportError as error:
        raise click.ClickException(
            t("--tls-self-signed needs the Python package cryptography: install it.")
        ) from error
    except (OSError, ssl.SSLError) as error:
        raise click.ClickException(
            t(
                "The certificate {value} cannot be used ({error}): remove it, and another is made.",
                value=root / CERTIFICATE_NAME,
                error=error,
            )
        ) from error


async def _run(
    server: DevServer,
    host: str,
    port: int,
    ready_file: Path | None,
    note: str | None,
    tls: ssl.SSLContext | None,
) -> None:
    try:
        listeners = await trio.open_tcp_listeners(port, host=host)
    except OSError as error:
        raise _listen_error(host, port, error) from error
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async with trio.open_nursery() as nursery:
            running: Running = await nursery.start(
                partial(serve_listeners, server, listeners, tls=tls)
            )
            if ready_file is not None:
                _write_ready(ready_file, running.url)
            output.say(running.url)
            if note is not None:
                output.say(note)
            async for _ in signals:
                break
            nursery.cancel_scope.cancel()


@click.command()
@click.option(
    "--root",
    type=click.Path(path_type=Path),
    required=True,
    help="The folder that holds everything.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    help="The port; 0 takes a free one.  [default: 0]",
)
@click.option(
    "--user",
    "users",
    multiple=True,
    metavar="LOGIN:PASSWORD",
    help="A user; may be given several times.",
)
@click.option(
    "--users-file",
    type=click.Path(path_type=Path),
    help=(
        "Users, one LOGIN:PASSWORD a line: arguments can be seen by everybody on this machine,"
        " files need not."
    ),
)
@click.option(
    "--space",
    "spaces",
    multiple=True,
    metavar="ALIAS:LOGIN[,LOGIN]",
    help="A space and its members.",
)
@click.option(
    "--tls-self-signed", is_flag=True, help="Speak TLS, with a certificate that no system knows."
)
@click.option(
    "--faults",
    type=click.Path(path_type=Path),
    help="Fault rules (TOML or JSON), read again on changes.",
)
@click.option(
    "--request-log",
    type=click.Path(path_type=Path),
    help="Where each request becomes one line of JSON.",
)
@click.option(
    "--ready-file", type=click.Path(path_type=Path), help="Gets the URL once the server listens."
)
def serve(
    root: Path,
    host: str,
    port: int,
    users: tuple[str, ...],
    users_file: Path | None,
    spaces: tuple[str, ...],
    tls_self_signed: bool,
    faults: Path | None,
    request_log: Path | None,
    ready_file: Path | None,
) -> None:
    """Run the embedded Sync-in server, for trying things out and for tests.

    Files lie under ROOT as on a real server: users/LOGIN/files, users/LOGIN/trash,
    spaces/ALIAS/files. Users, clients and registered folders are remembered there. Prints the URL
    when it is ready; Ctrl-C stops it.
    """
    accounts = [parse_user(text) for text in users] + (
        _users_from(users_file) if users_file is not None else []
    )
    shared = [parse_space(text) for text in spaces]
    _check_root(root)
    with _only_server(root):
        tls = _certificate(root, host) if tls_self_signed else None
        server, note = _build(root, accounts, shared, faults, request_log)
        try:
            trio.run(_run, server, host, port, ready_file, note, tls)
        finally:
            server.close()
            if ready_file is not None:
                ready_file.unlink(missing_ok=True)
