"""Spaces and shares in the web API: who is in them, listing and creating them."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Callable
from typing import Any

from .accounts import iso_time, sql_time
from .model import FULL_PERMISSIONS, Application, Share, Space
from .places import Places, Root
from .store import ShareRow, SpaceRow, Store
from .tokens import Identity
from .wire import Answer, Refusal, Request, bad_request, json_answer, not_allowed, not_found


def _alias(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")


class Spaces:
    """Spaces and shares. `added` is told of the root of a new space."""

    def __init__(
        self,
        store: Store,
        places: Places,
        clock: Callable[[], float],
        added: Callable[[Root], None],
    ) -> None:
        self._store = store
        self._places = places
        self._clock = clock
        self._added = added

    def spaces_of(self, who: Identity) -> list[SpaceRow]:
        if Application.SPACES not in who.applications:
            return []
        return [row for row in self._store.state.spaces if who.login in row.members]

    def shares_of(self, who: Identity) -> list[ShareRow]:
        if Application.SHARES not in who.applications:
            return []
        rows = [row for row in self._store.state.shares if who.login in row.members]
        return [
            row
            for row in rows
            if (file := self._store.row_by_id(row.file_id)) is not None and not file.in_trash
        ]

    def _member(
        self, login: str, permissions: str, role: int | None, created: int
    ) -> dict[str, Any]:
        account = self._store.account_named(login)
        value = {
            "id": account.id if account else 0,
            "login": login,
            "name": account.full_name if account else login,
            "type": "user",
            "description": account.email if account else "",
            "permissions": permissions,
            "createdAt": f"{sql_time(created)}Z",
        }
        return value if role is None else {**value, "spaceRole": role}

    def space_value(self, row: SpaceRow) -> dict[str, Any]:
        return {
            "members": [self._member(login, "", 1, row.created) for login in row.members],
            "roots": [],
            "id": row.id,
            "name": row.name,
            "alias": row.alias,
            "description": "",
            "enabled": True,
            "createdAt": iso_time(row.created),
            "modifiedAt": iso_time(row.created),
            "disabledAt": None,
            "counts": {"users": len(row.members), "groups": 0, "links": 0, "roots": 0, "shares": 0},
        }

    def list_spaces(self, who: Identity) -> Answer:
        return json_answer(
            [
                {**self.space_value(row), "permissions": row.members[who.login], "role": 1}
                for row in self.spaces_of(who)
            ]
        )

    def _logins(self, members: Any) -> dict[str, str]:
        """`[{id, permissions}]` of a request as login → permissions; unknown users are left out."""
        found = {}
        for member in members if isinstance(members, list) else []:
            account = self._store.account(member.get("id", 0)) if isinstance(member, dict) else None
            if account is not None:
                found[account.login] = str(member.get("permissions", ""))
        return found

    async def create_space(self, who: Identity, request: Request) -> Answer:
        if Application.SPACES_ADMIN not in who.applications:
            raise not_allowed()
        body = await request.object()
        name = body.get("name")
        if not isinstance(name, str) or not _alias(name):
            raise bad_request(["name must be a string", "name should not be empty"])
        if self._store.space(_alias(name)) is not None:
            raise Refusal(400, "Name already used")
        members = self._logins(body.get("members"))
        members |= dict.fromkeys(self._logins(body.get("managers")), FULL_PERMISSIONS)
        row = self._store.declare_space(
            Space(alias=_alias(name), name=name, members=members, quota=body.get("storageQuota")),
            int(self._clock()),
        )
        self._added(self._places.space_root(row.alias))
        self._store.save()
        storage = {"storageUsage": 0, "storageQuota": row.quota, "storageIndexing": True}
        return json_answer({**self.space_value(row), **storage}, 201)

    async def create_share(self, who: Identity, request: Request) -> Answer:
        """Shares a folder of one's own personal files."""
        if Application.SHARES_ADMIN not in who.applications:
            raise not_allowed()
        body = await request.object()
        file = body.get("file")
        name = body.get("name")
        if (
            not isinstance(name, str)
            or not _alias(name)
            or not isinstance(file, dict)
            or not isinstance(file.get("path"), str)
        ):
            raise bad_request(["name must be a string", "file must be an object"])
        place = self._places.web(who, f"files/personal/{file['path']}")
        if not place.inside or not os.path.isdir(place.existing()):
            raise not_found()
        members = self._logins(body.get("members"))
        row = self._store.declare_share(
            Share(alias=_alias(name), owner=who.login, path=place.rel, members=members),
            int(self._clock()),
        )
        self._store.save()
        value = {
            "id": row.id,
            "ownerId": who.id,
            "name": name,
            "alias": row.alias,
            "externalPath": None,
            "enabled": True,
            "description": None,
            "storageUsage": 0,
            "storageQuota": None,
            "storageIndexing": True,
            "createdAt": iso_time(row.created),
            "modifiedAt": iso_time(row.created),
            "disabledAt": None,
            "parent": None,
            "file": {**self._share_file(row, who), "permissions": "a:d:m:so"},
            "members": [
                self._member(login, text, None, row.created) for login, text in members.items()
            ],
        }
        return json_answer(value, 201)

    def _share_file(self, row: ShareRow, who: Identity) -> dict[str, Any]:
        file = self._store.row_by_id(row.file_id)
        path = file.path if file else ""
        return {
            "id": row.file_id,
            "ownerId": who.id,
            "name": path.rpartition("/")[2],
            "path": path,
            "isDir": 1,
            "inTrash": int(file.in_trash) if file else 1,
            "mime": "directory",
            "space": {"alias": None, "name": None, "user1": {"alias": None, "name": None}},
        }

    def list_shares(self, who: Identity) -> Answer:
        """The shares this user has made."""
        value = []
        for row in self._store.state.shares:
            if row.owner != who.login:
                continue
            value.append(
                {
                    "id": row.id,
                    "name": row.alias,
                    "alias": row.alias,
                    "externalPath": False,
                    "description": None,
                    "enabled": True,
                    "createdAt": iso_time(row.created),
                    "modifiedAt": iso_time(row.created),
                    "parent": None,
                    "file": self._share_file(row, who),
                    "hasComments": 0,
                    "counts": {"users": len(row.members), "groups": 0, "links": 0, "shares": 0},
                }
            )
        return json_answer(value)
