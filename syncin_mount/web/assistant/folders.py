"""Looking for a folder, on this computer and on the server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec
import trio

from reconciler.errors import RemoteError
from syncin_mount.app.errors import InvalidRequest, NotPossible
from syncin_mount.app.messages import sentence_or_none
from syncin_mount.language import t
from syncin_mount.web.assistant.objections import Objected, objected
from syncin_mount.web.routes import Name, PathText, Request, Route

if TYPE_CHECKING:
    from collections.abc import Callable

    from syncin_mount.config import Configuration, Server
    from syncin_mount.web.assistant.local_folders import LocalFolders, Place
    from syncin_mount.web.routes import Drives

LOOK_S = 10.0
"""How long a local folder may take to be seen: a drive of another computer may never answer."""

LOOKS = 4
"""At the same time; one that hangs keeps its thread."""

MOST_REMOTE = 2000
"""Folders that are told of one level on the server."""

FolderName = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]


class Here(Request, frozen=True):
    """A folder of this computer; None: one is suggested."""

    path: PathText | None = None


class MakeHere(Request, frozen=True):
    """A new folder ``name`` in the folder ``path``."""

    path: PathText
    name: FolderName


class There(Request, frozen=True):
    """A folder of the server; "" is where all begins."""

    server: Name
    path: PathText = ""


class MakeThere(Request, frozen=True):
    """A new folder ``name`` in the folder ``path``."""

    server: Name
    path: PathText
    name: FolderName


class RemoteRow(msgspec.Struct, frozen=True):
    """A folder of the server. ``why`` it cannot be chosen, as a clause; ``opens``: there may be
    folders in it."""

    name: str
    path: str
    why: str | None
    read_only: bool
    opens: bool


class Level(msgspec.Struct, frozen=True):
    """The folders in ``path``; ``more`` are not told."""

    path: str
    folders: tuple[RemoteRow, ...]
    more: int = 0


class Choosers:
    """The handlers."""

    def __init__(self, drives: Drives) -> None:
        self._drives = drives
        self._limiter = trio.CapacityLimiter(LOOKS)

    def routes(self) -> dict[str, Route]:
        return {
            "/api/assistant/here": Route(Here, self.here),
            "/api/assistant/here/make": Route(MakeHere, self.make_here),
            "/api/assistant/there": Route(There, self.there),
            "/api/assistant/there/make": Route(MakeThere, self.make_there),
        }

    async def here(self, request: Here) -> Place | Objected:
        return await self._local(lambda local: local.look(request.path))

    async def make_here(self, request: MakeHere) -> Place | Objected:
        return await self._local(lambda local: local.make(request.path, request.name))

    async def _local(self, look: Callable[[LocalFolders], Place]) -> Place | Objected:
        from syncin_mount.web.assistant.local_folders import LocalFolders  # noqa: PLC0415 (memory)

        local = LocalFolders(self._drives.folders, await self._drives.configuration())
        try:
            with trio.fail_after(LOOK_S):
                return await trio.to_thread.run_sync(
                    look, local, abandon_on_cancel=True, limiter=self._limiter
                )
        except trio.TooSlowError:
            return Objected(t("this folder does not answer; choose another one"), field="folder")
        except NotPossible as error:
            return objected(error, "folder")

    async def there(self, request: There) -> Level | Objected:
        from syncin_mount.app.accounts.remote_folders import browse  # noqa: PLC0415 (memory)

        configuration, server = await self._server(request.server)
        try:
            found = await browse(self._drives.folders, configuration, server, request.path)
        except RemoteError as error:
            return objected(error, "remote")
        rows = [
            RemoteRow(
                each.item.path.rpartition("/")[2],
                each.item.path,
                sentence_or_none(each.objection),
                each.read_only,
                each.item.enabled and each.item.has_children,
            )
            for each in found
            if each.item.is_folder
        ]
        return Level(request.path, tuple(rows[:MOST_REMOTE]), max(0, len(rows) - MOST_REMOTE))

    async def make_there(self, request: MakeThere) -> Level | Objected:
        """What is in the folder around it afterwards."""
        from syncin_mount.app.accounts.remote_folders import make_remote_folder  # noqa: PLC0415

        _, server = await self._server(request.server)
        name = request.name.strip()
        try:
            if not name or "/" in name:
                raise InvalidRequest(t("'{name}' cannot be a folder's name", name=name))
            path = f"{request.path}/{name}"
            await make_remote_folder(self._drives.folders, server, path)
        except (NotPossible, RemoteError) as error:
            return objected(error, "remote")
        return await self.there(There(request.server, request.path))

    async def _server(self, name: str) -> tuple[Configuration, Server]:
        configuration = await self._drives.configuration()
        server = configuration.servers.get(name)
        if server is None:
            raise InvalidRequest(t("there is no server '{name}' any more", name=name))
        return configuration, server
