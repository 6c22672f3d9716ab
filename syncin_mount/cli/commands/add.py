"""`add`: a new synchronization."""

from __future__ import annotations

import errno
import os
import stat
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.errors import Missing, RemoteError
from reconciler.model import Conflict, Direction, Mode
from syncin_mount.cli import configured, output
from syncin_mount.cli.exits import CommandError, Exit
from syncin_mount.config import ConfigurationFile, Scheduler, Synchronization, Trash
from syncin_mount.config.filters import entered
from syncin_mount.config.model import parse_schedule
from syncin_mount.config.rules import not_there_yet, objection
from syncin_mount.config.schema import check_remote

if TYPE_CHECKING:
    from syncin_mount.config import Configuration, Folders, Server
    from syncin_mount.server import Session


def values(kind: type[Direction | Mode | Conflict | Trash]) -> click.Choice[str]:
    """The setting's own words."""
    return click.Choice([member.value for member in kind])


@click.command()
@click.argument("name", required=False)
@click.option("--server", metavar="NAME", help="The server, as 'server list' names it.")
@click.option("--remote", metavar="PATH", help="Its folder, as 'remote ls' shows it: personal/docs, spaces/team/docs.")
@click.option("--mountpoint", metavar="DIR", help="Where it is mounted: an empty folder; made if it is not there.")
@click.option("--direction", type=values(Direction), default="both", show_default=True, help="Who follows whom.")
@click.option("--mode", type=values(Mode), default="fast", show_default=True, help="How equal files are recognised.")
@click.option(
    "--conflict", type=values(Conflict), default="recent", show_default=True, help="Who wins where both sides changed."
)
@click.option(
    "--trash",
    type=values(Trash),
    default="auto",
    show_default=True,
    help="Where what loses here goes: the desktop's trash, or the synchronization's own bin.",
)
@click.option(
    "--every", metavar="TIME", help="How often a run starts by itself: 15m, 2h, 1d; off: it follows both sides."
)
@click.option(
    "--filter",
    "filters",
    metavar="RULE",
    multiple=True,
    help="What is left out: ends-with:.tmp, path:docs/old, … ('filter --help'); may be given several times.",
)
def command(
    name: str | None,
    server: str | None,
    remote: str | None,
    mountpoint: str | None,
    direction: str,
    mode: str,
    conflict: str,
    trash: str,
    every: str | None,
    filters: tuple[str, ...],
) -> None:
    """Bind a folder of a server to a mount point, as synchronization NAME.

    Nothing is carried across yet: 'mount' or 'sync' does that.
    """
    missing = [
        word
        for word, value in (
            ("NAME", name),
            ("--server", server),
            ("--remote", remote),
            ("--mountpoint", mountpoint),
        )
        if not value
    ]
    if missing or not (name and server and remote and mountpoint):
        raise click.UsageError(f"the assistant that asks is not there yet; give {', '.join(missing)}")
    folders, configuration = configured.load()
    account = configured.server_named(configuration, server)
    new = Synchronization(
        name=name,
        server=server,
        remote=_remote(remote),
        mountpoint=absolute(mountpoint),
        direction=Direction(direction),
        mode=Mode(mode),
        conflict=Conflict(conflict),
        trash=Trash(trash),
        scheduler=schedule(every),
        filters=tuple(entered(rule).pattern for rule in filters),
        timestamp=int(time.time()),
    )
    refused = not_there_yet(new) or objection(configuration, new, folders)
    if refused:
        raise CommandError(refused)
    check_mountpoint(new.mountpoint)
    added = output.run_async(_register, folders, account, new)
    try:
        _remember(folders, added)
    except BaseException:
        output.run_async(_take_back, folders, account, added)
        raise
    if added.restriction:
        output.warn(added.restriction)
    output.say(f"{name}: {added.remote} on {account.url} belongs to {added.mountpoint}; now: syncin-mount mount {name}")


def _remember(folders: Folders, added: Synchronization) -> None:
    """The disk first: a mount point that cannot be made leaves the configuration as it was."""
    added.mountpoint.mkdir(parents=True, exist_ok=True)

    def with_it(now: Configuration) -> Configuration:
        refused = objection(now, added, folders)
        if refused:
            raise CommandError(refused)
        return now.with_synchronization(added)

    ConfigurationFile(folders).update(with_it)


def _remote(text: str) -> str:
    try:
        return check_remote(text)
    except ValueError as error:
        raise CommandError(f"'{output.printable(text)}' cannot be synchronized: {error}") from error


def schedule(text: str | None) -> Scheduler:
    """None is off. Raises CommandError."""
    found = Scheduler() if text is None else parse_schedule(text)
    if found is None:
        raise CommandError(f"'{text}' is no time; give it as 15m, 2h, 1d or off")
    return found


def absolute(text: str) -> Path:
    """Without a trailing slash, `..` and symbolic links, as the system will name the mount."""
    path = Path(os.path.realpath(Path(text).expanduser()))
    try:
        str(path).encode()
    except UnicodeEncodeError as error:
        raise CommandError("the mount point's path is not UTF-8 text; choose another folder") from error
    return path


def check_mountpoint(path: Path) -> None:
    """Raises CommandError unless the path is an empty folder, or free with a folder above it that can be written to."""
    try:
        found = path.stat()
        if not stat.S_ISDIR(found.st_mode):
            raise CommandError(f"the mount point {path} is a file; choose an empty folder")
        if next(path.iterdir(), None) is not None:
            raise CommandError(
                f"the mount point {path} is not empty; choose an empty folder (importing is not there yet)"
            )
    except FileNotFoundError:
        return
    except OSError as error:
        if error.errno == errno.ENOTCONN:
            raise CommandError(
                f"a crashed drive is left over at {path}; take it away: fusermount3 -u -z {path}"
            ) from error
        raise CommandError(
            f"the mount point {path} cannot be used ({error.strerror}); choose another folder"
        ) from error


async def _register(folders: Folders, server: Server, new: Synchronization) -> Synchronization:
    """The synchronization with what the server says of it. Raises CommandError, RemoteError."""
    from syncin_mount.daemon.accounts import session_with  # noqa: PLC0415 (start-up time)
    from syncin_mount.daemon.registration import wire  # noqa: PLC0415
    from syncin_mount.server.paths import register_path  # noqa: PLC0415

    async with session_with(folders, server) as session:
        await _look(session, new.remote)
        # By the server's clock, which is that of the account page: what is set there later is newer then.
        new = replace(new, timestamp=int(session.server_time() or new.timestamp))
        registered = await register_path(session, wire(new))
        return replace(new, path_id=registered.id, permissions=registered.permissions)


async def _look(session: Session, remote: str) -> None:
    """Raises CommandError when the folder is not there: the server's own answers do not tell clearly."""
    from syncin_mount.server.browse import tree  # noqa: PLC0415 (start-up time)

    try:
        items = await tree(session, remote.rpartition("/")[0], files=True)
        found = next((item for item in items if item.path == remote), None)
    except Missing:
        found = None
    if found is None:
        raise CommandError(
            f"there is no folder '{remote}' on {session.account.url}; "
            f"make it: syncin-mount remote mkdir '{remote}' --server {session.account.name}",
            Exit.REFUSED,
        )
    if not found.is_folder:
        raise CommandError(f"'{remote}' on {session.account.url} is a file; choose a folder", Exit.REFUSED)


async def _delete(session: Session, path_id: int) -> None:
    from syncin_mount.server.paths import delete_path  # noqa: PLC0415 (start-up time)

    await delete_path(session, path_id)


async def _take_back(folders: Folders, server: Server, added: Synchronization) -> None:
    """Unregisters what could not be remembered here."""
    from syncin_mount.daemon.accounts import session_with  # noqa: PLC0415 (start-up time)

    assert added.path_id is not None
    try:
        async with session_with(folders, server) as session:
            await _delete(session, added.path_id)
    except RemoteError as error:
        output.warn(f"the server keeps the entry '{added.name}', which can be removed on the account page ({error})")
