"""One synchronization looked into: what is known of it, and whether its local copy is sound."""

from __future__ import annotations

import time
from contextlib import ExitStack, asynccontextmanager
from typing import TYPE_CHECKING

import msgspec

from syncin_mount.app.messages import sentence, sentence_or_none
from syncin_mount.web.routes import Drives, Name, OneDrive, Refused, Request, Route, Stream

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from syncin_mount.app.support.copy_check import Ended, Working
    from syncin_mount.web.live import Live

MOST_SHOWN = 200
"""Lines of what is out of order; the others are counted."""


class Details(msgspec.Struct, frozen=True):
    """As `show` tells them. ``direction`` is the one in force, and ``restriction`` why it is not
    the one that was chosen; ``paused_until`` is None while it is not paused, or without an end;
    limits are bytes a second. ``on_server`` says how the server has it."""

    server: str
    login: str
    url: str
    remote: str
    mountpoint: str
    direction: str
    mode: str
    conflict: str
    trash: str
    every: str
    filters: tuple[str, ...]
    paused: bool
    enabled: bool
    disabled_there: bool
    on_server: str
    configuration: str
    replica: str
    log: str
    restriction: str | None = None
    paused_until: float | None = None
    limit_up: int | None = None
    limit_down: int | None = None
    permissions: str | None = None
    changed: float | None = None


class Check(Request, frozen=True):
    """Of the local copy; with ``contents``, all of them are read, and with ``repair``, what is out
    of order is put right."""

    name: Name
    contents: bool = False
    repair: bool = False


class At(msgspec.Struct, frozen=True, tag_field="event", tag="at"):
    """``part`` is the word for what is done now; so much of the contents was read."""

    part: str
    files: int = 0
    files_in_all: int = 0
    bytes: int = 0
    bytes_in_all: int = 0


class Found(msgspec.Struct, frozen=True, tag_field="event", tag="found"):
    """The end: ``lines`` are sentences, of ``count``; ``repairable``: a repair would help;
    ``trouble`` is what is out of order still, ``not_mounted`` why the drive is not there again."""

    lines: tuple[str, ...]
    count: int
    repairable: bool
    trouble: str | None = None
    not_mounted: str | None = None


class Copies:
    """The handlers."""

    def __init__(self, drives: Drives, live: Live) -> None:
        self._drives = drives
        self._live = live

    def routes(self) -> dict[str, Route]:
        return {
            "/api/show": Route(OneDrive, self.show),
            "/api/check": Route(Check, self.check),
        }

    async def show(self, request: OneDrive) -> Details:
        from syncin_mount.app.settings.details import on_server  # noqa: PLC0415 (memory)

        configuration, found = await self._drives.named(request.name)
        folders, server = self._drives.folders, configuration.servers[found.server]
        there = await on_server(folders, server, found)
        paused = found.is_paused(time.time())
        return Details(
            server=server.name,
            login=server.login,
            url=server.url,
            remote=found.remote,
            mountpoint=str(found.mountpoint),
            direction=found.direction_in_force.value,
            mode=found.mode.value,
            conflict=found.conflict.value,
            trash=found.trash.value,
            every=str(found.scheduler),
            filters=tuple(found.filters),
            paused=paused,
            enabled=found.enabled,
            disabled_there=found.is_stopped_there,
            on_server=sentence(there, found.name),
            configuration=str(folders.config_file),
            replica=str(folders.replica(found.name)),
            log=str(folders.log(found.name)),
            restriction=found.restriction,
            paused_until=found.paused_until if paused else None,
            limit_up=found.limit_up,
            limit_down=found.limit_down,
            permissions=found.permissions or None,
            changed=found.timestamp,
        )

    async def check(self, request: Check) -> Stream:
        """How far it is, and what was found. When the browser hangs up, it stops, and the drive is
        mounted again; a repair comes to its end first."""
        await self._drives.named(request.name)
        with ExitStack() as stack:
            stack.enter_context(self._live.checking(request.name))
            return Stream(self._check(request, stack.pop_all()))

    @asynccontextmanager
    async def _check(
        self, request: Check, ending: ExitStack
    ) -> AsyncIterator[AsyncIterator[object]]:
        from syncin_mount.app.support.copy_check import checking  # noqa: PLC0415 (memory)

        with ending:
            async with checking(
                self._drives.folders,
                request.name,
                contents=request.contents,
                repair=request.repair,
            ) as told:
                yield (_shown(each, request.name) async for each in told)


def _shown(each: Working | Ended, drive: str) -> At | Found | Refused:
    from syncin_mount.app.messages.store import (  # noqa: PLC0415 (memory)
        findings,
        outcome,
        trouble,
    )
    from syncin_mount.app.support.copy_check import Working  # noqa: PLC0415

    if isinstance(each, Working):
        return At(each.part.value, each.files, each.files_in_all, each.bytes, each.bytes_in_all)
    not_mounted = sentence_or_none(each.not_mounted, drive)
    if each.checked is None:
        why = sentence(each.error, drive)
        return Refused(why if not_mounted is None else f"{why}; {not_mounted}")
    lines = [*findings(each.checked), *outcome(each.checked)]
    return Found(
        tuple(lines[:MOST_SHOWN]),
        len(lines),
        bool(each.checked.left) and not each.checked.repaired,
        trouble(each.checked, drive) if each.checked.repaired else None,
        not_mounted,
    )
