"""A synchronization that is removed: what only this computer has, keeping that as an ordinary
folder, and forgetting it.

Three calls. `only_here` tells what would be lost. `keep_copy` copies what is in the drive out of
it. `remove` looks again, and refuses where something would be lost that was not confirmed. A local
copy that is being deleted gets a name that no synchronization has: half of one must never be taken
for one. Stopped at any moment, nothing is lost, and all can be called again.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import trio

from reconciler.errors import RemoteError
from reconciler.phrases import Phrase, strerror
from syncin_mount.app.accounts.sessions import session_with
from syncin_mount.app.drives import views
from syncin_mount.app.drives.open_drive import is_mounted
from syncin_mount.app.drives.unmounted import open_replica
from syncin_mount.app.errors import (
    CopyLacksContents,
    InvalidRequest,
    MustBeUnmounted,
    NoCopyToKeep,
    NotPossible,
    WouldLose,
)
from syncin_mount.app.messages import sentence
from syncin_mount.app.settings.bookmarks import remove_bookmark
from syncin_mount.app.states.only_here import OnlyHere
from syncin_mount.config import ConfigurationFile
from syncin_mount.config.notes import NotesFile
from syncin_mount.deep_tree import remove_tree
from syncin_mount.remote.registrations import delete_path
from syncin_mount.store import ReplicaError, ReplicaInUse
from syncin_mount.store.import_export.export import copy_out

if TYPE_CHECKING:
    from syncin_mount.config import Configuration, Folders, Server, Synchronization
    from syncin_mount.store import Replica
    from syncin_mount.store.import_export.export import Copied

SET_ASIDE = ".removed-"
"""How the name of a local copy begins that is being deleted: no synchronization has such a name."""

NOT_REGISTERED = 400
"""The server's status for a registration that it does not have."""


@dataclass(frozen=True, slots=True)
class KeptCopy:
    """A copy at ``place``. ``held`` is what the local copy had when it was made."""

    place: Path
    held: OnlyHere
    copied: Copied


@dataclass(frozen=True, slots=True)
class Removed:
    """A synchronization that was removed. ``had_copy``: there was a local copy. ``not_told``: why
    the server could not be told; the next run of another drive with it tells it. ``left``: folders
    that could not be deleted."""

    synchronization: Synchronization
    had_copy: bool
    not_told: RemoteError | None = None
    left: tuple[tuple[Path, OSError], ...] = ()


def only_here(folders: Folders, name: str) -> OnlyHere:
    """What would be lost with the local copy, which is opened and locked for that. Blocks. Raises
    KeyError, MustBeUnmounted, ReplicaInUse, ConfigurationError."""
    synchronization = ConfigurationFile(folders).read().synchronizations[name]
    _require_unmounted(folders, name)
    with _looked_into(folders, synchronization) as (_, held):
        return held


def keep_copy(
    folders: Folders,
    name: str,
    place: Path,
    progress: Callable[[int, int], None] = lambda _files, _bytes: None,
) -> KeptCopy:
    """Copies what is in the drive and its bin into the folder ``place``, which is made: whole,
    compared and on the disk when this returns. ``progress`` is given files and bytes as they are
    done; what it raises stops the copy. Blocks. Raises KeyError, NoCopyToKeep, CopyLacksContents,
    NotPossible, ReplicaInUse."""
    synchronization = ConfigurationFile(folders).read().synchronizations[name]
    _require_unmounted(folders, name)
    place = Path(os.path.abspath(place.expanduser()))
    if folders.state in place.parents:
        raise InvalidRequest(
            Phrase("{place} is in the program's own folder; give one outside of it", place=place),
        )
    with _looked_into(folders, synchronization) as (replica, held):
        if replica is None:
            raise NoCopyToKeep(name, held.trouble)
        return KeptCopy(place, held, _copy(replica, name, held, place, progress))


async def remove(
    folders: Folders, name: str, confirmed: OnlyHere | KeptCopy | None = None
) -> Removed:
    """Removes the synchronization and its local copy. Nothing on the server is deleted but its
    registration, and a server that is away keeps nobody from it.

    ``confirmed`` is what may go: what `only_here` told, or the copy that was made. Raises WouldLose
    where the local copy has something else by now, or anything at all without it; KeyError,
    MustBeUnmounted, ReplicaInUse, ConfigurationError. Cancelled, it is removed or it is not."""
    configuration = await trio.to_thread.run_sync(ConfigurationFile(folders).read)
    synchronization = configuration.synchronizations[name]
    _require_unmounted(folders, name)
    may_go = confirmed.held if isinstance(confirmed, KeptCopy) else confirmed
    look = _looked_into(folders, synchronization)
    with contextlib.ExitStack() as stack:  # one thread after the other has the local copy
        replica, held = await trio.to_thread.run_sync(stack.enter_context, look)
        _require_confirmed(name, held, may_go)
        server = configuration.servers[synchronization.server]
        not_told = await _unregister(folders, server, synchronization)
        had_copy = await trio.to_thread.run_sync(_end, folders, name, replica)
    left = await trio.to_thread.run_sync(_delete_set_aside, folders)
    folders.socket(name).unlink(missing_ok=True)
    await trio.to_thread.run_sync(remove_bookmark, folders, synchronization.mountpoint)
    return Removed(synchronization, had_copy, not_told, left)


def _require_unmounted(folders: Folders, name: str) -> None:
    if is_mounted(folders, name):
        raise MustBeUnmounted(name)


@contextlib.contextmanager
def _looked_into(
    folders: Folders, synchronization: Synchronization
) -> Iterator[tuple[Replica | None, OnlyHere]]:
    """The local copy, locked meanwhile, and what it alone has. One that is damaged beyond opening
    cannot be locked. Raises ReplicaInUse."""
    with contextlib.ExitStack() as stack:
        try:
            replica = stack.enter_context(open_replica(folders, synchronization.name))
        except ReplicaInUse:
            raise
        except ReplicaError as error:
            replica, held = None, OnlyHere(trouble=sentence(error))
        else:
            held = OnlyHere() if replica is None else _held(replica, synchronization)
        yield replica, held


def _require_confirmed(name: str, held: OnlyHere, may_go: OnlyHere | None) -> None:
    """Raises WouldLose where something would be lost that nobody agreed to."""
    if not held.is_lost:
        return
    if may_go is None or (held.event, held.trouble) != (may_go.event, may_go.trouble):
        raise WouldLose(name, held)


def _held(replica: Replica, synchronization: Synchronization) -> OnlyHere:
    filters = views.filter_of(synchronization.filters)
    paths = [views.path_of(replica, dirty.node) for dirty in replica.dirty()]
    unsent = tuple(path for path in paths if not views.stays_here(path, filters))
    left_out = [
        path for path in paths if views.stays_here(path, filters) and not views.stays_here(path)
    ]
    return OnlyHere(
        unsent,
        (*left_out, *views.links_and_devices(replica)),
        tuple(each.path for each in replica.bin.entries()),
        replica.contents.absent_count(),
        event=replica.sequence(),
    )


def _copy(
    replica: Replica,
    name: str,
    held: OnlyHere,
    place: Path,
    progress: Callable[[int, int], None],
) -> Copied:
    if os.path.lexists(place):
        raise NotPossible(
            Phrase("{place} is there already; give a folder that is to be made", place=place)
        )
    if held.absent:
        raise CopyLacksContents(name, held.absent)
    part = place.with_name(f".{place.name}.syncin-mount-part")
    try:
        remove_tree(None, os.fsencode(part))  # of a try that was stopped
        place.parent.mkdir(parents=True, exist_ok=True)
        copied = copy_out(replica, part, progress)
        part.rename(place)
    except OSError as error:
        raise NotPossible(
            Phrase(
                "the copy could not be made at {place} ({why}); nothing was removed",
                place=place,
                why=strerror(error),
            )
        ) from error
    return copied


def _set_aside(folders: Folders, name: str) -> bool:
    """Tells whether there was a local copy. The name is no other's: what an earlier call was
    stopped at may be there still, also of a process with this number."""
    aside = f"{SET_ASIDE}{name}-{os.getpid()}-{time.time_ns()}"
    try:
        folders.replica(name).rename(folders.replicas / aside)
    except FileNotFoundError:
        return False
    return True


def _end(folders: Folders, name: str, replica: Replica | None) -> bool:
    """From here on there is no such synchronization. Tells whether there was a local copy."""
    had_copy = False

    def forget(now: Configuration) -> Configuration:
        """Whoever waits for the configuration finds both there or neither."""
        nonlocal had_copy
        had_copy = _set_aside(folders, name)
        if replica is not None:
            replica.abandon()
        return now.without_synchronization(name)

    ConfigurationFile(folders).update(forget)
    return had_copy


def _delete_set_aside(folders: Folders) -> tuple[tuple[Path, OSError], ...]:
    """Also what an earlier call was stopped at. Returns what could not be deleted."""
    left = []
    for path in folders.replicas.glob(f"{SET_ASIDE}*"):
        try:
            if path.is_symlink():
                _delete_elsewhere(path)
            else:
                remove_tree(None, os.fsencode(path))
        except OSError as error:
            left.append((path, error))
    return tuple(left)


def _delete_elsewhere(link: Path) -> None:
    """A local copy that somebody put on another disk, with a link in its place: the copy goes
    before the link, which tells where it is. What the link leads to otherwise stays. Raises
    OSError."""
    copy = link.resolve()
    if (copy / "journal").is_dir() and (copy / "objects").is_dir():
        remove_tree(None, os.fsencode(copy))
    link.unlink()


async def _unregister(
    folders: Folders, server: Server, synchronization: Synchronization
) -> RemoteError | None:
    """The account page lists it no more. Returns why the server could not be told, which is noted
    for the next run."""
    number = synchronization.path_id
    if number is None:
        return None
    try:
        async with session_with(folders, server) as session:
            await delete_path(session, number)
    except RemoteError as error:
        if error.status == NOT_REGISTERED:
            return None
        NotesFile(folders, server.client_id).update(
            lambda now: replace(now, removed=now.removed | {number})
        )
        return error
    return None
