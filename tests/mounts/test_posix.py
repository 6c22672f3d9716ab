"""What a real mount answers beyond the ordinary: removed things in use, special bits, far times.

docs/reference/posix.md lists it."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import os
import stat
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest


def error_of(action: Callable[..., object], *arguments: object) -> int | None:
    with pytest.raises(OSError) as caught:  # noqa: PT011 - the number is what the caller compares
        action(*arguments)
    return caught.value.errno


@pytest.fixture
def open_folder() -> Iterator[str]:
    """pytest's own temporary folders are closed to other users."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        yield folder


@pytest.fixture
def open_drive(open_folder, mount) -> Path:
    path: Path = mount("--allow-other", name=open_folder).path
    return path


@contextlib.contextmanager
def nobody() -> Iterator[None]:
    """What is done meanwhile is done by a user without rights."""
    groups = os.getgroups()
    os.setgroups([])
    os.setegid(65534)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(groups)


def test_a_removed_working_directory(drive):
    """Its process goes on as on a local disk: it sees an empty folder without links and can make
    nothing there."""
    program = """
import errno, os, sys
os.chdir(sys.argv[1])
os.rmdir(sys.argv[1])
print(os.stat(".").st_nlink, os.listdir("."))
os.chmod(".", 0o700)
os.utime(".", ns=(1, 2))
os.setxattr(".", "user.one", b"1")
os.fsync(os.open(".", os.O_RDONLY))
found = os.stat(".")
print(oct(found.st_mode), found.st_mtime_ns, os.getxattr(".", "user.one"))
for act in (lambda: open("file", "w"), lambda: os.mkdir("folder"), lambda: os.stat("file"), os.getcwd):
    try:
        act()
    except OSError as error:
        print(errno.errorcode[error.errno])
"""
    folder = drive.path / "folder"
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", program, folder], check=True, capture_output=True, timeout=30
    )
    assert done.stdout.decode().splitlines() == ["0 []", "0o40700 2 b'1'", *["ENOENT"] * 4]
    assert os.listdir(drive.path) == []


def test_removed_things_that_have_no_handle_in_the_drive(drive):
    os.mkfifo(drive.path / "fifo")
    fifo = os.open(drive.path / "fifo", os.O_RDWR)
    (drive.path / "file").write_text("content")
    path = os.open(drive.path / "file", os.O_PATH)
    os.mkdir(drive.path / "one")
    os.mkdir(drive.path / "two")
    folder = os.open(drive.path / "two", os.O_RDONLY)
    os.unlink(drive.path / "fifo")
    os.unlink(drive.path / "file")
    os.rename(drive.path / "one", drive.path / "two")
    os.fchmod(fifo, 0o600)
    os.write(fifo, b"x")
    assert os.read(fifo, 1) == b"x"
    assert os.fstat(fifo).st_mode == stat.S_IFIFO | 0o600
    assert os.fstat(path).st_size == 7
    assert os.listdir(folder) == []
    assert [os.fstat(fd).st_nlink for fd in (fifo, path, folder)] == [0, 0, 0]
    # The kernel has times of its own for the file, which it hands over at a sync.
    assert ctypes.CDLL(None).syncfs(folder) == 0
    for fd in (fifo, path, folder):
        os.close(fd)


def test_extended_attributes_of_an_unlinked_file(drive):
    with (drive.path / "file").open("w+b") as file:
        os.setxattr(file.fileno(), "user.one", b"1")
        os.unlink(drive.path / "file")
        os.setxattr(file.fileno(), "user.two", b"2")
        assert sorted(os.listxattr(file.fileno())) == ["user.one", "user.two"]
        assert os.getxattr(file.fileno(), "user.one") == b"1"


@pytest.mark.skipif(os.geteuid() != 0, reason="needs another user")
def test_writing_and_truncating_take_the_set_id_bits(open_drive):
    path = open_drive / "program"

    def write() -> None:
        with path.open("r+") as file:
            file.write("x")

    acts: dict[str, Callable[[], object]] = {
        "write": write,
        "open": lambda: path.open("w").close(),
        "truncate": lambda: os.truncate(path, 1),
        "chown": lambda: os.chown(path, -1, 65534),
    }
    for name, act in acts.items():
        path.write_text("content")
        os.chown(path, 65534, 65534)
        path.chmod(0o6755)
        with nobody():
            act()
        assert (name, stat.S_IMODE(path.stat().st_mode)) == (name, 0o755)
    path.chmod(0o6755)
    with path.open("w"):  # root keeps them
        pass
    assert stat.S_IMODE(path.stat().st_mode) == 0o6755


@pytest.mark.skipif(os.geteuid() != 0, reason="needs capabilities")
def test_file_capabilities_are_kept_and_end_with_a_write(drive):
    path = drive.path / "program"
    path.write_text("content")
    # struct vfs_cap_data: cap_net_bind_service
    value = struct.pack("<5I", 0x02000001, 0x400, 0, 0, 0)
    os.setxattr(path, "security.capability", value)
    drive.again()
    assert os.getxattr(path, "security.capability") == value
    with path.open("a") as file:
        file.write("more")
    assert error_of(os.getxattr, path, "security.capability") == errno.ENODATA
    drive.again()
    assert os.listxattr(path) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="trusted attributes are root's")
def test_namespaces_of_extended_attributes(open_drive):
    path = open_drive / "file"
    path.write_text("x")
    for name in ("user.x", "trusted.x", "security.x"):
        os.setxattr(path, name, b"1")
    assert error_of(os.setxattr, path, "other.x", b"1") == errno.EOPNOTSUPP
    assert error_of(os.setxattr, path, "user.", b"1") == errno.EINVAL
    assert error_of(os.getxattr, path, "other.x") == errno.EOPNOTSUPP
    assert sorted(os.listxattr(path)) == ["security.x", "trusted.x", "user.x"]
    with nobody():
        assert sorted(os.listxattr(path)) == ["security.x", "user.x"]
    os.symlink("file", open_drive / "link")
    os.setxattr(open_drive / "link", "trusted.y", b"1", follow_symlinks=False)
    assert os.listxattr(open_drive / "link", follow_symlinks=False) == ["trusted.y"]
    with pytest.raises(PermissionError):
        os.setxattr(open_drive / "link", "user.y", b"1", follow_symlinks=False)


def test_far_times_become_the_nearest_that_can_be_kept(drive):
    path = drive.path / "file"
    path.write_text("content")
    os.utime(path, (2**40, -(2**40)))
    drive.again()
    assert (path.stat().st_atime_ns, path.stat().st_mtime_ns) == (2**63 - 1, 1 - 2**63)
    assert path.read_text() == "content"


def test_truncating_to_the_same_size_changes_no_time(drive):
    path = drive.path / "file"
    path.write_text("content")
    os.utime(path, ns=(5, 7))
    os.truncate(path, 7)
    assert path.stat().st_mtime_ns == 7
    drive.again()
    assert path.stat().st_mtime_ns == 7


def test_paths_longer_than_path_max(drive, monkeypatch):
    """A tree has no greatest depth; a path in one call has."""
    name = "n" * 200
    home = os.open(drive.path, os.O_RDONLY)
    below = os.dup(home)
    for _ in range(30):
        os.mkdir(name, dir_fd=below)
        above, below = below, os.open(name, os.O_RDONLY, dir_fd=below)
        os.close(above)
    file = os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=below)
    assert os.write(file, b"deep") == 4
    os.close(file)
    monkeypatch.chdir(drive.path)
    assert error_of(os.stat, "/".join([name] * 21)) == errno.ENAMETOOLONG
    assert os.stat("/".join([name] * 20)).st_nlink == 3
    os.rename(name, "top")
    assert os.stat("file", dir_fd=below).st_size == 4
    assert len(os.readlink(f"/proc/self/fd/{home}")) < 4096
    os.close(below)
    os.close(home)
    monkeypatch.undo()
    drive.again()
    subprocess.run(["rm", "-rf", drive.path / "top"], check=True, timeout=30)
    assert os.listdir(drive.path) == []


def test_locks_hold_between_processes(drive):
    program = """
import errno, fcntl, os, sys
fd = os.open(sys.argv[1], os.O_RDWR)
for lock in (lambda: fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB),
             lambda: fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, 5),
             lambda: fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, 15)):
    try:
        lock()
        print("locked")
    except OSError as error:
        print(errno.errorcode[error.errno])
"""
    path = drive.path / "file"
    with path.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        fcntl.lockf(file, fcntl.LOCK_EX, 10, 5)
        done = subprocess.run(
            [sys.executable, "-c", program, path], check=True, capture_output=True, timeout=30
        )
    assert done.stdout.split() == [b"EAGAIN", b"EAGAIN", b"locked"]


def test_a_position_in_a_folder_can_be_kept(drive):
    """telldir(3), seekdir(3), rewinddir(3) of the C library on a folder that needs several
    requests."""
    for number in range(600):
        (drive.path / f"{number:04}").touch()
    libc = ctypes.CDLL(None)
    libc.opendir.restype = libc.readdir.restype = ctypes.c_void_p
    libc.telldir.restype = ctypes.c_long
    folder = ctypes.c_void_p(libc.opendir(os.fsencode(drive.path)))

    def read() -> bytes | None:
        entry = libc.readdir(folder)
        # struct dirent: d_name comes after 19 bytes
        return ctypes.string_at(entry + 19) if entry else None

    places = {}
    while True:
        place = libc.telldir(folder)
        name = read()
        if name is None:
            break
        places[name] = place
    assert len(places) == 602
    for name in (b"0599", b".", b"0300", b"0000", b"0450"):
        libc.seekdir(folder, ctypes.c_long(places[name]))
        assert read() == name
    (drive.path / "0450").unlink()
    (drive.path / "0600").touch()
    libc.rewinddir(folder)
    names = set(iter(read, None))
    assert names == (set(places) | {b"0600"}) - {b"0450"}
    libc.closedir(folder)


def test_special_things_and_the_kernel_s_own_limits(drive):
    """What the kernel's FUSE, or the library below, does not hand over: said at once, with the
    documented number."""
    path = drive.path / "file"
    path.write_bytes(b"x" * 10_000)
    libc = ctypes.CDLL(None, use_errno=True)
    with path.open("r+b") as file:
        for mode in (0, 1, 3, 0x10, 8, 0x20):
            assert libc.fallocate(file.fileno(), mode, ctypes.c_long(0), ctypes.c_long(4096)) == -1
            assert ctypes.get_errno() == errno.EOPNOTSUPP
        os.posix_fallocate(file.fileno(), 0, 50_000)  # the C library writes into every block then
        assert (os.fstat(file.fileno()).st_size, os.pread(file.fileno(), 2, 9_999)) == (
            50_000,
            b"x\0",
        )
        assert os.lseek(file.fileno(), 0, os.SEEK_DATA) == 0
        assert os.lseek(file.fileno(), 0, os.SEEK_HOLE) == 50_000
    assert error_of(os.open, drive.path, os.O_TMPFILE | os.O_RDWR) == errno.EOPNOTSUPP
    other = drive.path / "other"
    # RENAME_WHITEOUT, unknown, both
    for flags, number in ((4, errno.EINVAL), (8, errno.EINVAL), (3, errno.EINVAL)):
        assert libc.renameat2(-100, os.fsencode(path), -100, os.fsencode(other), flags) == -1
        assert ctypes.get_errno() == number
    with tempfile.TemporaryFile(dir=drive.path) as nameless:  # falls back to unlink
        nameless.write(b"x")
