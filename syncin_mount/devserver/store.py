"""What a real server keeps in its database: one JSON file, `devserver.json`, under the root.

Format 1. The file is replaced atomically (written beside, synced, renamed) on every change, and
holds secrets (the token signing key, client tokens, TOTP secrets; passwords only as scrypt hashes),
so its mode is 0600. A file of a newer format is refused. Locks are not in it: they live in memory
and end with the process.
"""

from __future__ import annotations

import os
import secrets
import unicodedata
from pathlib import Path
from typing import Any

import msgspec

from .model import FULL_PERMISSIONS, Share, Space, User

FORMAT = 1
FILE_NAME = "devserver.json"


class StateError(Exception):
    """The state file cannot be used; the text says why and what to do."""


class AppPassword(msgspec.Struct):
    """A password for one kind of program; `client` ones may register sync clients."""

    name: str
    app: str  # "client" | "webdav"
    password_hash: str


class Account(msgspec.Struct):
    """A user with everything that changes. `id` is stable over restarts because tokens carry it."""

    id: int
    login: str
    password_hash: str
    email: str = ""
    first_name: str = ""
    last_name: str = ""
    applications: list[str] = []
    quota: int | None = None
    totp_secret: str | None = None
    recovery_codes: list[str] = []
    used_codes: list[str] = []
    app_passwords: list[AppPassword] = []
    attempts: int = 0
    active: bool = True

    @property
    def full_name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip() or self.login


class Client(msgspec.Struct):
    """A registered sync client. Times are whole seconds since the epoch."""

    id: str
    user_id: int
    token: str
    token_expiration: int
    info: dict[str, str]
    created: int
    enabled: bool = True
    current_access: int | None = None
    current_ip: str | None = None
    last_access: int | None = None
    last_ip: str | None = None


class FileRow(msgspec.Struct):
    """A folder the database knows by id: `path` below the files of `root` (`users/<login>`,
    `spaces/<alias>`)."""

    id: int
    root: str
    path: str
    in_trash: bool = False


class SyncPath(msgspec.Struct):
    """A registered synchronization.

    `repository` is how its remote path begins: `personal`, `spaces/<alias>`, `shares/<alias>`. The
    rest of it comes from the file row, which follows renames on the web.
    """

    id: int
    client_id: str
    file_id: int
    repository: str
    settings: dict[str, Any]
    created: int


class SpaceRow(msgspec.Struct):
    """A space; `members` maps a login to a permission string, `quota` is in bytes."""

    id: int
    alias: str
    name: str
    members: dict[str, str]
    created: int
    quota: int | None = None


class ShareRow(msgspec.Struct):
    """A shared folder, named by a file row of its own."""

    id: int
    alias: str
    owner: str
    file_id: int
    members: dict[str, str]
    created: int


class State(msgspec.Struct):
    """The content of the file."""

    format: int = FORMAT
    signing_key: str = ""
    next_ids: dict[str, int] = {}
    accounts: list[Account] = []
    clients: list[Client] = []
    paths: list[SyncPath] = []
    files: list[FileRow] = []
    spaces: list[SpaceRow] = []
    shares: list[ShareRow] = []

    def new_id(self, table: str, first: int = 1) -> int:
        value = self.next_ids.get(table, first)
        self.next_ids[table] = value + 1
        return value


def collation_key(text: str) -> str:
    """How the server's database compares names: without case, accents and Unicode form."""
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter)).casefold()


class Store:
    """The state and its file. Only one server process may use a root at a time."""

    def __init__(self, root: Path) -> None:
        self._file = root / FILE_NAME
        self.state = self._load()

    def _load(self) -> State:
        try:
            raw = self._file.read_bytes()
        except FileNotFoundError:
            return State(signing_key=secrets.token_hex(32))
        try:
            found = msgspec.json.decode(raw, type=dict[str, Any]).get("format")
            if not isinstance(found, int) or found > FORMAT:
                raise StateError(
                    f"{self._file} has format {found}, newer than this server's {FORMAT}: use a"
                    " newer version."
                )
            return msgspec.json.decode(raw, type=State)
        except msgspec.MsgspecError as error:
            raise StateError(
                f"{self._file} is damaged ({error}): move it away to start anew."
            ) from error

    def save(self) -> None:
        """Replaces the file. Raises OSError; the file is then the old one."""
        beside = self._file.with_name(f"{FILE_NAME}.new")
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(msgspec.json.encode(self.state))
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(beside, self._file)

    # accounts

    def account(self, user_id: int) -> Account | None:
        return next((account for account in self.state.accounts if account.id == user_id), None)

    def account_named(self, login: str) -> Account | None:
        """By login or e-mail address."""
        return next(
            (
                account
                for account in self.state.accounts
                if login and login in (account.login, account.email)
            ),
            None,
        )

    def declare_user(self, user: User, password_hash: str) -> Account:
        """Adds the account or brings it to the declaration, keeping its id, attempts and used
        recovery codes."""
        account = next((known for known in self.state.accounts if known.login == user.login), None)
        if account is None:
            account = Account(self.state.new_id("accounts", 2), user.login, password_hash)
            self.state.accounts.append(account)
        account.password_hash = password_hash
        account.email = user.email
        account.first_name, account.last_name = user.first_name, user.last_name
        account.applications = sorted(user.applications)
        account.quota, account.totp_secret = user.quota, user.totp_secret
        account.recovery_codes = [
            code for code in user.recovery_codes if code not in account.used_codes
        ]
        account.active = user.active
        return account

    # files

    def file_row(self, root: str, path: str) -> FileRow | None:
        """The row of a live folder, found as the database finds it: a namesake in case or accents
        counts."""
        key = collation_key(path)
        return next(
            (
                row
                for row in self.state.files
                if row.root == root and not row.in_trash and collation_key(row.path) == key
            ),
            None,
        )

    def exact_row(self, root: str, path: str, *, in_trash: bool = False) -> FileRow | None:
        return next(
            (
                row
                for row in self.state.files
                if (row.root, row.path, row.in_trash) == (root, path, in_trash)
            ),
            None,
        )

    def row_by_id(self, file_id: int) -> FileRow | None:
        return next((row for row in self.state.files if row.id == file_id), None)

    def file_row_or_new(self, root: str, path: str) -> FileRow:
        row = self.file_row(root, path)
        if row is None:
            row = FileRow(self.state.new_id("files"), root, path)
            self.state.files.append(row)
        return row

    def moved(self, old: tuple[str, str, bool], new: tuple[str, str, bool]) -> None:
        """Carries the rows at and below `old` (root, path, in trash) to `new`; saves if there were
        any."""
        changed = False
        for row in self.state.files:
            if (row.root, row.in_trash) == (old[0], old[2]) and (row.path + "/").startswith(
                old[1] + "/"
            ):
                row.root, row.path, row.in_trash = new[0], new[1] + row.path[len(old[1]) :], new[2]
                changed = True
        if changed:
            self.save()

    # spaces and shares

    def space(self, alias: str) -> SpaceRow | None:
        return next((row for row in self.state.spaces if row.alias == alias), None)

    def share(self, alias: str) -> ShareRow | None:
        return next((row for row in self.state.shares if row.alias == alias), None)

    def declare_space(self, space: Space, now: int) -> SpaceRow:
        row = self.space(space.alias)
        members = dict(space.members)
        if row is None:
            row = SpaceRow(
                self.state.new_id("spaces"),
                space.alias,
                space.name or space.alias,
                members,
                now,
                space.quota,
            )
            self.state.spaces.append(row)
        row.members, row.quota, row.name = members, space.quota, space.name or space.alias
        return row

    def declare_share(self, share: Share, now: int) -> ShareRow:
        row = self.share(share.alias)
        members = dict(share.members)
        if row is None:
            # A file row of its own, also when there is one for the folder: what refers to it means
            # the share.
            file = FileRow(self.state.new_id("files"), f"users/{share.owner}", share.path)
            self.state.files.append(file)
            row = ShareRow(
                self.state.new_id("shares"), share.alias, share.owner, file.id, members, now
            )
            self.state.shares.append(row)
        row.members = members
        return row

    # clients and paths

    def client(self, client_id: str) -> Client | None:
        return next((client for client in self.state.clients if client.id == client_id), None)

    def remove_client(self, client: Client) -> None:
        self.state.clients.remove(client)
        self.state.paths = [path for path in self.state.paths if path.client_id != client.id]
        self.save()

    def paths_of(self, client_id: str) -> list[SyncPath]:
        return [path for path in self.state.paths if path.client_id == client_id]

    def path(self, client_id: str, path_id: int) -> SyncPath | None:
        return next((path for path in self.paths_of(client_id) if path.id == path_id), None)


def permission_set(permissions: str) -> frozenset[str]:
    """`a:d:m` as a set."""
    return frozenset(part for part in permissions.split(":") if part)


__all__ = [
    "FULL_PERMISSIONS",
    "Account",
    "AppPassword",
    "Client",
    "FileRow",
    "ShareRow",
    "SpaceRow",
    "State",
    "StateError",
    "Store",
    "SyncPath",
    "collation_key",
    "permission_set",
]
