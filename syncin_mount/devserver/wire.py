"""The HTTP edge: a request as the handlers see it, and the few shapes an answer can have.

The server speaks raw ASGI. Everything that depends on that (messages, header lists, disconnects) is
in this module and in `app`; handlers get a `Request` and return an `Answer` or raise `Refusal`.
"""

from __future__ import annotations

import errno
import json
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import parse_qsl, unquote_to_bytes

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Scope = MutableMapping[str, Any]

#: The largest JSON or gzip body that is read into memory, in bytes; uploads stream and have no
#: limit.
BODY_LIMIT = 25 * 1024 * 1024
_JSON_TYPE = b"application/json; charset=utf-8"


class ClientGone(Exception):  # a state of the connection
    """The connection ended before the request body did."""


class Refusal(Exception):  # an answer, not a failure
    """A request that is answered with an error status and a JSON body.

    `named` gives the body the third member `error` that the real server's framework adds to what it
    refuses itself (validation, unknown routes); what the application refuses has status and message
    alone.
    """

    def __init__(self, status: int, message: str | list[str], *, named: str | None = None) -> None:
        super().__init__(f"{status} {message}")
        self.status = status
        self.message = message
        self.named = named

    def answer(self) -> Answer:
        if self.named is None:
            return json_answer({"statusCode": self.status, "message": self.message}, self.status)
        return json_answer(
            {"message": self.message, "error": self.named, "statusCode": self.status}, self.status
        )


class Unauthorized(Refusal):
    """No token, or none that counts (any more)."""

    def __init__(self) -> None:
        super().__init__(401, "Unauthorized")


def bad_request(message: str | list[str]) -> Refusal:
    """A 400 of the validators."""
    return Refusal(400, message, named="Bad Request")


def not_allowed() -> Refusal:
    """The 403 of a missing permission."""
    return Refusal(403, "You are not allowed to do this action")


def not_found() -> Refusal:
    """The 404 of a missing file or folder."""
    return Refusal(404, "Location not found")


_NODE_ERRORS = {
    errno.ENOENT: "ENOENT: no such file or directory",
    errno.EEXIST: "EEXIST: file already exists",
    errno.ENOTDIR: "ENOTDIR: not a directory",
    errno.EISDIR: "EISDIR: illegal operation on a directory",
    errno.ENAMETOOLONG: "ENAMETOOLONG: name too long",
    errno.EACCES: "EACCES: permission denied",
    errno.EPERM: "EPERM: operation not permitted",
    errno.ENOSPC: "ENOSPC: no space left on device",
    errno.EROFS: "EROFS: read-only file system",
    errno.ELOOP: "ELOOP: too many symbolic links encountered",
}


def os_refusal(error: OSError) -> Refusal:
    """A failed file operation is a 500 whose message is Node's text for the errno, without the
    path."""
    known = _NODE_ERRORS.get(error.errno or 0)
    return Refusal(
        500, known or f"{errno.errorcode.get(error.errno or 0, 'UNKNOWN')}: {error.strerror}"
    )


class BodySource(Protocol):
    """A body that is produced while it is sent. `close` is called once, also when sending fails or
    is cancelled."""

    async def read(self) -> bytes:
        """The next piece, b"" at the end."""

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Answer:
    """`body` is bytes (sent with a Content-Length) or a source (sent chunked unless the headers
    give the length)."""

    status: int
    body: bytes | BodySource = b""
    headers: tuple[tuple[bytes, bytes], ...] = ()


DEPTH = 64
"""JSON that is nested more deeply is refused."""


def parsed(body: bytes) -> Any:
    """A JSON body. Half a surrogate pair becomes the replacement character, as where the real
    server writes it. Raises ValueError, also for what is nested too deeply."""
    text = body.decode()
    try:
        value = json.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if _is_deeper(value, DEPTH):
        raise ValueError("nested too deeply")
    if "\\ud" in text.lower():
        whole = json.dumps(value, ensure_ascii=False).encode("utf-16", "surrogatepass")
        value = json.loads(whole.decode("utf-16", "replace"))
    return value


def _is_deeper(value: Any, most: int) -> bool:
    level = [value]
    for _ in range(most):
        level = [
            child
            for each in level
            if isinstance(each, dict | list)
            for child in (each.values() if isinstance(each, dict) else each)
        ]
        if not level:
            return False
    return True


def json_answer(value: object, status: int = 200) -> Answer:
    """`value` as compact JSON."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return Answer(status, text.encode("utf-8", "replace"), ((b"content-type", _JSON_TYPE),))


def empty(status: int = 200) -> Answer:
    """An answer without a body."""
    return Answer(status)


@dataclass(slots=True)
class Request:
    """One request. `path` is percent-decoded, whole: an encoded slash separates, as on the real
    server."""

    method: str
    target: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    client_ip: str
    receive: Receive
    _ended: bool = field(default=False)

    def header(self, name: str) -> str | None:
        return self.headers.get(name)

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "").split(";")[0].strip().lower()

    async def read(self) -> bytes:
        """The next piece of the body, at most some 64 KiB; b"" at its end. Raises ClientGone when
        it ends too early."""
        while not self._ended:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                self._ended = True
                raise ClientGone
            self._ended = not message.get("more_body", False)
            if body := message.get("body", b""):
                return bytes(body)
        return b""

    async def drain(self) -> None:
        """Reads and drops what is left of the body, so that the connection stays usable after an
        early answer."""
        while await self.read():
            pass

    async def body(self, limit: int = BODY_LIMIT) -> bytes:
        collected = bytearray()
        while chunk := await self.read():
            collected += chunk
            if len(collected) > limit:
                raise Refusal(413, "Request body is too large")
        return bytes(collected)

    async def json(self) -> Any:
        """The parsed JSON body; {} when it is not declared as JSON, as the real server's validators
        see it."""
        body = await self.body()
        if self.content_type != "application/json":
            return {}
        if "gzip" in self.headers.get("content-encoding", ""):
            raise Refusal(400, "Request body size did not match Content-Length")
        if not body:
            raise Refusal(
                400, "Body cannot be empty when content-type is set to 'application/json'"
            )
        try:
            return parsed(body)
        except ValueError as error:
            raise Refusal(
                400, "Body is not valid JSON but content-type is set to 'application/json'"
            ) from error

    async def object(self) -> dict[str, Any]:
        value = await self.json()
        return value if isinstance(value, dict) else {}


def decode_path(raw: bytes, target: str) -> str:
    """What `decodeURIComponent` makes of a path; text that is no valid UTF-8 or has a stray `%` is
    refused."""
    rest = raw
    while (at := rest.find(b"%")) >= 0:
        if len(rest) < at + 3 or any(
            digit not in b"0123456789abcdefABCDEF" for digit in rest[at + 1 : at + 3]
        ):
            raise BadUrl(target)
        rest = rest[at + 3 :]
    try:
        return unquote_to_bytes(raw).decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadUrl(target) from error


class BadUrl(Exception):  # an answer, not a failure
    """A path that is no URL component; answered by the framework before any route or token is
    looked at."""

    def answer(self) -> Answer:
        value = {
            "error": "Bad Request",
            "code": "FST_ERR_BAD_URL",
            "message": f"'{self.args[0]}' is not a valid url component",
            "statusCode": 400,
        }
        return Answer(
            400,
            json.dumps(value, ensure_ascii=False).encode(),
            ((b"content-type", b"application/json"),),
        )


HEADERS_TOO_LARGE = Answer(
    431,
    b'{"error":"Request Header Fields Too Large",'
    b'"message":"Exceeded maximum allowed HTTP header size","statusCode":431}',
    ((b"content-type", b"application/json"),),
)


def read_scope(scope: Scope, receive: Receive) -> Request:
    """Raises BadUrl."""
    raw: bytes = scope["raw_path"]
    query_string: bytes = scope["query_string"]
    target = raw.decode("latin-1") + (f"?{query_string.decode('latin-1')}" if query_string else "")
    client = scope.get("client")
    return Request(
        method=scope["method"],
        target=target,
        path=decode_path(raw, target),
        query=dict(parse_qsl(query_string.decode("latin-1"), keep_blank_values=True)),
        headers={
            name.decode("latin-1").lower(): value.decode("latin-1")
            for name, value in scope["headers"]
        },
        client_ip=client[0] if client else "",
        receive=receive,
    )


async def send_answer(answer: Answer, send: Send) -> None:
    """Sends it all; closes a body source in any case."""
    headers = [*answer.headers, (b"connection", b"keep-alive"), (b"keep-alive", b"timeout=72")]
    if isinstance(answer.body, bytes):
        if answer.status != 304 and not any(name == b"content-length" for name, _ in headers):
            headers.append((b"content-length", str(len(answer.body)).encode()))
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body, "more_body": False})
        return
    try:
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        while chunk := await answer.body.read():
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
    finally:
        answer.body.close()
