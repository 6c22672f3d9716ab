"""How a server is reached: as people type it, and tried before it is kept."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec

from reconciler.errors import RemoteError
from syncin_mount.app.errors import InvalidRequest, NotPossible
from syncin_mount.language import t
from syncin_mount.printable import printable
from syncin_mount.web.assistant.objections import Objected, objected
from syncin_mount.web.routes import PathText, Request

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syncin_mount.app.accounts.log_in import WayChange
    from syncin_mount.config import Server

Address = Annotated[str, msgspec.Meta(max_length=2048)]


class Way(Request, frozen=True, kw_only=True):
    """An address, and what it takes to reach it. A ``proxy`` is an address, ``none``, or "" for the
    environment's; None leaves the one that is there, with its log-in. The files are paths, "" for
    none. The ``insecure`` ones are what somebody agreed to."""

    url: Address
    insecure_tls: bool = False
    insecure_http: bool = False
    proxy: Address | None = None
    ca_file: PathText = ""
    client_cert: PathText = ""


class WrongWayError(Exception):
    """What cannot be used, and the ``field`` that it was typed into."""

    def __init__(self, field: str, error: Exception) -> None:
        super().__init__(str(error))
        self.field, self.error = field, error


def by_way(server: Server, way: Way) -> Server:
    """The server, reached so. Nothing is sent. Raises WrongWayError."""
    from syncin_mount.app.accounts.log_in import changed_way  # noqa: PLC0415 (memory)

    for field, change in _changes(way):
        try:
            server = changed_way(server, change)
        except (NotPossible, RemoteError) as error:
            raise WrongWayError(field, error) from error
    return server


def _changes(way: Way) -> Iterator[tuple[str, WayChange]]:
    """What changes, by the field that it is typed into."""
    from syncin_mount.app.accounts.log_in import (  # noqa: PLC0415 (memory)
        PROXY_OF_ENVIRONMENT,
        WayChange,
    )

    yield (
        "url",
        WayChange(
            url=_with_scheme(way.url),
            insecure_tls=way.insecure_tls,
            insecure_http=way.insecure_http,
        ),
    )
    if way.proxy is not None:
        yield "proxy", WayChange(proxy=way.proxy.strip() or PROXY_OF_ENVIRONMENT)
    yield "ca_file", WayChange(ca_file=_file(way.ca_file, "ca_file"))
    yield "client_cert", WayChange(client_cert=_file(way.client_cert, "client_cert"))


def _with_scheme(text: str) -> str:
    text = text.strip()
    return text if "://" in text else f"https://{text}"


def _file(text: str, field: str) -> Path:
    """Raises WrongWayError."""
    from syncin_mount.app.accounts.log_in import NO_FILE  # noqa: PLC0415 (memory)

    if not text.strip():
        return NO_FILE
    try:
        path = Path(os.path.normpath(Path.home() / Path(text.strip()).expanduser()))
    except RuntimeError as error:
        raise WrongWayError(field, InvalidRequest(t("type the path of a file"))) from error
    if not path.is_file():
        raise WrongWayError(
            field, InvalidRequest(t("there is no file {name}", name=printable(str(path))))
        )
    return path


async def tried(server: Server) -> Objected | None:
    """Why the server is not reached, and what would help; None where it answers. Nobody's login is
    sent."""
    from syncin_mount.app.accounts import account_changes, log_in  # noqa: PLC0415 (memory)

    try:
        log_in.refuse_clear(server)
        await log_in.probe_server(server)
    except (NotPossible, RemoteError) as error:
        found = objected(error, "url")
        if found.help != "certificate":
            return found
        shown = await account_changes.certificate_of(server)
        return msgspec.structs.replace(found, fingerprint=shown)
    return None
