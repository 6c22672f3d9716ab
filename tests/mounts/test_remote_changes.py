"""Changes that do not come through the kernel are seen at once, whatever it has in its memory for a
day."""

from __future__ import annotations

import os
import time

import pytest


def test_what_appears_moves_and_goes_is_seen(drive, eventually):
    here = drive.path
    assert not (here / "folder").exists()  # and that is remembered
    drive.call("place_folder", path="folder")
    eventually((here / "folder").is_dir)
    assert os.listdir(here / "folder") == []
    assert not (here / "folder" / "file").exists()
    drive.call("place_file", path="folder/file", size=5, mtime=1_700_000_000)
    eventually((here / "folder" / "file").exists)
    assert (here / "folder" / "file").stat().st_size == 5
    assert (here / "folder" / "file").stat().st_mtime_ns == 1_700_000_000 * 10**9
    assert os.listdir(here / "folder") == ["file"]
    drive.call("move_local", path="folder", target="renamed")
    eventually(lambda: os.listdir(here) == ["renamed"])
    eventually(lambda: (here / "renamed" / "file").exists() and not (here / "folder").exists())
    drive.call("delete_local", path="renamed/file")
    eventually(lambda: not (here / "renamed" / "file").exists())
    drive.call("delete_local", path="renamed")
    eventually(lambda: not (here / "renamed").exists())


def test_new_content_is_seen_under_the_name_and_old_content_by_its_readers(drive, eventually):
    path = drive.path / "file"
    path.write_text("old content")
    assert path.read_text() == "old content"
    with path.open() as reader:
        drive.call("install_content", path="file", text="newer content", mtime=1_700_000_000)
        eventually(lambda: path.read_text() == "newer content")
        assert path.stat().st_size == 13
        assert path.stat().st_mtime_ns == 1_700_000_000 * 10**9
        assert reader.read() == "old content"
        assert os.fstat(reader.fileno()).st_size == 11
    drive.call("touch_local", path="file", mtime_ns=1_600_000_000_000_000_000)
    eventually(lambda: path.stat().st_mtime_ns == 1_600_000_000_000_000_000)
    assert path.read_text() == "newer content"


def test_attributes_that_are_set_by_a_name_reach_what_has_it_now(drive, eventually):
    """While somebody reads the former content, and at every moment of the server's version's taking
    the name: the kernel may not have been told yet."""
    path = drive.path / "file"
    path.write_text("old content")
    for number in range(40):
        with path.open() as reader:
            os.fstat(reader.fileno())
            drive.call(
                "install_content",
                path="file",
                text=f"content {number}",
                mtime=1_700_000_000 + number,
            )
            mode = 0o600 + number % 8
            path.chmod(mode)
            os.utime(path, ns=(5, 1_600_000_000_000_000_000 + number))
            assert (
                drive.call("state", path="file")["mtime_ns"] == 1_600_000_000_000_000_000 + number
            )
        eventually(lambda number=number: path.read_text() == f"content {number}")
        assert path.stat().st_mode & 0o777 == mode


def test_attributes_that_are_set_by_a_handle_stay_with_it(drive):
    path, other = drive.path / "file", drive.path / "other"
    for way in ("rename", "unlink"):
        path.write_text("old")
        path.chmod(0o644)
        with path.open() as reader:
            if way == "rename":
                other.write_text("new")
                other.chmod(0o640)
                other.rename(path)
            else:
                path.unlink()
            os.fchmod(reader.fileno(), 0o600)
            os.utime(reader.fileno(), ns=(7, 7))
            found = os.fstat(reader.fileno())
            assert (found.st_mode & 0o777, found.st_mtime_ns) == (0o600, 7)
            if way == "rename":
                assert path.stat().st_mode & 0o777 == 0o640


def test_a_deleted_file_stays_usable_by_its_handles(drive, eventually):
    path = drive.path / "file"
    path.write_text("content")
    with path.open() as reader:
        drive.call("delete_local", path="file")
        eventually(lambda: not path.exists())
        assert reader.read() == "content"


def test_content_that_is_not_here_and_cannot_be_fetched(drive):
    drive.call("place_file", path="absent", size=100, mtime=1_700_000_000)
    path = drive.path / "absent"
    assert path.stat().st_size == 100
    with pytest.raises(OSError, match="Network is unreachable"):
        path.read_bytes()
    with pytest.raises(OSError, match="Network is unreachable"):
        path.open("r+b")
    assert "absent: the content is not on this computer" in drive.log.read_text()
    with path.open("wb") as file:  # what is replaced need not be fetched
        file.write(b"new")
    assert path.read_bytes() == b"new"
    drive.again()
    assert path.read_bytes() == b"new"


def test_content_is_fetched_by_ranges_as_it_is_read(mount, tmp_path):
    contents = tmp_path / "contents"
    contents.mkdir()
    data = os.urandom(3_000_000)
    (contents / "file").write_bytes(data)
    drive = mount("--contents", str(contents))
    drive.call("place_file", path="file", size=len(data), mtime=1_700_000_000)
    path = drive.path / "file"
    with path.open("rb") as file:
        file.seek(2_000_000)
        assert file.read(1000) == data[2_000_000:2_001_000]
        assert file.read() == data[2_001_000:]
    assert path.read_bytes() == data
    drive.call("place_file", path="second", size=len(data), mtime=1_700_000_000)
    (contents / "second").write_bytes(data)
    with (drive.path / "second").open("r+b") as file:  # the rest is kept
        file.seek(1_000_000)
        file.write(b"changed")
    (contents / "second").unlink()
    drive.again()
    assert (drive.path / "second").read_bytes() == data[:1_000_000] + b"changed" + data[1_000_007:]


def test_many_changes_while_the_drive_is_used(drive, eventually):
    """Invalidation and the kernel's requests must not wait for each other."""
    deadline = time.monotonic() + 60
    for number in range(100):
        drive.call("place_file", path=f"r{number}", size=0, mtime=1_700_000_000)
        (drive.path / f"l{number}").write_bytes(b"x" * 5000)
        if number % 3 == 0:
            drive.call("delete_local", path=f"r{number}")
            drive.call("install_content", path=f"l{number}", text="theirs", mtime=1_700_000_000)
        os.listdir(drive.path)
        assert time.monotonic() < deadline
    expected = {f"l{number}" for number in range(100)} | {
        f"r{number}" for number in range(100) if number % 3
    }
    eventually(lambda: set(os.listdir(drive.path)) == expected)
    eventually(lambda: (drive.path / "l99").read_text() == "theirs")
