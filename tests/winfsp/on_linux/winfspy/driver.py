"""What WinFsp's library does between the driver and a file system: a few threads of its own, each
with one request at a time; who answers later (STATUS_PENDING) keeps none."""

from __future__ import annotations

import itertools
import queue
import struct
import threading
from dataclasses import dataclass, field
from typing import Any

from winfspy.plumbing import ffi

THREADS = 4
PENDING = 0x103
CANT_WAIT = 0xC00000D8
REFUSES_TO_MOUNT = False
"""A test sets it."""

_POINTERS = {"name": "char16_t *", "bytes": "char *", "u32": "uint32_t *", "size": "size_t *"}
_POINTERS |= {"any": "void *", "context": "void **"}

REQUESTS: dict[str, tuple[str, ...]] = {
    "get_volume_info": ("any",),
    "set_volume_label": ("name", "any"),
    "get_security_by_name": ("name", "u32", "any", "size"),
    "create": ("name", "", "", "", "any", "", "context", "any"),
    "open": ("name", "", "", "context", "any"),
    "overwrite": ("any", "", "", "", "any"),
    "cleanup": ("any", "name", ""),
    "close": ("any",),
    "read": ("any", "any", "", "", "u32"),
    "write": ("any", "any", "", "", "", "", "u32", "any"),
    "flush": ("any", "any"),
    "get_file_info": ("any", "any"),
    "set_basic_info": ("any", "", "", "", "", "", "any"),
    "set_file_size": ("any", "", "", "any"),
    "can_delete": ("any", "name"),
    "rename": ("any", "name", "name", ""),
    "get_security": ("any", "any", "size"),
    "set_security": ("any", "", "any"),
    "read_directory": ("any", "name", "name", "any", "", "u32"),
    "get_dir_info_by_name": ("any", "name", "any"),
}
"""What each request's arguments point to; "": they are values."""


@dataclass(eq=False)
class Request:
    name: str
    arguments: tuple[int, ...]
    hint: int
    done: threading.Event = field(default_factory=threading.Event)
    status: int = 0
    count: int = 0
    info: bytes = b""
    was_pending: bool = False

    def __post_init__(self) -> None:
        self._head = ffi.new("char[]", struct.pack("<HHIQ", 0, 16, 0, self.hint))
        self.context = ffi.new("uintptr_t[]", [int(ffi.cast("uintptr_t", self._head)), 0])


_local = threading.local()
_drivers: dict[int, Driver] = {}
_numbers = itertools.count(1)


def current() -> Request:
    request: Request = _local.request
    return request


def of(file_system: Any) -> Driver:
    return _drivers[int(ffi.cast("uintptr_t", file_system))]


def last() -> Driver:
    return list(_drivers.values())[-1]


def forget(file_system: Any) -> None:
    del _drivers[int(ffi.cast("uintptr_t", file_system))]


class Driver:
    def __init__(self, operations: Any) -> None:
        self.number = next(_numbers)
        _drivers[self.number] = self
        self.has_guard = True
        self.notices: list[bytes] = []
        self.renames_under_way = 0
        self._notifying = False
        self._operations = operations
        self._queue: queue.SimpleQueue[Request | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._pending: dict[int, Request] = {}
        self._hints = itertools.count(1)

    def start(self) -> None:
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(THREADS)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        for _ in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            thread.join()

    def call(self, name: str, *arguments: int) -> Request:
        """Has a thread do it, and waits for its answer."""
        request = Request(name, arguments, next(self._hints))
        self._pending[request.hint] = request
        self._queue.put(request)
        request.done.wait()
        return request

    def _work(self) -> None:
        while (request := self._queue.get()) is not None:
            _local.request = request
            method = getattr(self._operations, f"ll_{request.name}")
            kinds = REQUESTS[request.name]
            arguments = [
                ffi.cast(_POINTERS[kind], value) if kind else value
                for kind, value in zip(kinds, request.arguments, strict=True)
            ]
            status = int(method(*arguments) or 0)
            if status == PENDING:
                continue
            request.status = status
            del self._pending[request.hint]
            request.done.set()

    def answer(self, response: bytes) -> None:
        _, _, kind, hint, count, status = struct.unpack_from("<HHIQII", response)
        request = self._pending.pop(hint)
        request.was_pending = True
        assert kind == {"read": 5, "write": 6}[request.name]
        request.status, request.count, request.info = status, count, response[24:96]
        request.done.set()

    def begin_notices(self) -> int:
        assert not self._notifying
        if self.renames_under_way:
            self.renames_under_way -= 1
            return CANT_WAIT
        self._notifying = True
        return 0

    def end_notices(self) -> int:
        assert self._notifying
        self._notifying = False
        return 0
