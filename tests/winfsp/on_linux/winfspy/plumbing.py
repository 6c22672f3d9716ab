"""The binding: real memory of C, and the calls of WinFsp's library in Python."""

from __future__ import annotations

from typing import Any, NamedTuple

import cffi  # type: ignore[import-untyped]

ffi: Any = cffi.FFI()
ffi.cdef("""
typedef struct { char opaque[104]; } FSP_FSCTL_DIR_INFO;
typedef struct { char opaque[128]; } FSP_FSCTL_TRANSACT_RSP;
typedef struct { char opaque[8]; } FSP_FILE_SYSTEM;
""")


class SecurityDescriptor(NamedTuple):
    handle: Any
    size: int

    @classmethod
    def from_string(cls, text: str) -> SecurityDescriptor:
        return cls(ffi.new("char[]", text.encode()), len(text))


def get_winfsp_library_name() -> str:
    raise AssertionError("the library is `lib`")


class _Library:
    """Of each function what WinFsp's headers say."""

    def FspFileSystemGetOperationContext(self) -> Any:
        from winfspy import driver

        return driver.current().context

    def FspFileSystemSendResponse(self, file_system: Any, response: Any) -> None:
        from winfspy import driver

        driver.of(file_system).answer(bytes(ffi.buffer(response, 128)))

    def FspFileSystemAddDirInfo(self, entry: Any, buffer: Any, length: int, p_count: Any) -> bool:
        """Entries are aligned to 8 bytes; NULL adds the end, which is a size of zero."""
        size = 2 if entry == ffi.NULL else ffi.cast("uint16_t *", entry)[0]
        at = -(-p_count[0] // 8) * 8
        if at + size > length:
            return False
        target = ffi.cast("char *", buffer) + at
        if entry == ffi.NULL:
            ffi.memmove(target, b"\0\0", 2)
        else:
            ffi.memmove(target, ffi.cast("char *", entry), size)
        p_count[0] = at + size
        return True

    def FspFileSystemSetOperationGuardF(self, file_system: Any, enter: Any, leave: Any) -> None:
        from winfspy import driver

        assert enter == leave == ffi.NULL
        driver.of(file_system).has_guard = False

    def FspFileSystemStopDispatcher(self, file_system: Any) -> None:
        from winfspy import driver

        driver.of(file_system).stop()

    def FspFileSystemDelete(self, file_system: Any) -> None:
        from winfspy import driver

        driver.forget(file_system)

    # The frontend calls these by ctypes on Windows, with addresses.

    def FspFileSystemNotifyBegin(self, file_system: int, _timeout: int) -> int:
        from winfspy import driver

        status: int = driver.of(file_system).begin_notices()
        return status

    def FspFileSystemNotify(self, file_system: int, notices: bytes, size: int) -> int:
        from winfspy import driver

        assert len(notices) == size
        driver.of(file_system).notices.append(notices)
        return 0

    def FspFileSystemNotifyEnd(self, file_system: int) -> int:
        from winfspy import driver

        status: int = driver.of(file_system).end_notices()
        return status


lib: Any = _Library()
