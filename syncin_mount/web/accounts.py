"""Logging in again, where a server does not accept this computer's token any more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec

from reconciler.errors import RemoteError
from syncin_mount.app.errors import InvalidRequest
from syncin_mount.app.messages import sentence
from syncin_mount.app.processes.notices import Notice
from syncin_mount.app.processes.notify import notify
from syncin_mount.language import t
from syncin_mount.web.routes import Done, Name, Refused, Request, Route

if TYPE_CHECKING:
    from syncin_mount.web.live import Live
    from syncin_mount.web.routes import Drives


class LogIn(Request, frozen=True):
    """A password, and the second factor's code where it was asked for."""

    server: Name
    password: Annotated[str, msgspec.Meta(min_length=1, max_length=1024)]
    code: Annotated[str, msgspec.Meta(max_length=64)] | None = None


class LogIns:
    """The handlers."""

    def __init__(self, drives: Drives, live: Live) -> None:
        self._drives = drives
        self._live = live

    def routes(self) -> dict[str, Route]:
        return {"/api/log-in": Route(LogIn, self.log_in)}

    async def log_in(self, request: LogIn) -> Done | Refused:
        """Its drives go on at once. Raises RemoteError, NotPossible; answers that a code is
        wanted."""
        from syncin_mount.app.accounts import log_in  # noqa: PLC0415 (memory)

        configuration = await self._drives.configuration()
        server = configuration.servers.get(request.server)
        if server is None:
            raise InvalidRequest(t("there is no server '{server}' any more", server=request.server))
        log_in.refuse_clear(server)
        try:
            await log_in.log_in(self._drives.folders, server, request.password, request.code)
        except RemoteError as error:
            helps = log_in.help_against(error)
            if helps is not None and helps.name == "GIVE_CODE":
                return Refused(sentence(error), "code")
            raise
        names = configuration.used_by(server.name)
        missed = await notify(self._drives.folders, names, Notice.SERVER)
        self._live.look_now()
        return Done(next((sentence(each) for each in missed), None))
