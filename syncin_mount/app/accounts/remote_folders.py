"""The folders of a server, as somebody looks for one to synchronize: level by level, what can be
chosen, and why not."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.errors import Exists, Missing
from syncin_mount.app.errors import NoRemoteFolder, NotRemoteFolder, RemoteFolderExists
from syncin_mount.config.model import may_write
from syncin_mount.config.rules import remote_user
from syncin_mount.config.values import OnlyInParts, check_remote, unheld

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from syncin_mount.config import Configuration, Folders, Server, Synchronization
    from syncin_mount.remote import Session
    from syncin_mount.remote.browse import RemoteItem


class Unsuited(enum.Enum):
    """Why something on the server cannot be synchronized."""

    FILE = "it is a file"
    CONTROL_CHARACTERS = "its path has control characters"
    ONLY_IN_PARTS = "only folders in it can be synchronized"
    PATH = "its path cannot be kept"
    DISABLED = "its managers disabled it"
    SYNCHRONIZED = "it is synchronized already"
    AROUND = "a synchronized folder is in it"
    INSIDE = "it is in a synchronized folder"


@dataclass(frozen=True, slots=True)
class Objection:
    """Why a folder cannot be chosen. ``drive`` is the synchronization that is in the way, ``why``
    what is wrong with a path."""

    kind: Unsuited
    drive: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class RemoteFolder:
    """A folder (or file) of the server. ``read_only``: the server gives no right to add, delete and
    change there, so that a drive of it can only follow."""

    item: RemoteItem
    objection: Objection | None
    read_only: bool


def nobody(_path: str) -> Synchronization | None:
    """No synchronization is in the way."""
    return None


def objection(
    item: RemoteItem, user: Callable[[str], Synchronization | None] = nobody
) -> Objection | None:
    """Why the item cannot be synchronized, or None. ``user`` says which synchronization of this
    computer is in the way of a path."""
    if not item.is_folder:
        return Objection(Unsuited.FILE)
    if unheld(item.path) is not None:
        return Objection(Unsuited.CONTROL_CHARACTERS)
    try:
        check_remote(item.path)
    except OnlyInParts:
        return Objection(Unsuited.ONLY_IN_PARTS)
    except ValueError as error:
        return Objection(Unsuited.PATH, why=str(error))
    if not item.enabled:
        return Objection(Unsuited.DISABLED)
    other = user(item.path)
    if other is None:
        return None
    if other.remote == item.path:
        return Objection(Unsuited.SYNCHRONIZED, other.name)
    is_around = len(other.remote) > len(item.path)
    return Objection(Unsuited.AROUND if is_around else Unsuited.INSIDE, other.name)


def is_read_only(item: RemoteItem) -> bool:
    """Whether the server gives no right to add, delete and modify there, so that a drive can only
    follow it. Of `personal`, and of the lists of spaces and shares, nothing is told and nothing can
    be synchronized."""
    return "/" in item.path and not may_write(item.permissions)


def in_order(items: Iterable[RemoteItem]) -> list[RemoteItem]:
    """Folders first, by name as people sort."""
    return sorted(items, key=lambda each: (not each.is_folder, each.name.casefold(), each.name))


async def browse(
    folders: Folders, configuration: Configuration, server: Server, path: str = ""
) -> list[RemoteFolder]:
    """What is in a folder of the server, one level, folders first; "" is where all begins. Raises
    RemoteError; Missing where there is no such folder."""

    def user(place: str) -> Synchronization | None:
        return remote_user(configuration, server, place)

    items = in_order(await list_items(folders, server, path))
    return [RemoteFolder(each, objection(each, user), is_read_only(each)) for each in items]


async def list_items(folders: Folders, server: Server, path: str) -> list[RemoteItem]:
    """What is in a folder of the server, files too, as the server tells it. Raises RemoteError."""
    from syncin_mount.app.accounts.sessions import session_with  # noqa: PLC0415 (start-up time)
    from syncin_mount.remote.browse import tree  # noqa: PLC0415

    async with session_with(folders, server) as session:
        if not path:
            await session.check()
        return await tree(session, path, files=True)


async def find_folder(folders: Folders, server: Server, path: str) -> RemoteItem:
    """As `find_in`, in a session of its own."""
    from syncin_mount.app.accounts.sessions import session_with  # noqa: PLC0415 (start-up time)

    async with session_with(folders, server) as session:
        return await find_in(session, path)


async def find_in(session: Session, path: str) -> RemoteItem:
    """The folder at this path. Raises NoRemoteFolder, NotRemoteFolder (the server's own answers do
    not tell clearly); RemoteError."""
    from syncin_mount.remote.browse import tree  # noqa: PLC0415 (start-up time)

    try:
        items = await tree(session, path.rpartition("/")[0], files=True)
    except Missing:
        items = []
    item = next((each for each in items if each.path == path), None)
    url = session.account.url
    if item is None:
        raise NoRemoteFolder(path, url, session.account.name)
    if not item.is_folder:
        raise NotRemoteFolder(path, url)
    return item


async def make_remote_folder(folders: Folders, server: Server, path: str) -> None:
    """Makes a folder on the server. Raises RemoteFolderExists, RemoteError."""
    from syncin_mount.app.accounts.sessions import session_with  # noqa: PLC0415 (start-up time)
    from syncin_mount.remote.browse import make_folder  # noqa: PLC0415

    async with session_with(folders, server) as session:
        try:
            await make_folder(session, path)
        except Exists as error:
            raise RemoteFolderExists(path, server.url) from error
