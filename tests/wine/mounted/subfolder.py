"""A folder of the drive as a drive of its own, for the kernel of tests: a sequence that is about
"the top" runs beside others on one drive."""

from __future__ import annotations

import ctypes
import struct

from tests.winfsp.transports import Answer, Transport

_PATHS = {
    **dict.fromkeys(("get_security_by_name", "create", "open"), (0,)),
    **dict.fromkeys(("cleanup", "can_delete"), (1,)),
    "rename": (1, 2),
}
"""Which arguments are paths; cleanup has 0 for one where nothing is deleted."""
_INFO = {"create": 7, "open": 4}
"""Which argument is FSP_FSCTL_OPEN_FILE_INFO, with the normalized name."""
_NAME_AT = 72
_NAME_IN_ENTRY = 104
_NO_NAME = 2048
"""What the kernel of tests gives as the room for the name, left so where none is told."""


class Subfolder:
    """A `Transport`. ``folder`` is its path on Windows, without a backslash at the end."""

    def __init__(self, drive: Transport, folder: str) -> None:
        self._drive = drive
        self._folder = folder
        self._tops: set[int] = set()
        """What is open of the folder itself: a drive's top lists no dots."""

    def call(self, name: str, *arguments: int) -> Answer:
        kept, given = [], list(arguments)
        for at in _PATHS.get(name, ()):
            if given[at]:
                path = ctypes.wstring_at(given[at])
                inner = self._folder if path == "\\" else self._folder + path
                kept.append(ctypes.create_unicode_buffer(inner))
                given[at] = ctypes.addressof(kept[-1])
        answer = self._drive.call(name, *given)
        if name in _INFO and answer.status == 0:
            if self._cut(arguments[_INFO[name]]) == "\\":
                context = arguments[_INFO[name] - 1]
                self._tops.add(ctypes.c_uint64.from_address(context).value)
        elif name == "close":
            self._tops.discard(arguments[0])
        elif name == "read_directory" and arguments[0] in self._tops and not arguments[2]:
            return self._without_dots(answer, *arguments)
        return answer

    def _without_dots(self, answer: Answer, context: int, *others: int) -> Answer:
        """The beginning of a listing, or what follows where that were the dots alone."""
        _, _, buffer, room, count = others
        size = ctypes.c_uint32.from_address(count)
        raw, at = ctypes.string_at(buffer, size.value), 0
        for dots in (".", ".."):
            length = _NAME_IN_ENTRY + 2 * len(dots)
            if raw[at + _NAME_IN_ENTRY : at + length].decode("utf-16-le") == dots:
                at += -(-length // 8) * 8
        if at >= len(raw):
            last = ctypes.create_unicode_buffer("..")
            return self._drive.call(
                "read_directory", context, 0, ctypes.addressof(last), buffer, room, count
            )
        ctypes.memmove(buffer, raw[at:], len(raw) - at)
        size.value = len(raw) - at
        return answer

    def _cut(self, info: int) -> str:
        """The name is told as this drive has it; returns that."""
        head = (ctypes.c_char * (_NAME_AT + 10)).from_address(info)
        buffer, size = struct.unpack_from("<QH", head, _NAME_AT)
        if size == _NO_NAME:
            return ""
        shown = ctypes.string_at(buffer, size).decode("utf-16-le", "surrogatepass")
        assert shown.upper().startswith(self._folder.upper()), shown
        told = shown[len(self._folder) :] or "\\"
        raw = told.encode("utf-16-le", "surrogatepass")
        ctypes.memmove(buffer, raw, len(raw))
        struct.pack_into("<H", head, _NAME_AT + 8, len(raw))
        return told

    def notices(self) -> list[bytes]:
        return self._drive.notices()

    def rename_is_under_way(self, tries: int) -> None:
        self._drive.rename_is_under_way(tries)
