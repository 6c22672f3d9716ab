"""Asks a daemon how it is, without an event loop: `syncin-mount status` is typed all the time, and
to import trio and httpx takes twice as long as all else that it does.

h11 speaks HTTP (it is what httpx and hypercorn use), over a plain socket.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import h11
import msgspec

from syncin_mount.advice import READER_HEADER, reader
from syncin_mount.control import silence
from syncin_mount.control.failures import AnswerCut, NoAnswer, NotRunning, OtherVersion, check
from syncin_mount.control.messages import Call, Status
from syncin_mount.control.transport import StrangerListens, address, connect
from syncin_mount.language import current

if TYPE_CHECKING:
    import socket
    from pathlib import Path

    from syncin_mount.control.transport import Address

CONNECT_S = 5.0

_PIECE = 64 * 1024


def read_status(path: Path) -> Status:
    """The status of the daemon that listens at ``path``. Blocks, for as long as one gets
    (`syncin_mount.control.silence`) where the daemon says nothing.

    Raises NotRunning, NoAnswer, another ControlError, or the RemoteError that the daemon met."""
    status, content = _answer(path)
    check(status, content)
    try:
        return msgspec.json.decode(content, type=Status)
    except msgspec.MsgspecError as error:
        raise OtherVersion from error


def _answer(path: Path) -> tuple[int, bytes]:
    """HTTP status and body."""
    try:
        where = address(path)
        connection = connect(path, CONNECT_S)
    except (TimeoutError, BlockingIOError) as error:  # too many wait to be accepted
        raise NoAnswer(path) from error
    except StrangerListens as error:
        raise NotRunning.stranger(path) from error
    except OSError as error:
        raise NotRunning.nobody() from error
    with connection:
        connection.settimeout(silence.patience(path))
        try:
            found = _exchange(connection, where)
            silence.heard(path)
            return found
        except TimeoutError as error:
            silence.silent(path)
            raise NoAnswer(path) from error
        except (OSError, h11.RemoteProtocolError) as error:
            raise AnswerCut from error


def _exchange(connection: socket.socket, where: Address) -> tuple[int, bytes]:
    method, target = Call.STATUS.value
    http = h11.Connection(h11.CLIENT)
    headers = {
        "host": where.host,
        **where.headers,
        "accept-language": current(),
        READER_HEADER: reader().value,
        "connection": "close",
    }
    request = h11.Request(method=method, target=target, headers=list(headers.items()))
    connection.sendall((http.send(request) or b"") + (http.send(h11.EndOfMessage()) or b""))
    status, pieces = 0, list[bytes]()
    while True:
        event = http.next_event()
        if event is h11.NEED_DATA:
            http.receive_data(connection.recv(_PIECE))
        elif isinstance(event, h11.Response):
            status = event.status_code
        elif isinstance(event, h11.Data):
            pieces.append(bytes(event.data))
        elif isinstance(event, h11.EndOfMessage):
            return status, b"".join(pieces)
        elif isinstance(event, h11.ConnectionClosed):
            raise AnswerCut
