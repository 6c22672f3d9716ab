"""A synchronization that is looked at, and then added, imported into and mounted."""

from __future__ import annotations

import secrets
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
import trio

from reconciler.errors import RemoteError, ServerFault, Unauthorized, Unreachable
from syncin_mount.app.errors import InvalidRequest, MountpointHoldsFiles, NotPossible
from syncin_mount.app.messages import sentence
from syncin_mount.language import t
from syncin_mount.web.assistant.objections import Objected, objected
from syncin_mount.web.assistant.starting import Progress, Seen
from syncin_mount.web.routes import Name, OneDrive, PathText, Request, Route, Stream
from syncin_mount.web.settings.filters import Texts, changed_filters

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from syncin_mount.app.synchronizations.addition import Addition, NotListed, NotTakenBack
    from syncin_mount.config import Synchronization
    from syncin_mount.web.assistant.starting import Starts
    from syncin_mount.web.routes import Drives

MOST_LOOKS = 4
"""Looks that somebody may still start; what was looked at before has to be looked at again."""


class Wanted(Request, frozen=True):
    """All that was answered. ``importing``: what ``folder`` holds is to become the drive's.
    ``filters`` are rules as people type them. Not ``mounted``: it is added, and stays disabled.
    ``bookmark``: it is put into the sidebar of file managers."""

    name: Name
    server: Name
    remote: PathText
    folder: PathText
    direction: Literal["both", "upload", "download"] = "both"
    conflict: Literal["recent", "local", "remote"] = "recent"
    mode: Literal["fast", "secure"] = "fast"
    trash: Literal["auto", "desktop", "own"] = "auto"
    every: Annotated[str, msgspec.Meta(max_length=20)] = "off"
    importing: bool = False
    filters: Texts = ()
    mounted: bool = True
    bookmark: bool = False


class Suggest(Request, frozen=True):
    """A name for the synchronization of this folder."""

    remote: PathText


class Start(Request, frozen=True):
    """Adds what was looked at. ``may_overfill``: though it does not fit on the disk."""

    look: Annotated[str, msgspec.Meta(max_length=100)]
    may_overfill: bool = False


class Suggested(msgspec.Struct, frozen=True):
    """A name that is free."""

    name: str


class Fate(msgspec.Struct, frozen=True):
    """Files of the folder here, or of the server's, and what becomes of them, as a clause."""

    files: int
    bytes: int
    said: str
    examples: tuple[str, ...]


class Imports(msgspec.Struct, frozen=True):
    """What the folder holds, and what becomes of it."""

    files: int
    folders: int
    bytes: int
    fates: tuple[Fate, ...]


class Looked(msgspec.Struct, frozen=True):
    """What would happen. ``look`` starts it. ``files`` and ``bytes`` are what the first run
    downloads (None: not known; not ``whole``: at least so much), ``needed`` and ``free`` bytes on
    the disk of the local copies. ``notes`` are sentences about what is not as it was wanted."""

    look: str
    mountpoint: str
    direction: str
    files: int | None = None
    bytes: int | None = None
    whole: bool = True
    needed: int = 0
    free: int | None = None
    fits: bool = True
    imports: Imports | None = None
    notes: tuple[str, ...] = ()


class Additions:
    """The handlers. Looks and additions go one after another: the server registers a look's folder
    for a moment."""

    def __init__(self, drives: Drives, starts: Starts) -> None:
        self._drives = drives
        self._starts = starts
        self._seen: dict[str, Seen] = {}
        self._begun: dict[str, Progress] = {}
        self._turn = trio.Lock()

    def routes(self) -> dict[str, Route]:
        return {
            "/api/assistant/name": Route(Suggest, self.suggest),
            "/api/assistant/look": Route(Wanted, self.look),
            "/api/assistant/start": Route(Start, self.start),
            "/api/assistant/import": Route(OneDrive, self.go_on),
        }

    async def suggest(self, request: Suggest) -> Suggested:
        from syncin_mount.app.synchronizations.suggestions import suggested_name  # noqa: PLC0415

        taken = (await self._drives.configuration()).synchronizations
        return Suggested(suggested_name(request.remote, taken))

    async def look(self, request: Wanted) -> Looked | Objected:
        """Leaves nothing behind. Raises ConfigurationError."""
        try:
            new = await self._checked(request)
        except _WrongField as wrong:
            return objected(wrong.error, wrong.field)
        return await self._look(new, request)

    async def _checked(self, request: Wanted) -> Synchronization:
        """Raises _WrongField for what can be told without the server."""
        from reconciler.model import Conflict, Direction, Mode  # noqa: PLC0415 (memory)
        from syncin_mount.app.synchronizations import from_text  # noqa: PLC0415 (memory)
        from syncin_mount.app.synchronizations.addition import new_synchronization  # noqa: PLC0415
        from syncin_mount.app.synchronizations.mountpoint import absolute  # noqa: PLC0415
        from syncin_mount.config import Trash, rules  # noqa: PLC0415

        configuration = await self._drives.configuration()
        server = configuration.servers.get(request.server)
        if server is None:
            raise InvalidRequest(t("there is no server '{server}' any more", server=request.server))
        with _Field("name"):
            _refuse(rules.name_objection(configuration, request.name))
        with _Field("folder"):
            if "\0" in request.folder:
                raise InvalidRequest(t("type the path of a folder"))
            place = absolute(request.folder)
            _refuse(rules.mountpoint_objection(configuration, place, self._drives.folders))
        with _Field("remote"):
            remote = from_text.remote_from_text(request.remote)
            _refuse(rules.remote_objection(configuration, server, remote))
        with _Field("filters"):
            filters = changed_filters((), request.filters, ())
        with _Field("every"):
            scheduler = from_text.schedule_from_text(request.every)
        return new_synchronization(
            *(request.name, request.server, remote, place),
            direction=Direction(request.direction),
            mode=Mode(request.mode),
            conflict=Conflict(request.conflict),
            trash=Trash(request.trash),
            scheduler=scheduler,
            filters=filters,
        )

    async def _look(self, new: Synchronization, request: Wanted) -> Looked | Objected:
        from syncin_mount.app.errors import (  # noqa: PLC0415 (memory)
            CannotImport,
            ServerSaysNo,
        )
        from syncin_mount.app.synchronizations.addition import preview_addition  # noqa: PLC0415

        notes: list[str] = []

        def note(trouble: NotTakenBack | NotListed) -> None:
            notes.append(sentence(trouble))

        try:
            async with self._turn:
                addition = await preview_addition(
                    self._drives.folders, new, note, importing=request.importing
                )
        except (MountpointHoldsFiles, CannotImport) as error:
            return objected(error, "folder")
        except (Unreachable, ServerFault, Unauthorized) as error:
            return objected(error)  # another folder would not help
        except (ServerSaysNo, RemoteError) as error:
            return objected(error, "remote")
        except NotPossible as error:
            return objected(error)
        looked = replace(addition, found=())
        seen = Seen(new, looked, mounted=request.mounted, bookmark=request.bookmark)
        look = self._keep(seen)
        return _shown(look, addition, notes)

    def _keep(self, seen: Seen) -> str:
        while len(self._seen) >= MOST_LOOKS:
            del self._seen[next(iter(self._seen))]
        look = secrets.token_urlsafe(16)
        self._seen[look] = seen
        return look

    async def start(self, request: Start) -> Stream:
        """It goes on when the tab is closed; the lines tell how it goes. Asked for again (a button
        pressed twice, a connection that broke), they tell of the same addition."""
        return Stream(aclosing(self._lines(request)))

    async def _lines(self, request: Start) -> AsyncGenerator[object, None]:
        seen, start = self._seen.pop(request.look, None), self._begun.get(request.look)
        if seen is not None:
            while len(self._begun) >= MOST_LOOKS:
                del self._begun[next(iter(self._begun))]
            start = self._starts.begin(seen, self._turn, may_overfill=request.may_overfill)
            self._begun[request.look] = start
        if start is None:
            yield Objected(t("this was looked at too long ago; look at it again"), "again")
            return
        async with aclosing(start.lines()) as lines:
            async for line in lines:
                yield line

    async def go_on(self, request: OneDrive) -> Stream:
        """Goes on with an import that stopped, in the same way."""
        await self._drives.named(request.name)
        return Stream(aclosing(self._starts.go_on(request.name).lines()))


class _WrongField(Exception):
    """Tells which field an error is about."""

    def __init__(self, field: str, error: NotPossible) -> None:
        super().__init__(str(error))
        self.field, self.error = field, error


class _Field:
    """What goes wrong within it, is about this field."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, NotPossible):
            raise _WrongField(self._name, error) from error


def _refuse(why: str | None) -> None:
    if why is not None:
        raise NotPossible(why)


def _shown(look: str, addition: Addition, notes: list[str]) -> Looked:
    new, room, imports = addition.new, addition.room, addition.imports
    if new.restriction:
        notes.append(new.restriction)
    shown = Looked(
        look,
        str(new.mountpoint),
        new.direction_in_force.value,
        imports=None if imports is None else _imports(addition),
        notes=tuple(notes),
    )
    if room is None:
        return shown
    return msgspec.structs.replace(
        shown,
        files=room.need.files,
        bytes=room.need.content_bytes,
        whole=room.need.whole,
        needed=room.needed_bytes,
        free=room.free_bytes,
        fits=room.fits,
    )


def _imports(addition: Addition) -> Imports:
    from syncin_mount.app.messages.imports import fates  # noqa: PLC0415 (memory)

    found, new = addition.imports, addition.new
    assert found is not None
    return Imports(
        found.files,
        found.folders,
        found.bytes,
        tuple(
            Fate(heap.count, heap.bytes, said, tuple(heap.examples))
            for heap, said in fates(found, new.direction_in_force, new.conflict)
        ),
    )
