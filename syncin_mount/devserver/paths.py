"""Registered synchronizations: creating, reconciling the settings with a client's, removing.

A path points to a row of the `files` table, found by name without case and accents: with siblings
`cafe` and `café` the second gets the first one's row, and `PUT paths` then reports that one's
remote path. Kept, because it is the danger that clients must see through.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Callable, Mapping
from typing import Any

from .places import Place, Places, normalized
from .quota import Quotas
from .store import FileRow, Store, SyncPath
from .tokens import Identity
from .validate import check_path_settings
from .wire import Answer, Refusal, Request, bad_request, empty, json_answer, not_allowed

#: How long a listing trusts the settings it has read, in seconds: a removed path keeps answering
#: for that long.
SETTINGS_LIFE = 900.0


def client_id_of(who: Identity) -> str:
    """Raises 400 for a token that was not obtained by a client."""
    if who.client_id is None:
        raise Refusal(400, "Client id is missing")
    return who.client_id


def number(text: str) -> int:
    """A numeric id in a path. Raises 400."""
    if not (text.isascii() and text.isdigit()):
        raise bad_request("Validation failed (numeric string is expected)")
    return int(text)


def _stored(body: Mapping[str, Any]) -> dict[str, Any]:
    """Settings as the database keeps them: known keys only, a null scheduler as an empty object. An
    `id` that a client sends, null too, is kept, and told again in the number's place by `PUT paths`
    (observed on the real server)."""
    known = (
        "id",
        "name",
        "localPath",
        "remotePath",
        "permissions",
        "mode",
        "diffMode",
        "conflictMode",
        "filters",
        "scheduler",
        "timestamp",
        "enabled",
        "lastSync",
    )
    settings = {key: value for key, value in body.items() if key in known}
    if "scheduler" in settings:
        settings["scheduler"] = settings["scheduler"] or {}
    return settings


class Paths:
    """The registered synchronizations."""

    def __init__(
        self, store: Store, places: Places, quotas: Quotas, clock: Callable[[], float]
    ) -> None:
        self._store = store
        self._places = places
        self._quotas = quotas
        self._clock = clock
        self._cache: dict[tuple[str, int], tuple[str, float]] = {}

    async def create(self, who: Identity, remote_path: str, request: Request) -> Answer:
        client_id = client_id_of(who)
        place = self._place_to_register(who, remote_path)
        await self._quotas.refuse_when_reached(place.root)
        body = await request.object()
        check_path_settings(body)
        if not os.path.lexists(place.contained()):
            raise Refusal(500, "Internal server error")
        if not os.path.isdir(place.full):
            raise Refusal(400, "Remote path must be a directory")
        if self._store.client(client_id) is None:
            raise Refusal(404, "Client not found")
        settings = _stored(body)
        settings["remotePath"] = place.remote_path
        settings["permissions"] = place.permission_text
        row = self._row(place)
        now = int(self._clock())
        path = SyncPath(
            self._store.state.new_id("paths"), client_id, row.id, place.repository, settings, now
        )
        self._store.state.paths.append(path)
        self._store.save()
        return json_answer({"id": path.id, "permissions": place.permission_text}, 201)

    def _row(self, place: Place) -> FileRow:
        if place.repository.startswith("shares/") and not place.inside:
            share = self._store.share(place.repository.removeprefix("shares/"))
            known = None if share is None else self._store.row_by_id(share.file_id)
            if known is not None:
                return known
        return self._store.file_row_or_new(place.root.key, place.rel)

    def _place_to_register(self, who: Identity, remote_path: str) -> Place:
        match normalized(remote_path):
            case ["personal"]:
                raise Refusal(
                    400, "Syncing all personal files is not supported. Please select a subdirectory"
                )
            case ["shares"]:
                raise Refusal(
                    400, "Syncing all shares is not supported. Please select a subdirectory"
                )
        place = self._places.sync(who, remote_path)
        if place.repository.startswith("spaces/") and not place.inside:
            raise Refusal(
                400, "Syncing the entire space is not yet supported. Please select a subdirectory"
            )
        return place

    def _remote_path(self, path: SyncPath) -> str:
        """Where the database says the folder is now; the registered one when it no longer knows."""
        row = self._store.row_by_id(path.file_id)
        if row is None:
            return str(path.settings["remotePath"])
        if not path.repository.startswith("shares/"):
            return f"{path.repository}/{row.path}"
        share = self._store.share(path.repository.removeprefix("shares/"))
        top = None if share is None else self._store.row_by_id(share.file_id)
        if top is None or row.path == top.path:
            return path.repository
        return posixpath.join(path.repository, posixpath.relpath(row.path, top.path))

    def _permissions(self, who: Identity, remote_path: str) -> str:
        try:
            return self._places.sync(who, remote_path).permission_text
        except Refusal:
            return ""

    async def update(self, who: Identity, request: Request) -> Answer:
        """`PUT paths`: the client's settings against the server's; the newer timestamp wins, per
        path.

        The remote path and the permissions are always the server's. What the client leaves out
        comes back in `add`, what the server does not know in `delete`.
        """
        client_id = client_id_of(who)
        if self._store.client(client_id) is None:
            raise not_allowed()
        items = await request.json()
        if not isinstance(items, list):
            raise bad_request("Validation failed (parsable array expected)")
        for item in items:
            check_path_settings(item if isinstance(item, dict) else {})
        local = {item.get("id"): item for item in items}
        answer: dict[str, list[Any]] = {"add": [], "update": [], "delete": []}
        known = {path.id: path for path in self._store.paths_of(client_id)}
        for path in known.values():
            remote_path = self._remote_path(path)
            permissions = self._permissions(who, remote_path)
            path.settings["remotePath"] = remote_path
            if path.id not in local:
                answer["add"].append({**path.settings, "permissions": permissions, "id": path.id})
                continue
            answer["update"] += self._compare(path, local[path.id], remote_path, permissions)
        answer["delete"] = [path_id for path_id in local if path_id not in known]
        self._cache = {key: value for key, value in self._cache.items() if key[0] != client_id}
        self._store.save()
        return json_answer(answer)

    def _compare(
        self, path: SyncPath, item: Mapping[str, Any], remote_path: str, permissions: str
    ) -> list[dict[str, Any]]:
        if item["timestamp"] > path.settings["timestamp"]:
            path.settings = {**_stored(item), "remotePath": remote_path}
            return []
        if "lastSync" in item:  # whichever settings are newer
            path.settings["lastSync"] = item["lastSync"]
        updates: list[dict[str, Any]] = []
        if item["timestamp"] < path.settings["timestamp"]:
            updates.append({"id": path.id, **path.settings, "permissions": permissions})
        difference: dict[str, Any] = {"id": path.id}
        if item["remotePath"] != remote_path:
            difference["remotePath"] = remote_path
        if item.get("permissions", "") != permissions:
            difference["permissions"] = permissions
        return [*updates, difference] if len(difference) > 1 else updates

    async def update_one(
        self, who: Identity, client_id: str, path_id: str, request: Request
    ) -> Answer:
        """Settings changed on the account page; the timestamp becomes now."""
        client = self._store.client(client_id)
        wanted = number(path_id)
        body = await request.object()
        check_path_settings(body)
        if client is None or client.user_id != who.id:
            raise not_allowed()
        path = self._store.path(client_id, wanted)
        if path is None:
            raise Refusal(404, "Sync path not found")
        changed = {
            key: value for key, value in _stored(body).items() if key not in ("id", "remotePath")
        }
        path.settings = {**path.settings, **changed, "timestamp": int(self._clock())}
        self._store.save()
        return json_answer({**path.settings, "id": path.id})

    def delete(self, who: Identity, path_id: str) -> Answer:
        wanted = number(path_id)
        path = self._store.path(client_id_of(who), wanted)
        if path is None:
            raise Refusal(400, "Unable to remove path")
        self._store.state.paths.remove(path)
        self._store.save()
        return empty()

    def folder_to_list(self, who: Identity, path_id: str) -> Place:
        """The folder behind a path id, for the listing. Settings are cached: see SETTINGS_LIFE."""
        wanted = number(path_id)
        client_id = client_id_of(who)
        cached = self._cache.get((client_id, wanted))
        if cached is None or cached[1] <= self._clock():
            path = self._store.path(client_id, wanted)
            if path is None:
                raise Refusal(404, "Path not found")
            cached = (str(path.settings["remotePath"]), self._clock() + SETTINGS_LIFE)
            self._cache[(client_id, wanted)] = cached
        return self._places.sync(who, cached[0])
