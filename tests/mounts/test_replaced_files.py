"""A file that others replace, or that is gone, can be opened by whoever has its inode, as on a
local disk.

``SYNCIN_MOUNT_OPENS`` sets how often each reader opens (2,000).
"""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import time

import pytest

OPENS = int(os.environ.get("SYNCIN_MOUNT_OPENS", "2000"))

WRITER = """
import os, sys
path, mine = sys.argv[1:]
number = 0
while os.path.exists(os.path.dirname(path)):
    with open(mine, "wb") as file:
        file.write(b"%d\\n" % number * 50)
    os.rename(mine, path)
    number += 1
"""

READER = """
import collections, errno, json, os, sys
path, how, opens = sys.argv[1:]
failed = collections.Counter()
for _ in range(int(opens)):
    try:
        fd = os.open(path, {"read": os.O_RDONLY, "append": os.O_RDWR | os.O_APPEND}[how])
    except OSError as error:
        failed[errno.errorcode[error.errno]] += 1
        continue
    data = os.read(fd, 10_000)
    if len(set(data.split())) != 1 or os.fstat(fd).st_size != len(data):
        failed["torn"] += 1
    os.close(fd)
print(json.dumps(failed))
"""


@pytest.mark.parametrize("writers", [1, 3])
def test_opens_of_a_file_that_others_replace_never_fail(drive, writers):
    folder = drive.path / "folder"
    folder.mkdir()
    path = folder / "file"
    path.write_bytes(b"0\n" * 50)
    names = [folder / f"new{number}" for number in range(writers)]
    writing = [subprocess.Popen([sys.executable, "-c", WRITER, path, name]) for name in names]
    try:
        readers = [
            subprocess.Popen(
                [sys.executable, "-c", READER, path, how, str(OPENS)], stdout=subprocess.PIPE
            )
            for how in ("read", "append")
        ]
        told = [reader.communicate(timeout=60 + OPENS / 50)[0] for reader in readers]
    finally:
        for writer in writing:
            writer.kill()
            writer.wait()
    assert [json.loads(each) for each in told] == [{}, {}]
    assert drive.call("problems") == []


def _kept(drive) -> list[str]:
    return os.listdir(drive.replica / "orphans")


def _again(fd: int, flags: int = os.O_RDONLY) -> int:
    return os.open(f"/proc/self/fd/{fd}", flags)


def _opens(fd: int) -> bool:
    try:
        os.close(_again(fd))
    except OSError as error:
        if error.errno != errno.ESTALE:
            raise
        return False
    return True


def _committed(drive, eventually) -> None:
    """The content of what has no name any more is gone from its place among the objects."""
    eventually(lambda: len(_kept(drive)) == 1)


@pytest.mark.parametrize("way", ["unlink", "rename"])
def test_a_descriptor_that_is_only_a_path_opens_what_is_gone(drive, eventually, way):
    path = drive.path / "file"
    path.write_bytes(b"content")
    place = os.open(path, os.O_PATH)
    if way == "rename":
        (drive.path / "other").touch()
        (drive.path / "other").rename(path)
    else:
        path.unlink()
    _committed(drive, eventually)
    fd = _again(place, os.O_RDWR)
    assert os.read(fd, 100) == b"content"
    os.write(fd, b" and more")
    os.close(fd)
    fd = _again(place)
    assert os.read(fd, 100) == b"content and more"
    assert os.fstat(place).st_size == 16
    os.close(fd)
    os.truncate(f"/proc/self/fd/{place}", 3)
    assert os.fstat(place).st_size == 3
    assert len(_kept(drive)) == 1
    os.close(place)
    eventually(lambda: not _kept(drive))
    assert drive.call("problems") == []


@pytest.mark.parametrize("way", ["edit", "delete", "delete above", "touch"])
def test_what_the_server_replaces_can_be_read_on(drive, eventually, way):
    (drive.path / "folder").mkdir()
    path = drive.path / "folder" / "file"
    path.write_bytes(b"content")
    place = os.open(path, os.O_PATH)
    if way == "edit":
        drive.call("install_content", path="folder/file", text="their version", mtime=1_700_000_000)
        eventually(lambda: path.read_bytes() == b"their version")
    elif way == "touch":
        drive.call("touch_local", path="folder/file", mtime_ns=1_600_000_000_000_000_000)
        eventually(lambda: path.stat().st_mtime == 1_600_000_000)
    else:
        drive.call("delete_local", path="folder/file" if way == "delete" else "folder")
        eventually(lambda: not path.exists())
    eventually(lambda: _opens(place))  # a moment after the name is gone
    fd = _again(place)
    assert os.read(fd, 100) == b"content"
    os.close(fd)
    assert os.fstat(place).st_size == 7
    os.close(place)
    eventually(lambda: not _kept(drive))
    assert drive.call("problems") == []


def test_what_the_kernel_does_not_know_is_not_kept(drive, eventually):
    """Thousands of files that the server takes away, and that nobody here ever looked at."""
    drive.call("place_folder", path="folder")
    for number in range(300):
        drive.call("place_file", path=f"folder/{number}", size=0, mtime=1_700_000_000)
    os.listdir(drive.path / "folder")
    (drive.path / "folder" / "7").stat()
    assert drive.call("kept_inodes") == 0
    drive.again()
    drive.call("delete_local", path="folder")
    eventually(lambda: drive.call("kept_inodes") == 0)


def test_a_kill_leaves_nothing_of_what_was_kept(drive, eventually):
    path = drive.path / "file"
    path.write_bytes(b"content")
    place = os.open(path, os.O_PATH)
    path.unlink()
    _committed(drive, eventually)
    drive.kill()
    os.close(place)
    drive.start()
    assert _kept(drive) == []
    assert drive.call("problems") == []


def test_a_folder_that_is_replaced_again_and_again_does_not_slow_down(drive):
    """What is kept goes when it is forgotten: nothing heaps up."""
    started = time.monotonic()
    for number in range(300):
        (drive.path / "new").write_bytes(b"%d" % number)
        (drive.path / "new").rename(drive.path / "file")
    assert time.monotonic() - started < 60
    assert drive.call("kept_inodes") <= 50
