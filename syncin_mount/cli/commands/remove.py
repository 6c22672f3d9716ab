"""`remove`: forgets a synchronization and its local copy."""

from __future__ import annotations

import shutil
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from reconciler.errors import RemoteError
from syncin_mount.cli import configured, output
from syncin_mount.cli.exits import CommandError
from syncin_mount.cli.replicas import replica_of
from syncin_mount.config import ConfigurationFile
from syncin_mount.config.notes import NotesFile
from syncin_mount.control.sockets import listens

if TYPE_CHECKING:
    from syncin_mount.config import Folders, Server, Synchronization


@click.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Also when unsent changes, or what is in the bin, are lost with it.")
def command(name: str, yes: bool) -> None:
    """Remove synchronization NAME and its local copy. Nothing on the server is deleted.

    When the local copy holds something that is nowhere else, this asks first.
    """
    folders, configuration = configured.load()
    synchronization = configured.synchronization_named(configuration, name)
    if listens(folders.socket(name)):
        raise CommandError(f"'{name}' is mounted; unmount it first: syncin-mount umount {name}")
    if not yes:
        _ask(folders, name)
    _unregister(folders, configuration.servers[synchronization.server], synchronization)
    ConfigurationFile(folders).update(lambda now: now.without_synchronization(name))
    if folders.replica(name).is_dir():
        shutil.rmtree(folders.replica(name))
    folders.socket(name).unlink(missing_ok=True)
    output.say(f"{name}: removed; the folder {synchronization.mountpoint} is an ordinary folder again")


def _ask(folders: Folders, name: str) -> None:
    """Raises CommandError unless nothing would be lost, or somebody at the terminal agrees."""
    from syncin_mount.daemon import views  # noqa: PLC0415 (start-up time)

    with replica_of(folders, name) as replica:
        if replica is None:
            return
        waiting = views.waiting(replica)
        binned = len(replica.bin_entries())
    if not waiting and not binned:
        return
    lost = [f"{output.count(waiting, 'change')} that the server does not have"] if waiting else []
    lost += [f"{output.count(binned, 'entry', 'entries')} in the bin"] if binned else []
    what = f"the local copy of '{name}' holds {' and '.join(lost)}"
    if not sys.stdin.isatty():
        raise CommandError(f"{what}; sync it first, or lose that with --yes")
    click.confirm(f"{what}. Remove it all the same?", abort=True, err=True)


def _unregister(folders: Folders, server: Server, synchronization: Synchronization) -> None:
    """The account page lists it no more. A server that is away changes nothing here."""
    if synchronization.path_id is None:
        return
    try:
        output.run_async(_delete, folders, server, synchronization.path_id)
    except RemoteError as error:
        _remember(folders, server, synchronization.path_id)
        output.warn(
            f"the server could not be told ({error}); its account page lists '{synchronization.name}' until another "
            "synchronization with it runs"
        )


def _remember(folders: Folders, server: Server, path_id: int) -> None:
    NotesFile(folders, server.client_id).update(lambda now: replace(now, removed=now.removed | {path_id}))


async def _delete(folders: Folders, server: Server, path_id: int) -> None:
    from syncin_mount.daemon.accounts import session_with  # noqa: PLC0415 (start-up time)
    from syncin_mount.server.paths import delete_path  # noqa: PLC0415

    async with session_with(folders, server) as session:
        await delete_path(session, path_id)
