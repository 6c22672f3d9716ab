"""Conflicts: which there were, both versions of one, and choosing again."""

from __future__ import annotations

from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING, Literal

import msgspec
from msgspec import structs

from syncin_mount.app.errors import NotPossible
from syncin_mount.app.messages import kept
from syncin_mount.control.conflict_messages import ConflictEntry, ConflictRequest
from syncin_mount.language import t
from syncin_mount.web.routes import Content, Done, Drives, Name, Request, Route, is_expected

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from syncin_mount.app.conflicts.comparison import Comparison
    from syncin_mount.web.live import Live

MOST_ENTRIES = 5000
"""Conflicts that are listed: nobody reads more, and each has to be drawn. What is more is
counted."""


class ConflictsOf(Request, frozen=True):
    """With ``everything``, also those that were acknowledged."""

    name: Name
    everything: bool = False


class ConflictList(msgspec.Struct, frozen=True):
    """The newest first: the first ones, of ``count``."""

    entries: tuple[ConflictEntry, ...]
    count: int


class Acknowledge(Request, frozen=True):
    """Counts a conflict no more; with ``everything``, none."""

    name: Name
    number: int | None = None
    everything: bool = False


class OneConflict(Request, frozen=True):
    """A conflict of a synchronization."""

    name: Name
    number: int


class OneVersion(Request, frozen=True):
    """The version that has the name, or the other one."""

    name: Name
    number: int
    version: Literal["named", "other"]


class ConflictCalls:
    """The handlers."""

    def __init__(self, drives: Drives, live: Live) -> None:
        self._drives = drives
        self._live = live

    def routes(self) -> dict[str, Route]:
        return {
            "/api/conflicts": Route(ConflictsOf, self.conflicts),
            "/api/conflicts/compare": Route(OneConflict, self.compare),
            "/api/conflicts/version": Route(OneVersion, self.version),
            "/api/conflicts/acknowledge": Route(Acknowledge, self.acknowledge),
            "/api/conflicts/swap": Route(OneConflict, self.swap),
            "/api/conflicts/both": Route(OneConflict, self.both),
            "/api/conflicts/undo": Route(OneConflict, self.undo),
        }

    async def conflicts(self, request: ConflictsOf) -> ConflictList:
        async with self._drives.opened(request.name) as drive:
            found = await drive.conflicts(everything=request.everything)
        return ConflictList(tuple(map(_shown, found[::-1][:MOST_ENTRIES])), len(found))

    async def compare(self, request: OneConflict) -> Comparison:
        from syncin_mount.app.conflicts.comparison import compare  # noqa: PLC0415 (memory)

        async with self._drives.opened(request.name) as drive:
            found = await compare(drive, ConflictRequest(number=request.number))
        versions = structs.replace(found.versions, conflict=_shown(found.versions.conflict))
        return structs.replace(found, versions=versions)

    async def version(self, request: OneVersion) -> Content:
        """A picture of a kind that has no scripts, and nothing else."""
        from syncin_mount.app.conflicts.comparison import picture_of  # noqa: PLC0415 (memory)

        async with self._drives.opened(request.name) as drive:
            kind = await picture_of(drive, request.number, request.version)
        if kind is None:
            raise NotPossible(t("this version is no picture that the page can show"))
        return Content(kind, self._pieces(request))

    @asynccontextmanager
    async def _pieces(self, request: OneVersion) -> AsyncIterator[AsyncIterator[bytes]]:
        from syncin_mount.app.conflicts.comparison import (  # noqa: PLC0415 (memory)
            PICTURE_BYTES,
            version_parts,
        )

        number, which = request.number, request.version
        async with (
            self._drives.opened(request.name) as drive,
            aclosing(version_parts(drive, number, which, PICTURE_BYTES)) as pieces,
            aclosing(_until_it_goes(pieces)) as known,
        ):
            yield known

    async def acknowledge(self, request: Acknowledge) -> ConflictEntry | Done:
        numbers = () if request.number is None else (request.number,)
        async with self._drives.opened(request.name) as drive:
            await drive.acknowledge(everything=request.everything, numbers=numbers)
            known = [] if request.number is None else await drive.conflicts(everything=True)
        self._live.look_now()
        if request.number is None:
            return Done()
        found = [each for each in known if each.number == request.number]
        if not found:
            raise NotPossible(
                t("there is no conflict of the number {number} any more", number=request.number)
            )
        return _shown(found[0])

    async def swap(self, request: OneConflict) -> ConflictEntry:
        async with self._drives.opened(request.name) as drive:
            done = await drive.swap(ConflictRequest(number=request.number))
        self._live.look_now()
        return _shown(done)

    async def both(self, request: OneConflict) -> ConflictEntry:
        async with self._drives.opened(request.name) as drive:
            done = await drive.keep_both(ConflictRequest(number=request.number))
        self._live.look_now()
        return _shown(done)

    async def undo(self, request: OneConflict) -> ConflictEntry:
        async with self._drives.opened(request.name) as drive:
            done = await drive.undo(ConflictRequest(number=request.number))
        self._live.look_now()
        return _shown(done)


def _shown(conflict: ConflictEntry) -> ConflictEntry:
    """With its reason in the reader's language."""
    return structs.replace(conflict, why=kept.reason(conflict.why))


async def _until_it_goes(pieces: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    """The browser shows what it has by then."""
    try:
        async for piece in pieces:
            yield piece
    except Exception as error:
        if not is_expected(error):
            raise
