"""The home trash on real disks: what is put there, what is refused, and that nothing is written
elsewhere."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from syncin_mount.trash import Item, NotForTrash, TrashUnusable
from syncin_mount.trash.freedesktop import HomeTrash
from tests.trash.support import (
    REMOVED,
    Seen,
    content_of,
    everything,
    folder_on_another_disk,
    go_on,
    item,
    look_into,
    put,
    put_tree,
)


@pytest.fixture(params=["the same disk", "another disk"])
def bins(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """Where the synchronization's bin is."""
    if request.param == "the same disk":
        (tmp_path / "bins").mkdir()
        yield tmp_path / "bins"
        return
    with folder_on_another_disk(tmp_path) as folder:
        yield folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data/Trash"


@pytest.fixture
def trash(folder: Path) -> HomeTrash:
    return HomeTrash(folder, drive=Path("/mnt/drive"), staging=".staging")


def test_a_file_goes_to_the_trash_with_the_place_it_had(
    trash: HomeTrash, folder: Path, bins: Path
) -> None:
    assert trash.objection() is None
    assert not folder.exists()
    big = os.urandom((2 << 20) + 17)
    assert trash.take(put(bins / "7", "my doc.txt", big), item("my doc.txt"), go_on) == "my doc.txt"
    assert look_into(folder) == [Seen("my doc.txt", "/mnt/drive/my doc.txt", big)]
    found = (folder / "files/my doc.txt").stat()
    assert (found.st_mode & 0o777, found.st_mtime) == (0o600, 1_600_000_000)
    assert everything(folder) == ["files", "files/my doc.txt", "info", "info/my doc.txt.trashinfo"]
    assert {
        path.stat().st_mode & 0o777 for path in (folder, folder / "files", folder / "info")
    } == {0o700}
    assert trash.objection() is None


def test_folders_and_links_go_as_they_are(trash: HomeTrash, folder: Path, bins: Path) -> None:
    source = put_tree(bins / "7")
    before = content_of(bins / "7/papers")
    assert trash.take(source, item("papers"), go_on) == "papers"
    assert [seen.content for seen in look_into(folder)] == [before]
    assert (folder / "files/papers/sparse").stat().st_blocks == 0
    for path in [folder / "files/papers", *(folder / "files/papers").rglob("*")]:
        assert path.lstat().st_mtime == 1_600_000_000, path
    (size, mtime, name) = (folder / "directorysizes").read_text().split()
    assert name == "papers"
    assert int(mtime) == int((folder / "info/papers.trashinfo").stat().st_mtime)
    blocks = sum(
        path.lstat().st_blocks
        for path in [folder / "files/papers", *(folder / "files/papers").rglob("*")]
    )
    assert int(size) == blocks * 512
    (bins / "8").mkdir()
    (bins / "8/link").symlink_to("/etc/passwd")
    assert trash.take(os.fsencode(bins / "8"), item("link", mark="2"), go_on) == "link"
    assert (folder / "files/link").readlink() == Path("/etc/passwd")
    assert len((folder / "directorysizes").read_text().splitlines()) == 1


def test_nothing_that_is_in_the_trash_is_ever_replaced(
    trash: HomeTrash, folder: Path, bins: Path
) -> None:
    for number in range(3):
        data = b"%d" % number
        trash.take(put(bins / f"{number}", data=data), item(mark=f"{number}"), go_on)
    (folder / "files/doc.4.txt").write_bytes(b"without an info file")
    # another program is about to put a file there
    (folder / "info/doc.5.txt.trashinfo").write_bytes(b"")
    (folder / "info/doc.6.txt.trashinfo").symlink_to("/etc/passwd")
    os.mkfifo(folder / "info/doc.7.txt.trashinfo")
    assert trash.take(put(bins / "9"), item(mark="9"), go_on) == "doc.8.txt"
    (folder / "files/doc.4.txt").unlink()
    names = [(seen.name, seen.content) for seen in look_into(folder)]
    assert names == [
        ("doc.2.txt", b"1"),
        ("doc.3.txt", b"2"),
        ("doc.8.txt", b"words"),
        ("doc.txt", b"0"),
    ]


def test_the_same_call_again_puts_nothing_there_twice(
    trash: HomeTrash, folder: Path, bins: Path
) -> None:
    source = put(bins / "7")
    trash.take(source, item(), go_on)
    before = everything(folder)
    again = trash.take(source, item(), go_on)
    assert again == ("doc.txt" if list((bins / "7").iterdir()) else None)
    assert everything(folder) == before
    # Somebody put another file in its place, under our info file: it is not taken for ours.
    put(bins / "7")
    (folder / "files/doc.txt").write_bytes(b"something else")
    assert trash.take(source, item(), go_on) == "doc.2.txt"


def test_one_file_system_that_is_mounted_twice(
    trash: HomeTrash, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.rename
    refused: list[bytes] = []

    def rename(old: bytes, new: bytes, *, src_dir_fd: int, dst_dir_fd: int) -> None:
        if not refused:
            refused.append(old)
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        real(old, new, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)

    monkeypatch.setattr(os, "rename", rename)
    assert trash.take(put(tmp_path / "7"), item(), go_on) == "doc.txt"
    assert refused
    assert everything(folder) == ["files", "files/doc.txt", "info", "info/doc.txt.trashinfo"]


def test_before_the_other_copy_may_go_all_is_on_the_disk(
    trash: HomeTrash, folder: Path, bins: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trash.take(put(bins / "1", "first"), item("first"), go_on)  # makes the folders
    done: list[str] = []
    fsync, rename = os.fsync, os.rename

    def synced(fd: int) -> None:
        done.append(f"sync {Path(os.readlink(f'/proc/self/fd/{fd}')).name}")
        fsync(fd)

    def renamed(old: bytes, new: bytes, *, src_dir_fd: int, dst_dir_fd: int) -> None:
        done.append(f"rename {os.fsdecode(new)}")
        rename(old, new, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "rename", renamed)
    source = put(bins / "2")
    trash.take(source, item(), go_on)
    one_disk = bins.stat().st_dev == folder.stat().st_dev
    copied = [] if one_disk else ["sync doc.txt"]
    came_from = "2" if one_disk else ".staging"
    info = ["sync doc.txt.trashinfo", "sync info"]
    assert done == [*copied, *info, "rename doc.txt", "sync files", f"sync {came_from}"]
    done.clear()
    trash.take(source, item(), go_on)  # after a kill
    assert done == ["sync files"]


def test_what_is_too_deep_for_a_path_stays(trash: HomeTrash, folder: Path, bins: Path) -> None:
    put_tree(bins / "7")
    source = put(bins / "7", "(deep paths)")
    with pytest.raises(NotForTrash, match="too long a path"):
        trash.take(source, item("papers"), go_on)
    assert everything(folder) == ["files", "info"]
    assert len(list((bins / "7").iterdir())) == 2


@pytest.mark.slow
def test_a_tree_of_any_depth_is_copied(trash: HomeTrash, folder: Path, bins: Path) -> None:
    (bins / "7").mkdir()
    at = os.open(bins / "7", os.O_RDONLY)
    for _ in range(1400):
        os.mkdir("d", dir_fd=at)
        below = os.open("d", os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = below
    os.close(at)
    try:
        assert trash.take(os.fsencode(bins / "7"), item("d"), go_on) == "d"
        assert os.path.isdir(folder / "files" / "/".join(["d"] * 1400))
    finally:
        for left in (bins / "7", folder / "files"):
            _remove_deep(left)


def _remove_deep(top: Path) -> None:
    """No library removes what is deeper than Python may call."""
    for path in reversed([os.path.join(*["d"] * depth) for depth in range(1, 1401)]):
        if (top / path).is_dir():
            (top / path).rmdir()


class Stop(Exception):
    pass


def test_who_ends_the_call_finds_the_item_where_it_was(
    trash: HomeTrash, folder: Path, bins: Path
) -> None:
    source = put(bins / "7", data=bytes(range(256)) * (3 << 12))
    calls = 0

    def stop() -> None:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise Stop

    if bins.stat().st_dev == folder.parent.parent.stat().st_dev:
        trash.take(source, item(), stop)
        assert calls == 0, "a rename is over before anybody could end it"
        return
    with pytest.raises(Stop):
        trash.take(source, item(), stop)
    assert everything(folder) == ["files", "info"]
    assert (bins / "7/doc.txt").stat().st_size == 3 << 20


# what is refused ----------------------------------------------------------------------------------


def _link(path: Path, aside: Path) -> None:
    path.rename(aside)
    path.symlink_to(aside)


def _file(path: Path, aside: Path) -> None:
    path.rename(aside)
    path.touch()


def _open_to_all(path: Path, _aside: Path) -> None:
    path.chmod(0o777)


def _open_to_a_group(path: Path, _aside: Path) -> None:
    path.chmod(0o770)


def _foreign(path: Path, _aside: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a folder away")
    os.chown(path, 12345, -1)


@pytest.mark.parametrize("part", ["", "files", "info"])
@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (_link, "is a link or no folder"),
        (_file, "is a link or no folder"),
        (_open_to_all, "others may write to .*chmod go-w"),
        (_open_to_a_group, "others may write to "),
        (_foreign, "belongs to another user"),
    ],
)
def test_a_trash_that_is_not_the_user_s_alone_is_refused(
    trash: HomeTrash,
    folder: Path,
    tmp_path: Path,
    part: str,
    spoil: Callable[[Path, Path], None],
    says: str,
) -> None:
    for name in ("files", "info"):
        (folder / name).mkdir(parents=True, mode=0o700)
    folder.chmod(0o700)
    spoil(folder / part, tmp_path / "aside")
    before = everything(tmp_path)
    source = put(tmp_path / "7")
    with pytest.raises(TrashUnusable, match=says) as refused:
        trash.take(source, item(), go_on)
    assert str(folder / part) in str(refused.value)
    assert trash.objection() == str(refused.value)
    assert everything(tmp_path) == sorted([*before, "7", "7/doc.txt"])


def test_a_trash_inside_the_drive_is_refused(tmp_path: Path) -> None:
    drive = tmp_path / "drive"
    drive.mkdir()
    (tmp_path / "linked").symlink_to(drive)
    for folder in (drive / "Trash", drive / "a/b/Trash", tmp_path / "linked/Trash"):
        trash = HomeTrash(folder, drive=drive, staging=".staging")
        with pytest.raises(TrashUnusable, match="in the drive itself"):
            trash.take(put(tmp_path / "7"), item(), go_on)
    assert list(drive.iterdir()) == []
    beside = HomeTrash(tmp_path / "drive2/Trash", drive=drive, staging=".staging")
    assert beside.take(put(tmp_path / "7"), item(), go_on) == "doc.txt"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_without_permission_it_stays(trash: HomeTrash, folder: Path, bins: Path) -> None:
    folder.parent.mkdir(mode=0o500)
    with pytest.raises(PermissionError):
        trash.take(put(bins / "7"), item(), go_on)
    assert (bins / "7/doc.txt").read_bytes() == b"words"


# promise 5: nothing outside -----------------------------------------------------------------------

HOSTILE = st.one_of(
    st.sampled_from(
        [
            b"..",
            b".",
            b"../x",
            b"/etc/x",
            b"x\0y",
            b"~",
            b"-rf",
            b"files",
            b"*",
            b"\n[Trash Info]\nPath=/x",
        ]
    ),
    st.binary(min_size=1, max_size=255),
    st.text(min_size=1, max_size=60).map(lambda text: text.encode("utf-8", "surrogatepass")[:255]),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(name=HOSTILE, parts=st.lists(HOSTILE, max_size=3), folder=st.booleans())
def test_no_name_leads_out_of_the_trash(
    tmp_path: Path, name: bytes, parts: list[bytes], folder: bool
) -> None:
    with tempfile.TemporaryDirectory(dir=tmp_path) as base:
        world = Path(base)
        (world / "bin/7").mkdir(parents=True)
        (world / "data").mkdir()
        source = os.path.join(os.fsencode(world / "bin/7"), name)
        try:
            thing = Item(name, b"/mnt/drive/" + b"/".join([*parts, name]), REMOVED, "1")
            os.mkdir(source, 0o700) if folder else Path(os.fsdecode(source)).write_bytes(b"words")
        except (NotForTrash, OSError, ValueError):
            return  # neither the replica nor the trash lets such a thing exist
        trash = HomeTrash(world / "data/Trash", drive=Path("/mnt/drive"), staging=".staging")
        told = trash.take(os.fsencode(world / "bin/7"), thing, go_on)
        assert told is not None
        assert sorted(os.listdir(world)) == ["bin", "data"]
        assert os.listdir(world / "data") == ["Trash"]
        assert os.listdir(world / "data/Trash/files") == [told]
        assert os.listdir(world / "data/Trash/info") == [f"{told}.trashinfo"]
        assert set(os.listdir(world / "data/Trash")) <= {"files", "info", "directorysizes"}
        (seen,) = look_into(world / "data/Trash")
        assert os.fsencode(seen.path) == thing.path
