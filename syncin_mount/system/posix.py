"""The operating system's calls, on Linux: those of ``os`` themselves wherever they do."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import sys
from pathlib import Path

assert sys.platform != "win32"

OPEN = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
READ = os.O_RDONLY | os.O_CLOEXEC
NO_FOLLOW = os.O_NOFOLLOW
NO_WRITERS = os.O_NONBLOCK
"""For `open_file`: waits for nobody's pipe or lease. Here that keeps no writer away; a lease does,
for who takes one."""
OWNER = (os.getuid(), os.getgid())
FIRST_MAP_BYTES = 1 << 30
"""The size of a file's first map. The file has the length of what is in it."""
_PROBE = 4 << 20
_KEEP_SIZE = 1
_NO_RESERVING = {errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL, errno.ENODEV}
_SLOW_COPY = {errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP}


# These look ``os`` up in each call: what watches the calls of ``os``, as the tests of kills and
# power cuts do, sees them.
def open_file(path: str | bytes | os.PathLike[str], flags: int, mode: int = 0o777) -> int:
    """As ``os.open``. Raises OSError."""
    return os.open(path, flags, mode)


def replace(old: str | bytes | os.PathLike[str], new: str | bytes | os.PathLike[str]) -> None:
    """As ``os.replace``. Raises OSError."""
    os.replace(old, new)


def set_times(path: int | str | bytes | os.PathLike[str], *, ns: tuple[int, int]) -> None:
    """As ``os.utime``. ``ns`` are the access and the modification time in ns. Raises OSError."""
    os.utime(path, ns=ns)


def sync_data(fd: int) -> None:
    """As ``os.fdatasync``. Blocks. Raises OSError."""
    os.fdatasync(fd)


def long_path(path: bytes) -> bytes:
    """A path that may be as long as the system lets paths be: each is."""
    return path


def discard(path: str | bytes | os.PathLike[str]) -> None:
    """Removes the file, if it is there. Raises OSError."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass


def names_in(folder: bytes, at: int | None = None) -> list[bytes]:
    """The names in a folder, also when somebody puts a link in its place meanwhile. ``at`` is an
    open folder that its path is relative to. Raises OSError."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=at)
    try:
        return [os.fsencode(name) for name in os.listdir(fd)]
    finally:
        os.close(fd)


def keep_private(fd: int, path: Path) -> None:
    """Has the open file, if it is ours, read by its owner alone. What a link leads to is
    somebody's, and keeps its mode. Raises OSError."""
    found = os.fstat(fd)
    ours = stat.S_ISREG(found.st_mode) and found.st_uid == os.getuid() and found.st_nlink == 1
    if ours and found.st_mode & 0o077 and not path.is_symlink():
        os.fchmod(fd, 0o600)


def close_to_others(path: Path, *, with_content: bool = False) -> None:
    """Nothing to do: the mode that a file or folder is made with does it."""


def belongs_to_us(fd: int) -> bool:
    """Whether the open file is this user's. Raises OSError."""
    return os.fstat(fd).st_uid == os.getuid()


def lock_file(fd: int) -> None:
    """Takes the file's lock for this descriptor. Raises BlockingIOError when another has it."""
    fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)


def wait_for_lock(fd: int) -> None:
    """Takes the file's lock for this descriptor; blocks until it is free. Raises OSError."""
    fcntl.flock(fd, fcntl.LOCK_EX)


def copy_range(source: int, target: int, size: int, offset: int) -> int:
    """Copies up to ``size`` bytes at an offset, sharing blocks where the file system can; how
    many."""
    try:
        return os.copy_file_range(source, target, size, offset, offset)
    except OSError as error:
        if error.errno not in _SLOW_COPY:
            raise
    return os.pwrite(target, os.pread(source, min(size, 1 << 20), offset), offset)


def sync_folder(folder: Path | str | bytes) -> None:
    """fsync of a folder: the names made in it are on the disk. Blocks."""
    fd = os.open(folder, READ | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def sync_file_system(folder: Path) -> None:
    """syncfs(2): all that was written to the file system is on the disk. Blocks."""
    import ctypes  # noqa: PLC0415 (takes milliseconds, and commands load this)

    libc = ctypes.CDLL(None, use_errno=True)
    fd = os.open(folder, READ)
    try:
        if libc.syncfs(fd) != 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code))
    finally:
        os.close(fd)


def allocate(fd: int, size: int) -> None:
    """Gives the file disk space. Raises OSError (ENOSPC)."""
    os.posix_fallocate(fd, 0, size)


def keep_room(path: Path, size: int) -> None:
    """Gives the file disk space behind its end without making it longer. Raises OSError
    (ENOSPC, EOPNOTSUPP)."""
    fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        _fallocate(fd, os.fstat(fd).st_size, size)
    finally:
        os.close(fd)


def reserve(fd: int, offset: int, size: int) -> None:
    """Gives a range of the file disk space, if the file system can do that beforehand. What is
    not written there yet stays a hole. Raises OSError (ENOSPC)."""
    try:
        _fallocate(fd, offset, size)
    except OSError as error:
        if error.errno not in _NO_RESERVING:
            raise


def _fallocate(fd: int, offset: int, size: int) -> None:
    """fallocate(2) with FALLOC_FL_KEEP_SIZE. (posix_fallocate(3) would write where that is not
    possible.)"""
    import ctypes  # noqa: PLC0415 (takes milliseconds, and commands load this)

    libc = ctypes.CDLL(None, use_errno=True)
    # some C libraries have a 64-bit off_t alone
    allocate = getattr(libc, "fallocate64", libc.fallocate)
    if size and allocate(fd, _KEEP_SIZE, ctypes.c_int64(offset), ctypes.c_int64(size)) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def forget_cached(fd: int, offset: int, length: int) -> None:
    """What was read of the range need not stay in memory (posix_fadvise(2))."""
    os.posix_fadvise(fd, offset, length, os.POSIX_FADV_DONTNEED)


def allocated(path: Path) -> bool:
    """Whether the file takes disk space."""
    return path.stat().st_blocks > 0


def file_system(folder: Path) -> os.statvfs_result:
    """Sizes of the file system."""
    return os.statvfs(folder)


def next_data(fd: int, offset: int) -> tuple[int, int] | None:
    """The first range of data at or behind the offset, from lseek(2); None when there is only a
    hole."""
    try:
        start = os.lseek(fd, offset, os.SEEK_DATA)
    except OSError as error:
        if error.errno != errno.ENXIO:
            raise
        return None
    return start, os.lseek(fd, start, os.SEEK_HOLE)


def knows_holes(path: Path) -> bool:
    """Whether the file system at this (not existing) path tells holes, reserved ones too, from
    data, by blocks of 4096 bytes. Raises OSError (ENOSPC)."""
    fd = os.open(path, OPEN, 0o600)
    try:
        os.ftruncate(fd, 2 * _PROBE)
        reserve(fd, _PROBE, 8192)
        os.pwrite(fd, b"x" * 4096, _PROBE)
        # As large pages or blocks would show it, much more would count as written.
        return next_data(fd, 0) == (_PROBE, _PROBE + 4096) and next_data(fd, _PROBE + 4096) is None
    except OSError as error:
        # it is full, which says nothing about holes
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise
        return False
    finally:
        os.close(fd)
        path.unlink()


def boot_id() -> str:
    """Names this run of the computer's kernel."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def keep_from_children(path: str) -> None:
    """Marks this process's descriptors of a file as close-on-exec, where they can be found: LMDB
    does not."""
    descriptors = "/proc/self/fd"
    if not os.path.isdir(descriptors):
        return
    real = os.path.realpath(path)
    for name in os.listdir(descriptors):
        try:
            if os.readlink(f"{descriptors}/{name}") == real:
                os.set_inheritable(int(name), False)
        except OSError:
            pass  # that of this listing


def is_dying(pid: int) -> bool:
    """Whether the process was ended and some thread of it is still there: proc_pid_stat(5),
    "zombie". False where that cannot be told."""
    try:
        told = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return False
    return told.rpartition(b")")[2].split()[:1] == [b"Z"]
