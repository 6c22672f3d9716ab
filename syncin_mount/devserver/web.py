"""The part of the web API that clients need: folder picker, spaces and shares, trash, guarded
moves, locks."""

from __future__ import annotations

import os
from functools import partial
from typing import Any

import trio

from .downloads import mime_type
from .files import make_file, make_folder, refuse_forbidden_name, tree_size
from .locks import Locks, locked
from .model import Application
from .operations import Operations, in_thread
from .places import Place, Places, Root
from .quota import Quotas
from .spaces import Spaces
from .store import ShareRow, SpaceRow, Store
from .tokens import Identity
from .validate import check_web_copy_move, check_web_make
from .wire import Answer, Refusal, Request, empty, json_answer


def _mime(name: str, *, is_dir: bool) -> str:
    return "directory" if is_dir else mime_type(name).replace("/", "-")


def _milliseconds(nanoseconds: int) -> int:
    return nanoseconds // 10**6


class Web:
    """The handlers; paths are those of the web API (`Places.web`)."""

    def __init__(
        self,
        store: Store,
        places: Places,
        operations: Operations,
        locks: Locks,
        quotas: Quotas,
        spaces: Spaces,
    ) -> None:
        self._store = store
        self._places = places
        self._operations = operations
        self._locks = locks
        self._quotas = quotas
        self._spaces = spaces

    # folder picker

    def tree(self, who: Identity, path: str, request: Request) -> Answer:
        """The folders of a folder, for a picker; with `showFiles=true` its files too."""
        if path == "spaces":
            return json_answer([self._tree_space(row, who) for row in self._spaces.spaces_of(who)])
        if path == "shares":
            return json_answer([self._tree_share(row, who) for row in self._spaces.shares_of(who)])
        place = self._places.web(who, path)
        entries = self._entries(place)
        if request.query.get("showFiles") != "true":
            entries = [entry for entry in entries if entry.is_dir(follow_symlinks=False)]
        return json_answer([self._tree_entry(place, path.strip("/"), entry) for entry in entries])

    def _entries(self, place: Place) -> list[os.DirEntry[str]]:
        """What is in a folder and can be addressed: no links, nothing special, only UTF-8 names;
        sorted by name."""
        full = place.existing()
        if not os.path.isdir(full):
            raise Refusal(400, "The location is a file")
        found = []
        with os.scandir(full) as entries:
            for entry in entries:
                plain = entry.is_dir(follow_symlinks=False) or entry.is_file(follow_symlinks=False)
                if plain and not any("\ud800" <= letter <= "\udfff" for letter in entry.name):
                    found.append(entry)
        return sorted(found, key=lambda entry: entry.name)

    def _entry_id(self, place: Place, entry: os.DirEntry[str]) -> int:
        row = self._store.exact_row(
            place.root.key, place.below(entry.name).rel, in_trash=place.in_trash
        )
        return row.id if row is not None else -entry.inode()

    def _tree_entry(self, place: Place, path: str, entry: os.DirEntry[str]) -> dict[str, Any]:
        is_dir = entry.is_dir(follow_symlinks=False)
        return {
            "id": self._entry_id(place, entry),
            "name": entry.name,
            "path": f"{path}/{entry.name}",
            "isDir": is_dir,
            "mime": _mime(entry.name, is_dir=is_dir),
            "hasChildren": is_dir and _has_children(entry.path),
            "inShare": place.repository.startswith("shares/"),
            "enabled": True,
            "permissions": place.permission_text,
            "quotaIsExceeded": False,
        }

    def _tree_space(self, row: SpaceRow, who: Identity) -> dict[str, Any]:
        return {
            "id": -10 * row.id,
            "name": row.name,
            "path": f"files/{row.alias}",
            "isDir": True,
            "hasChildren": True,
            "inShare": False,
            "enabled": True,
            "permissions": row.members[who.login],
            "quotaIsExceeded": False,
        }

    def _tree_share(self, row: ShareRow, who: Identity) -> dict[str, Any]:
        return {
            "id": row.file_id,
            "name": row.alias,
            "path": f"shares/{row.alias}",
            "isDir": True,
            "mime": "directory",
            "hasChildren": True,
            "inShare": True,
            "enabled": True,
            "permissions": row.members[who.login],
            "quotaIsExceeded": False,
        }

    # browsing

    def browse(self, who: Identity, path: str, request: Request) -> Answer:
        """A folder with sizes and times (ms). Names with a leading dot are left out unless
        `showHiddenFiles=true`."""
        if path == "shares":
            files = [self._browse_share(row, who) for row in self._spaces.shares_of(who)]
            space = {"alias": "shares", "name": "shares"}
            return json_answer(
                {"space": space, "files": files, "hasRoots": True, "permissions": ""}
            )
        place = self._places.web(who, path)
        hidden = request.query.get("showHiddenFiles") == "true"
        entries = [
            entry for entry in self._entries(place) if hidden or not entry.name.startswith(".")
        ]
        files = [self._browse_entry(place, entry) for entry in entries]
        permissions = place.permission_text
        if place.repository == "personal":
            permissions = ":".join(part for part in permissions.split(":") if part != "si")
        return json_answer(
            {
                "space": self._space_name(place),
                "files": files,
                "hasRoots": False,
                "permissions": permissions,
            }
        )

    def _space_name(self, place: Place) -> dict[str, str]:
        alias = place.repository.rpartition("/")[2]
        row = self._store.space(alias) if place.repository.startswith("spaces/") else None
        return {"alias": alias, "name": row.name if row else alias}

    def _browse_entry(self, place: Place, entry: os.DirEntry[str]) -> dict[str, Any]:
        is_dir = entry.is_dir(follow_symlinks=False)
        found = entry.stat(follow_symlinks=False)
        value: dict[str, Any] = {
            "id": self._entry_id(place, entry),
            "path": place.inside or ".",
            "name": entry.name,
            "isDir": is_dir,
            "size": 0 if is_dir else found.st_size,
            "ctime": _milliseconds(found.st_ctime_ns),
            "mtime": _milliseconds(found.st_mtime_ns),
            "mime": _mime(entry.name, is_dir=is_dir),
        }
        if value["id"] > 0:
            value |= {
                "spaces": [],
                "shares": [],
                "syncs": self._syncs(value["id"]),
                "hasComments": False,
            }
        return value

    def _syncs(self, file_id: int) -> list[dict[str, Any]]:
        return [
            {"id": path.id, "clientId": client.id, "clientName": client.info.get("node", "")}
            for path in self._store.state.paths
            if path.file_id == file_id
            and (client := self._store.client(path.client_id)) is not None
        ]

    def _browse_share(self, row: ShareRow, who: Identity) -> dict[str, Any]:
        place = self._places.web(who, f"shares/{row.alias}")
        found = os.lstat(place.existing())
        owner = self._store.account_named(row.owner)
        return {
            "id": row.file_id,
            "path": ".",
            "name": row.alias,
            "isDir": True,
            "size": 0,
            "ctime": _milliseconds(found.st_ctime_ns),
            "mtime": _milliseconds(found.st_mtime_ns),
            "mime": "directory",
            "shares": [],
            "hasComments": False,
            "syncs": self._syncs(row.file_id),
            "user1": {
                "id": row.id,
                "alias": row.alias,
                "description": None,
                "enabled": True,
                "permissions": row.members[who.login],
                "owner": {
                    "login": row.owner,
                    "email": owner.email if owner else "",
                    "fullName": owner.full_name if owner else row.owner,
                },
            },
        }

    # trash

    def list_trashes(self, who: Identity) -> Answer:
        """The trashes that have something in them, the spaces' before the user's own."""
        value = []
        for row in self._spaces.spaces_of(who):
            space = {
                key: part
                for key, part in self._spaces.space_value(row).items()
                if key not in ("disabledAt", "counts")
            }
            value += self._trash(self._places.space_root(row.alias), {**space, "members": []})
        if Application.PERSONAL in who.applications:
            own = {"id": 0, "name": "Personal files", "alias": "personal", "enabled": True}
            value += self._trash(self._places.user_root(who.login), own)
        return json_answer(value)

    def _trash(self, root: Root, value: dict[str, Any]) -> list[dict[str, Any]]:
        top = os.path.join(root.base, "trash")
        if not (count := len(os.listdir(top)) if os.path.isdir(top) else 0):
            return []
        found = os.lstat(top)
        times = {
            "mtime": _milliseconds(found.st_mtime_ns),
            "ctime": _milliseconds(found.st_ctime_ns),
        }
        return [{**value, "nb": count, **times}]

    # operations

    async def make(self, who: Identity, path: str, request: Request) -> Answer:
        """Unlike the sync API's: refuses what exists, and needs the parent."""
        place = self._places.web(who, path)
        self._refuse_trash(place)
        place.require("a")
        await self._quotas.refuse_when_reached(place.root)
        body = await request.object()
        check_web_make(body)
        refuse_forbidden_name(place.name)
        full = place.contained()
        if os.path.lexists(full):
            raise Refusal(405, "Resource already exists")
        if not os.path.isdir(os.path.dirname(full)):
            raise Refusal(409, "Parent must exists")
        work = make_folder if body["type"] == "directory" else make_file
        await in_thread(partial(work, place, None))
        return empty(201)

    def _refuse_trash(self, place: Place) -> None:
        if place.in_trash:
            raise Refusal(403, "The trash is read-only")

    async def copy_or_move(self, who: Identity, path: str, request: Request) -> Answer:
        """Without `overwrite: true` an existing destination refuses: the one conditional move there
        is."""
        moving = request.method == "MOVE"
        source = self._places.web(who, path)
        if moving:
            source.require("d")
        await self._quotas.refuse_when_reached(source.root)
        body = await request.object()
        check_web_copy_move(body)
        folder = body["dstDirectory"].strip("/")
        name = body.get("dstName") or source.name
        target = self._places.web(who, f"{folder}/{name}")
        self._refuse_trash(target)
        await self._operations.transfer(
            who, source, target, moving=moving, overwrite=body.get("overwrite") is True
        )
        is_dir = os.path.isdir(target.full)
        return json_answer(
            {"path": folder, "name": target.name, "mime": _mime(target.name, is_dir=is_dir)}
        )

    def lock(self, who: Identity, path: str) -> Answer:
        place = self._places.web(who, path)
        self._refuse_trash(place)
        place.require("m")
        if not os.path.lexists(place.contained()):
            raise Refusal(400, "Lock must specify an existing resource")
        self._locks.refuse_foreign(place, who.id)
        self._locks.release([lock for lock in self._locks.on(place) if lock.path == place.rel])
        self._locks.hold(place, who.id)
        owner = {"id": who.id, "login": who.login, "email": who.email, "fullName": who.full_name}
        return json_answer({"owner": owner, "app": "Sync-in", "isExclusive": True})

    def unlock(self, who: Identity, path: str) -> Answer:
        """Takes away the user's own locks, a crashed upload's among them."""
        place = self._places.web(who, path)
        if not os.path.lexists(place.contained()):
            raise Refusal(400, "Unlock must specify an existing resource")
        mine = [lock for lock in self._locks.on(place) if lock.owner == who.id]
        if not mine and self._locks.on(place):
            raise locked()
        self._locks.release(mine)
        return empty()

    async def size(self, who: Identity, path: str) -> Answer:
        place = self._places.web(who, path)
        return json_answer({"size": await trio.to_thread.run_sync(tree_size, place.existing())})


def _has_children(full: str) -> bool:
    try:
        with os.scandir(full) as entries:
            return next(iter(entries), None) is not None
    except OSError:
        return False
