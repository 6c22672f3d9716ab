"""Ordinary operations on a real mount, and that what they did is there after the next mount."""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import socket
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

RENAME_NOREPLACE, RENAME_EXCHANGE = 1, 2


def renameat2(source: Path, target: Path, flags: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.renameat2(-100, os.fsencode(source), -100, os.fsencode(target), flags) != 0:
        raise OSError(ctypes.get_errno(), "renameat2")


def error_of(action: Callable[..., object], *arguments: object) -> int | None:
    with pytest.raises(OSError) as caught:  # noqa: PT011 - the number is what the caller compares
        action(*arguments)
    return caught.value.errno


def test_what_is_written_is_there_after_the_next_mount(drive):
    (drive.path / "folder").mkdir()
    (drive.path / "folder" / "file").write_bytes(b"x" * 300_000)
    (drive.path / "other").write_text("one")
    (drive.path / "other").rename(drive.path / "folder" / "renamed")
    os.symlink("folder/file", drive.path / "link")
    drive.again()
    assert sorted(os.listdir(drive.path)) == ["folder", "link"]
    assert (drive.path / "link").read_bytes() == b"x" * 300_000
    assert (drive.path / "folder" / "renamed").read_text() == "one"


def test_errors_are_those_of_a_local_file_system(drive):
    here = drive.path
    (here / "file").write_text("x")
    (here / "full").mkdir()
    (here / "full" / "file").touch()
    (here / "empty").mkdir()
    assert error_of(os.stat, here / "nothing") == errno.ENOENT
    assert error_of(os.mkdir, here / "full") == errno.EEXIST
    assert error_of(os.rmdir, here / "full") == errno.ENOTEMPTY
    assert error_of(os.rmdir, here / "file") == errno.ENOTDIR
    assert error_of(os.unlink, here / "full") == errno.EISDIR
    assert error_of(os.rename, here / "empty", here / "full") == errno.ENOTEMPTY
    assert error_of(os.rename, here / "file", here / "empty") == errno.EISDIR
    assert error_of(os.rename, here / "empty", here / "file") == errno.ENOTDIR
    assert error_of(os.rename, here / "full", here / "full" / "below") == errno.EINVAL
    assert error_of(os.link, here / "full", here / "second") == errno.EPERM
    assert error_of(os.link, here / "file", here / "empty") == errno.EEXIST
    assert error_of(os.open, here / ("n" * 256), os.O_CREAT | os.O_WRONLY) == errno.ENAMETOOLONG
    assert error_of(os.stat, here / ("n" * 256)) == errno.ENAMETOOLONG
    assert error_of(os.open, here / "file", os.O_CREAT | os.O_EXCL) == errno.EEXIST
    assert error_of(os.getxattr, here / "file", "user.nothing") == errno.ENODATA
    os.rename(here / "empty", here / "empty2")
    (here / ("n" * 255)).touch()


def test_rename_replaces_exchanges_and_refuses(drive):
    one, two = drive.path / "one", drive.path / "two"
    one.write_text("1")
    two.write_text("2")
    with pytest.raises(FileExistsError):
        renameat2(one, two, RENAME_NOREPLACE)
    renameat2(one, two, RENAME_EXCHANGE)
    assert (one.read_text(), two.read_text()) == ("2", "1")
    one.rename(two)
    assert two.read_text() == "2"
    assert not one.exists()
    drive.again()
    assert os.listdir(drive.path) == ["two"]
    assert two.read_text() == "2"


def test_open_files_survive_unlink_and_rename(drive):
    path = drive.path / "file"
    with path.open("w+b") as file:
        file.write(b"before ")
        file.flush()
        path.unlink()
        file.write(b"after")
        file.flush()
        os.fsync(file.fileno())
        file.seek(0)
        assert file.read() == b"before after"
        assert os.fstat(file.fileno()).st_nlink == 0
        assert os.fstat(file.fileno()).st_size == 12
        os.ftruncate(file.fileno(), 6)
        os.fchmod(file.fileno(), 0o600)
        os.utime(file.fileno(), ns=(5, 7))
        assert os.fstat(file.fileno()).st_mtime_ns == 7
        path.write_text("another")
    with path.open("r+b") as file:
        path.rename(drive.path / "moved")
        file.seek(0, os.SEEK_END)
        file.write(b" one")
    assert (drive.path / "moved").read_text() == "another one"
    drive.again()
    assert os.listdir(drive.path) == ["moved"]
    assert (drive.path / "moved").read_text() == "another one"


def test_a_file_that_is_still_written_when_it_is_renamed_over_another(drive):
    document = drive.path / "document"
    document.write_text("old")
    with document.open() as reader, (drive.path / "new").open("w") as writer:
        writer.write("new ")
        writer.flush()
        (drive.path / "new").rename(document)
        writer.write("content")
        writer.flush()
        assert reader.read() == "old"
    assert document.read_text() == "new content"
    drive.again()
    assert document.read_text() == "new content"
    assert os.listdir(drive.path) == ["document"]


def test_two_processes_append(drive):
    path = drive.path / "log"
    program = (
        "import os, sys\n"
        "fd = os.open(sys.argv[1], os.O_CREAT | os.O_WRONLY | os.O_APPEND)\n"
        "for number in range(200): os.write(fd, f'{sys.argv[2]}{number:04}\\n'.encode())\n"
    )
    writers = [subprocess.Popen([sys.executable, "-c", program, path, name]) for name in "ab"]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    drive.again()
    lines = path.read_text().splitlines()
    assert sorted(lines) == [f"{name}{number:04}" for name in "ab" for number in range(200)]


def test_holes_and_truncation(drive):
    path = drive.path / "sparse"
    with path.open("wb") as file:
        file.seek(5_000_000)
        file.write(b"end")
    assert path.stat().st_size == 5_000_003
    os.truncate(path, 5_000_001)
    assert path.read_bytes() == bytes(5_000_000) + b"e"
    os.truncate(path, 10)
    os.truncate(path, 20)
    drive.again()
    assert path.read_bytes() == bytes(20)
    with path.open("r+b") as file:
        file.truncate(0)
    assert path.stat().st_size == 0
    path.write_bytes(b"again")
    with path.open("wb"):
        pass
    drive.again()
    assert path.read_bytes() == b""


def test_times_are_kept_to_the_nanosecond(drive):
    path, folder = drive.path / "file", drive.path / "folder"
    folder.mkdir()
    atime, mtime = 1_600_000_000_123_456_789, 1_500_000_000_987_654_321
    with path.open("wb") as file:
        file.write(b"content")
        file.flush()
        os.utime(file.fileno(), ns=(atime, mtime))
    os.utime(folder, ns=(atime, mtime))
    for _ in range(2):
        for each in (path, folder):
            assert (each.stat().st_atime_ns, each.stat().st_mtime_ns) == (atime, mtime)
        drive.again()
    # Set first, written after: the write counts.
    with path.open("r+b") as file:
        os.utime(file.fileno(), ns=(atime, mtime))
        file.write(b"C")
    seen = path.stat().st_mtime_ns
    assert seen > mtime
    drive.again()
    assert path.stat().st_mtime_ns == seen
    os.utime(path, ns=(atime, mtime))
    path.open("r+b").close()
    drive.again()
    assert path.stat().st_mtime_ns == mtime


def test_the_next_mount_shows_the_same_times_as_this_one(drive):
    """The kernel keeps a file's ctime itself too; git, for one, reads every file again when it is
    another one."""
    for number in range(3):
        path = drive.path / f"file{number}"
        path.write_bytes(b"content")
        with path.open("r+b") as file:
            file.write(b"C")
            os.fchmod(file.fileno(), 0o600 + number)
    (drive.path / "file0").rename(drive.path / "renamed")
    before = {
        each.name: (each.stat().st_mtime_ns, each.stat().st_ctime_ns)
        for each in drive.path.iterdir()
    }
    drive.again()
    assert {
        each.name: (each.stat().st_mtime_ns, each.stat().st_ctime_ns)
        for each in drive.path.iterdir()
    } == before


def test_a_deleted_file_can_be_opened_again_by_its_descriptor(drive):
    path = drive.path / "file"
    path.write_bytes(b"content")
    reader = os.open(path, os.O_RDONLY)
    path.unlink()
    with open(f"/proc/self/fd/{reader}", "r+b") as writer:
        writer.write(b"C")
    os.truncate(f"/proc/self/fd/{reader}", 3)
    assert os.pread(reader, 100, 0) == b"Con"
    os.close(reader)


def test_chown_to_the_same_owner_is_a_change_too(drive):
    folder = drive.path / "folder"
    folder.mkdir()
    before = folder.stat().st_ctime_ns
    os.chown(folder, -1, -1)
    assert folder.stat().st_ctime_ns > before


def test_the_record_agrees_with_what_the_kernel_shows(drive):
    """The reconciler sees the size and time that programs saw, though the kernel keeps both itself
    under writeback."""
    for number in range(20):
        path = drive.path / f"file{number}"
        path.write_bytes(b"x" * number * 1000)
        state = drive.call("state", path=path.name)
        assert (state["size"], state["mtime_ns"]) == (path.stat().st_size, path.stat().st_mtime_ns)


def test_a_file_that_stays_open_is_recorded_once_it_is_quiet(drive, eventually):
    path = drive.path / "file"
    with path.open("wb") as file:
        file.write(b"first")
        file.flush()
        os.fsync(file.fileno())
        assert drive.call("state", path="file")["size"] == 5
        assert drive.call("state", path="file")["held_open"]
        file.write(b" second")
        file.flush()
        subprocess.run(["sync", "-f", path], check=True)
        eventually(lambda: drive.call("state", path="file")["size"] == 12)
    eventually(lambda: not drive.call("state", path="file")["held_open"])


def test_extended_attributes(drive):
    path = drive.path / "file"
    path.write_text("x")
    os.setxattr(path, "user.one", b"1")
    os.setxattr(drive.path, "user.two", b"\0" * 1000)
    assert error_of(os.setxattr, path, "user.one", b"2", os.XATTR_CREATE) == errno.EEXIST
    os.setxattr(path, "user.one", b"2", os.XATTR_REPLACE)
    drive.again()
    assert os.listxattr(path) == ["user.one"]
    assert os.getxattr(path, "user.one") == b"2"
    assert os.getxattr(drive.path, "user.two") == b"\0" * 1000
    os.removexattr(path, "user.one")
    assert error_of(os.removexattr, path, "user.one") == errno.ENODATA
    assert os.getxattr(path, "user.syncin.status") == b"changed"
    assert error_of(os.setxattr, path, "user.syncin.status", b"synced") == errno.EPERM
    os.symlink("file", drive.path / "link")
    assert os.getxattr(path, "user.syncin.status") == b"changed"


def test_modes_and_running_a_program(drive):
    script = drive.path / "script"
    script.write_text("#!/bin/sh\necho run\n")
    assert error_of(os.execv, script, ["script"]) == errno.EACCES
    script.chmod(0o755)
    assert subprocess.run([script], check=True, capture_output=True).stdout == b"run\n"
    script.chmod(0o4711)
    with script.open("a") as file:
        file.write("echo more\n")
    shared = drive.path / "shared"
    shared.mkdir()
    os.chown(shared, -1, os.getgid())
    shared.chmod(0o2775)
    (shared / "below").mkdir()
    drive.again()
    assert (shared / "below").stat().st_mode & stat.S_ISGID
    assert script.stat().st_mode & 0o777 == 0o711


@pytest.fixture
def open_folder():
    """pytest's own temporary folders are closed to other users."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        yield folder


@pytest.mark.skipif(os.geteuid() != 0, reason="needs another user")
def test_permissions_are_checked(open_folder, mount):
    drive = mount("--allow-other", name=open_folder)
    secret = drive.path / "secret"
    secret.write_text("x")
    secret.chmod(0o600)

    def read_as_nobody() -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            ["cat", secret],
            user=65534,
            group=65534,
            extra_groups=[],
            check=False,
            capture_output=True,
            timeout=30,
        )

    assert b"Permission denied" in read_as_nobody().stderr
    secret.chmod(0o604)
    assert read_as_nobody().stdout == b"x"


def test_special_files(drive):
    os.mkfifo(drive.path / "fifo")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.fspath(drive.path / "socket"))
    drive.again()
    assert stat.S_ISFIFO((drive.path / "fifo").stat().st_mode)
    assert stat.S_ISSOCK((drive.path / "socket").stat().st_mode)
    received = []
    reader = threading.Thread(target=lambda: received.append((drive.path / "fifo").read_text()))
    reader.start()
    (drive.path / "fifo").write_text("through")
    reader.join(30)
    assert received == ["through"]


def test_names_that_are_not_text(drive):
    name = os.fsencode(drive.path) + b"/caf\xe9 \xff"
    with open(name, "wb") as file:
        file.write(b"x")
    drive.again()
    assert os.listdir(os.fsencode(drive.path)) == [b"caf\xe9 \xff"]


def test_memory_maps_see_and_make_changes(drive):
    path = drive.path / "mapped"
    path.write_bytes(b"a" * 10_000)
    with path.open("r+b") as file, path.open("rb") as reader:
        shared = mmap.mmap(file.fileno(), 0)
        seen = mmap.mmap(reader.fileno(), 0, prot=mmap.PROT_READ)
        shared[5000:5005] = b"hello"
        assert seen[5000:5005] == b"hello"
        os.pwrite(file.fileno(), b"world", 9000)
        assert shared[9000:9005] == b"world"
        shared.flush()
        seen.close()
        file.close()
        shared[0:3] = b"end"  # after close: written back when the map goes
        shared.close()
    drive.again()
    data = path.read_bytes()
    assert (data[5000:5005], data[9000:9005], data[:3]) == (b"hello", b"world", b"end")


def test_syncing_the_drive_after_files_were_removed(drive):
    for number in range(5):
        (drive.path / f"{number}").write_bytes(b"x")
    (drive.path / "0").unlink()
    (drive.path / "1").rename(drive.path / "2")
    subprocess.run(["sync", "-f", drive.path], check=True)


def test_a_folder_of_5000_is_read_while_it_changes(drive):
    folder = drive.path / "many"
    folder.mkdir()
    for number in range(5000):
        (folder / f"f{number:05}").touch()
    seen = []
    with os.scandir(folder) as entries:
        for count, entry in enumerate(entries):
            seen.append(entry.name)
            if count % 10 == 0 and count < 2000:
                (folder / f"f{4999 - count // 10:05}").unlink()
                (folder / f"g{count}").touch()
                (folder / f"f{4000 + count // 10:05}").rename(folder / f"h{count}")
    kept = {f"f{number:05}" for number in range(4000)} | {
        f"f{number:05}" for number in range(4200, 4800)
    }
    assert len(seen) == len(set(seen))
    assert kept <= set(seen)
    assert set(os.listdir(folder)) == kept | {
        f"{kind}{count}" for kind in "gh" for count in range(0, 2000, 10)
    }


def test_statfs_tells_of_the_disk_below(drive):
    here, below = os.statvfs(drive.path), os.statvfs(drive.replica)
    assert here.f_blocks * here.f_frsize == below.f_blocks * below.f_frsize
    assert here.f_namemax == 255


def test_read_only_refuses_every_change(mount):
    drive = mount()
    (drive.path / "file").write_text("x")
    drive.unmount()
    drive._options = ("--read-only",)
    drive.start()
    here = drive.path
    assert (here / "file").read_text() == "x"
    file = here / "file"
    descriptor = os.open(file, os.O_RDONLY)
    calls: dict[str, Callable[[], object]] = {
        "mkdir": lambda: os.mkdir(here / "new"),
        "mknod": lambda: os.mknod(here / "new"),
        "symlink": lambda: os.symlink("x", here / "new"),
        "link": lambda: os.link(file, here / "new"),
        "rename": lambda: os.rename(file, here / "new"),
        "unlink": lambda: os.unlink(file),
        "create": lambda: os.open(here / "new", os.O_CREAT | os.O_WRONLY),
        "write": lambda: os.open(file, os.O_WRONLY),
        "truncating": lambda: os.open(file, os.O_RDONLY | os.O_TRUNC),
        "truncate": lambda: os.truncate(file, 0),
        "chmod": lambda: os.chmod(file, 0o600),
        "fchmod": lambda: os.fchmod(descriptor, 0o600),
        "chown": lambda: os.chown(file, os.getuid(), os.getgid()),
        "utime": lambda: os.utime(file),
        "setxattr": lambda: os.setxattr(file, "user.x", b"x"),
    }
    refusals = {name: error_of(call) for name, call in calls.items()}
    os.close(descriptor)
    assert refusals == dict.fromkeys(calls, errno.EROFS)
    assert file.read_text() == "x"
