"""A real mount whose replica lies on a small disk that is full to its last byte.

What holds at every kind of write: the caller is told (ENOSPC, by the call itself or, under the
kernel's writeback cache, by close, fsync or msync), what was acknowledged is there after a kill -9
and a start on the full disk, and everything goes on by itself once there is room.
"""

from __future__ import annotations

import contextlib
import errno
import mmap
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.mounts.conftest import LIMIT, Drive
from tests.small_disk import SmallDisk, refused, small_disk

pytestmark = pytest.mark.timeout(180)

KEPT = b"kept " * 60_000  # 300,000 bytes
MUCH = os.urandom(1 << 20)
MEGABYTES = 40


@pytest.fixture(params=["tmpfs", "ext4"])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "disk", request.param, MEGABYTES) as made:
        yield made


@pytest.fixture
def on_disk(disk: SmallDisk, mount: Callable[..., Drive], tmp_path: Path) -> Drive:
    """A drive whose replica lies on the small disk, with something in it."""
    (disk.path / "replica").mkdir()
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "replica").symlink_to(disk.path / "replica")
    drive = mount("--contents", str(tmp_path / "contents"))
    (tmp_path / "contents").mkdir()
    for name in ("kept", "appended", "mapped", "longer", "synced", "replaced", "to copy"):
        (drive.path / name).write_bytes(KEPT)
    (drive.path / "big").write_bytes(MUCH * 3)
    (drive.path / "cut").write_bytes(MUCH * 3)
    (drive.path / "folder").mkdir()
    settle(drive)
    return drive


def settle(drive: Drive) -> None:
    """Returns after the next commits, so that the disk's use does not change by itself any more."""
    fd = os.open(drive.path, os.O_RDONLY)
    os.fsync(fd)
    os.close(fd)
    os.sync()


def attempt(act: Callable[[], object]) -> bool:
    """Whether it succeeded; it may fail for want of room, and not otherwise. It must not take
    long."""
    started = time.monotonic()
    try:
        act()
    except OSError as error:
        if not refused(error):
            raise
        return False
    finally:
        assert time.monotonic() - started < LIMIT
    return True


@contextlib.contextmanager
def opened(path: Path, flags: int) -> Iterator[int]:
    """Closes by close(2), whose error counts."""
    fd = os.open(path, flags, 0o644)
    try:
        yield fd
    except BaseException:
        with contextlib.suppress(OSError):
            os.close(fd)
        raise
    os.close(fd)


def write(
    path: Path, data: bytes, flags: int = os.O_WRONLY | os.O_CREAT, *, sync: bool = False
) -> None:
    with opened(path, flags) as fd:
        assert os.write(fd, data) == len(data)
        if sync:
            os.fsync(fd)


def write_mapped(path: Path, size: int) -> None:
    """Into a hole behind the file's end."""
    with opened(path, os.O_RDWR) as fd:
        before = os.fstat(fd).st_size
        os.ftruncate(fd, before + size)
        with mmap.mmap(fd, before + size) as view:
            view[before:] = MUCH[:size]
            view.flush()


def save_over(path: Path, data: bytes) -> None:
    """As editors do."""
    new = path.with_name(path.name + "~")
    write(new, data, sync=True)
    new.rename(path)


def in_bin(drive: Drive) -> dict[str, Path]:
    """The files of the bin by their names."""
    return {path.name: path for path in (drive.replica / "bin").rglob("*") if path.is_file()}


class Told:
    """What was acknowledged, by path; None for a folder."""

    def __init__(self, drive: Drive) -> None:
        self._drive = drive
        self.must: dict[str, bytes | None] = {}
        self.begins: dict[str, bytes] = {}
        self.gone: set[str] = set()

    def check(self) -> None:
        for path, data in self.must.items():
            full = self._drive.path / path
            assert full.is_dir() if data is None else full.read_bytes() == data, path
        for path, data in self.begins.items():
            assert (self._drive.path / path).read_bytes().startswith(data), path
        for path in self.gone:
            assert not (self._drive.path / path).exists(), path
        assert self._drive.call("problems") == []


def every_write(drive: Drive, told: Told) -> dict[str, bool]:
    """Does everything once that may need room; how each went."""
    top, went = drive.path, {}
    must = told.must
    before = {name: (top / name).read_bytes() for name in ("appended", "mapped")}
    for name in ("kept", "synced", "replaced", "to copy"):
        must[name] = KEPT

    def put(kind: str, path: str, data: bytes | None, act: Callable[[], object]) -> None:
        went[kind] = attempt(act)
        if went[kind]:
            must[path] = data

    put("write, close", "new", MUCH, lambda: write(top / "new", MUCH))
    put("write, fsync", "new synced", MUCH, lambda: write(top / "new synced", MUCH, sync=True))
    put(
        "append",
        "appended",
        before["appended"] + MUCH,
        lambda: write(top / "appended", MUCH, os.O_WRONLY | os.O_APPEND),
    )
    put("mmap", "mapped", before["mapped"] + MUCH, lambda: write_mapped(top / "mapped", len(MUCH)))
    put("save over", "replaced", MUCH, lambda: save_over(top / "replaced", MUCH))
    put("copy", "copy", KEPT * 4, lambda: write(top / "copy", KEPT * 4, sync=True))
    for number in range(400):
        name = f"empty {number}"
        put("create", name, b"", (top / name).touch)
    put("mkdir", "new folder", None, (top / "new folder").mkdir)
    put("symlink", "link", None, lambda: (top / "link").symlink_to("folder"))
    put("xattr", "folder", None, lambda: os.setxattr(top / "folder", "user.much", bytes(60_000)))
    put(
        "extend",
        "longer",
        KEPT + bytes(9_000),
        lambda: os.truncate(top / "longer", len(KEPT) + 9_000),
    )
    for path in ("appended", "mapped", "longer"):
        told.begins[path] = KEPT
    return went


def test_at_every_kind_of_write(
    on_disk: Drive, disk: SmallDisk, eventually: Callable[..., None]
) -> None:
    drive, top, told = on_disk, on_disk.path, Told(on_disk)
    disk.fill()
    assert disk.room < 1 << 16
    went = every_write(drive, told)
    for kind in (
        "write, close",
        "write, fsync",
        "append",
        "mmap",
        "save over",
        "copy",
        "create",
        "xattr",
    ):
        assert not went[kind], kind
    told.check()
    # What takes no room for good is never refused, by far more of it than the journal's last block
    # could take.
    for number in range(300):
        (top / "kept").rename(top / "renamed")
        (top / "renamed").rename(top / "kept")
        (top / "kept").chmod(0o600 + number % 8)
        os.utime(top / "kept", (number, number))
    # A file is not longer for whoever looks than what of it could be kept.
    eventually(
        lambda: (top / "appended").stat().st_size == drive.call("state", path="appended")["size"]
    )
    assert (top / "appended").read_bytes() == (KEPT + MUCH)[: (top / "appended").stat().st_size]
    drive.kill()
    disk.fill()
    drive.start()
    told.check()
    assert (top / "kept").stat().st_mtime == 299
    os.unlink(top / "big")
    os.truncate(top / "cut", 0)
    told.gone.add("big")
    told.must["cut"] = b""
    eventually(lambda: disk.room > len(MUCH))
    disk.free()
    eventually(lambda: attempt(lambda: write(top / "new", MUCH, sync=True)))
    told.must["new"] = MUCH
    assert all(every_write(drive, told).values())
    told.check()
    drive.unmount()
    drive.start()
    told.check()


def test_while_somebody_else_takes_every_byte(
    on_disk: Drive, disk: SmallDisk, eventually: Callable[..., None]
) -> None:
    """What is kept back goes to the journal and the index first: what makes room can still be
    recorded."""
    drive, top, told = on_disk, on_disk.path, Told(on_disk)
    disk.fill()
    every_write(drive, told)
    eventually(lambda: (drive.replica / "reserve").stat().st_size == 0)
    disk.fill()
    for number in range(1000):
        os.utime(top / "kept", (number, number))
    (top / "kept").rename(top / "renamed")
    told.must["renamed"] = told.must.pop("kept")
    assert not attempt(lambda: write(top / "more", MUCH))
    drive.kill()
    disk.fill()
    drive.start()
    told.check()
    os.unlink(top / "big")
    os.unlink(top / "cut")
    eventually(lambda: disk.room > len(MUCH) * 4)
    told.gone.update(("big", "cut", "kept"))
    told.check()
    drive.unmount()
    drive.start()
    told.check()
    disk.free()
    eventually(lambda: attempt(lambda: write(top / "more", MUCH, sync=True)))


def test_what_the_reconciler_writes(
    on_disk: Drive, disk: SmallDisk, tmp_path: Path, eventually: Callable[..., None]
):
    drive, top, told = on_disk, on_disk.path, Told(on_disk)
    contents = tmp_path / "contents"
    (contents / "far").write_bytes(MUCH * 2)
    drive.call("place_file", path="far", size=len(MUCH) * 2, mtime=1_600_000_000)
    told.must |= {"kept": KEPT, "replaced": KEPT}
    disk.fill()
    with pytest.raises(OSError, match=f"{os.strerror(errno.EIO)}|{os.strerror(errno.ENOSPC)}"):
        (top / "far").read_bytes()
    for order in (
        {
            "order": "install_content",
            "path": "replaced",
            "text": "x" * 200_000,
            "mtime": 1_600_000_000,
        },
        {"order": "in_bin", "path": "to copy"},
    ):
        with pytest.raises(AssertionError, match="No space left"):
            drive.call(**order)
    told.check()
    for number in range(300):
        with contextlib.suppress(AssertionError):
            drive.call("place_file", path=f"remote {number}", size=1, mtime=1_600_000_000)
    drive.call("move_local", path="kept", target="folder/kept")
    told.must["folder/kept"] = told.must.pop("kept")
    drive.call("touch_local", path="replaced", mtime_ns=1_600_000_000 * 10**9)
    drive.call("delete_local", path="cut")  # to the bin: it takes no room, but for its folder
    told.gone.update(("cut", "kept"))
    drive.call("passed_on")
    told.check()
    drive.kill()
    disk.fill()
    drive.start()
    told.check()
    disk.free()
    eventually(lambda: attempt(lambda: write(top / "more", MUCH, sync=True)))
    assert (top / "far").read_bytes() == MUCH * 2
    drive.call("install_content", path="replaced", text="new", mtime=1_600_000_000)
    told.must["replaced"] = b"new"
    drive.call("in_bin", path="to copy")
    eventually(lambda: {"cut", "to copy"} <= set(in_bin(drive)))
    assert in_bin(drive)["cut"].read_bytes() == MUCH * 3
    drive.call("passed_on")
    told.check()


def test_an_orderly_end_on_a_full_disk(
    on_disk: Drive, disk: SmallDisk, eventually: Callable[..., None]
) -> None:
    drive, told = on_disk, Told(on_disk)
    disk.fill()
    every_write(drive, told)
    eventually(lambda: (drive.replica / "reserve").stat().st_size == 0)
    disk.fill()
    drive.terminate()
    disk.fill()
    drive.start()
    told.check()
    drive.unmount()
