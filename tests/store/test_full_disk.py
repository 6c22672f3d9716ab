"""A full disk costs nothing that was acknowledged, and what makes room goes on."""

from __future__ import annotations

import errno
import functools
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from reconciler.model import ROOT
from syncin_mount.store import (
    Replica,
)
from syncin_mount.store.index.tree_walk import require_node
from syncin_mount.store.records import NoteToBin
from tests.store.support import (
    kill,
    make,
    open_replica,
    settle,
    snapshot,
    sound,
    tree,
)

FULL_DISK = """
import errno, json, os, sys
from pathlib import Path
from tests.store.support import at, kill, make, open_replica, settle, sound, tree, write
top = Path(sys.argv[1])
replica = open_replica(top / "replica", reserve_bytes=1 << 20)
for number in range(50):
    make(replica, f"file {number}", data=b"x" * 100)
replica.commit()
filler = os.open(top / "filler", os.O_WRONLY | os.O_CREAT)
try:
    while True:
        os.write(filler, bytes(1 << 16))
except OSError as error:
    assert error.errno == errno.ENOSPC
try:
    while True:
        os.write(filler, bytes(1))
except OSError:
    pass
refused = 0
for number in range(2000):
    try:
        make(replica, f"new {number}")
    except OSError as error:
        assert error.errno == errno.ENOSPC, error
        refused += 1
settled = sum(1 for _ in replica.dirty())
for _ in range(30):  # what was sent can always be recorded
    settle(replica)
    replica.rename(1, b"file 0", 1, b"renamed")
    replica.rename(1, b"renamed", 1, b"file 0")
try:
    replica.commit()
except OSError as error:
    assert error.errno == errno.ENOSPC, error
files = dict(tree(replica))
kill(replica)
os.ftruncate(filler, 0)
again = sound(open_replica(top / "replica", reserve_bytes=1 << 20))
same = dict(tree(again)) == files
make(again, "there is room again", data=b"yes")
again.close()
print(json.dumps({"refused": refused, "same": same, "settled": settled, "files": len(files)}))
"""


@pytest.mark.slow
@pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason="only root may mount a tmpfs to fill"
)
def test_a_full_disk_loses_nothing(tmp_path: Path) -> None:
    top = tmp_path / "small"
    top.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=5m", "tmpfs", str(top)],
        check=False,
        capture_output=True,
        timeout=20,
    )
    if mounted.returncode != 0:
        pytest.skip(f"no tmpfs can be mounted here: {mounted.stderr.decode().strip()}")
    try:
        command = [sys.executable, "-c", FULL_DISK, str(top)]
        done = subprocess.run(
            command,
            cwd=Path(__file__).parents[2],
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        told = json.loads(done.stdout)
        assert told["same"]
        assert told["refused"] > 0
        assert told["files"] >= 50
    finally:
        subprocess.run(["umount", "-l", str(top)], check=True, timeout=20)


def test_while_the_reserve_is_used_only_what_does_not_grow_is_recorded(replica: Replica) -> None:
    node = make(replica, "file", data=b"x")
    replica._reserve.release()
    for act in (
        lambda: make(replica, "another"),
        lambda: replica.begin_write(node),
        lambda: replica.set_xattr(node, b"user.a", b"1"),
        lambda: replica.incoming(node, 5, 9),
    ):
        with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
            act()
    settle(replica)
    replica.rename(ROOT, b"file", ROOT, b"renamed")
    replica.unlink(ROOT, b"renamed")
    replica.commit()  # there is room again
    make(replica, "another")


def test_a_description_that_finds_no_room_does_not_keep_contents_from_going(
    replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, gone = make(replica, "kept", data=b"words"), make(replica, "gone", data=b"much room")
    path = Path(replica._objects.path(gone, require_node(replica._ix, gone).number))
    replica.delete_local(kept, keep=True, why="test")
    replica.unlink(ROOT, b"gone")

    def full(_self: object, _sequence: int, _effect: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setitem(replica._objects._effects, NoteToBin, functools.partial(full, None))
        with pytest.raises(OSError, match="No space left"):
            replica.commit()
        assert not path.exists()
    (entry,) = replica.bin.entries()
    note = replica.folder / "bin" / f"{entry.sequence}.json"
    assert not note.exists()
    replica.commit()  # what was done is on the disk now
    replica.commit()  # so it goes on behind that
    assert json.loads(note.read_text())["name"] == "kept"
    assert not replica.committer.effects_wait()


def test_a_failed_append_is_cut_back(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replica = open_replica(folder)
    make(replica, "first")
    before = snapshot(replica)
    real = os.write

    def short(fd: int, data: bytes) -> int:
        return real(fd, data[:10])

    with monkeypatch.context() as patch:
        patch.setattr("syncin_mount.store.journal.log.os.write", short)
        with pytest.raises(OSError, match="No space left"):
            make(replica, "second")
    assert snapshot(replica) == before
    make(replica, "third")
    kill(replica)
    again = sound(open_replica(folder))
    assert dict(tree(again)) == {"first": b"", "third": b""}
    again.close()
