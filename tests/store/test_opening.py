"""What a replica asks of its folder before it opens: one process, a format that it knows, and that
nobody else may look in."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from syncin_mount import __version__, system
from syncin_mount.store import (
    NewerFormat,
    NodeType,
    Replica,
    ReplicaError,
    ReplicaInUse,
    lock,
)
from syncin_mount.store.records import FORMAT
from tests.store.support import (
    kill,
    make,
    open_replica,
    play,
    snapshot,
    sound,
)


def test_one_process_at_a_time(replica: Replica, folder: Path) -> None:
    with pytest.raises(ReplicaInUse, match=str(os.getpid())) as refused:
        open_replica(folder)
    assert refused.value.pid == os.getpid()


_DYING = """
import ctypes, sys, threading
from pathlib import Path
from syncin_mount.store import lock
lock.take_lock(Path(sys.argv[1]))
def stay():
    print("has it", flush=True)
    sys.stdin.read()
threading.Thread(target=stay).start()
ctypes.CDLL(None).pthread_exit(None)
"""
"""Its first thread has ended, another is there still: as a killed process of which one waits in the
kernel."""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="read off Linux's /proc")
def test_a_process_that_cannot_end_is_told_from_one_that_works(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    command = [sys.executable, "-c", _DYING, str(folder)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "has it\n"
        try:
            while not system.is_dying(process.pid):  # the thread that began it is on its way out
                os.sched_yield()
            with pytest.raises(ReplicaInUse, match=r"cannot end while .* umount -f") as refused:
                open_replica(folder)
            assert refused.value.pid == process.pid
        finally:
            process.kill()


@pytest.mark.parametrize(
    ("writer", "sentence"),
    [
        ("9.1.0\n", "version 9.1.0 wrote it; use that version or a later one."),
        ("10.0rc1+local.7", "version 10.0rc1+local.7 wrote it; use that version or a later one."),
        (None, "a later version wrote it; use that version."),
        ("", "a later version wrote it; use that version."),
        ("rm -rf /\n", "a later version wrote it; use that version."),
        ("9" * 5000, "version " + "9" * 60 + " wrote it; use that version or a later one."),
        (b"9\xff", "a later version wrote it; use that version."),
    ],
)
def test_a_newer_format_is_refused_by_the_version_that_wrote_it_and_untouched(
    folder: Path, writer: str | bytes | None, sentence: str
) -> None:
    open_replica(folder).close()
    (folder / "format").write_text(f"{FORMAT + 1}\n")
    if writer is None:
        (folder / "written-by").unlink()
    else:
        (folder / "written-by").write_bytes(writer.encode() if isinstance(writer, str) else writer)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    with pytest.raises(NewerFormat) as refused:
        open_replica(folder)
    assert str(refused.value).endswith(f"this program knows {FORMAT}: {sentence}")
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_each_start_states_the_version_of_this_program(folder: Path) -> None:
    """Also over one that was stopped before it had a format."""
    folder.mkdir()
    (folder / "written-by").write_text("0.0.1\n")
    (folder / "written-by.new").touch()
    open_replica(folder).close()
    assert (folder / "written-by").read_text() == f"{__version__}\n"


def test_an_older_format_is_taken_up_and_closed_to_the_program_that_wrote_it(folder: Path) -> None:
    replica = open_replica(folder)
    play(replica)
    before = snapshot(replica)
    replica.close()
    (folder / "format").write_text("1\n")
    replica = sound(open_replica(folder))
    assert (folder / "format").read_text() == f"{FORMAT}\n"
    assert snapshot(replica)["nodes"] == before["nodes"]
    replica.close()


def test_other_peoples_folders_are_refused(folder: Path) -> None:
    folder.mkdir()
    (folder / "thesis.txt").write_text("mine")
    with pytest.raises(ReplicaError, match=r"thesis\.txt"):
        open_replica(folder)
    with pytest.raises(ReplicaError, match="not a folder"):
        open_replica(folder / "thesis.txt")


def test_a_damaged_index_is_one_sentence(folder: Path) -> None:
    open_replica(folder).close()
    (folder / "index" / "data.mdb").write_bytes(b"x" * 20_000)
    with pytest.raises(ReplicaError, match="index"):
        open_replica(folder)


def test_nobody_else_may_look_in(replica: Replica, folder: Path) -> None:
    play(replica)
    replica.commit()
    for path in [folder, *folder.rglob("*")]:
        assert path.is_symlink() or path.stat().st_mode & 0o077 == 0, path


def test_the_map_grows_by_itself(folder: Path) -> None:
    replica = open_replica(folder, map_size=1 << 18)
    parent = make(replica, "folder", NodeType.FOLDER)
    for number in range(3000):
        replica.create(parent, b"%d" % number, NodeType.FILE, mode=0o600, uid=0, gid=0)
    assert len(replica.children(parent, None, -1)) == 3000
    replica.commit()
    kill(replica)
    again = sound(open_replica(folder, map_size=1 << 18))
    assert len(again.children(parent, None, -1)) == 3000
    again.close()


@pytest.mark.parametrize("ends", [True, False])
def test_who_only_looks_is_waited_for_as_long_as_a_look_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ends: bool
) -> None:
    now, held = [0.0], [lock.take_lock(tmp_path, look=True)]

    def sleep(seconds: float) -> None:
        now[0] += seconds
        if ends and now[0] > lock.LOOK_PATIENCE_S - 1:
            os.close(held.pop())

    monkeypatch.setattr(lock, "time", SimpleNamespace(monotonic=lambda: now[0], sleep=sleep))
    if ends:
        held.append(lock.take_lock(tmp_path))
        now[0] = 0.0
    with pytest.raises(ReplicaInUse):
        lock.take_lock(tmp_path)
    assert now[0] == pytest.approx(lock.LOOK_AGAIN_S if ends else lock.LOOK_PATIENCE_S, abs=0.1)
    os.close(held.pop())
