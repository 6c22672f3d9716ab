"""`remove`: forgets a synchronization; what becomes of its local copy is asked, or said."""

from __future__ import annotations

import contextlib
import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.errors import RemoteError
from syncin_mount import advice
from syncin_mount.app.drives.open_drive import is_mounted
from syncin_mount.app.messages import sentence
from syncin_mount.cli.exit_status import CommandError, Exit, exit_for
from syncin_mount.cli.ui import lookup, output
from syncin_mount.config import ConfigurationFile
from syncin_mount.config.notes import NotesFile
from syncin_mount.deep_tree import remove_tree

if TYPE_CHECKING:
    from syncin_mount.config import Folders, Server, Synchronization
    from syncin_mount.store import Replica

_SHOWN = 20
"""Unsent changes that are written out."""

_REMOVED = ".removed-"
"""How the name of a local copy begins that is being deleted: no synchronization has such a name."""


@dataclass(frozen=True, slots=True)
class Unsent:
    """What the local copy alone has: ``unsent`` are paths of changes that the server does not have,
    ``local`` those of what stays here (left out by a rule, links, devices), ``binned`` those where
    the bin's entries were. ``absent`` counts files whose content is on the server only. ``trouble``
    says why none of it can be told."""

    unsent: tuple[str, ...] = ()
    local: tuple[str, ...] = ()
    binned: tuple[str, ...] = ()
    absent: int = 0
    trouble: str = ""

    @property
    def loses(self) -> str:
        """What is lost with the copy, or nothing."""
        if self.trouble:
            return f"cannot be looked into ({self.trouble})"
        lost = []
        if self.unsent:
            lost.append(f"{output.count(len(self.unsent), 'change')} that the server does not have")
        if self.local:
            lost.append(
                f"{output.count(len(self.local), 'file or link', 'files and links')} that only this"
                " computer has"
            )
        if self.binned:
            lost.append(f"{output.count(len(self.binned), 'entry', 'entries')} in the bin")
        return f"holds {' and '.join(lost)}" if lost else ""


@click.command()
@click.argument("name")
@click.option(
    "--keep-copy",
    metavar="DIR",
    help="Keep what is in the drive and in its bin as an ordinary folder DIR, made anew.",
)
@click.option(
    "--discard-unsent",
    is_flag=True,
    help="Lose changes that the server does not have, and the bin.",
)
@click.option("--yes", is_flag=True, help="Do not ask; nothing that is only here is lost for that.")
def command(name: str, keep_copy: str | None, discard_unsent: bool, yes: bool) -> None:
    """Remove synchronization NAME and its local copy. Nothing on the server is deleted.

    In a terminal this asks first. When the local copy holds something that is nowhere else, it asks
    what becomes of it. With --keep-copy all that is in the drive is copied to DIR first, with its
    attributes, and compared; what is in the bin comes into a folder "bin" there. Stopped half-way,
    nothing is lost: run it again.
    """
    folders, configuration = lookup.load()
    synchronization = lookup.synchronization_named(configuration, name)
    if is_mounted(folders, name):
        raise CommandError(
            f"'{name}' is mounted; unmount it first: {advice.command('umount', name)}"
        )
    with contextlib.ExitStack() as stack:
        replica, held = _look(stack, folders, synchronization)
        if not discard_unsent and keep_copy is None and held.loses:
            keep_copy, discard_unsent = _ask(name, held, may_ask=not yes)
        elif not yes and sys.stdin.isatty():
            _confirm(name, held, keep_copy)
        if keep_copy is not None:
            if replica is None:
                raise CommandError(
                    f"there is no local copy of '{name}' to keep {held.trouble}".rstrip()
                )
            if folders.state in _place(keep_copy).parents:
                raise CommandError(
                    f"{_place(keep_copy)} is in the program's own folder; give one outside of it",
                    Exit.USAGE,
                )
            _keep(replica, name, held, _place(keep_copy))
        _unregister(folders, configuration.servers[synchronization.server], synchronization)
        doomed = _set_aside(folders, name)
        if replica is not None:
            replica.abandon()
        ConfigurationFile(folders).update(lambda now: now.without_synchronization(name))
    _delete_set_aside(folders)
    folders.socket(name).unlink(missing_ok=True)
    if doomed and keep_copy is not None:
        output.say(f"{name}: what was in the drive is in {_place(keep_copy)}")
    output.say(
        f"{name}: removed; the folder {synchronization.mountpoint} is an ordinary folder again"
    )


def _look(
    stack: contextlib.ExitStack, folders: Folders, synchronization: Synchronization
) -> tuple[Replica | None, Unsent]:
    """The local copy, locked until the stack ends, and what it alone has. Raises ReplicaInUse."""
    from syncin_mount.app.drives import views  # noqa: PLC0415 (start-up time)
    from syncin_mount.app.drives.unmounted import open_replica  # noqa: PLC0415
    from syncin_mount.store import ReplicaError, ReplicaInUse  # noqa: PLC0415

    try:
        replica = stack.enter_context(open_replica(folders, synchronization.name))
    except ReplicaInUse:
        raise
    except ReplicaError as error:
        return None, Unsent(trouble=sentence(error))
    if replica is None:
        return None, Unsent()
    filters = views.filter_of(synchronization.filters)
    paths = [views.path_of(replica, dirty.node) for dirty in replica.dirty()]
    unsent = tuple(path for path in paths if not views.stays_here(path, filters))
    left_out = [
        path for path in paths if views.stays_here(path, filters) and not views.stays_here(path)
    ]
    local = (*left_out, *views.links_and_devices(replica))
    binned = tuple(each.path for each in replica.bin.entries())
    return replica, Unsent(unsent, local, binned, replica.contents.absent_count())


def _confirm(name: str, held: Unsent, keep_copy: str | None) -> None:
    """Raises Abort unless somebody at the terminal agrees."""
    if keep_copy is not None:
        what = f"'{name}' is removed, and what its local copy holds is kept in {_place(keep_copy)}"
    elif held.loses:
        _show(name, held)
        what = f"the local copy of '{name}' {held.loses}, and that is lost"
    else:
        what = f"the local copy of '{name}' is deleted; the server has all that is in it"
    output.confirm(f"{what[0].upper()}{what[1:]}. Remove it?", abort=True)


def _show(name: str, held: Unsent) -> None:
    """Names what is only here."""
    for path in held.unsent[:_SHOWN]:
        output.warn(f"not uploaded: {output.printable(path or '(a deletion)')}")
    for path in held.local[:_SHOWN]:
        output.warn(f"only here: {output.printable(path)}")
    if len(held.unsent) > _SHOWN:
        output.warn(
            f"not uploaded: … and {len(held.unsent) - _SHOWN} more:"
            f" {advice.command('journal', 'list', name)}"
        )
    if len(held.local) > _SHOWN:
        output.warn(
            f"only here: … and {len(held.local) - _SHOWN} more:"
            f" {advice.command('journal', 'list', name, '--all')}"
        )
    for path in held.binned[:_SHOWN]:
        output.warn(f"in the bin: {output.printable(path)}")
    if len(held.binned) > _SHOWN:
        output.warn(
            f"in the bin: … and {len(held.binned) - _SHOWN} more:"
            f" {advice.command('bin', 'list', name)}"
        )


def _ask(name: str, held: Unsent, *, may_ask: bool) -> tuple[str | None, bool]:
    """Where to keep a copy, and whether what is only here may be lost. Raises CommandError where
    nobody is to be asked, Abort when it is to stay."""
    _show(name, held)
    what = f"the local copy of '{name}' {held.loses}"
    if not may_ask or not sys.stdin.isatty():
        raise CommandError(
            f"{what}; sync it first, keep what is in the drive with --keep-copy DIR, or lose it"
            " with --discard-unsent"
        )
    sys.stderr.write(f"{output.printable(what[0].upper() + what[1:])}.\n")
    choice = output.ask(
        "Keep a copy, discard it, or stop here", type=click.Choice(["keep", "discard", "stop"])
    )
    if choice == "stop":
        raise click.Abort
    if choice == "discard":
        return None, True
    return output.ask("The folder to make for the copy"), False


def _place(text: str) -> Path:
    return Path(os.path.abspath(Path(text).expanduser()))


def _keep(replica: Replica, name: str, held: Unsent, place: Path) -> None:
    """The copy is at its place, whole and on the disk, when this returns. Raises CommandError."""
    from syncin_mount.store.import_export.export import copy_out  # noqa: PLC0415 (start-up time)

    if os.path.lexists(place):
        raise CommandError(f"{place} is there already; give a folder that is to be made")
    if held.absent:
        raise CommandError(
            f"the copy would lack {output.count(held.absent, 'file')} of '{name}' whose content is"
            f" on the server only; download that first: {advice.command('sync', name)}",
            Exit.UNFINISHED,
        )
    part = place.with_name(f".{place.name}.syncin-mount-part")
    try:
        remove_tree(None, os.fsencode(part))  # of a try that was stopped
        place.parent.mkdir(parents=True, exist_ok=True)
        copied = copy_out(replica, part)
        part.rename(place)
    except OSError as error:
        raise CommandError(
            f"the copy could not be made at {place} ({error.strerror or error}); nothing was"
            " removed",
            Exit.UNFINISHED,
        ) from error
    for path in copied.incomplete:
        output.warn(
            "not whole in the copy, as the file system there cannot hold it:"
            f" {output.printable(path)}"
        )
    output.say(
        f"{name}: {output.count(copied.files, 'file')}, {output.size(copied.bytes)}, copied to"
        f" {place}"
    )
    if copied.bin:
        output.say(f"{name}: the bin is in {place / copied.bin}")


def _set_aside(folders: Folders, name: str) -> bool:
    """A local copy that is being deleted has no synchronization's name: half of one must never be
    taken for one. Tells whether there was one."""
    try:
        folders.replica(name).rename(folders.replicas / f"{_REMOVED}{name}-{os.getpid()}")
    except FileNotFoundError:
        return False
    return True


def _delete_set_aside(folders: Folders) -> None:
    """Also what an earlier call was stopped at."""
    for path in folders.replicas.glob(f"{_REMOVED}*"):
        try:
            remove_tree(None, os.fsencode(path))
        except OSError as error:
            output.warn(f"{path} could not be deleted: {exit_for(error)[1]}")


def _unregister(folders: Folders, server: Server, synchronization: Synchronization) -> None:
    """The account page lists it no more. A server that is away changes nothing here."""
    if synchronization.path_id is None:
        return
    try:
        output.run_async(_delete, folders, server, synchronization.path_id)
    except RemoteError as error:
        if error.status == 400:  # it is not registered any more
            return
        _remember(folders, server, synchronization.path_id)
        output.warn(
            f"the server could not be told ({sentence(error)}); its account page lists"
            f" '{synchronization.name}' until another synchronization with it runs"
        )


def _remember(folders: Folders, server: Server, path_id: int) -> None:
    NotesFile(folders, server.client_id).update(
        lambda now: replace(now, removed=now.removed | {path_id})
    )


async def _delete(folders: Folders, server: Server, path_id: int) -> None:
    from syncin_mount.app.accounts.sessions import session_with  # noqa: PLC0415 (start-up time)
    from syncin_mount.remote.registrations import delete_path  # noqa: PLC0415

    async with session_with(folders, server) as session:
        await delete_path(session, path_id)
