r"""The operating system's calls, on Windows.

Three things differ for whoever keeps files there:

- A file that somebody opened can be renamed, replaced or removed only if every opener allowed it.
  `open_file` does; ``os.open`` does not. The name of a removed file stays until its last handle is
  closed, and nothing can be made under it till then. A file that is open cannot be replaced by
  another.
- Virus scanners and indexers open what was just written: `despite_scanners` waits for them.
- Who may read a file is what its folder's access list says, or its own (`close_to_others`). Modes
  say nothing.

There are no holes and there is no fsync of folders to rely on.
"""

from __future__ import annotations

import ctypes
import errno
import msvcrt
import os
import shutil
import stat
import sys
import time
from ctypes import wintypes
from pathlib import Path
from typing import Final

from reconciler.positioned import pread, pwrite
from syncin_mount.system.long_paths import extended
from syncin_mount.system.scanners import ACCESS_DENIED, SHARING_VIOLATION, despite_scanners

if sys.platform == "win32":
    from reconciler.positioned.windows import KERNEL32, Overlapped, at, last_error

assert sys.platform == "win32"

AnyPath = str | bytes | os.PathLike[str] | os.PathLike[bytes]

NO_FOLLOW: Final = 1 << 24
"""For `open_file`: a link at the path's end is refused. (Bits that the C runtime does not use.)"""
NO_WRITERS: Final = 1 << 25
"""For `open_file`: nobody may write to the file while it is open; BlockingIOError when somebody has
it open for writing already."""
OPEN: Final = os.O_RDWR | os.O_CREAT | os.O_NOINHERIT | os.O_BINARY
READ: Final = os.O_RDONLY | os.O_NOINHERIT | os.O_BINARY
OWNER: Final = (0, 0)
FIRST_MAP_BYTES: Final = 16 << 20
"""The size of a file's first map. The file has its length, and that much of the disk."""

# --- functions of Windows -------------------------------------------------------------------------

_GENERIC_READ: Final = 0x8000_0000
_GENERIC_WRITE: Final = 0x4000_0000
_WRITE_ATTRIBUTES: Final = 0x0100
_SHARE_ALL: Final = 7  # others may read, write, and rename or remove
_SHARE_WRITE: Final = 2
_NORMAL: Final = 0x80
_OPEN_REPARSE_POINT: Final = 0x0020_0000
_CREATE_NEW, _CREATE_ALWAYS, _OPEN_EXISTING, _OPEN_ALWAYS, _TRUNCATE_EXISTING = range(1, 6)
_INVALID_HANDLE: Final = ctypes.c_void_p(-1).value
_FILE_NOT_FOUND: Final = 2
_LOCK_VIOLATION: Final = 33
_LOCK_AT_ONCE: Final = 1
_LOCK_EXCLUSIVE: Final = 2
_STATUS_DELETE_PENDING: Final = 0xC000_0056
_REFUSALS: Final = frozenset({SHARING_VIOLATION, ACCESS_DENIED})

KERNEL32.CreateFileW.restype = wintypes.HANDLE
KERNEL32.CreateFileW.argtypes = (
    wintypes.LPCWSTR,
    wintypes.DWORD,
    wintypes.DWORD,
    wintypes.LPVOID,
    wintypes.DWORD,
    wintypes.DWORD,
    wintypes.HANDLE,
)
KERNEL32.ReOpenFile.restype = wintypes.HANDLE
KERNEL32.ReOpenFile.argtypes = (wintypes.HANDLE, wintypes.DWORD, wintypes.DWORD, wintypes.DWORD)
KERNEL32.CloseHandle.restype = wintypes.BOOL
KERNEL32.CloseHandle.argtypes = (wintypes.HANDLE,)
KERNEL32.SetFileTime.restype = wintypes.BOOL
KERNEL32.SetFileTime.argtypes = (wintypes.HANDLE, *[ctypes.POINTER(wintypes.FILETIME)] * 3)
KERNEL32.LockFileEx.restype = wintypes.BOOL
KERNEL32.LockFileEx.argtypes = (
    wintypes.HANDLE,
    *[wintypes.DWORD] * 4,
    ctypes.POINTER(Overlapped),
)
_NTDLL = ctypes.WinDLL("ntdll")
_NTDLL.RtlGetLastNtStatus.restype = wintypes.ULONG
_NTDLL.RtlGetLastNtStatus.argtypes = ()

# --- files ----------------------------------------------------------------------------------------


def open_file(path: AnyPath, flags: int, mode: int = 0o777) -> int:  # noqa: ARG001 - says nothing here
    """As ``os.open``, but others may rename, replace and remove the file while it is open, and a
    path may be long. Blocks while a scanner has it. Raises OSError."""
    try:
        handle = despite_scanners(lambda: _create(path, flags))
    except PermissionError as error:
        if flags & NO_WRITERS and error.winerror == SHARING_VIOLATION:
            raise BlockingIOError(errno.EAGAIN, error.strerror, error.filename) from error
        raise
    try:
        how = flags & (os.O_RDONLY | os.O_WRONLY | os.O_RDWR | os.O_APPEND)
        fd = msvcrt.open_osfhandle(handle, how | os.O_NOINHERIT | os.O_BINARY)
    except OSError:
        KERNEL32.CloseHandle(handle)
        raise
    if flags & NO_FOLLOW and os.fstat(fd).st_file_attributes & stat.FILE_ATTRIBUTE_REPARSE_POINT:
        os.close(fd)
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), os.fsdecode(path))
    return fd


def _create(path: AnyPath, flags: int) -> int:
    handle: int = KERNEL32.CreateFileW(
        extended(path),
        _access(flags),
        _SHARE_ALL & ~_SHARE_WRITE if flags & NO_WRITERS else _SHARE_ALL,
        None,  # no child inherits it
        _disposition(flags),
        _NORMAL | (_OPEN_REPARSE_POINT if flags & NO_FOLLOW else 0),
        None,
    )
    if handle != _INVALID_HANDLE:
        return handle
    status = _NTDLL.RtlGetLastNtStatus()
    error = last_error(os.fsdecode(path))
    if status == _STATUS_DELETE_PENDING and not flags & os.O_CREAT:
        # Removed, and somebody has it open still: the name is gone for everybody else.
        raise OSError(0, ctypes.FormatError(_FILE_NOT_FOUND), error.filename, _FILE_NOT_FOUND)
    raise error


def _access(flags: int) -> int:
    return {
        os.O_RDONLY: _GENERIC_READ,
        os.O_WRONLY: _GENERIC_WRITE,
        os.O_RDWR: _GENERIC_READ | _GENERIC_WRITE,
    }[flags & (os.O_WRONLY | os.O_RDWR)]


def _disposition(flags: int) -> int:
    if not flags & os.O_CREAT:
        return _TRUNCATE_EXISTING if flags & os.O_TRUNC else _OPEN_EXISTING
    if flags & os.O_EXCL:
        return _CREATE_NEW
    return _CREATE_ALWAYS if flags & os.O_TRUNC else _OPEN_ALWAYS


def long_path(path: bytes) -> bytes:
    """A path that may be as long as the system lets paths be, for functions of ``os``."""
    return os.fsencode(extended(path))


def replace(source: AnyPath, target: AnyPath) -> None:
    """As ``os.replace``. Both may be open by `open_file` as long as there is no target yet; one
    that is there must be closed. Blocks while a scanner has one of them. Raises OSError."""
    old, new = extended(source), extended(target)
    despite_scanners(lambda: os.replace(old, new), _REFUSALS)


def discard(path: AnyPath) -> None:
    """Removes the file, a read-only one too, if it is there. Blocks while a scanner has it. Raises
    OSError."""
    name = extended(path)
    try:
        despite_scanners(lambda: _unlink(name), _REFUSALS)
    except FileNotFoundError:
        pass


def _unlink(name: str) -> None:
    try:
        os.unlink(name)
    except PermissionError:
        if not os.lstat(name).st_file_attributes & stat.FILE_ATTRIBUTE_READONLY:
            raise
        os.chmod(name, stat.S_IWRITE)
        os.unlink(name)


def set_times(file: int | AnyPath, *, ns: tuple[int, int]) -> None:
    """Sets the times of access and change (nanoseconds; Windows keeps hundreds of them) of a path
    or a descriptor. Raises OSError."""
    if not isinstance(file, int):
        os.utime(extended(file), ns=ns)
        return
    # By a handle of its own: Windows leaves the time alone for the rest of a handle that set it.
    handle = KERNEL32.ReOpenFile(msvcrt.get_osfhandle(file), _WRITE_ATTRIBUTES, _SHARE_ALL, 0)
    if handle == _INVALID_HANDLE:
        raise last_error()
    try:
        accessed, changed = (ctypes.byref(_filetime(each)) for each in ns)
        if not KERNEL32.SetFileTime(handle, None, accessed, changed):
            raise last_error()
    finally:
        KERNEL32.CloseHandle(handle)


def _filetime(ns: int) -> wintypes.FILETIME:
    """Hundreds of nanoseconds since 1601; 0 would mean that the time stays."""
    hundreds = max(1, ns // 100 + 116_444_736_000_000_000)
    return wintypes.FILETIME(hundreds & 0xFFFF_FFFF, hundreds >> 32)


def names_in(folder: bytes, at: int | None = None) -> list[bytes]:  # noqa: ARG001 - always None here
    """The names in a folder. Raises OSError."""
    return os.listdir(folder)


def keep_private(fd: int, path: Path) -> None:
    """Nothing to do: who may read the file is what its folder says."""


# --- locks ----------------------------------------------------------------------------------------

_LOCKED_AT: Final = 1 << 20
"""Behind the end: a lock here keeps others from reading what is locked (bytes)."""


def lock_file(fd: int) -> None:
    """Takes the file's lock for this descriptor. Raises BlockingIOError when another has it."""
    _lock(fd, _LOCK_EXCLUSIVE | _LOCK_AT_ONCE)


def wait_for_lock(fd: int) -> None:
    """Takes the file's lock for this descriptor; blocks until it is free. Raises OSError."""
    _lock(fd, _LOCK_EXCLUSIVE)


def _lock(fd: int, how: int) -> None:
    handle = msvcrt.get_osfhandle(fd)
    if not KERNEL32.LockFileEx(handle, how, 0, 1, 0, ctypes.byref(at(_LOCKED_AT))):
        error = last_error()
        if error.winerror == _LOCK_VIOLATION:
            raise BlockingIOError(errno.EAGAIN, "locked")
        raise error


# --- the disk -------------------------------------------------------------------------------------


def copy_range(source: int, target: int, size: int, offset: int) -> int:
    """Copies up to ``size`` bytes at an offset; how many."""
    return pwrite(target, pread(source, min(size, 1 << 20), offset), offset)


def sync_data(fd: int) -> None:
    """Returns when the file's bytes are on the disk."""
    os.fsync(fd)


def sync_folder(folder: Path | str | bytes) -> None:
    """NTFS keeps its names in a journal of its own."""


def sync_file_system(folder: Path) -> None:
    """All that was written to files in the folder is on the disk: Windows syncs file by file.
    Blocks. Raises OSError."""
    for above, _, names in os.walk(extended(folder)):
        for name in names:
            try:
                fd = open_file(f"{above}\\{name}", OPEN & ~os.O_CREAT)
            except FileNotFoundError:
                continue  # removed meanwhile
            try:
                os.fsync(fd)
            finally:
                os.close(fd)


def allocate(fd: int, size: int) -> None:
    """Gives the file disk space. Raises OSError (ENOSPC)."""
    there = os.fstat(fd).st_size
    if there < size:
        pwrite(fd, bytes(size - there), there)


def keep_room(path: Path, size: int) -> None:
    """Nothing of the kind here."""


def reserve(fd: int, offset: int, size: int) -> None:
    """Never needed: files here are not trusted to know their holes."""


def forget_cached(fd: int, offset: int, length: int) -> None:
    """Windows decides by itself what stays in memory."""


def allocated(path: Path) -> bool:
    """Whether the file takes disk space."""
    return path.stat().st_size > 0


def file_system(folder: Path) -> os.statvfs_result:
    """Sizes of the file system."""
    usage = shutil.disk_usage(folder)
    blocks = (usage.total >> 12, usage.free >> 12, usage.free >> 12)
    return os.statvfs_result((4096, 4096, *blocks, 0, 0, 0, 0, 255))


def next_data(fd: int, offset: int) -> tuple[int, int] | None:
    """Raises OSError (ENOSYS): files here are not trusted to know their holes."""
    raise OSError(errno.ENOSYS, f"{fd} at {offset}")


def knows_holes(path: Path) -> bool:
    """Whether the file system at this (not existing) path tells holes from data."""
    return path.exists() and False


# --- processes ------------------------------------------------------------------------------------


def boot_id() -> str:
    """Names this run of the computer's kernel: when it began, in minutes."""
    return str(round((time.time() - time.monotonic()) / 60))


def keep_from_children(path: str) -> None:
    """Nothing to do: a handle is inherited only where its opener says so."""


def is_dying(pid: int) -> bool:  # noqa: ARG001 - it cannot be told
    """Whether the process was ended and some thread of it is still there: cannot be told here."""
    return False
