"""What the program's files may count on, whichever system: these run on Windows' Python too."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from reconciler.positioned import pread, pwrite
from syncin_mount import system

FIRST = 1_700_000_000_123_456_700
"""A time that Windows keeps as it is: it counts hundreds of nanoseconds."""


def opened(path: Path, data: bytes = b"") -> int:
    fd = system.open_file(path, system.OPEN, 0o600)
    pwrite(fd, data, 0)
    return fd


def test_a_file_that_is_open_can_be_renamed(tmp_path: Path) -> None:
    fd = opened(tmp_path / "old", b"content")
    system.replace(tmp_path / "old", tmp_path / "new")
    pwrite(fd, b"C", 0)
    os.close(fd)
    assert (tmp_path / "new").read_bytes() == b"Content"
    assert not (tmp_path / "old").exists()


def test_a_file_that_is_open_can_be_removed(tmp_path: Path) -> None:
    fd = opened(tmp_path / "file", b"content")
    system.discard(tmp_path / "file")
    if sys.platform != "win32":  # Wine opens it still, unlike Windows
        with pytest.raises(FileNotFoundError):
            system.open_file(tmp_path / "file", system.READ)
    assert pread(fd, 100, 0) == b"content"
    os.close(fd)
    assert not (tmp_path / "file").exists()
    system.discard(tmp_path / "file")


def test_a_file_takes_the_place_of_another(tmp_path: Path) -> None:
    (tmp_path / "old").write_bytes(b"old")
    fd = opened(tmp_path / "new", b"new")
    os.close(fd)
    system.replace(tmp_path / "new", tmp_path / "old")
    assert (tmp_path / "old").read_bytes() == b"new"


@pytest.mark.parametrize(
    ("flags", "there", "left"),
    [
        (system.OPEN, b"there", b"there"),
        (system.OPEN, None, b""),
        (system.OPEN | os.O_TRUNC, b"there", b""),
        (system.OPEN | os.O_TRUNC, None, b""),
        (system.OPEN & ~os.O_CREAT, b"there", b"there"),
        (system.OPEN & ~os.O_CREAT, None, FileNotFoundError),
        (system.OPEN | os.O_EXCL, None, b""),
        (system.OPEN | os.O_EXCL, b"there", FileExistsError),
        ((system.OPEN & ~os.O_CREAT) | os.O_TRUNC, b"there", b""),
        (system.READ, b"there", b"there"),
        (system.READ, None, FileNotFoundError),
    ],
)
def test_flags_say_what_becomes_of_what_is_there(
    tmp_path: Path, flags: int, there: bytes | None, left: bytes | type[OSError]
) -> None:
    path = tmp_path / "file"
    if there is not None:
        path.write_bytes(there)
    if isinstance(left, type):
        with pytest.raises(left) as raised:
            system.open_file(path, flags, 0o600)
        assert str(raised.value.filename) == str(path)
        return
    os.close(system.open_file(path, flags, 0o600))
    assert path.read_bytes() == left


def test_what_is_opened_to_append_writes_at_the_end(tmp_path: Path) -> None:
    for piece in (b"one\n", b"two\r\n\x1a"):
        fd = system.open_file(tmp_path / "log", system.OPEN | os.O_APPEND, 0o600)
        os.write(fd, piece)
        os.ftruncate(fd, os.fstat(fd).st_size)
        os.close(fd)
    assert (tmp_path / "log").read_bytes() == b"one\ntwo\r\n\x1a"


def test_what_is_opened_to_read_cannot_be_written(tmp_path: Path) -> None:
    os.close(opened(tmp_path / "file", b"content"))
    fd = system.open_file(tmp_path / "file", system.READ)
    with pytest.raises(OSError, match=r"\w"):
        pwrite(fd, b"x", 0)
    os.close(fd)
    assert (tmp_path / "file").read_bytes() == b"content"


def test_a_link_is_not_followed_where_that_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")
    try:
        (tmp_path / "link").symlink_to(tmp_path / "file")
    except OSError as error:
        pytest.skip(f"links cannot be made here: {error}")
    with pytest.raises(OSError, match=r"\w"):
        system.open_file(tmp_path / "link", system.READ | system.NO_FOLLOW)
    os.close(system.open_file(tmp_path / "file", system.READ | system.NO_FOLLOW))


def test_times_are_set_by_path_and_by_descriptor(tmp_path: Path) -> None:
    fd = opened(tmp_path / "file", b"content")
    system.set_times(fd, ns=(FIRST, FIRST))
    assert os.fstat(fd).st_mtime_ns == FIRST
    pwrite(fd, b"more", 0)
    os.close(fd)
    assert (tmp_path / "file").stat().st_mtime_ns != FIRST, "a later write counts"
    system.set_times(tmp_path / "file", ns=(FIRST, FIRST + 1000))
    assert (tmp_path / "file").stat().st_mtime_ns == FIRST + 1000


def test_a_lock_is_held_by_one_descriptor(tmp_path: Path) -> None:
    first, second = opened(tmp_path / "lock", b"text"), opened(tmp_path / "lock")
    system.lock_file(first)
    with pytest.raises(BlockingIOError):
        system.lock_file(second)
    assert pread(second, 10, 0) == b"text", "what is locked can be read"
    os.close(first)
    system.wait_for_lock(second)
    os.close(second)


def test_all_files_of_a_folder_are_synced_open_or_not(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    held = opened(tmp_path / "folder" / "held", b"held")
    gone = opened(tmp_path / "folder" / "gone", b"gone")
    system.discard(tmp_path / "folder" / "gone")
    os.close(opened(tmp_path / "closed", b"closed"))
    system.sync_file_system(tmp_path)
    os.close(held)
    os.close(gone)


def test_names_may_be_long_and_like_devices(tmp_path: Path) -> None:
    folder = os.fspath(tmp_path)
    while len(folder) < 400:
        folder = os.path.join(folder, "a folder with a long name")
    if sys.platform == "win32":
        from syncin_mount.system.long_paths import extended

        folder = extended(folder)
    os.makedirs(folder)
    for name in ("file", "con", "trailing."):
        path = os.path.join(folder, name)
        os.close(system.open_file(path, system.OPEN, 0o600))
        system.replace(path, path + "x")
        system.discard(path + "x")
    assert os.listdir(folder) == []


def test_space_that_was_asked_for_is_there(tmp_path: Path) -> None:
    fd = opened(tmp_path / "file")
    system.allocate(fd, 10_000)
    assert os.fstat(fd).st_size == 10_000
    os.close(fd)
    assert system.allocated(tmp_path / "file")
    assert system.file_system(tmp_path).f_frsize > 0


@pytest.mark.skipif(sys.platform != "win32", reason="Linux lets everybody write")
def test_nobody_writes_to_what_is_open_without_writers(tmp_path: Path) -> None:
    """On Linux a lease does that: see the importer's tests."""
    writer = opened(tmp_path / "file", b"content")
    with pytest.raises(BlockingIOError):
        system.open_file(tmp_path / "file", system.READ | system.NO_WRITERS)
    os.close(writer)
    reader = system.open_file(tmp_path / "file", system.READ | system.NO_WRITERS)
    with pytest.raises(PermissionError):
        system.open_file(tmp_path / "file", system.OPEN)
    assert pread(reader, 100, 0) == b"content"
    system.discard(tmp_path / "file")
    os.close(reader)
    assert not (tmp_path / "file").exists()


def test_what_may_only_be_read_is_removed_too(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")
    (tmp_path / "file").chmod(0o400)
    system.discard(tmp_path / "file")
    assert not (tmp_path / "file").exists()
