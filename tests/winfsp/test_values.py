"""Times, attributes, statuses, the volume and its security descriptor: tables and properties."""

from __future__ import annotations

import errno
import os
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model import NodeId
from syncin_mount.store import Attr
from syncin_mount.store.types import NodeType
from syncin_mount.vfs.arrivals import ERRNO
from syncin_winfsp.values import volume
from syncin_winfsp.values.attributes import (
    INVALID,
    Attribute,
    Kept,
    decode,
    info_of,
    is_shown,
    keep,
    mode_with,
    usual,
)
from syncin_winfsp.values.security import descriptor
from syncin_winfsp.values.statuses import BY_ERRNO, Status, status_of
from syncin_winfsp.values.times import EPOCH, LAST, UNCHANGED, from_filetime, to_filetime

# --- times ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("time_ns", "filetime"),
    [
        (0, EPOCH),
        (99, EPOCH),
        (-1, EPOCH - 1),
        (1_700_000_000_123_456_789, 133_444_736_001_234_567),
        (-(1 << 63), EPOCH - 92_233_720_368_547_759),
        (-(EPOCH + 5) * 100, 1),
        ((1 << 80), LAST),
    ],
)
def test_times(time_ns: int, filetime: int) -> None:
    assert to_filetime(time_ns) == filetime


@given(st.integers(1, LAST))
def test_a_time_of_windows_comes_back(filetime: int) -> None:
    time_ns = from_filetime(filetime)
    assert time_ns is not None
    assert to_filetime(time_ns) == filetime


@pytest.mark.parametrize("filetime", UNCHANGED)
def test_some_times_are_none(filetime: int) -> None:
    assert from_filetime(filetime) is None


# --- attributes -----------------------------------------------------------------------------------


def attr(**given: Any) -> Attr:
    usual_ones: dict[str, Any] = {
        "node": NodeId(7),
        "ino": 9,
        "kind": NodeType.FILE,
        "mode": 0o644,
        "nlink": 1,
        "uid": 1,
        "gid": 1,
        "rdev": 0,
        "size": 0,
        "atime_ns": 100,
        "mtime_ns": 200,
        "ctime_ns": 300,
        "birth_ns": 400,
        "version": 1,
        "present": True,
        "target": b"",
    }
    return Attr(**(usual_ones | given))


FILE, FOLDER = {"kind": NodeType.FILE}, {"kind": NodeType.FOLDER, "mode": 0o755}


@pytest.mark.parametrize(
    ("given", "kept", "attributes"),
    [
        (FILE, None, 0x20),
        (FOLDER, None, 0x10),
        (FOLDER | {"mode": 0o555}, None, 0x10),
        (FILE | {"mode": 0o444}, None, 0x21),
        (FILE, Kept(Attribute(0)), 0x80),
        (FILE, Kept(Attribute.HIDDEN), 0x2),
        (FILE | {"mode": 0o444}, Kept(Attribute.SYSTEM), 0x5),
        (FOLDER, Kept(Attribute.HIDDEN | Attribute.READONLY), 0x13),
        (FILE | {"present": False, "size": 5}, None, 0x401020),
        (FILE | {"present": False, "size": 0}, None, 0x20),
    ],
)
def test_attributes(given: dict[str, Any], kept: Kept | None, attributes: int) -> None:
    found = attr(**given)
    kept = kept or usual(is_folder=found.kind is NodeType.FOLDER)
    assert info_of(found, kept).attributes == attributes


@pytest.mark.parametrize(
    ("size", "allocated"), [(0, 0), (1, 4096), (4096, 4096), (4097, 8192), (1 << 40, 1 << 40)]
)
def test_sizes(size: int, allocated: int) -> None:
    found = info_of(attr(size=size), usual(is_folder=False))
    assert (found.file_size, found.allocation_size) == (size, allocated)
    folder = info_of(attr(size=size, **FOLDER), usual(is_folder=True))
    assert (folder.file_size, folder.allocation_size) == (0, 0)


def test_what_else_windows_is_told() -> None:
    found = info_of(attr(), usual(is_folder=False))
    assert found.index == 9
    times = (found.created, found.accessed, found.written, found.changed)
    assert times == (EPOCH + 4, EPOCH + 1, EPOCH + 2, EPOCH + 3)
    assert info_of(attr(), Kept(Attribute(0), created=5)).created == 5
    assert info_of(attr(birth_ns=0), usual(is_folder=False)).created == EPOCH + 2


def test_only_files_and_folders_are_shown() -> None:
    assert {kind for kind in NodeType if is_shown(attr(kind=kind))} == {
        NodeType.FILE,
        NodeType.FOLDER,
    }


@given(st.integers(0, INVALID), st.integers(0, LAST), st.booleans())
def test_what_is_kept_comes_back(asked: int, created: int, is_folder: bool) -> None:
    kept = Kept(keep(asked, is_folder=is_folder), created)
    assert decode(kept.encode(), is_folder=is_folder) == kept


@given(st.binary(max_size=60), st.booleans())
def test_whatever_stands_there_is_read(value: bytes, is_folder: bool) -> None:
    assert decode(value, is_folder=is_folder).created < 1 << 63


def test_nothing_that_can_be_read_is_the_usual() -> None:
    for value in (None, b"", b"attributes=", b"attributes=2 created=x", b"attributes=222222222"):
        assert decode(value, is_folder=False) == Kept(Attribute.ARCHIVE)
        assert decode(value, is_folder=True) == Kept(Attribute(0))
    assert decode(b"attributes=2 created=99999999999999999999", is_folder=False).created == 0


def test_read_only_is_the_mode_of_files() -> None:
    assert mode_with(0o666, 0x1) == 0o444
    assert mode_with(0o444, 0x20) == 0o644
    assert mode_with(0o755, 0x80) == 0o755


# --- statuses -------------------------------------------------------------------------------------


def test_each_error_that_vfs_tells_has_a_status_of_its_own() -> None:
    for number in ERRNO.values():
        assert number in BY_ERRNO
    for number in (errno.ENOENT, errno.EEXIST, errno.ENOTEMPTY, errno.EROFS, errno.ENOSPC):
        assert status_of(OSError(number, os.strerror(number))) is not Status.UNEXPECTED_IO_ERROR


def test_what_nobody_knows_is_an_unexpected_error() -> None:
    assert status_of(OSError("no number")) is Status.UNEXPECTED_IO_ERROR
    assert status_of(OSError(12345, "?")) is Status.UNEXPECTED_IO_ERROR


def test_the_statuses_are_errors_but_for_two() -> None:
    assert {each for each in Status if each < 0xC0000000} == {
        Status.SUCCESS,
        Status.PENDING,
        Status.BUFFER_OVERFLOW,
    }


# --- the volume -----------------------------------------------------------------------------------


def test_the_volume_has_the_sizes_of_the_disk() -> None:
    disk: Any = SimpleNamespace(f_blocks=100, f_frsize=4096, f_bavail=10, f_bfree=20)
    assert volume.volume_of(disk, "docs") == volume.Volume(409600, 40960, "docs")


@given(st.text(max_size=60))
def test_each_name_fits_as_a_label(name: str) -> None:
    label = volume.label_of(name)
    assert 0 < len(label.encode("utf-16-le", "surrogatepass")) <= 64
    assert (name or "Sync-in").startswith(label)


def test_a_serial_number_is_the_same_each_time_and_never_0() -> None:
    assert volume.serial_of("docs") == volume.serial_of("docs") != volume.serial_of("music")
    assert volume.serial_of("") == 1


def test_a_wait_is_answered_before_the_driver_takes_the_buffer_back() -> None:
    assert volume.ANSWER_SECONDS * 1000 < volume.IRP_TIMEOUT_MS


# --- security -------------------------------------------------------------------------------------


def test_the_drive_is_the_user_s() -> None:
    assert descriptor("S-1-5-21-1-2-3-1001", everybody=False) == (
        "O:S-1-5-21-1-2-3-1001G:S-1-5-21-1-2-3-1001D:P(A;;FA;;;S-1-5-21-1-2-3-1001)(A;;FA;;;SY)"
    )
    assert descriptor("S-1-5-18", everybody=True).endswith(
        "(A;;FA;;;S-1-5-18)(A;;FA;;;SY)(A;;FA;;;WD)"
    )


@pytest.mark.parametrize("user", ["", "WD", "S-1", "S-1-5)(A;;FA;;;WD", "S-1-5-18\n"])
def test_what_is_no_user_gets_no_descriptor(user: str) -> None:
    with pytest.raises(ValueError, match="no SID"):
        descriptor(user, everybody=False)
