"""As much of HTTP/1.1 as a daemon's control API speaks: bytes out, and bytes in as they come.
Pure."""

from __future__ import annotations

import json
from typing import Any

LARGEST_REQUEST = 60 * 1024
"""Bytes of a body: a daemon takes 64 KiB."""

LARGEST_ANSWER = 8 * 1024 * 1024
"""Bytes that an answer has while it is not understood yet."""


class Nonsense(Exception):
    """What came is no answer of a daemon."""


def request(path: str, body: Any = None) -> bytes:
    """A POST; ``body`` is what JSON can hold."""
    data = b"" if body is None else json.dumps(body, separators=(",", ":")).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: drive\r\nContent-Length: {len(data)}\r\n\r\n"
    return head.encode() + data


class Answers:
    """Takes what comes on one connection, and gives the values of JSON that are whole."""

    def __init__(self, *, lines: bool) -> None:
        """``lines``: one answer that does not end, whose lines are values."""
        self._lines = lines
        self._rest = bytearray()
        self._text = bytearray()
        self._left: int | None = None  # bytes of this body or chunk that are still to come
        self._chunked = False
        self._in_body = False

    def take(self, data: bytes) -> list[Any]:
        """The values that are whole now. Raises Nonsense."""
        self._rest += data
        if len(self._rest) + len(self._text) > LARGEST_ANSWER:
            raise Nonsense
        found: list[Any] = []
        try:
            while self._step(found):
                pass
        except (ValueError, IndexError) as error:
            raise Nonsense from error
        return found

    def _step(self, found: list[Any]) -> bool:
        """Whether there may be more to do."""
        if not self._in_body:
            return self._head()
        if self._left is None:
            return self._chunk_size(found)
        part = self._rest[: self._left]
        del self._rest[: len(part)]
        self._text += part
        self._left -= len(part)
        if self._lines:
            *whole, self._text = self._text.split(b"\n")
            found += [json.loads(line) for line in whole if line]
        if self._left:
            return False
        if self._chunked:
            if len(self._rest) < 2:
                return False
            del self._rest[:2]
            self._left = None
            return True
        self._end(found)
        return True

    def _head(self) -> bool:
        end = self._rest.find(b"\r\n\r\n")
        if end < 0:
            return False
        first, *headers = bytes(self._rest[:end]).decode("latin-1").split("\r\n")
        del self._rest[: end + 4]
        if first.split()[1] != "200":
            raise Nonsense
        values = {
            name.strip().lower(): value.strip()
            for name, _, value in (h.partition(":") for h in headers)
        }
        self._chunked = "chunked" in values.get("transfer-encoding", "")
        self._left = (
            None
            if self._chunked
            else int(values["content-length"])
            if "content-length" in values
            else 0
        )
        self._in_body = True
        return True

    def _chunk_size(self, found: list[Any]) -> bool:
        end = self._rest.find(b"\r\n")
        if end < 0:
            return False
        size = int(bytes(self._rest[:end]), 16)
        if size == 0:
            if len(self._rest) < end + 4:
                return False
            del self._rest[: end + 4]
            self._end(found)
            return True
        del self._rest[: end + 2]
        self._left = size
        return True

    def _end(self, found: list[Any]) -> None:
        if self._lines:
            raise Nonsense  # the daemon ends it only when it ends itself
        found.append(json.loads(bytes(self._text)))
        self._text.clear()
        self._in_body = False
