"""The folder picker and the trash, over the web API. Paths are the sync API's (``personal/x``)
everywhere."""

from __future__ import annotations

import msgspec

from reconciler.errors import Refused
from reconciler.phrases import Phrase
from syncin_mount.remote.auth import Session, body
from syncin_mount.remote.decoding import Count, Millis, Size
from syncin_mount.remote.errors import Endpoint
from syncin_mount.remote.http.transport import JSON, Call
from syncin_mount.remote.remote_paths import (
    checked,
    is_name,
    join,
    quoted,
    shown,
    split,
    sync_path,
    web_path,
)

_SPACES = "api/app/spaces"

ROOTS = ("personal", "spaces", "shares")


class _TreeItem(msgspec.Struct, rename="camel"):
    name: str
    path: str
    is_dir: bool
    has_children: bool = False
    permissions: str = ""
    enabled: bool = True
    quota_is_exceeded: bool = False


class RemoteItem(msgspec.Struct, frozen=True):
    """A folder (or file) to pick. ``path`` is what a synchronization's ``remote_path`` would be."""

    name: str
    path: str
    is_folder: bool
    has_children: bool
    permissions: str
    enabled: bool
    quota_reached: bool


class TrashBin(msgspec.Struct, frozen=True):
    """A trash: the user's own (``alias`` "personal") or a space's. ``nb`` counts its top-level
    items."""

    alias: str
    name: str
    nb: Count = 0
    enabled: bool = True


class TrashItem(msgspec.Struct, frozen=True, rename="camel"):
    """Something in a trash. ``mtime`` and ``ctime`` are ms since the epoch, ``size`` bytes (0 for
    folders)."""

    name: str
    is_dir: bool
    size: Size
    mtime: int
    ctime: Millis


class _Browsed(msgspec.Struct):
    files: list[msgspec.Raw]


async def tree(session: Session, path: str = "", *, files: bool = False) -> list[RemoteItem]:
    """What lies in ``path``: the three roots for "", the spaces, the shares, or the folders (with
    ``files``, files too) of a folder. Raises Missing, Refused for a path that is none."""
    if not path:
        return [RemoteItem(root, root, True, True, "", True, False) for root in ROOTS]
    where = path if path in ROOTS[1:] else web_path(checked(path))
    call = Call(
        Endpoint.BROWSE,
        "GET",
        f"{_SPACES}/tree/{quoted(where)}",
        path,
        query={"showFiles": "true"} if files else {},
        repeatable=True,
    )
    items = await session.ask_each(call, _TreeItem)
    return [
        RemoteItem(
            item.name,
            sync_path(item.path),
            item.is_dir,
            item.has_children,
            item.permissions,
            item.enabled,
            item.quota_is_exceeded,
        )
        for item in items
        if is_name(item.name)
    ]


async def make_folder(session: Session, path: str) -> None:
    """Makes a folder for `remote mkdir`. Raises Exists, Missing without its parent, Refused for
    names the server does not take, Forbidden."""
    if "/" not in checked(path):
        raise Refused(
            Phrase(
                "No folder can be made at {path}: give a path below personal/, spaces/ or shares/",
                path=shown(path),
            )
        )
    call = Call(
        Endpoint.MAKE,
        "POST",
        f"{_SPACES}/operation/make/{quoted(web_path(path))}",
        path,
        headers=JSON,
        content=body({"type": "directory"}),
    )
    await session.send(call)


async def trash_bins(session: Session) -> list[TrashBin]:
    """The trashes this user may look into."""
    return await session.ask_each(
        Call(Endpoint.BROWSE, "GET", f"{_SPACES}/trash/list", repeatable=True), TrashBin
    )


async def trash_items(session: Session, path: str) -> list[TrashItem]:
    """What lies in a folder of a trash; ``path`` is where it lay (``personal``, ``personal/x``,
    ``spaces/y``)."""
    hidden = {"showHiddenFiles": "true"}
    where = f"{_SPACES}/browse/{quoted(_trash_path(path))}"
    call = Call(Endpoint.BROWSE, "GET", where, path, query=hidden, repeatable=True)
    items = session.each(call, (await session.ask(call, _Browsed)).files, TrashItem)
    return [item for item in items if is_name(item.name)]


async def restore(session: Session, path: str, target: str, *, overwrite: bool = False) -> None:
    """Moves ``path`` out of its trash to ``target`` (both as the sync API says them). Raises Exists
    unless ``overwrite``, Missing when it is not in the trash or the target's folder is not
    there."""
    parent, name = split(checked(target))
    content = body({"dstDirectory": web_path(parent), "dstName": name, "overwrite": overwrite})
    call = Call(
        Endpoint.MOVE,
        "MOVE",
        f"{_SPACES}/operation/{quoted(_trash_path(path))}",
        path,
        headers=JSON,
        content=content,
        quiet=session.timeouts.slow,
    )
    await session.send(call)


async def destroy(session: Session, path: str) -> None:
    """Removes something from its trash for good, a folder with all below it. Raises Missing,
    Forbidden, and Refused for a whole trash."""
    if "/" not in checked(path):
        raise Refused(Phrase("The trash of {path} cannot be emptied at once", path=shown(path)))
    where = f"{_SPACES}/operation/{quoted(_trash_path(path))}"
    await session.send(Call(Endpoint.DELETE, "DELETE", where, path, quiet=session.timeouts.slow))


def _trash_path(path: str) -> str:
    """``trash/personal/…`` and ``trash/<alias>/…`` for what lay in ``personal/…`` and
    ``spaces/<alias>/…``."""
    where = web_path(checked(path))
    if not where.startswith("files/"):
        raise Refused(Phrase("The trash of {path} is its owner's: look there", path=shown(path)))
    return join("trash", where.removeprefix("files/"))
