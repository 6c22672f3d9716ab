"""What a program can ask of a file system: each kind as a function of one of the two folders and
plain arguments.

Every function returns what the caller sees, in values that can be compared and pickled, or raises
OSError. Descriptors, mappings and the working folder are kept in numbered slots of the ``Side``, so
the same steps mean the same on both.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import mmap
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass, field

import xxhash

RENAME_NOREPLACE, RENAME_EXCHANGE, RENAME_WHITEOUT = 1, 2, 4
AT_FDCWD = -100
PAGE = mmap.PAGESIZE

_libc = ctypes.CDLL(None, use_errno=True)


@dataclass
class Side:
    """One of the two folders as one process sees it. ``mapped`` holds a mapping and a descriptor of
    its file."""

    root: bytes
    slots: dict[int, int] = field(default_factory=dict)
    mapped: dict[int, tuple[mmap.mmap, int]] = field(default_factory=dict)

    def path(self, name: bytes) -> bytes:
        return os.path.join(self.root, name)

    def fd(self, slot: int) -> int:
        """That of the slot, or of the next one that is in use: a step seldom meets none."""
        return self.slots[_nearest(self.slots, slot)]

    def keep(self, slot: int, fd: int) -> None:
        if slot in self.slots:
            os.close(self.slots.pop(slot))
        self.slots[slot] = fd

    def mapping(self, slot: int) -> tuple[mmap.mmap, int]:
        """The mapping and how many bytes of it lie in the file now: whoever touches others gets
        SIGBUS."""
        memory, fd = self.mapped[_nearest(self.mapped, slot)]
        return memory, min(len(memory), os.fstat(fd).st_size)

    def let_go(self) -> None:
        for memory, fd in self.mapped.values():
            memory.close()
            os.close(fd)
        for fd in self.slots.values():
            os.close(fd)
        self.mapped.clear()
        self.slots.clear()


class Skipped(Exception):
    """There is no descriptor or mapping that the step could use, or file systems may differ in
    it."""


def _nearest(
    slots: dict[int, object] | dict[int, int] | dict[int, tuple[mmap.mmap, int]], slot: int
) -> int:
    if not slots:
        raise Skipped
    return min(slots, key=lambda each: ((each - slot) % 16, each))


def _writable(side: Side, slot: int) -> int:
    """Not a fifo: writing to one gives it a new mtime in ext4, and none in FUSE, whose kernel asks
    nobody."""
    fd = side.fd(slot)
    if stat.S_ISFIFO(os.fstat(fd).st_mode):
        raise Skipped
    return fd


def data_of(seed: int, size: int) -> bytes:
    """``size`` bytes that differ from those of other seeds at every place."""
    return bytes((seed * 37 + i * 11) % 255 + 1 for i in range(min(size, 251))) * (size // 251 + 1)


def brief(data: bytes) -> bytes | tuple[int, str]:
    """The data, or what tells it where it is long."""
    return data if len(data) <= 40 else (len(data), xxhash.xxh3_64_hexdigest(data))


def told(info: os.stat_result) -> tuple[object, ...]:
    """What stat(2) answers that does not depend on the moment or the file system."""
    size = info.st_size if stat.S_ISREG(info.st_mode) or stat.S_ISLNK(info.st_mode) else None
    rdev = info.st_rdev if stat.S_ISBLK(info.st_mode) or stat.S_ISCHR(info.st_mode) else None
    return info.st_mode, info.st_nlink, info.st_uid, info.st_gid, size, rdev


# Names --------------------------------------------------------------------------------------------


def mkdir(side: Side, path: bytes, mode: int) -> None:
    os.mkdir(side.path(path), mode)


def rmdir(side: Side, path: bytes) -> None:
    os.rmdir(side.path(path))


def unlink(side: Side, path: bytes) -> None:
    os.unlink(side.path(path))


def rename(side: Side, path: bytes, other: bytes) -> None:
    os.rename(side.path(path), side.path(other))


def _renameat2(side: Side, path: bytes, other: bytes, flags: int) -> None:
    if _libc.renameat2(AT_FDCWD, side.path(path), AT_FDCWD, side.path(other), flags):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def rename_no_replace(side: Side, path: bytes, other: bytes) -> None:
    _renameat2(side, path, other, RENAME_NOREPLACE)


def exchange(side: Side, path: bytes, other: bytes) -> None:
    _renameat2(side, path, other, RENAME_EXCHANGE)


def rename_both_flags(side: Side, path: bytes, other: bytes) -> None:
    _renameat2(side, path, other, RENAME_EXCHANGE | RENAME_NOREPLACE)


def link(side: Side, path: bytes, other: bytes) -> None:
    os.link(side.path(path), side.path(other), follow_symlinks=False)


def link_open(side: Side, slot: int, path: bytes) -> None:
    """Of what is open, whatever names it still has."""
    flags = 0x400  # AT_SYMLINK_FOLLOW
    if _libc.linkat(
        AT_FDCWD, b"/proc/self/fd/%d" % side.fd(slot), AT_FDCWD, side.path(path), flags
    ):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def symlink(side: Side, path: bytes, target: bytes) -> None:
    os.symlink(target, side.path(path))


def readlink(side: Side, path: bytes) -> object:
    return brief(os.readlink(side.path(path)))


def mkfifo(side: Side, path: bytes, mode: int) -> None:
    os.mkfifo(side.path(path), mode)


def mknod(side: Side, path: bytes, kind: int, mode: int) -> None:
    os.mknod(side.path(path), kind | mode, os.makedev(1, 3))


def listdir(side: Side, path: bytes) -> list[bytes]:
    return sorted(os.listdir(side.path(path)))


def scandir(side: Side, path: bytes) -> list[tuple[bytes, bool, bool, bool]]:
    with os.scandir(side.path(path)) as entries:
        return sorted(
            (
                e.name,
                e.is_symlink(),
                e.is_dir(follow_symlinks=False),
                e.is_file(follow_symlinks=False),
            )
            for e in entries
        )


def in_folder(side: Side, slot: int, path: bytes, what: str) -> object:
    """A step relative to an open folder, which may be gone."""
    folder, name = side.fd(slot), os.path.basename(path) or b"."
    match what:
        case "mkdir":
            os.mkdir(name, dir_fd=folder)
        case "unlink":
            os.unlink(name, dir_fd=folder)
        case "rmdir":
            os.rmdir(name, dir_fd=folder)
        case "create":
            os.close(os.open(name, os.O_CREAT | os.O_WRONLY | os.O_NONBLOCK, 0o644, dir_fd=folder))
        case "rename":
            os.rename(name, b"a", src_dir_fd=folder, dst_dir_fd=folder)
        case "list":
            return sorted(os.listdir(folder))
        case _:
            return told(os.stat(name, dir_fd=folder, follow_symlinks=False))
    return None


# Attributes ---------------------------------------------------------------------------------------


def chmod(side: Side, path: bytes, mode: int) -> None:
    os.chmod(side.path(path), mode)


def chown(side: Side, path: bytes, uid: int, gid: int) -> None:
    os.chown(side.path(path), uid, gid)


def lchown(side: Side, path: bytes, uid: int, gid: int) -> None:
    os.lchown(side.path(path), uid, gid)


def utime(side: Side, path: bytes, times: tuple[int, int] | None) -> int | None:
    os.utime(side.path(path), ns=times) if times else os.utime(side.path(path))
    return os.stat(side.path(path)).st_atime_ns if times else None


def lutime(side: Side, path: bytes, times: tuple[int, int]) -> int:
    os.utime(side.path(path), ns=times, follow_symlinks=False)
    return os.lstat(side.path(path)).st_atime_ns


class _Timespec(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("ns", ctypes.c_long))


_NOW, _OMIT = (1 << 30) - 1, (1 << 30) - 2


def utime_in_part(side: Side, path: bytes, which: str) -> None:
    """utimensat(2) with UTIME_NOW and UTIME_OMIT."""
    chosen = {
        "mtime": (_OMIT, 7),
        "atime": (7, _OMIT),
        "mtime now": (_OMIT, _NOW),
        "none": (_OMIT, _OMIT),
    }[which]
    times = (_Timespec * 2)(
        _Timespec(1_000_000_000, chosen[0]), _Timespec(1_000_000_001, chosen[1])
    )
    if _libc.utimensat(AT_FDCWD, side.path(path), times, 0):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def access(side: Side, path: bytes, mode: int) -> bool:
    return os.access(side.path(path), mode, effective_ids=True)


def stat_path(side: Side, path: bytes) -> tuple[object, ...]:
    return told(os.stat(side.path(path)))


def lstat_path(side: Side, path: bytes) -> tuple[object, ...]:
    return told(os.lstat(side.path(path)))


def statvfs(side: Side, path: bytes) -> int:
    return os.statvfs(side.path(path)).f_namemax


def setxattr(side: Side, path: bytes, name: str, value: bytes, flags: int) -> None:
    """To another value: ext4 sees that nothing changes, the kernel's FUSE notes a change all the
    same."""
    with contextlib.suppress(OSError):
        if os.getxattr(side.path(path), name) == value:
            raise Skipped
    os.setxattr(side.path(path), name, value, flags)


def getxattr(side: Side, path: bytes, name: str) -> object:
    return brief(os.getxattr(side.path(path), name))


def listxattr(side: Side, path: bytes) -> list[str]:
    return sorted(os.listxattr(side.path(path)))


def removexattr(side: Side, path: bytes, name: str) -> None:
    os.removexattr(side.path(path), name)


# Whole files --------------------------------------------------------------------------------------


def truncate(side: Side, path: bytes, size: int) -> None:
    if _same_size(os.stat(side.path(path)), size):
        return
    os.truncate(side.path(path), size)


def _same_size(info: os.stat_result, size: int) -> bool:
    """No change by POSIX and for the kernel's FUSE; ext4 gives a new mtime."""
    return stat.S_ISREG(info.st_mode) and info.st_size == size


def write_file(side: Side, path: bytes, seed: int, size: int) -> None:
    _refuse_devices(side.path(path))
    fd = os.open(side.path(path), os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NONBLOCK, 0o644)
    try:
        os.write(fd, data_of(seed, size)[:size])
    finally:
        os.close(fd)


def read_file(side: Side, path: bytes) -> object:
    _refuse_devices(side.path(path))
    fd = os.open(side.path(path), os.O_RDONLY | os.O_NONBLOCK)
    try:
        return brief(os.read(fd, 1 << 20))
    finally:
        os.close(fd)


def save(side: Side, path: bytes, seed: int, size: int) -> None:
    """As editors do: a temporary file, on the disk, renamed over the document."""
    beside = side.path(path) + b"~"
    fd = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(fd, data_of(seed, size)[:size])
        os.fsync(fd)
    finally:
        os.close(fd)
    try:
        os.rename(beside, side.path(path))
    except OSError:
        os.unlink(beside)
        raise


# Descriptors --------------------------------------------------------------------------------------


def _refuse_devices(path: bytes) -> None:
    """A drive is mounted without devices, as every file system that users bring."""
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return
    if stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
        raise Skipped


def open_slot(side: Side, slot: int, path: bytes, flags: int, mode: int) -> None:
    _refuse_devices(side.path(path))
    side.keep(slot, os.open(side.path(path), flags | os.O_NONBLOCK, mode))


def reopen(side: Side, slot: int, other: int, flags: int) -> None:
    """By the descriptor alone, which may have no name any more."""
    side.keep(other, os.open(f"/proc/self/fd/{side.fd(slot)}", flags | os.O_NONBLOCK))


def duplicate(side: Side, slot: int, other: int) -> None:
    side.keep(other, os.dup(side.fd(slot)))


def close(side: Side, slot: int) -> None:
    os.close(side.slots.pop(_nearest(side.slots, slot)))


def read(side: Side, slot: int, size: int) -> object:
    return brief(os.read(side.fd(slot), size))


def pread(side: Side, slot: int, size: int, offset: int) -> object:
    return brief(os.pread(side.fd(slot), size, offset))


def readv(side: Side, slot: int, size: int) -> tuple[int, object, object]:
    one, two = bytearray(size), bytearray(size // 2 + 1)
    return os.readv(side.fd(slot), [one, two]), brief(bytes(one)), brief(bytes(two))


def write(side: Side, slot: int, seed: int, size: int) -> int:
    return os.write(_writable(side, slot), data_of(seed, size)[:size])


def pwrite(side: Side, slot: int, seed: int, size: int, offset: int) -> int:
    return os.pwrite(_writable(side, slot), data_of(seed, size)[:size], offset)


def writev(side: Side, slot: int, seed: int, size: int) -> int:
    return os.writev(_writable(side, slot), [data_of(seed, size)[:size], b"", b"end"])


def lseek(side: Side, slot: int, offset: int, whence: int) -> int:
    """In files: what the positions in a folder mean is the file system's own business."""
    fd = side.fd(slot)
    if stat.S_ISDIR(os.fstat(fd).st_mode):
        raise Skipped
    return os.lseek(fd, offset, whence)


def ftruncate(side: Side, slot: int, size: int) -> None:
    if not _same_size(os.fstat(side.fd(slot)), size):
        os.ftruncate(side.fd(slot), size)


def fsync(side: Side, slot: int) -> None:
    os.fsync(side.fd(slot))


def fdatasync(side: Side, slot: int) -> None:
    os.fdatasync(side.fd(slot))


def fchmod(side: Side, slot: int, mode: int) -> None:
    os.fchmod(side.fd(slot), mode)


def fchown(side: Side, slot: int, uid: int, gid: int) -> None:
    os.fchown(side.fd(slot), uid, gid)


def futime(side: Side, slot: int, times: tuple[int, int] | None) -> None:
    os.utime(side.fd(slot), ns=times) if times else os.utime(side.fd(slot))


def fstat(side: Side, slot: int) -> tuple[object, ...]:
    return told(os.fstat(side.fd(slot)))


def allocate(side: Side, slot: int, offset: int, size: int) -> None:
    """Behind the end, and not for appending. The C library does it for file systems that cannot:
    before the end it then sees that there is nothing to do, where ext4 gives a new mtime, and it
    refuses O_APPEND."""
    fd = side.fd(slot)
    if fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_APPEND:
        raise Skipped
    os.posix_fallocate(fd, os.fstat(fd).st_size + offset, size)


def copy_range(side: Side, slot: int, other: int, size: int, offset: int) -> int:
    return os.copy_file_range(side.fd(slot), side.fd(other), size, 0, offset)


def sendfile(side: Side, slot: int, other: int, size: int) -> int:
    return os.sendfile(_writable(side, other), side.fd(slot), 0, size)


def lock(side: Side, slot: int, how: int) -> None:
    fcntl.flock(side.fd(slot), how | fcntl.LOCK_NB)


def lock_range(side: Side, slot: int, how: int, start: int, size: int) -> None:
    fcntl.lockf(side.fd(slot), how if how == fcntl.LOCK_UN else how | fcntl.LOCK_NB, size, start)


# Mappings -----------------------------------------------------------------------------------------


def map_slot(side: Side, slot: int, other: int, private: bool) -> int:
    info = os.fstat(side.fd(slot))
    size = info.st_size
    if not size or not stat.S_ISREG(info.st_mode):
        raise Skipped
    fd = os.dup(side.fd(slot))
    try:
        memory = mmap.mmap(fd, size, mmap.MAP_PRIVATE if private else mmap.MAP_SHARED)
    except BaseException:
        os.close(fd)
        raise
    unmap_if(side, other)
    side.mapped[other] = (memory, fd)
    return size


def unmap_if(side: Side, slot: int) -> None:
    if slot in side.mapped:
        memory, fd = side.mapped.pop(slot)
        memory.close()
        os.close(fd)


def unmap(side: Side, slot: int) -> None:
    unmap_if(side, _nearest(side.mapped, slot))


def map_write(side: Side, slot: int, seed: int, offset: int) -> None:
    memory, size = side.mapping(slot)
    if not size:
        raise Skipped
    start = offset % size
    stop = min(start + 10, size)
    # Whether writing to a page that is dirty already gives a new time is the file system's own
    # business.
    fd = side.mapped[_nearest(side.mapped, slot)][1]
    os.utime(fd)
    memory[start:stop] = data_of(seed, 10)[: stop - start]
    os.utime(fd)


def map_read(side: Side, slot: int) -> object:
    memory, size = side.mapping(slot)
    return brief(memory[:size])


def map_sync(side: Side, slot: int) -> None:
    memory, _ = side.mapping(slot)
    memory.flush()


# The process --------------------------------------------------------------------------------------


def umask(_side: Side, mask: int) -> None:
    os.umask(mask)


KINDS: dict[str, Callable[..., object]] = {
    each.__name__: each
    for each in (
        *(
            mkdir,
            rmdir,
            unlink,
            rename,
            rename_no_replace,
            exchange,
            rename_both_flags,
            symlink,
            readlink,
            mkfifo,
        ),
        *(
            mknod,
            listdir,
            scandir,
            in_folder,
            chmod,
            chown,
            lchown,
            utime,
            lutime,
            utime_in_part,
            access,
            stat_path,
        ),
        *(
            lstat_path,
            statvfs,
            setxattr,
            getxattr,
            listxattr,
            removexattr,
            truncate,
            write_file,
            read_file,
            save,
        ),
        *(
            open_slot,
            reopen,
            duplicate,
            close,
            read,
            pread,
            readv,
            write,
            pwrite,
            writev,
            lseek,
            ftruncate,
            fsync,
        ),
        *(
            fdatasync,
            fchmod,
            fchown,
            futime,
            fstat,
            allocate,
            copy_range,
            sendfile,
            lock,
            lock_range,
            map_slot,
            unmap,
        ),
        *(map_write, map_read, map_sync, umask, link, link_open),
    )
}
"""All kinds of steps by name."""
