"""Transfers, pending changes, trashes, and why a path is as it is."""

from __future__ import annotations

import heapq
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
from msgspec import structs

from syncin_mount.app.drives.open_drive import ask_drive
from syncin_mount.app.messages import kept
from syncin_mount.control.messages import (
    BinEntry,
    Changed,
    Explanation,
    JournalEntry,
    Transfer,
    TransferQuery,
)
from syncin_mount.web.routes import Done, Drives, Name, Names, OneDrive, PathText, Request, Route

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from syncin_mount.app.drives.server_trash import ServerTrash
    from syncin_mount.web.live import Live

SERVER = "server"
"""How an entry of the server's trash begins, before a colon."""

FIRST_ROWS, MORE_ROWS = 500, 2500
"""Transfers of the first answer, which is soon there, and of each one as somebody scrolls on."""

MOST_ENTRIES = 5000
"""Pending changes and entries of a trash that are listed: nobody reads more, and each
has to be drawn. What is more is counted."""

Numbers = Annotated[tuple[int, ...], msgspec.Meta(max_length=5000)]
Paths = Annotated[tuple[PathText, ...], msgspec.Meta(max_length=1000)]


class Transfers(Request, frozen=True):
    """Which are wanted, the newest first. ``before`` is what the page before said at its end."""

    names: Names
    op: Literal["send", "fetch", "make", "move", "delete", "touch"] | None = None
    side: Literal["local", "remote"] | None = None
    search: PathText | None = None
    since: float | None = None
    failed: bool = False
    before: dict[Name, int] = msgspec.field(default_factory=dict)


class TransferPage(msgspec.Struct, frozen=True):
    """Some of them; ``before`` asks for the next ones, None: there are none."""

    rows: tuple[Transfer, ...]
    before: dict[str, int] | None


class Journal(msgspec.Struct, frozen=True):
    """What waits, oldest first: the first ones, of ``count``."""

    entries: tuple[JournalEntry, ...]
    count: int


class Change(Request, frozen=True):
    """Holds, releases or undoes the changes of these numbers."""

    name: Name
    what: Literal["hold", "release", "discard"]
    numbers: Numbers


class ChangeDone(msgspec.Struct, frozen=True):
    """What became of each."""

    changes: tuple[Changed, ...]


class OnePath(Request, frozen=True):
    """A path of the synchronized folder."""

    name: Name
    path: PathText


class TrashOf(Request, frozen=True):
    """The trash on this computer, or the server's."""

    name: Name
    server: bool = False


class TrashList(msgspec.Struct, frozen=True):
    """The newest first: the first ones, of ``count``."""

    entries: tuple[BinEntry, ...]
    count: int


class Entries(Request, frozen=True):
    """Some of a trash."""

    name: Name
    entries: Paths


class Records:
    """The handlers."""

    def __init__(self, drives: Drives, live: Live) -> None:
        self._drives = drives
        self._live = live

    def routes(self) -> dict[str, Route]:
        return {
            "/api/transfers": Route(Transfers, self.transfers),
            "/api/journal": Route(OneDrive, self.journal),
            "/api/journal/change": Route(Change, self.change),
            "/api/trash": Route(TrashOf, self.trash),
            "/api/trash/restore": Route(Entries, self.restore),
            "/api/trash/empty": Route(Entries, self.empty),
            "/api/explain": Route(OnePath, self.explain),
        }

    async def transfers(self, request: Transfers) -> TransferPage:
        """Those of several are merged by their time."""
        each = []
        most = MORE_ROWS if request.before else FIRST_ROWS
        for name in request.names:
            query = TransferQuery(
                op=request.op,
                side=request.side,
                search=request.search or None,
                since=request.since,
                failed=request.failed,
                limit=most,
                before=request.before.get(name),
            )
            async with self._drives.opened(name) as drive:
                each.append(await drive.transfers(query))
        merged = list(heapq.merge(*each, key=lambda row: -row.time))
        rows = [
            structs.replace(row, why=kept.reason(row.why or "") or None) for row in merged[:most]
        ]
        if len(rows) == len(merged) and all(len(some) < most for some in each):
            return TransferPage(tuple(rows), None)
        before = {
            some[0].synchronization: some[0].sequence + 1 for some in each if some
        } | request.before
        before |= {row.synchronization: row.sequence for row in rows}
        return TransferPage(tuple(rows), before)

    async def journal(self, request: OneDrive) -> Journal:
        async with self._drives.opened(request.name) as drive:
            found = await drive.journal()
        return Journal(tuple(found[:MOST_ENTRIES]), len(found))

    async def change(self, request: Change) -> ChangeDone:
        async with self._drives.opened(request.name) as drive:
            do = {"hold": drive.hold, "release": drive.release, "discard": drive.discard}
            done = await do[request.what](request.numbers)
        self._live.look_now()
        return ChangeDone(tuple(done))

    async def trash(self, request: TrashOf) -> TrashList:
        if request.server:
            async with self._server_trash(request.name) as there:
                found = await there.entries()
                more = there.left_out
        else:
            async with self._drives.opened(request.name) as drive:
                found, more = await drive.bin.entries(), 0
        shown = [
            structs.replace(each, why=kept.reason(each.why)) for each in found[::-1][:MOST_ENTRIES]
        ]
        return TrashList(tuple(shown), len(found) + more)

    async def restore(self, request: Entries) -> Done:
        """Each to where it was, beside what is there now."""
        for side, entries in _by_side(request.entries).items():
            if side == SERVER:
                async with self._server_trash(request.name) as there:
                    for entry in entries:
                        await there.restore(entry, None)
            else:
                async with self._drives.opened(request.name) as drive:
                    for entry in entries:
                        await drive.bin.restore(entry, None)
        return Done()

    async def empty(self, request: Entries) -> Done:
        """They are gone for good."""
        for side, entries in _by_side(request.entries).items():
            if side == SERVER:
                async with self._server_trash(request.name) as there:
                    await there.empty(entries)
            else:
                async with self._drives.opened(request.name) as drive:
                    await drive.bin.empty(entries)
        return Done()

    @asynccontextmanager
    async def _server_trash(self, name: str) -> AsyncIterator[ServerTrash]:
        from syncin_mount.app.accounts.sessions import session_with  # noqa: PLC0415 (memory)
        from syncin_mount.app.drives.server_trash import ServerTrash  # noqa: PLC0415

        configuration, found = await self._drives.named(name)
        server = configuration.servers[found.server]
        async with session_with(self._drives.folders, server) as session:
            yield ServerTrash(session, found.remote)

    async def explain(self, request: OnePath) -> Explanation:
        configuration, found = await self._drives.named(request.name)
        return await ask_drive(
            self._drives.folders,
            configuration,
            found,
            lambda drive: drive.explain(request.path.strip("/")),
        )


def _by_side(entries: tuple[str, ...]) -> dict[str, list[str]]:
    """The server's entries by their paths in its trash, and the others (an empty side)."""
    found: dict[str, list[str]] = {}
    for entry in entries:
        side, colon, path = entry.partition(":")
        is_there = colon and side == SERVER
        found.setdefault(SERVER if is_there else "", []).append(path if is_there else entry)
    return found
