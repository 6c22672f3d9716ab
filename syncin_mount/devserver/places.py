"""From the path in a request to a place on disk, with what the user may do there.

Nothing outside the root is ever reached: paths are normalized against their own root before they
are joined to it, and a path with a symbolic link in it counts as absent (another program may put
links into the folders).
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from .model import FULL_PERMISSIONS, Application
from .store import Store, permission_set
from .tokens import Identity
from .wire import Refusal, not_allowed, not_found


@dataclass(frozen=True, slots=True)
class Root:
    """A folder with `files` and `trash` in it. `key` is `users/<login>` or `spaces/<alias>`; `base`
    is absolute."""

    key: str
    base: str
    quota: int | None


@dataclass(frozen=True, slots=True)
class Place:
    """One file or folder, existing or not. `rel` is relative to the root's files (or trash) and ""
    for all of it.

    `repository` is what the path began with (`personal`, `spaces/<alias>`, `shares/<alias>`),
    `inside` the rest of it as the user wrote it; they differ from the root and `rel` for shares
    only.
    """

    root: Root
    rel: str
    repository: str
    inside: str
    permissions: frozenset[str]
    permission_text: str
    in_trash: bool = False

    @property
    def top(self) -> str:
        return os.path.join(self.root.base, "trash" if self.in_trash else "files")

    @property
    def full(self) -> str:
        return os.path.join(self.top, self.rel) if self.rel else self.top

    @property
    def name(self) -> str:
        return posixpath.basename(self.rel)

    @property
    def folder(self) -> str:
        """The relative folder it lies in, "." at the top."""
        return posixpath.dirname(self.rel) or "."

    @property
    def remote_path(self) -> str:
        return f"{self.repository}/{self.inside}" if self.inside else self.repository

    def below(self, *names: str) -> Place:
        return replace(
            self,
            rel=posixpath.join(self.rel, *names),
            inside=posixpath.join(self.inside, *names) if self.inside else "/".join(names),
        )

    def require(self, permission: str) -> None:
        """Raises 403 when the permission is missing, or for changing the space or share itself."""
        if permission not in self.permissions or not self.inside:
            raise not_allowed()

    def contained(self) -> str:
        """`full`, proven to have no symbolic link below the top; raises the 404 of a missing place
        otherwise."""
        full = self.full
        if os.path.realpath(full) != full:
            raise not_found()
        return full

    def existing(self) -> str:
        """`contained`, of something that is there (a file, a folder or something special; never a
        link)."""
        full = self.contained()
        if not os.path.lexists(full):
            raise not_found()
        return full


def normalized(path: str) -> list[str]:
    """The segments of a path after `.`, `..`, doubled and trailing slashes; `..` stops at the
    top."""
    if "\0" in path:
        raise Refusal(500, "The argument 'path' must be a string")
    return [segment for segment in posixpath.normpath("/" + path).split("/") if segment]


class Places:
    """Resolves paths for a user; asks the store about spaces and shares each time."""

    def __init__(self, data: Path, store: Store) -> None:
        self.data = os.path.realpath(data)
        self._store = store

    def user_root(self, login: str) -> Root:
        account = self._store.account_named(login)
        return Root(
            f"users/{login}",
            os.path.join(self.data, "users", login),
            account.quota if account else None,
        )

    def space_root(self, alias: str) -> Root:
        space = self._store.space(alias)
        return Root(
            f"spaces/{alias}",
            os.path.join(self.data, "spaces", alias),
            space.quota if space else None,
        )

    def root_of_key(self, key: str) -> Root:
        kind, _, name = key.partition("/")
        return self.user_root(name) if kind == "users" else self.space_root(name)

    def sync(self, who: Identity, path: str) -> Place:
        """A path of the sync API: `personal/…`, `spaces/<alias>/…`, `shares/<alias>/…`."""
        segments = normalized(path)
        match segments:
            case ["personal", *rest]:
                return self._personal(who, rest, in_trash=False)
            case ["spaces"]:
                raise Refusal(400, "Space path is not valid")
            case ["spaces", alias, *rest]:
                return self._space(who, alias, rest, in_trash=False)
            case ["shares", alias, *rest]:
                return self._share(who, alias, rest)
            case ["shares"]:
                raise Refusal(400, "Space path is not valid")
            case [other, *_]:
                raise Refusal(404, f"Repository not found : {other}")
            case _:
                raise Refusal(404, "Repository not found : ")

    def web(self, who: Identity, path: str) -> Place:
        """A path of the web API: `files/<personal or alias>/…`, `trash/<personal or alias>/…`,
        `shares/<alias>/…`."""
        segments = normalized(path)
        match segments:
            case [("files" | "trash") as kind, "personal", *rest]:
                return self._personal(who, rest, in_trash=kind == "trash")
            case [("files" | "trash") as kind, alias, *rest]:
                return self._space(who, alias, rest, in_trash=kind == "trash")
            case ["shares", alias, *rest]:
                return self._share(who, alias, rest)
            case _:
                raise Refusal(403, "You are not allowed to access to this repository")

    def _personal(self, who: Identity, rest: Sequence[str], *, in_trash: bool) -> Place:
        if Application.PERSONAL not in who.applications:
            raise not_allowed()
        inside = "/".join(rest)
        root = self.user_root(who.login)
        return Place(
            root,
            inside,
            "personal",
            inside,
            permission_set(FULL_PERMISSIONS),
            FULL_PERMISSIONS,
            in_trash,
        )

    def _space(self, who: Identity, alias: str, rest: Sequence[str], *, in_trash: bool) -> Place:
        row = self._store.space(alias)
        if row is None or who.login not in row.members:
            raise Refusal(404, "Space not found")
        if Application.SPACES not in who.applications:
            raise not_allowed()
        permissions = row.members[who.login]
        inside = "/".join(rest)
        return Place(
            self.space_root(alias),
            inside,
            f"spaces/{alias}",
            inside,
            permission_set(permissions),
            permissions,
            in_trash,
        )

    def _share(self, who: Identity, alias: str, rest: Sequence[str]) -> Place:
        row = self._store.share(alias)
        file = None if row is None else self._store.row_by_id(row.file_id)
        if row is None or file is None or file.in_trash or who.login not in row.members:
            raise Refusal(404, "Space not found")
        if Application.SHARES not in who.applications:
            raise not_allowed()
        permissions = row.members[who.login]
        inside = "/".join(rest)
        rel = posixpath.join(file.path, inside) if inside else file.path
        return Place(
            self.root_of_key(file.root),
            rel,
            f"shares/{alias}",
            inside,
            permission_set(permissions),
            permissions,
        )
