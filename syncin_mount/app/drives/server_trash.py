"""The server's trash, as far as it came from one synchronized folder. It belongs to all devices of
the account."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import trio

from reconciler.errors import Exists, Missing, RemoteError
from reconciler.names import free_names, name_before_trash
from reconciler.phrases import Phrase
from syncin_mount.app.errors import PlaceTaken
from syncin_mount.control.messages import BinEntry
from syncin_mount.control.service import NotDone
from syncin_mount.remote.browse import destroy, make_folder, restore, trash_items, tree
from syncin_mount.remote.remote_paths import join, split

if TYPE_CHECKING:
    from syncin_mount.remote import Session
    from syncin_mount.remote.browse import TrashItem

SERVER = "server"
"""Where an entry lies; it is known by this, a colon and its path in the trash."""

_TRIES = 50

LOOKING = 60.0
"""Seconds after which no further folder is looked into: a trash may have no end."""

ENTRIES = 100_000
"""More are not listed."""

_PATH_BYTES = 4096
"""A longer path is on no disk."""


@dataclass(frozen=True, slots=True)
class _Folder:
    """A folder of the trash, by its path in the synchronized folder, and where its content was.
    ``since`` (ms) is when it got into the trash at the earliest."""

    path: str
    origin: str
    since: int


class ServerTrash:
    """Every method raises RemoteError, and Refused for a share, whose trash is its owner's."""

    def __init__(self, session: Session, remote: str) -> None:
        self._session = session
        self._remote = remote
        self.left_out = 0
        """How many things the last `entries` knew of and did not list, because there was no end of
        them."""

    async def entries(self) -> list[BinEntry]:
        """Files, and folders with nothing in them, oldest first. ``time`` is the latest moment at
        which they can have got there: the server tells no better. Ends about `LOOKING` seconds
        after it began, or with `ENTRIES`."""
        until = trio.current_time() + LOOKING
        found: list[BinEntry] = []
        self.left_out = 0
        todo = [(_Folder("", "", await self._since()), await self._items(""))]
        while todo:
            folder, items = todo.pop()
            if trio.current_time() >= until or len(found) >= ENTRIES:
                self.left_out += len(items)
                continue
            now = await self._names_now(folder.origin) if items else set()
            for item in items:
                path, was = (
                    join(folder.path, item.name),
                    join(folder.origin, name_before_trash(item.name)),
                )
                moment = max(item.ctime, folder.since)
                if item.is_dir:
                    if trio.current_time() >= until or len(path.encode()) > _PATH_BYTES:
                        self.left_out += 1
                        continue
                    if below := await self._items(path):
                        todo.append((_Folder(path, was, moment), below))
                        continue
                if len(found) >= ENTRIES:
                    self.left_out += 1
                    continue
                why = (
                    Phrase("replaced by a newer version")
                    if name_before_trash(item.name) in now
                    else Phrase("deleted")
                )
                found.append(
                    BinEntry(
                        f"{SERVER}:{path}",
                        SERVER,
                        was,
                        moment / 1000,
                        item.size,
                        int(not item.is_dir),
                        item.is_dir,
                        why,
                    )
                )
        return sorted(found, key=lambda entry: entry.time)

    def _at(self, path: str) -> str:
        return join(self._remote, path) if path else self._remote

    async def _since(self) -> int:
        """When the synchronized folder itself got into the trash, if it did: a change of its
        content changes its mtime with its ctime, a move its ctime alone."""
        parent, name = split(self._remote)
        try:
            items = await trash_items(self._session, parent)
        except Missing:
            return 0
        return max(
            (item.ctime for item in items if item.name == name and item.ctime != item.mtime),
            default=0,
        )

    async def _items(self, path: str) -> list[TrashItem]:
        try:
            return await trash_items(self._session, self._at(path))
        except Missing:
            return []

    async def _names_now(self, path: str) -> set[str]:
        """What has a name in that folder today."""
        try:
            return {item.name for item in await tree(self._session, self._at(path), files=True)}
        except RemoteError as error:
            if error.status in {400, 404} or isinstance(error, Missing):
                return set()
            raise

    async def restore(self, path: str, to: str | None) -> str:
        """Moves something out of the trash, a folder with all below it, to where it was or to
        ``to``; nothing is overwritten. The path that it has now."""
        was = "/".join(map(name_before_trash, path.split("/")))
        above, name = split(was if to is None else to)
        if to is not None and await self._is_folder(to):
            above, name = to, split(was)[1]
        await self._make(above)
        names = free_names(name, time.strftime("%Y-%m-%d"))
        for _ in range(_TRIES if to is None else 1):
            target = join(above, next(names))
            try:
                await restore(self._session, self._at(path), self._at(target))
            except Exists:
                continue
            except Missing as error:
                raise NotDone(
                    Phrase("the server's trash has no '{path}' from this folder", path=path)
                ) from error
            return target
        raise NotDone(
            Phrase(
                "'{to}' is there already, and nothing is overwritten; give another place, or none",
                to=to or was,
            )
        )

    async def _is_folder(self, path: str) -> bool:
        above, name = split(path)
        try:
            items = await tree(self._session, self._at(above))
        except RemoteError:
            return False
        return any(item.name == name and item.is_folder for item in items)

    async def _make(self, path: str) -> None:
        made = ""
        for part in path.split("/") if path else []:
            made = join(made, part)
            if not await self._is_folder(made):
                try:
                    await make_folder(self._session, self._at(made))
                except Exists as error:
                    raise PlaceTaken(f"'{made}'") from error

    async def empty(self, paths: list[str]) -> int:
        """Destroys these, and then the folders that held nothing else; how many there were. What
        got into the trash meanwhile stays."""
        removed = 0
        for path in paths:
            try:
                await destroy(self._session, self._at(path))
            except Missing:
                continue
            removed += 1
        above = {path[:at] for path in paths for at in range(len(path)) if path[at] == "/"}
        for folder in sorted(above, key=lambda each: -each.count("/")):
            try:
                if not await trash_items(self._session, self._at(folder)):
                    await destroy(self._session, self._at(folder))
            except Missing:
                continue
        return removed
