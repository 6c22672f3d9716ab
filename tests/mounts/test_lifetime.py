"""How a mount begins and ends, and what of it survives accidents."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from syncin_fuse.mountpoint import CONNECTIONS, abort, device, mounted_type, prepare
from syncin_fuse.session import MAX_BACKGROUND
from syncin_mount.vfs import MountError

LIMIT = 30

WRITE = """
import os, sys
fd = os.open(sys.argv[1], os.O_CREAT | os.O_RDWR)
while part := sys.stdin.buffer.read(1 << 20):
    os.write(fd, part)
    os.fsync(fd)
os.close(fd)
"""


def close_dead(descriptor: int) -> None:
    """The kernel says at close that there is nobody to tell of it; the descriptor is closed all the
    same."""
    with contextlib.suppress(OSError):
        os.close(descriptor)


def test_after_a_kill_all_closed_files_are_there(drive):
    for number in range(50):
        (drive.path / f"file{number}").write_bytes(bytes([number]) * number * 1000)
    (drive.path / "folder").mkdir()
    (drive.path / "file0").rename(drive.path / "folder" / "moved")
    os.utime(drive.path / "file1", ns=(1, 1_234_567_890_123_456_789))
    writer = (drive.path / "open").open("wb")
    writer.write(b"half")
    writer.flush()
    os.fsync(writer.fileno())
    drive.kill()
    with pytest.raises(OSError, match="not connected"):
        os.listdir(drive.path)
    with pytest.raises(OSError):  # noqa: PT011 - whatever the kernel says of a dead mount
        writer.close()
    drive.start()
    assert (drive.path / "open").read_bytes() == b"half"
    for number in range(1, 50):
        assert (drive.path / f"file{number}").read_bytes() == bytes([number]) * number * 1000
    assert (drive.path / "folder" / "moved").read_bytes() == b""
    assert (drive.path / "file1").stat().st_mtime_ns == 1_234_567_890_123_456_789
    drive.unmount()
    assert mounted_type(drive.path) is None  # the stale mount is not below the new one


@pytest.mark.parametrize("end", ["unmount", "terminate"])
def test_an_orderly_end_keeps_what_the_kernel_still_holds(drive, end):
    with (drive.path / "file").open("wb") as file:
        file.write(b"x" * 3_000_000)
        descriptor = os.dup(file.fileno())
    os.pwrite(descriptor, b"yy", 1_000_000)  # in the page cache only
    if end == "unmount":
        os.close(descriptor)
        drive.unmount()
    else:
        drive.terminate()
        with pytest.raises(OSError):  # noqa: PT011 - whatever the kernel says of a dead mount
            os.pread(descriptor, 10, 0)
        close_dead(descriptor)
    assert mounted_type(drive.path) is None
    assert os.listdir(drive.path) == []
    drive.start()
    data = (drive.path / "file").read_bytes()
    assert len(data) == 3_000_000
    assert data[999_999:1_000_003] == b"xyyx"


def test_a_drive_in_use_is_not_unmounted_by_a_user_but_by_a_stop(drive):
    (drive.path / "file").write_text("x")
    reader = os.open(drive.path / "file", os.O_RDONLY)
    try:
        done = subprocess.run(
            ["fusermount3", "-u", drive.path], check=False, timeout=LIMIT, capture_output=True
        )
        assert done.returncode != 0
        assert (drive.path / "file").read_text() == "x"
        drive.terminate()
    finally:
        close_dead(reader)
    assert mounted_type(drive.path) is None
    assert "still in use" in drive.log.read_text()


def test_an_unexpected_error_becomes_eio_and_the_mount_goes_on(drive):
    (drive.path / "file").write_text("x")
    for method, use in (
        ("lookup", lambda: os.stat(drive.path / "unseen")),
        ("mkdir", lambda: os.mkdir(drive.path / "new")),
        ("open", lambda: os.open(drive.path / "file", os.O_RDONLY)),
        ("folders.read", lambda: os.listdir(drive.path)),
        ("statfs", lambda: os.statvfs(drive.path)),
        ("xattrs.get", lambda: os.getxattr(drive.path, "user.x")),
    ):
        drive.call("break_handler", name=method)
        with pytest.raises(OSError, match="Input/output"):
            use()
        drive.call("mend_handler", name=method)
    assert (drive.path / "file").read_text() == "x"
    assert os.listdir(drive.path) == ["file"]
    assert drive.log.read_text().count("ZeroDivisionError: broken on purpose") == 6


def test_a_place_that_is_mounted_already_is_refused(drive):
    with pytest.raises(MountError, match="is a mount point already"):
        prepare(drive.path)


def test_a_second_mount_of_the_same_replica_is_refused(drive, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    done = subprocess.run(
        [sys.executable, Path(__file__).with_name("program.py"), drive.replica, elsewhere],
        check=False,
        timeout=LIMIT,
        capture_output=True,
        text=True,
    )
    assert done.returncode != 0
    assert "ReplicaInUse" in done.stderr
    assert mounted_type(elsewhere) is None


def test_places_where_nothing_can_be_mounted(tmp_path):
    file = tmp_path / "file"
    file.touch()
    for place, why in (
        (file, "is not a folder"),
        (tmp_path, "is not empty"),
        (tmp_path / "nothing", "does not exist"),
    ):
        with pytest.raises(MountError, match=why):
            prepare(place)
    empty = tmp_path / "with space"
    empty.mkdir()
    prepare(empty)
    assert mounted_type(empty) is None


def test_a_system_without_fuse_is_told_so(tmp_path, monkeypatch):
    monkeypatch.setattr("syncin_fuse.mountpoint.DEVICE", tmp_path / "fuse")
    with pytest.raises(MountError, match=r"has no .*/fuse"):
        prepare(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MountError, match="apt install fuse3"):
        prepare(tmp_path)


def test_sigterm_twice_still_leaves_nothing_mounted(drive):
    (drive.path / "file").write_text("x")
    drive.process.send_signal(signal.SIGTERM)
    drive.process.send_signal(signal.SIGTERM)
    assert drive.process.wait(LIMIT) == 0
    assert mounted_type(drive.path) is None


def test_what_is_no_drive_is_not_released(tmp_path):
    assert not abort(tmp_path)
    assert not abort(Path("/proc"))


@pytest.mark.usefixtures("fuse_control")
def test_a_small_write_does_not_wait_in_the_kernel_for_what_a_copy_has_queued(mount):
    drive = mount()
    found = device(drive.path)
    assert found is not None
    told = (CONNECTIONS / str(found[1]) / "max_background").read_text()
    assert int(told) == MAX_BACKGROUND


def test_large_writes_of_several_programs_all_arrive(drive):
    """While one program makes small files, the large writes of two others go by threads."""
    parts = [os.urandom(1 << 20) for _ in range(8)]
    files = [drive.path / "one", drive.path / "two"]
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITE, file], stdin=subprocess.PIPE)
        for file in files
    ]
    for part in parts:
        for writer in writers:
            assert writer.stdin is not None
            writer.stdin.write(part)
        for number in range(10):
            (drive.path / f"small{number}").write_bytes(part[:4096])
    for writer in writers:
        writer.communicate(timeout=LIMIT)
        assert writer.returncode == 0
    whole = b"".join(parts)
    assert [file.read_bytes() == whole for file in files] == [True, True]
    drive.again()
    assert [file.read_bytes() == whole for file in files] == [True, True]
