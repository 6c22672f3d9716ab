"""A new synchronization: looked at first, and then registered with the server and remembered here,
or neither.

`preview_addition` shows what would happen, and leaves nothing behind. `add` checks it all again:
the configuration, the mount point, the folder on the server, the room on the disk, and where files
are imported, that what becomes of them is what was confirmed. `importing.import_files` comes after
that.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import trio

from reconciler.errors import RemoteError
from reconciler.model import Conflict, Direction, Mode
from reconciler.phrases import Phrase
from syncin_mount.app.accounts.remote_folders import find_in
from syncin_mount.app.accounts.sessions import session_with
from syncin_mount.app.drives.views import filter_of
from syncin_mount.app.errors import ConfirmedOtherwise, NotEnoughRoom, NotPossible
from syncin_mount.app.runtime.free_space import Need, Room, is_one_disk, room_for
from syncin_mount.app.synchronizations.import_preview import Preview, compare, lost_to_bins
from syncin_mount.app.synchronizations.importing import look_through
from syncin_mount.app.synchronizations.mountpoint import check_mountpoint
from syncin_mount.app.synchronizations.registration import permissions, wire
from syncin_mount.config import ConfigurationFile, Scheduler, Synchronization, Trash
from syncin_mount.config.rules import not_there_yet, objection
from syncin_mount.deep_tree import make_folders
from syncin_mount.remote import Folder
from syncin_mount.remote.registrations import delete_path, register_path
from syncin_mount.store.types import NodeType

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.model import Entry
    from syncin_mount.config import Configuration, Folders, Server
    from syncin_mount.remote import Session
    from syncin_mount.store.import_export.scan import Found

COUNTING_S = 10.0
"""How long an addition counts what the server has; with the rest uncounted it goes on."""

TAKING_BACK_S = 10.0
"""How long the server gets to take back a registration, also when the caller was cancelled."""


@dataclass(frozen=True, slots=True)
class NotTakenBack:
    """The server keeps an entry that was to be taken back. Its account page removes it."""

    drive: str
    error: RemoteError


@dataclass(frozen=True, slots=True)
class NotListed:
    """What the server has could not be listed, so nothing is known of it."""

    error: RemoteError


Notify = Callable[[NotTakenBack | NotListed], None]
"""Is given what goes wrong beside, as it happens."""


@dataclass(frozen=True, slots=True)
class Addition:
    """What an addition would do. ``new`` has the server's permissions, which may restrict its
    direction. ``room`` is None where the server did not tell. ``found`` is what the mount point
    holds, and ``imports`` what would become of it (None: nothing is imported)."""

    new: Synchronization
    room: Room | None
    found: tuple[Found, ...] = ()
    imports: Preview | None = None


@dataclass(frozen=True, slots=True)
class Added:
    """A synchronization that was added. ``found`` is what waits to be imported."""

    synchronization: Synchronization
    url: str
    room: Room | None
    found: tuple[Found, ...] = ()


def new_synchronization(
    name: str,
    server: str,
    remote: str,
    mountpoint: Path,
    *,
    direction: Direction | None = None,
    mode: Mode | None = None,
    conflict: Conflict | None = None,
    trash: Trash | None = None,
    scheduler: Scheduler | None = None,
    filters: tuple[str, ...] = (),
) -> Synchronization:
    """With the defaults for what is None. Checks nothing; `from_text` and `mountpoint.absolute`
    make the values of what somebody typed."""
    return Synchronization(
        name=name,
        server=server,
        remote=remote,
        mountpoint=mountpoint,
        direction=direction or Direction.BOTH,
        mode=mode or Mode.FAST,
        conflict=conflict or Conflict.RECENT,
        trash=trash or Trash.AUTO,
        scheduler=scheduler or Scheduler(),
        filters=filters,
        timestamp=int(time.time()),
    )


async def preview_addition(
    folders: Folders, new: Synchronization, notify: Notify, *, importing: bool = False
) -> Addition:
    """What `add` would do. For its listing, the server registers the synchronization for a moment.
    Raises NotPossible (MountpointHoldsFiles unless ``importing``, CannotImport), RemoteError,
    KeyError for an unknown server."""
    server, found = await _check(folders, new, importing=importing)
    async with session_with(folders, server) as session:
        added = await _register(session, new)
        try:
            return await _look(folders, session, added, found, notify, importing=importing)
        finally:
            await _take_back(session, added, notify)


async def add(
    folders: Folders,
    new: Synchronization,
    notify: Notify,
    *,
    confirmed: Addition | None = None,
    may_overfill: bool = False,
) -> Added:
    """Registers ``new`` with the server and remembers it here; neither, where one of them fails.

    ``confirmed`` is the preview that somebody agreed to: without one nothing is imported. Raises
    as `preview_addition` does; ConfirmedOtherwise where more would be lost to bins than somebody
    agreed to, or the room on the disk; NotEnoughRoom unless ``may_overfill``."""
    importing = confirmed is not None and confirmed.imports is not None
    server, found = await _check(folders, new, importing=importing)
    async with session_with(folders, server) as session:
        added = await _register(session, new)
        try:
            seen = await _look(folders, session, added, found, notify, importing=importing)
            _require_confirmed(seen, confirmed, may_overfill=may_overfill)
            await trio.to_thread.run_sync(_remember, folders, added)
        except BaseException:
            await _take_back(session, added, notify)
            raise
    return Added(added, server.url, seen.room, found)


async def _check(
    folders: Folders, new: Synchronization, *, importing: bool
) -> tuple[Server, tuple[Found, ...]]:
    """All that can be looked at without the server. The server's account, and what the mount point
    holds."""

    def look() -> tuple[Server, tuple[Found, ...]]:
        configuration = ConfigurationFile(folders).read()
        server = configuration.servers[new.server]
        refused = not_there_yet(new) or objection(configuration, new, folders)
        if refused:
            raise NotPossible(refused)
        check_mountpoint(new.mountpoint, may_hold=importing)
        return server, look_through(new.mountpoint) if importing else ()

    return await trio.to_thread.run_sync(look)


async def _register(session: Session, new: Synchronization) -> Synchronization:
    """The synchronization with what the server says of it."""
    await find_in(session, new.remote)
    # By the server's clock, which is that of the account page: what is set there later is newer
    # then.
    new = replace(new, timestamp=int(session.server_time() or new.timestamp))
    registered = await register_path(session, wire(new))
    return replace(new, path_id=registered.id, permissions=permissions(registered.permissions))


async def _take_back(session: Session, added: Synchronization, notify: Notify) -> None:
    """Unregisters it, also when the task is cancelled."""
    assert added.path_id is not None
    try:
        with trio.CancelScope(shield=True, deadline=trio.current_time() + TAKING_BACK_S):
            await delete_path(session, added.path_id)
    except RemoteError as error:
        notify(NotTakenBack(added.name, error))


async def _look(
    folders: Folders,
    session: Session,
    added: Synchronization,
    found: tuple[Found, ...],
    notify: Notify,
    *,
    importing: bool,
) -> Addition:
    """What the server has for it."""
    if importing:
        try:
            listed: dict[str, Entry] | None = await _listed(session, added)
        except RemoteError as error:
            notify(NotListed(error))
            listed = None
        imports = compare(found, listed, filter_of(added.filters).left_out)
        need = _need_of(imports, added.direction_in_force)
        if need is not None:
            copied = await trio.to_thread.run_sync(_copied, folders, added, found)
            need = need.plus(copied)
    else:
        imports, need = None, await _counted(session, added)
    room = None
    if need is not None:
        room = await trio.to_thread.run_sync(room_for, need, folders.replicas)
    return Addition(added, room, found, imports)


async def _listed(session: Session, added: Synchronization) -> dict[str, Entry]:
    entries: dict[str, Entry] = {}
    remote = Folder(session, added.remote, added.path_id or 0)
    async with remote.listing() as batches:
        async for batch in batches:
            entries.update(
                (each.path, each) for each in batch if each.problem is None and not each.filtered
            )
    return entries


async def _counted(session: Session, added: Synchronization) -> Need | None:
    """What the first run would download; None where the server does not tell."""
    if added.direction_in_force is Direction.UPLOAD:
        return Need()
    left_out = filter_of(added.filters).left_out
    need = Need(whole=False)
    remote = Folder(session, added.remote, added.path_id or 0)
    try:
        with trio.move_on_after(COUNTING_S):
            async with remote.listing() as batches:
                async for batch in batches:
                    need = need.plus(
                        each.size
                        for each in batch
                        if each.problem is None
                        and not (each.filtered or each.is_folder or left_out(each.path))
                    )
            need = replace(need, whole=True)
    except RemoteError:
        return None  # the first run meets it, and says so
    return need


def _need_of(imports: Preview, direction: Direction) -> Need | None:
    """What an import's first run would download."""
    if not imports.known:
        return None
    if direction is Direction.UPLOAD:
        return Need()
    return imports.need


def _copied(folders: Folders, added: Synchronization, found: tuple[Found, ...]) -> list[int]:
    """The sizes of the files for which an import needs room. On one disk that is none: what was
    copied is taken from its old place batch by batch."""
    if is_one_disk(added.mountpoint, folders.replicas):
        return []
    return [each.size for each in found if each.kind is NodeType.FILE]


def _require_confirmed(now: Addition, confirmed: Addition | None, *, may_overfill: bool) -> None:
    """Raises ConfirmedOtherwise, NotEnoughRoom."""
    if confirmed is not None and _is_worse(now, confirmed):
        raise ConfirmedOtherwise(
            Phrase(
                "what would become of the files is not what was shown any more; nothing was"
                " done: look at it again"
            )
        )
    if now.room is not None and not now.room.fits and not may_overfill:
        raise NotEnoughRoom(now.room)


def _is_worse(now: Addition, confirmed: Addition) -> bool:
    """Whether other files would lose a version, on either side, than somebody was shown."""
    if now.imports is None or confirmed.imports is None:
        return False
    if now.new.direction_in_force is not confirmed.new.direction_in_force:
        return True
    direction = now.new.direction_in_force
    return not lost_to_bins(now.imports, direction) <= lost_to_bins(confirmed.imports, direction)


def _remember(folders: Folders, added: Synchronization) -> None:
    """The disk first: a mount point that cannot be made leaves the configuration as it was."""
    make_folders(os.fsencode(added.mountpoint))

    def with_it(now: Configuration) -> Configuration:
        refused = objection(now, added, folders)
        if refused:
            raise NotPossible(refused)
        return now.with_synchronization(added)

    ConfigurationFile(folders).update(with_it)
