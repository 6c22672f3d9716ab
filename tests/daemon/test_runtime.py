"""The assembly's own promises: what fails is started again, commits keep to their share, the log is
tidy."""

from __future__ import annotations

import errno
import itertools
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

import pytest
import trio
import trio.testing

from reconciler.model import ROOT, NodeId
from syncin_mount.app.runtime import runtime
from syncin_mount.app.runtime.runtime import (
    FIRST_RESTART,
    _commit_regularly,
    _kept_running,
    open_runtime,
)
from syncin_mount.config import Folders, Server, Synchronization
from syncin_mount.store import Awaited, Content, Replica
from syncin_mount.store.durability.committer import Committer
from tests.store.support import make, open_replica, settle


def object_of(replica: Replica, node: NodeId) -> Path:
    record = replica._ix.node(node)
    assert record is not None
    return Path(replica._objects.path(record.owner, record.number))


@pytest.mark.expected_log("a task of the drive failed")
async def test_a_task_that_fails_is_shown_and_starts_again_after_growing_pauses(
    nursery: trio.Nursery, autojump_clock: trio.testing.MockClock
):
    state: Any = SimpleNamespace(failure=None)
    starts: list[float] = []
    fifth = trio.Event()

    async def broken(*, task_status: trio.TaskStatus[None]) -> None:
        starts.append(trio.current_time())
        if len(starts) == 5:
            fifth.set()
        task_status.started()
        raise ValueError("a bug")

    await nursery.start(_kept_running, state, broken)
    await fifth.wait()
    nursery.cancel_scope.cancel()
    pauses = [after - before for before, after in itertools.pairwise(starts)]
    assert pauses == [FIRST_RESTART * factor for factor in (1, 2, 4, 8)]
    assert state.failure == "an error of this program (ValueError); the log says more"


@pytest.mark.expected_log("a task of the drive failed")
async def test_a_task_that_fails_before_it_started_does_not_hold_up_the_mount(
    nursery: trio.Nursery, autojump_clock: trio.testing.MockClock
):
    state: Any = SimpleNamespace(failure=None)

    async def broken(*, task_status: trio.TaskStatus[None]) -> None:
        raise ValueError("a bug")

    with trio.fail_after(1):
        await nursery.start(_kept_running, state, broken)
    nursery.cancel_scope.cancel()


class NothingToSync:
    folder = Path("replicas/docs")

    @property
    def committer(self) -> Self:
        return self

    @property
    def durability(self) -> Self:
        return self

    def sequence(self) -> int:
        return 7

    def unsynced_contents(self) -> list[tuple[int, int]]:
        return []

    def awaited(self) -> Awaited:
        return Awaited(7, [], names=False)

    def has_open_snapshot(self) -> bool:
        return False

    def failed_contents(self) -> dict[int, int]:
        return {}

    def resolved(self, nodes: dict[int, int]) -> None:
        pass

    def require_space(self) -> None:
        pass


def without_waiting(monkeypatch, now: Callable[[], float]) -> None:
    """Threads do not know the mocked clock: what would run in one runs here."""

    async def here(act: Callable[..., object], *args: object) -> object:
        return act(*args)

    monkeypatch.setattr(trio.to_thread, "run_sync", here)
    clocks = SimpleNamespace(monotonic=now, time=time.time, time_ns=time.time_ns)
    monkeypatch.setattr(runtime, "time", clocks)


@pytest.mark.parametrize(
    "fails",
    [False, pytest.param(True, marks=pytest.mark.expected_log("cannot be brought to the disk"))],
)
async def test_what_was_replaced_goes_only_when_its_successor_is_on_the_disk(
    monkeypatch,
    tmp_path,
    nursery: trio.Nursery,
    autojump_clock: trio.testing.MockClock,
    fails: bool,
):
    replica = open_replica(tmp_path / "replica")
    node = make(replica, "thesis", data=b"months of work")
    settle(replica)
    replica.durability.sync_contents(contents := replica.durability.unsynced_contents())
    replica.durability.mark_synced(contents)
    replica.commit()
    before = object_of(replica, node)
    synced: list[bool] = []
    real = Content.sync

    def save_again() -> None:
        make(replica, "thesis.tmp", data=b"and today's")
        replica.rename(ROOT, b"thesis.tmp", ROOT, b"thesis")

    def sync(content: Content) -> None:
        synced.append(before.exists())
        if fails:
            raise OSError(5, "Input/output error")
        real(content)
        if len(synced) == 1:
            # Saved once more while the sync was under way: it did not see this content.
            save_again()

    monkeypatch.setattr(Content, "sync", sync)
    if fails:  # the contents are written once more then, and synced with all else
        # the test's function takes what it is given
        monkeypatch.setattr(replica.committer, "_sync_disk", lambda _folder: sync(None))  # type: ignore[arg-type]
    without_waiting(monkeypatch, trio.current_time)
    save_again()
    second = object_of(replica, node)
    commits, done = 0, trio.Event()
    commit = replica.commit

    def counted(**how: Any) -> None:
        nonlocal commits
        commit(**how)
        commits += 1
        if commits == 3:
            done.set()
        if commits == 1:
            assert replica._ix.committed >= 3
            assert before.exists() == fails
            assert second.exists()

    monkeypatch.setattr(replica, "commit", counted)
    nursery.start_soon(_commit_regularly, replica)
    await done.wait()
    nursery.cancel_scope.cancel()
    assert before.exists() == fails
    assert second.exists() == fails
    assert synced[0]
    replica.abandon()


async def test_syncs_take_less_than_a_twentieth_of_the_time_and_hold_up_no_commit(
    monkeypatch, nursery: trio.Nursery, autojump_clock: trio.testing.MockClock
):
    spent = 0.0
    without_waiting(monkeypatch, lambda: trio.current_time() + spent)
    commits, syncs = [], []

    class SlowDisk(NothingToSync):
        def awaited(self) -> Awaited:
            return Awaited(7, [], names=True)

        def mark_synced(self, contents: object) -> None:
            pass

        def being_written(self) -> list[NodeId]:
            return []

        def sync_files(self) -> None:
            nonlocal spent
            syncs.append(trio.current_time())
            spent += 0.5

        def commit(self, *, effects_until: int) -> None:
            commits.append(trio.current_time())

    replica: Any = SlowDisk()
    nursery.start_soon(_commit_regularly, replica)
    await trio.sleep(40.5)
    nursery.cancel_scope.cancel()
    assert len(commits) == 40
    assert 3 <= len(syncs) <= 5
    assert all(after - before >= 10 for before, after in itertools.pairwise(syncs))


@pytest.mark.parametrize(("cost", "least"), [(0.001, 1.0), (0.5, 10.0)])
async def test_commits_take_less_than_a_twentieth_of_the_time(
    monkeypatch,
    nursery: trio.Nursery,
    autojump_clock: trio.testing.MockClock,
    cost: float,
    least: float,
):
    spent = 0.0
    monkeypatch.setattr(runtime, "time", SimpleNamespace(monotonic=lambda: spent))
    commits: list[float] = []

    class Idle(NothingToSync):
        def commit(self, *, effects_until: int) -> None:
            nonlocal spent
            spent += cost
            commits.append(trio.current_time())

    replica: Any = Idle()
    nursery.start_soon(_commit_regularly, replica)
    await trio.sleep(60)
    nursery.cancel_scope.cancel()
    pauses = [after - before for before, after in itertools.pairwise(commits)]
    assert pauses
    assert all(pause == pytest.approx(least) for pause in pauses)


@pytest.mark.expected_log("the disk with the local copy is full; nothing is lost")
async def test_a_full_disk_does_not_end_the_commits(
    caplog: pytest.LogCaptureFixture, nursery: trio.Nursery, autojump_clock: trio.testing.MockClock
):
    calls = 0
    told: list[str | None] = []

    class Full(NothingToSync):
        def commit(self, *, effects_until: int) -> None:
            nonlocal calls
            calls += 1
            if calls < 5:
                raise OSError(28, "No space left on device")

    replica: Any = Full()
    nursery.start_soon(_commit_regularly, replica, told.append)
    await trio.sleep(10)
    nursery.cancel_scope.cancel()
    assert calls > 5
    assert (
        told[:-1]
        == ["the disk with the local copy is full; nothing is lost, but make room there"] * 4
    )
    assert told[-1] is None
    assert sum("is full" in record.message for record in caplog.records) == 1, "it is said once"


@pytest.mark.expected_log("a task of the drive failed")
async def test_an_error_of_ours_in_a_commit_ends_neither_the_commits_nor_the_drive(
    tmp_path, monkeypatch, autojump_clock: trio.testing.MockClock
):
    commits, real = 0, Committer.commit

    def broken(self: Committer, **how: Any) -> None:
        nonlocal commits
        if how.get("effects_until") is not None:
            commits += 1
            if commits < 3:
                raise ValueError("a bug")
        real(self, **how)

    monkeypatch.setattr(Committer, "commit", broken)
    without_waiting(monkeypatch, trio.current_time)
    folders = Folders(tmp_path, tmp_path / "state", tmp_path / "run", portable=True)
    server = Server("cloud", "http://127.0.0.1:9", "user1", "0c7a0d2e-0000-4000-8000-000000000001")
    docs = Synchronization(
        "docs", "cloud", "personal/docs", tmp_path / "docs", path_id=1, permissions="a:d:m"
    )
    async with open_runtime(folders, server, docs, alone=True) as drive:
        await trio.sleep(60)
        assert commits > 10
        assert drive.failure is not None


async def test_commits_wait_while_a_snapshot_is_read(
    monkeypatch, autojump_clock: trio.testing.MockClock
) -> None:
    """A commit would end it, and a big plan would begin anew for ever."""
    commits: list[float] = []

    class BeingRead(NothingToSync):
        def has_open_snapshot(self) -> bool:
            return trio.current_time() - began < 4.5

        def commit(self, *, effects_until: int) -> None:
            commits.append(trio.current_time() - began)

    began = trio.current_time()
    without_waiting(monkeypatch, trio.current_time)
    with trio.move_on_after(6.5):
        await runtime._commit_regularly(BeingRead())  # type: ignore[arg-type]
    assert commits == [5.0, 6.0]


@pytest.mark.expected_log("contents cannot be brought to the disk")
async def test_what_a_failed_sync_left_in_doubt_is_written_again_before_it_counts(
    tmp_path: Path,
    nursery: trio.Nursery,
    autojump_clock: trio.testing.MockClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The kernel reports a failed write-back once: the next sync succeeds, and says nothing of what
    failed."""
    replica = Replica.open(tmp_path / "replica")
    without_waiting(monkeypatch, trio.current_time)
    failing = [True]
    syncs: list[bool] = []

    def sync_disk(_folder: Path) -> None:
        syncs.append(failing[0])
        if failing[0]:
            failing[0] = False
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(replica.committer, "_sync_disk", sync_disk)
    node = make(replica, "file", data=b"words")
    again = replica.durability.rewrite_content
    written: list[int] = []
    refusals = [OSError(errno.EIO, os.strerror(errno.EIO))]

    def write_again(each: int) -> Iterator[None]:
        written.append(each)
        if refusals:
            raise refusals.pop()
        yield from again(each)

    monkeypatch.setattr(replica.durability, "rewrite_content", write_again)
    nursery.start_soon(_commit_regularly, replica)
    while len(written) < 2:
        await trio.sleep(0.5)
        assert len(written) == 2 or not syncs or replica.durability.unsynced_contents(), (
            "nothing proved it"
        )
    await trio.sleep(3)
    nursery.cancel_scope.cancel()
    assert written == [node, node]
    assert replica.durability.failed_contents() == {}
    assert replica.durability.unsynced_contents() == []
    replica.close()
