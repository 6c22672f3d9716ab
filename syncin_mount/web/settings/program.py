"""Settings that hold for the whole program."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

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


class ProgramSettings(msgspec.Struct, frozen=True):
    """As they are; ``file`` is where they are kept. ``languages`` are those that can be chosen,
    each with its name in itself."""

    notifications: bool
    tray: bool
    log: str
    language: str
    languages: tuple[tuple[str, str], ...]
    scheduler: str
    file: str


class ProgramPart:
    """The handlers."""

    def __init__(self, drives: Drives, live: Live) -> None:
        self._drives = drives
        self._live = live

    def routes(self) -> dict[str, Route]:
        return {
            "/api/program": Route(Nothing, self.settings),
            "/api/program/edit": Route(EditProgram, self.edit),
        }

    async def settings(self, _request: Nothing) -> ProgramSettings:
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
        )

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
