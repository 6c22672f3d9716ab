"""Settings that hold for the whole program."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

import trio

from syncin_mount.app.processes.notices import Notice
from syncin_mount.app.processes.notify import notify
from syncin_mount.config import ConfigurationFile

if TYPE_CHECKING:
    from syncin_mount.app.processes.notices import Unnotified
    from syncin_mount.config import Configuration, Folders
    from syncin_mount.config.model import LogLevel


AUTO = "auto"
"""No language of its own: that of the environment, or of the browser."""


@dataclass(frozen=True, slots=True)
class ProgramEdits:
    """What changes; None stays as it is. The fields are those of `Configuration`. The log level
    holds for a drive, and for the supervisor, from its next start on. ``language`` is `AUTO` for
    that of the environment, or of the browser."""

    notifications: bool | None = None
    tray: bool | None = None
    log: LogLevel | None = None
    language: str | None = None

    def applied(self, present: Configuration) -> Configuration:
        """The configuration with them."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        given = {name: value for name, value in values.items() if value is not None}
        if self.language == AUTO:
            given["language"] = None
        return replace(present, **given)


async def edit_program(
    folders: Folders, edits: ProgramEdits
) -> tuple[Configuration, list[Unnotified]]:
    """Changes these settings. Returns the configuration, and the mounted drives that could not be
    told: they follow by themselves. Raises ConfigurationError."""
    written = await trio.to_thread.run_sync(ConfigurationFile(folders).update, edits.applied)
    return written, await notify(folders, written.synchronizations, Notice.CONFIGURATION)
