"""Settings that hold for the whole program."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Literal

import msgspec
import trio

from syncin_mount.app.messages import sentence
from syncin_mount.language.catalogues import OWN_NAMES
from syncin_mount.web.routes import Done, Nothing, Request, Route

if TYPE_CHECKING:
    from syncin_mount.web.live import Live
    from syncin_mount.web.routes import Drives


class EditProgram(Request, frozen=True):
    """What changes; None stays as it is."""

    notifications: bool | None = None
    tray: bool | None = None
    log: Literal["debug", "info", "warning"] | None = None
    language: Literal["auto", "de", "en", "fr"] | None = None


class StartAtLogin(Request, frozen=True):
    """Whether the drives are to be there from every log-in on."""

    wanted: bool


class ProgramSettings(msgspec.Struct, frozen=True):
    """As they are; ``file`` is where they are kept. ``languages`` are those that can be chosen,
    each with its name in itself. ``at_login`` is ``on``, ``off`` or ``impossible``."""

    notifications: bool
    tray: bool
    log: str
    language: str
    languages: tuple[tuple[str, str], ...]
    scheduler: str
    file: str
    at_login: str


class ProgramPart:
    """The handlers."""

    def __init__(self, drives: Drives, live: Live) -> None:
        self._drives = drives
        self._live = live

    def routes(self) -> dict[str, Route]:
        return {
            "/api/program": Route(Nothing, self.settings),
            "/api/program/edit": Route(EditProgram, self.edit),
            "/api/at-login": Route(StartAtLogin, self.start_at_login),
        }

    async def settings(self, _request: Nothing) -> ProgramSettings:
        from syncin_mount.app.processes.at_login import look  # noqa: PLC0415 (memory)

        now = await self._drives.configuration()
        file = self._drives.folders.config_file
        language = now.language or "auto"
        names = tuple(sorted(OWN_NAMES.items(), key=lambda each: each[1]))
        return ProgramSettings(
            notifications=now.notifications,
            tray=now.tray,
            log=now.log.value,
            language=language,
            languages=names,
            scheduler=now.scheduling.value,
            file=str(file),
            at_login=(await trio.to_thread.run_sync(look)).value,
        )

    async def start_at_login(self, request: StartAtLogin) -> Done:
        """The supervisor, which serves the page, runs already."""
        from syncin_mount.app.processes import at_login  # noqa: PLC0415 (memory)

        if request.wanted:
            await trio.to_thread.run_sync(partial(at_login.begin, running=True))
        else:
            await trio.to_thread.run_sync(at_login.end)
        return Done()

    async def edit(self, request: EditProgram) -> Done:
        from syncin_mount.app.settings.program import (  # noqa: PLC0415 (memory)
            ProgramEdits,
            edit_program,
        )
        from syncin_mount.config import LogLevel  # noqa: PLC0415

        edits = ProgramEdits(
            notifications=request.notifications,
            tray=request.tray,
            log=None if request.log is None else LogLevel(request.log),
            language=request.language,
        )
        _, missed = await edit_program(self._drives.folders, edits)
        self._live.look_now()
        return Done(next((sentence(each) for each in missed), None))
