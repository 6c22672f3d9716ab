"""Health checks, the last lines of the logs, and the report for a bug."""

from __future__ import annotations

import base64
import tempfile
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
import trio

from syncin_mount.app.errors import NotPossible
from syncin_mount.control.supervision import NAME as SUPERVISOR
from syncin_mount.language import ENGLISH, speaking, t
from syncin_mount.web.routes import Names, Nothing, Request, Route, Stream

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from syncin_mount.web.routes import Drives


class Lines(Request, frozen=True):
    """The last ``most`` lines that are at least so urgent, of these synchronizations' logs; with no
    names, of all logs and the supervisor's."""

    names: Names = ()
    level: Literal["debug", "info", "warning", "error"] = "info"
    most: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 200


class Checked(msgspec.Struct, frozen=True, tag_field="event", tag="checked"):
    """One thing that was looked at. ``state`` is ``fine``, ``note`` or ``wrong``, ``about`` the
    server or drive, ``remedy`` the word for what helps."""

    state: str
    about: str
    said: str
    remedy: str | None = None


class LogLine(msgspec.Struct, frozen=True):
    """A record. ``more`` is what else it says."""

    time: float | None
    level: str
    name: str
    said: str
    more: str = ""


class LogLines(msgspec.Struct, frozen=True):
    """Those that were asked for, the latest first."""

    lines: tuple[LogLine, ...]


class Report(msgspec.Struct, frozen=True):
    """An archive with names replaced, in base64; ``parts`` say what is in it."""

    name: str
    data: str
    parts: tuple[str, ...]


class Support:
    """The handlers."""

    def __init__(self, drives: Drives) -> None:
        self._drives = drives

    def routes(self) -> dict[str, Route]:
        return {
            "/api/health": Route(Nothing, self.health),
            "/api/report": Route(Nothing, self.report),
            "/api/logs": Route(Lines, self.logs),
        }

    async def health(self, _request: Nothing) -> Stream:
        """Each finding as it is found; ends when the browser hangs up."""
        return Stream(aclosing(self._findings()))

    async def _findings(self) -> AsyncGenerator[object, None]:
        from syncin_mount.app.messages import sentence  # noqa: PLC0415 (memory)
        from syncin_mount.app.support.health import Check, examine  # noqa: PLC0415 (memory)

        async for each in examine(self._drives.folders):
            remedy = None if each.remedy is None else each.remedy.value
            if each.check is Check.SERVER_REFUSES:
                remedy = "account"
            yield Checked(each.state.value, each.about, sentence(each), remedy)

    async def report(self, _request: Nothing) -> Report:
        """As `doctor --collect` writes it. Raises NotPossible."""
        from syncin_mount.app.support.support_report import (  # noqa: PLC0415 (memory)
            default_path,
            write_report,
        )

        with speaking(ENGLISH):  # whoever mends the program reads it
            found = [each async for each in self._findings()]
        said = [f"{each.state:<5}  {each.said}" for each in found if isinstance(each, Checked)]

        def collect() -> Report:
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / default_path().name
                parts = write_report(path, self._drives.folders, lambda: said, with_names=False)
                data = base64.b64encode(path.read_bytes()).decode()
            return Report(path.name, data, tuple(part.what for part in parts))

        try:
            return await trio.to_thread.run_sync(collect)
        except OSError as error:
            raise NotPossible(
                t("the report cannot be written ({strerror})", strerror=error.strerror)
            ) from error

    async def logs(self, request: Lines) -> LogLines:
        from syncin_mount.app.support.log_lines import latest  # noqa: PLC0415 (memory)

        known = (await self._drives.configuration()).synchronizations
        names = [name for name in request.names if name in known] or [*known, SUPERVISOR]
        files = [self._drives.folders.log(name) for name in names]
        found = await trio.to_thread.run_sync(latest, files, request.level, request.most)
        return LogLines(
            tuple(
                LogLine(None, "info", "", line)
                if entry is None
                else LogLine(
                    entry.time.timestamp(),
                    entry.level,
                    entry.sync,
                    entry.msg,
                    " ".join(f"{key}={value}" for key, value in entry.fields.items()),
                )
                for line, entry in reversed(found)
            )
        )
