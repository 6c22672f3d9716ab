"""A folder becomes a replica's content: all of it, as it was, and nothing is lost wherever that is
interrupted."""

from __future__ import annotations

import os
import random
import re
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.model import ROOT
from syncin_mount import system
from syncin_mount.store import Replica
from syncin_mount.store.import_export import importer
from syncin_mount.store.import_export.export import copy_out
from syncin_mount.store.import_export.importer import Importer
from syncin_mount.store.import_export.scan import survey

NS = 1_600_000_000_123_456_789
ODD = "odd" if sys.platform == "win32" else "\udcff"
"""How a name begins that is no UTF-8, where the system has such names."""


def grow(folder: Path, seed: int) -> None:
    """A tree with a bit of everything."""
    rng = random.Random(seed)
    folder.mkdir()
    places = [folder]
    for number in range(rng.randrange(3, 12)):
        place = rng.choice(places) / rng.choice([f"d{number}", f"ü {number}", f"{ODD}{number}"])
        place.mkdir()
        places.append(place)
    for number in range(rng.randrange(5, 40)):
        place = rng.choice(places) / f"f{number}.{rng.choice(['txt', 'odt', 'tmp'])}"
        place.write_bytes(rng.randbytes(rng.choice([0, 1, 4095, 4096, 70_001])))
        if rng.random() < 0.2:
            os.truncate(place, rng.choice([10, 3_000_000]))  # cut off, or with a hole behind
        if rng.random() < 0.2 and sys.platform != "win32":
            os.setxattr(place, "user.note", rng.randbytes(20))
        place.chmod(rng.choice([0o644, 0o600, 0o755, 0o440]))
        os.utime(place, ns=(NS, NS + rng.randrange(10**15)))
    if sys.platform != "win32":
        (rng.choice(places) / "link").symlink_to("f1.txt")
        os.mkfifo(rng.choice(places) / "pipe")
    (folder / "twice").write_bytes(b"one content")
    os.link(folder / "twice", rng.choice(places) / "twice as well")
    for place in reversed(places[1:]):
        place.chmod(rng.choice([0o755, 0o700]))
        os.utime(place, ns=(NS, NS + rng.randrange(10**15)))


def xattrs(path: Path) -> dict[str, bytes]:
    if sys.platform == "win32":
        return {}
    return {name: os.getxattr(path, name) for name in os.listxattr(path)}


def fingerprint(folder: Path) -> dict[str, object]:
    found: dict[str, object] = {}
    for path in sorted(folder.rglob("*")):
        look = path.lstat()
        content: object = None
        if stat.S_ISREG(look.st_mode):
            content = (path.read_bytes(), xattrs(path))
        elif stat.S_ISLNK(look.st_mode):
            content = os.readlink(path)
        found[path.relative_to(folder).as_posix()] = (look.st_mode, look.st_mtime_ns, content)
    return found


def contents(tree: dict[str, object]) -> dict[str, object]:
    return {path: value[2] for path, value in tree.items() if isinstance(value, tuple)}


def in_drive(replica: Replica, place: Path) -> dict[str, object]:
    """What the drive has, and nothing of what lies in the bin."""
    kept = copy_out(replica, place).bin  # "" without a bin, which is no path's first part
    return {
        path: look for path, look in fingerprint(place).items() if path.partition("/")[0] != kept
    }


@pytest.fixture
def replica(tmp_path: Path) -> Iterator[Replica]:
    replica = Replica.open(tmp_path / "replica")
    yield replica
    replica.close()


@pytest.mark.parametrize("seed", range(20))
def test_everything_is_in_the_drive_as_it_was_and_the_folder_is_empty(
    replica: Replica, tmp_path: Path, seed: int
):
    folder = tmp_path / "folder"
    grow(folder, seed)
    before = fingerprint(folder)
    done = Importer(replica, folder).run()
    assert done.left == []
    assert done.renamed == []
    assert done.files == sum(isinstance(value, tuple) for value in contents(before).values())
    assert list(folder.iterdir()) == []
    assert in_drive(replica, tmp_path / "copy") == before
    assert replica.durability.unsynced_contents() == []
    files = {path for path, content in contents(before).items() if isinstance(content, tuple)}
    assert {path for path in files if path.isprintable()} <= {
        each.path for each in replica.local_changes.pending()
    }, "it is sent"


def test_names_of_one_file_stay_that_in_the_drive_and_out_of_it(replica: Replica, tmp_path: Path):
    folder = tmp_path / "folder"
    (folder / "d").mkdir(parents=True)
    (folder / "a").write_bytes(b"one content")
    (folder / "equal").write_bytes(b"one content")
    os.utime(folder / "equal", ns=(NS, NS))
    for name in ("b", "d/c"):
        os.link(folder / "a", folder / name)
    os.utime(folder / "a", ns=(NS, NS))
    done = Importer(replica, folder).run()
    assert (done.files, done.left) == (4, [])
    copy_out(replica, tmp_path / "copy")
    looks = {name: os.lstat(tmp_path / "copy" / name) for name in ("a", "b", "d/c", "equal")}
    assert [looks[name].st_nlink for name in looks] == [3, 3, 3, 1]
    assert len({looks[name].st_ino for name in ("a", "b", "d/c")}) == 1
    attrs = [replica.attr(replica.lookup(ROOT, name) or ROOT) for name in (b"a", b"b", b"equal")]
    assert [attr.nlink for attr in attrs if attr is not None] == [3, 3, 1]


def test_holes_take_no_room(replica: Replica, tmp_path: Path):
    folder = tmp_path / "folder"
    folder.mkdir()
    with (folder / "sparse").open("wb") as file:
        file.truncate(1 << 30)
        file.seek(1 << 29)
        file.write(b"island")
    Importer(replica, folder).run()
    node = replica.lookup(ROOT, b"sparse")
    assert node is not None
    content = replica.open_content(node)
    try:
        assert os.fstat(content.fd).st_size == 1 << 30
        assert system.pread(content.fd, 6, 1 << 29) == b"island"
        assert os.fstat(content.fd).st_blocks * 512 < 1 << 20
    finally:
        content.close()


def test_nothing_goes_from_its_place_before_the_copy_is_on_the_disk(
    replica: Replica, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    folder = tmp_path / "folder"
    grow(folder, 1)
    monkeypatch.setattr("syncin_mount.store.import_export.importer.BATCH_FILES", 3)
    done: list[str] = []

    def watch(owner: object, name: str, what: str, *, inside: bool = False) -> None:
        real = getattr(owner, name)

        def watched(*words: Any) -> None:
            if not inside or os.fsencode(folder) in os.fsencode(words[0]):
                done.append(what)
            real(*words)

        monkeypatch.setattr(owner, name, watched)

    watch(importer, "copy_content", "copied")
    watch(replica.committer, "sync_files", "synced")
    watch(replica, "commit", "committed")
    watch(os, "unlink", "gone", inside=True)
    watch(system, "replace", "gone", inside=True)
    Importer(replica, folder).run()
    assert done.count("gone") >= 10
    assert re.fullmatch(
        "((copied )*synced committed (gone )+)+(committed )?", " ".join([*done, ""])
    ), done


def test_what_cannot_be_imported_is_told_and_stays(
    replica: Replica, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    folder = tmp_path / "folder"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep/file").write_text("goes")
    with socket.socket(socket.AF_UNIX) as listening:
        with monkeypatch.context() as here:  # an address of a socket may not be longer
            here.chdir(folder)
            listening.bind("deep/socket")
        found = {os.fsdecode(each.path): each.why for each in survey(os.fsencode(folder))}
        assert found == {
            "deep": "",
            "deep/file": "",
            "deep/socket": "it is a socket, which only its program can use",
        }
        done = Importer(replica, folder).run()
    assert done.left == [("deep/socket", found["deep/socket"])]
    assert sorted(path.name for path in folder.rglob("*")) == ["deep", "socket"]


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="only root can mount")
def test_another_file_system_inside_is_left_alone(replica: Replica, tmp_path: Path):
    folder = tmp_path / "folder"
    (folder / "inside").mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "none", folder / "inside"], check=True, timeout=10)
    try:
        (folder / "inside/file").write_text("theirs")
        done = Importer(replica, folder).run()
        assert done.left == [("inside", "another file system is mounted there")]
        assert (folder / "inside/file").read_text() == "theirs"
    finally:
        subprocess.run(["umount", folder / "inside"], check=True, timeout=10)


def test_what_is_open_for_writing_stays_until_it_is_closed(replica: Replica, tmp_path: Path):
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "other").write_text("goes")
    with (folder / "log").open("w") as writer:
        writer.write("half")
        writer.flush()
        done = Importer(replica, folder).run()
        assert done.left == [("log", "a program has it open for writing")]
        assert [path.name for path in folder.iterdir()] == ["log"]
        writer.write(" and the rest")
    done = Importer(replica, folder).run()
    assert (done.left, done.renamed) == ([], [])
    assert contents(in_drive(replica, tmp_path / "copy"))["log"] == (b"half and the rest", {})


def test_who_wants_to_write_while_it_is_imported_finds_it_at_its_place(
    replica: Replica, tmp_path: Path
):
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "file").write_text("content")

    def wants(_files: int, _bytes: int) -> None:
        with pytest.raises(BlockingIOError):
            os.open(folder / "file", os.O_WRONLY | os.O_NONBLOCK)

    done = Importer(replica, folder, wants).run()
    assert done.left == [("file", "a program wants to write to it")]
    assert (folder / "file").read_text() == "content"
    assert [path.name for path in folder.iterdir()] == ["file"]
    done = Importer(replica, folder).run()
    assert (done.left, done.renamed) == ([], [])
    assert list(folder.iterdir()) == []


def test_what_has_its_name_in_the_drive_already_is_kept_beside_it(replica: Replica, tmp_path: Path):
    folder = tmp_path / "folder"
    folder.mkdir()
    renamed = []
    for content in ("first", "second"):
        (folder / "file").write_text(content)
        (folder / "same").write_text("same")
        os.utime(folder / "same", ns=(NS, NS))
        renamed += Importer(replica, folder).run().renamed
        assert list(folder.iterdir()) == []
    ((path, name),) = renamed
    assert path == "file"
    found = contents(in_drive(replica, tmp_path / "copy"))
    assert found == {"file": (b"first", {}), name: (b"second", {}), "same": (b"same", {})}


def test_a_batch_that_was_interrupted_takes_nothing_that_the_drive_had_before(
    replica: Replica, tmp_path: Path
):
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "file").write_text("in the drive, never sent")
    Importer(replica, folder).run()
    (folder / "file").write_text("found in the folder")

    def killed(_files: int, _bytes: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Importer(replica, folder, killed).run()
    assert (folder / "file").read_text() == "found in the folder"
    Importer(replica, folder).run()
    kept = [
        content[0]
        for content in contents(in_drive(replica, tmp_path / "copy")).values()
        if isinstance(content, tuple)
    ]
    assert set(kept) == {b"in the drive, never sent", b"found in the folder"}


def test_what_an_interrupted_batch_left_and_is_not_the_original_goes_to_the_bin(
    replica: Replica, tmp_path: Path
):
    """Half a copy, or what a power cut made of it; or what somebody wrote in its place."""
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "file").write_text("whole")

    def killed(_files: int, _bytes: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Importer(replica, folder, killed).run()
    node = replica.lookup(ROOT, b"file")
    assert node is not None
    replica.begin_write(node)
    content = replica.open_content(node)
    system.pwrite(content.fd, b"WHOLE", 0)
    content.close()
    replica.written(node, size=5, mtime_ns=NS)
    done = Importer(replica, folder).run()
    assert (done.renamed, done.left) == ([], [])
    assert contents(in_drive(replica, tmp_path / "copy")) == {"file": (b"whole", {})}
    [entry] = replica.bin.entries()
    assert entry.path == "file"
    assert (tmp_path / "copy" / "bin" / str(entry.sequence) / "file").read_bytes() == b"WHOLE"


STEP = 13
"""A kill at every so many moments: all of them take minutes."""

KILLED = """
import os, sys
from pathlib import Path
from syncin_mount.store import Replica
from syncin_mount.store.import_export import importer
left = int(sys.argv[2])
def moment(real):
    def watched(*words, **options):
        global left
        left -= 1
        if left == 0:
            os._exit(9)
        result = real(*words, **options)
        left -= 1
        if left == 0:
            os._exit(9)
        return result
    return watched
importer.BATCH_FILES = 4
base = Path(sys.argv[1])
replica = Replica.open(base / "replica")
for owner, name in ((replica._journal, "append"), (replica._ix, "commit"), (replica.committer, "sync_files"),
                    (os, "unlink"), (os, "replace"), (os, "rmdir"), (os, "fsync"), (importer, "copy_content")):
    setattr(owner, name, moment(getattr(owner, name)))
importer.Importer(replica, base / "folder").run()
replica.close()
print("done", left)
"""


@pytest.mark.timeout(600)
def test_a_kill_at_any_moment_loses_nothing_and_the_next_import_goes_on(tmp_path: Path):
    """`os._exit` is what a kill leaves: nothing of the process goes on, and what it gave to the
    system stays."""
    reference = tmp_path / "reference"
    grow(reference, 7)
    before = fingerprint(reference)
    wanted = contents(before)
    at, step = 1, STEP
    ended = False
    while not ended:
        base = tmp_path / f"killed{at}"
        base.mkdir()
        subprocess.run(["cp", "-a", reference, base / "folder"], check=True, timeout=20)
        command = [sys.executable, "-c", KILLED, str(base), str(at)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode in {0, 9}, done.stderr
        ended = done.returncode == 0
        goes_on(base, wanted, at)
        at += step
    assert at > 10 * step


def goes_on(base: Path, wanted: dict[str, object], at: int) -> None:
    replica = Replica.open(base / "replica")
    try:
        here = contents(fingerprint(base / "folder"))
        there = contents(in_drive(replica, base / "between"))
        for path, content in wanted.items():
            if isinstance(content, tuple):
                aside = os.path.join(
                    os.path.dirname(path), ".syncin-mount-import~" + os.path.basename(path)
                )
                assert content in (here.get(path), here.get(aside), there.get(path)), path
        done = Importer(replica, base / "folder").run()
        assert (done.left, done.renamed) == ([], []), at
        assert contents(in_drive(replica, base / "after")) == wanted, at
        assert list((base / "folder").iterdir()) == [], at
    finally:
        replica.close()
