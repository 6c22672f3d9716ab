"""The way from the replica's bin to the desktop's trash: what goes, what stays, and what is said of
it."""

from __future__ import annotations

import errno
import logging
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trio
import trio.testing

from reconciler.model import ROOT
from syncin_mount.app.drives.trash_handover import FIRST_BACKOFF_S, Handover
from syncin_mount.store import NodeType, Replica, check
from syncin_mount.trash import Item
from syncin_mount.trash.freedesktop import HomeTrash
from tests.store.support import at, make, open_replica
from tests.trash.support import Seen, look_into

DRIVE = Path("/mnt/drive")


@pytest.fixture
def replica(tmp_path: Path) -> Iterator[Replica]:
    replica = open_replica(tmp_path / "replica")
    yield replica
    assert check(replica) == []
    replica.close()


@pytest.fixture
def trash(tmp_path: Path) -> Path:
    return tmp_path / "data/Trash"


@pytest.fixture
def handover(replica: Replica, trash: Path) -> Handover:
    return Handover(replica, HomeTrash(trash, drive=DRIVE, staging=".staging"), DRIVE)


def lose(replica: Replica, path: str, data: bytes = b"words") -> None:
    make(replica, path, data=data)
    replica.delete_local(at(replica, path), keep=True, why="test")


async def test_what_is_in_the_bin_for_good_goes_with_its_place_in_the_drive(
    replica: Replica, handover: Handover, trash: Path
) -> None:
    make(replica, "papers", NodeType.FOLDER)
    make(replica, "papers/é.txt", data=b"kept")
    replica.copy_to_bin(at(replica, "papers/é.txt"), "test")
    lose(replica, "papers/a.txt")
    await handover.round()
    assert not trash.exists()
    assert len(replica.bin.entries()) == 2, "the files are not in the bin yet"
    replica.commit()
    await handover.round()
    assert look_into(trash) == [
        Seen("a.txt", "/mnt/drive/papers/a.txt", b"words"),
        Seen("é.txt", "/mnt/drive/papers/é.txt", b"kept"),
    ]
    assert replica.bin.entries() == []
    replica.commit()
    assert list((replica.folder / "bin").iterdir()) == []
    assert handover.trouble is None


async def test_by_itself_it_looks_when_something_happened(
    replica: Replica,
    handover: Handover,
    trash: Path,
    nursery: trio.Nursery,
    autojump_clock: trio.testing.MockClock,
) -> None:
    rounds: list[float] = []
    real = handover.round

    async def round_() -> None:
        rounds.append(trio.current_time())
        await real()

    handover.round = round_  # type: ignore[method-assign]
    await nursery.start(handover.run)
    await trio.sleep(600)
    assert len(rounds) == 1
    lose(replica, "a.txt")
    replica.commit()
    while replica.bin.entries():  # noqa: ASYNC110 (the clock goes on while the thread works)
        await trio.sleep(1)
    await trio.sleep(600)
    assert len(rounds) == 3, "once for the entry, once as its going is an event too"
    assert len(look_into(trash)) == 1


@pytest.mark.expected_log(
    "stays in the synchronization's own bin for now: others may write to .*Trash"
)
async def test_a_trash_that_is_refused_keeps_all_in_the_bin_and_is_tried_again(
    replica: Replica,
    handover: Handover,
    trash: Path,
    caplog: pytest.LogCaptureFixture,
    mock_clock: trio.testing.MockClock,
) -> None:
    trash.mkdir(parents=True)
    trash.chmod(0o777)
    trouble: list[str | None] = []
    lose(replica, "a.txt")
    lose(replica, "b.txt")
    replica.commit()
    for pause in (FIRST_BACKOFF_S, FIRST_BACKOFF_S * 2, FIRST_BACKOFF_S * 4):
        await handover.round()
        trouble.append(handover.trouble)
        mock_clock.jump(pause)
    assert [record.levelname for record in caplog.records].count("WARNING") == 1
    assert (
        trouble == [f"others may write to {trash}; take that from them: chmod go-w '{trash}'"] * 3
    )
    assert len(replica.bin.entries()) == 2
    assert list(trash.iterdir()) == []
    await handover.round()
    trash.chmod(0o700)
    mock_clock.jump(FIRST_BACKOFF_S * 8 - 1)
    await handover.round()
    assert len(replica.bin.entries()) == 2, "it is not time yet"
    mock_clock.jump(1)
    with caplog.at_level(logging.INFO):
        await handover.round()
    assert replica.bin.entries() == []
    assert len(look_into(trash)) == 2
    assert handover.trouble is None
    assert "can be used again" in caplog.text


@pytest.mark.expected_log("does not take it .Is a directory")
async def test_one_that_fails_does_not_keep_others_from_going(
    replica: Replica, handover: Handover, trash: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = HomeTrash.take

    def take(
        self: HomeTrash, folder: bytes, item: Item, carry_on: Callable[[], None]
    ) -> str | None:
        if item.name == b"a.txt":
            raise OSError(errno.EISDIR, os.strerror(errno.EISDIR))
        return real(self, folder, item, carry_on)

    monkeypatch.setattr(HomeTrash, "take", take)
    for name in ("a.txt", "b.txt"):
        lose(replica, name)
    replica.commit()
    await handover.round()
    assert [entry.name for entry in replica.bin.entries()] == [b"a.txt"]
    assert [seen.name for seen in look_into(trash)] == ["b.txt"]


@pytest.mark.expected_log(
    "stays in the synchronization's own bin: some of what is in it has too long a path"
)
async def test_what_no_trash_will_ever_take_is_said_once(
    replica: Replica, handover: Handover, trash: Path, caplog: pytest.LogCaptureFixture
) -> None:
    names = ["n" * 200] * 16
    for depth in range(1, len(names) + 1):
        make(replica, "/".join(names[:depth]), NodeType.FOLDER)
    make(replica, "/".join([*names, "file"]), data=b"deep")
    replica.delete_local(at(replica, names[0]), keep=True, why="test")
    replica.commit()
    for _ in range(3):
        await handover.round()
    assert [record.levelname for record in caplog.records].count("WARNING") == 1
    (entry,) = replica.bin.entries()
    replica.bin.restore(entry.sequence, ROOT, b"back")


async def test_while_it_goes_it_is_neither_restored_nor_emptied_and_the_loop_runs_on(
    replica: Replica,
    handover: Handover,
    trash: Path,
    monkeypatch: pytest.MonkeyPatch,
    nursery: trio.Nursery,
) -> None:
    there, go_on = trio.Event(), threading.Event()
    real = HomeTrash.take

    def take(
        self: HomeTrash, folder: bytes, item: Item, carry_on: Callable[[], None]
    ) -> str | None:
        trio.from_thread.run_sync(there.set)
        assert go_on.wait(30)
        return real(self, folder, item, carry_on)

    monkeypatch.setattr(HomeTrash, "take", take)
    lose(replica, "a.txt")
    replica.commit()
    (entry,) = replica.bin.entries()
    nursery.start_soon(handover.round)
    await there.wait()
    for act in (
        lambda: replica.bin.restore(entry.sequence, ROOT, b"back"),
        lambda: replica.bin.empty([entry.sequence]),
        replica.bin.empty,
    ):
        with pytest.raises(OSError, match="desktop's trash") as refused:
            act()
        assert refused.value.errno == errno.EBUSY
    go_on.set()
    await trio.testing.wait_all_tasks_blocked(0.05)
    while replica.bin.entries():  # noqa: ASYNC110 (a thread: there is nothing to wait on)
        await trio.sleep(0.01)
    assert len(look_into(trash)) == 1


async def test_a_stop_in_the_middle_of_a_copy_leaves_it_in_the_bin(
    replica: Replica, handover: Handover, trash: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copying = trio.Event()
    monkeypatch.setattr(
        "syncin_mount.trash.freedesktop._move", lambda *_: pytest.fail("it went on")
    )
    real = HomeTrash._bring

    def bring(self: HomeTrash, *arguments: object) -> bytes:
        trio.from_thread.run_sync(copying.set)
        stop = arguments[-1]
        assert callable(stop)
        while True:  # until it is stopped: as a copy asks again and again
            stop()

    monkeypatch.setattr(HomeTrash, "_bring", bring)
    lose(replica, "a.txt")
    replica.commit()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(handover.round)
        await copying.wait()
        nursery.cancel_scope.cancel()
    assert len(replica.bin.entries()) == 1
    assert look_into(trash) == []
    monkeypatch.undo()
    assert HomeTrash._bring is real
    await handover.round()
    assert len(look_into(trash)) == 1


@pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason="only root may mount a tmpfs to fill"
)
@pytest.mark.expected_log(re.escape("does not take it (No space left on device)"))
async def test_a_full_disk_keeps_it_in_the_bin(
    replica: Replica, handover: Handover, trash: Path, mock_clock: trio.testing.MockClock
) -> None:
    trash.parent.mkdir()
    mounted = subprocess.run(  # noqa: ASYNC221
        ["mount", "-t", "tmpfs", "-o", "size=256k,mode=700", "tmpfs", str(trash.parent)],
        check=False,
        capture_output=True,
        timeout=20,
    )
    if mounted.returncode != 0:
        pytest.skip(f"no tmpfs can be mounted here: {mounted.stderr.decode().strip()}")
    try:
        lose(replica, "large", os.urandom(1 << 20))
        lose(replica, "small")
        replica.commit()
        await handover.round()
        assert [seen.name for seen in look_into(trash)] == ["small"]
        assert [entry.name for entry in replica.bin.entries()] == [b"large"]
        assert sorted(os.listdir(trash)) == ["files", "info"]
        subprocess.run(  # noqa: ASYNC221
            ["mount", "-o", "remount,size=4m", str(trash.parent)], check=True, timeout=20
        )
        mock_clock.jump(FIRST_BACKOFF_S)
        await handover.round()
        assert [seen.name for seen in look_into(trash)] == ["large", "small"]
        assert replica.bin.entries() == []
    finally:
        subprocess.run(["umount", "-l", str(trash.parent)], check=True, timeout=20)  # noqa: ASYNC221
