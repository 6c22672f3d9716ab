"""The same on Windows: processes without a window, held by handles.

There are no signals that another process could be sent: who wants one to end in order says so over
its control API. (``os.kill`` ends a process at once, whatever signal it is given.)
"""

from __future__ import annotations

import ctypes
import msvcrt
import os
import subprocess
import sys
from ctypes import wintypes
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    import trio

assert sys.platform == "win32"

_KERNEL32 = ctypes.WinDLL("kernel32", use_last_error=True)
_KERNEL32.OpenProcess.restype = wintypes.HANDLE
_KERNEL32.OpenProcess.argtypes = (wintypes.DWORD, wintypes.BOOL, wintypes.DWORD)
_KERNEL32.CloseHandle.restype = wintypes.BOOL
_KERNEL32.CloseHandle.argtypes = (wintypes.HANDLE,)
_KERNEL32.WaitForSingleObject.restype = wintypes.DWORD
_KERNEL32.WaitForSingleObject.argtypes = (wintypes.HANDLE, wintypes.DWORD)
_KERNEL32.TerminateProcess.restype = wintypes.BOOL
_KERNEL32.TerminateProcess.argtypes = (wintypes.HANDLE, wintypes.UINT)

_WAIT: Final = 0x0010_0000  # SYNCHRONIZE
_END: Final = 0x0001  # PROCESS_TERMINATE
_TIMEOUT: Final = 258
_NO_SUCH_PROCESS: Final = 87  # "the parameter is incorrect"
_KILLED: Final = 137
"""The exit status of a process that was ended: 128 and the number of SIGKILL, as shells show it."""


class Held:
    """A process, held by a handle, so that no other is ever meant, whatever number it gets. To be
    closed."""

    def __init__(self, pid: int) -> None:
        """Raises ProcessLookupError when it has ended."""
        self._handle: int | None = _opened(pid, _WAIT)

    def ask_to_end(self) -> bool:
        """Whether a signal can ask it to end in order: none can."""
        return False

    async def ended(self) -> None:
        """Returns when it is gone."""
        import trio  # noqa: PLC0415 (start-up time)

        assert self._handle is not None
        await trio.lowlevel.WaitForSingleObject(self._handle)

    def has_ended(self) -> bool:
        """Whether it is gone."""
        assert self._handle is not None
        return bool(_KERNEL32.WaitForSingleObject(self._handle, 0) != _TIMEOUT)

    def close(self) -> None:
        _KERNEL32.CloseHandle(self._handle)
        self._handle = None


def alive(pid: int) -> bool:
    """Whether the process runs; one that does not let itself be asked does."""
    try:
        held = Held(pid)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        return not held.has_ended()
    finally:
        held.close()


def kill(pid: int) -> None:
    """Ends it as a power cut would. Raises ProcessLookupError, PermissionError."""
    process = _opened(pid, _END)
    try:
        if not _KERNEL32.TerminateProcess(process, _KILLED):
            raise ctypes.WinError(ctypes.get_last_error())
    finally:
        _KERNEL32.CloseHandle(process)


def _opened(pid: int, rights: int) -> int:
    handle: int | None = _KERNEL32.OpenProcess(rights, False, pid)
    if not handle:
        code = ctypes.get_last_error()
        if code == _NO_SUCH_PROCESS:
            raise ProcessLookupError(pid)
        raise ctypes.WinError(code)
    return handle


def word_from(writer: int) -> int:
    """The number by which a child knows this end of a pipe: that of its handle."""
    return msvcrt.get_osfhandle(writer)


def detached(writer: int) -> dict[str, Any]:
    """How `subprocess.Popen` starts a child that outlives us, has no window and no part in our
    console, and holds no folder; it gets this end of a pipe."""
    handle = msvcrt.get_osfhandle(writer)
    os.set_handle_inheritable(handle, True)
    return {
        "cwd": Path(sys.executable).anchor,
        # No other handle than these: a child would keep open whatever it has.
        "startupinfo": subprocess.STARTUPINFO(lpAttributeList={"handle_list": [handle]}),
        "creationflags": subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP,
    }


def apart(words: Sequence[str]) -> tuple[list[str], dict[str, Any]]:
    """The words and options by which `trio.run_process` starts a command without a window, which
    `end_apart` can end."""
    return list(words), {
        "cwd": Path(sys.executable).anchor,
        "creationflags": subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP,
    }


async def end_apart(process: trio.Process, grace: float) -> None:  # noqa: ARG001 (there is none)
    """Ends what `apart` started at once: there is no signal that asks for it. What the command
    started goes on."""
    process.terminate()


def word_pipe(number: int) -> int:
    """The descriptor for the number that the starter gave. Children of ours do not keep it open."""
    os.set_handle_inheritable(number, False)
    return msvcrt.open_osfhandle(number, os.O_WRONLY | os.O_BINARY | os.O_NOINHERIT)


async def first_word(reader: int) -> bytes:
    """The line that is said first on a pipe, empty when it ends without one; the descriptor is
    closed. Cancelled, a thread is left that waits for it."""
    import trio  # noqa: PLC0415 (start-up time)

    def read() -> bytes:
        with os.fdopen(reader, "rb") as said:
            return said.readline()

    return await trio.to_thread.run_sync(read, abandon_on_cancel=True)
