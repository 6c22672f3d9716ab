"""The heads of answers, before the HTTP parser sees them: interim ones (1xx) go, and a whole one
comes at once."""

from __future__ import annotations

import re

import httpcore

from reconciler.phrases import Phrase

HEAD_BYTES = 64 * 1024
"""A head that is longer is handed on in parts: the parser refuses it."""

INTERIM_BYTES = 1024 * 1024
"""So many bytes of interim answers before one answer, and no more: some thousands of them."""

_END = re.compile(rb"\n\r?\n")
_LONG_NUMBER = re.compile(rb"(?i)\ncontent-length:[ \t]*[0-9]{19}")
_START = b"HTTP/1."


class Heads:
    """Pure: bytes of one answer in, the same without interim answers out, nothing of a head before
    all of it."""

    def __init__(self) -> None:
        self.waiting = False
        """Whether the head of the answer is still to come."""
        self._kept_back = b""
        self._dropped = 0

    def begin(self) -> None:
        """A request goes out. What has come of its answer's head already, while the request was
        sent, stays."""
        if not self.waiting:
            self.waiting, self._kept_back, self._dropped = True, b"", 0

    def feed(self, data: bytes) -> bytes:
        """What can be passed on; ``b""`` when more is needed. Raises httpcore.RemoteProtocolError
        for interim answers without end, and for a length that no body has."""
        if not self.waiting:
            return data
        data, self._kept_back = self._kept_back + data, b""
        while data:
            end = _END.search(data)
            if end is None:
                if len(data) <= HEAD_BYTES and data.startswith(_START[: len(data)]):
                    self._kept_back = data
                    return b""
                break
            head = data[: end.end()]
            if not _is_interim(head):
                if _LONG_NUMBER.search(head):
                    raise httpcore.RemoteProtocolError(Phrase("a length that no body has"))
                break
            data = data[end.end() :]
            self._dropped += len(head)
            if self._dropped > INTERIM_BYTES:
                raise httpcore.RemoteProtocolError(Phrase("interim answers without end"))
        self.waiting = not data
        return data

    def end(self) -> bytes:
        """What is left at the end of the connection."""
        held, self._kept_back, self.waiting = self._kept_back, b"", False
        return held


def _is_interim(head: bytes) -> bool:
    """101 is none: another protocol follows it."""
    return head.startswith((b"HTTP/1.1 1", b"HTTP/1.0 1")) and head[9:12] != b"101"
