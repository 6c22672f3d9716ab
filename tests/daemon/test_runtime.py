"""The assembly's own promises: what fails is started again, commits keep to their share, the log is tidy."""

from __future__ import annotations

import itertools
import logging
from types import SimpleNamespace
from typing import Any

import pytest
import trio
import trio.testing

from syncin_mount.daemon import logs, runtime
from syncin_mount.daemon.runtime import FIRST_RESTART, _commit_regularly, _kept_running


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


@pytest.mark.parametrize(("cost", "least"), [(0.001, 1.0), (0.5, 10.0)])
async def test_commits_take_less_than_a_twentieth_of_the_time(
    monkeypatch, nursery: trio.Nursery, autojump_clock: trio.testing.MockClock, cost: float, least: float
):
    spent = 0.0
    monkeypatch.setattr(runtime, "time", SimpleNamespace(monotonic=lambda: spent))
    commits: list[float] = []

    class Replica:
        def commit(self) -> None:
            nonlocal spent
            spent += cost
            commits.append(trio.current_time())

    replica: Any = Replica()
    nursery.start_soon(_commit_regularly, replica)
    await trio.sleep(60)
    nursery.cancel_scope.cancel()
    pauses = [after - before for before, after in itertools.pairwise(commits)]
    assert pauses
    assert all(pause == pytest.approx(least) for pause in pauses)


@pytest.mark.expected_log("could not be committed")
async def test_a_full_disk_does_not_end_the_commits(nursery: trio.Nursery, autojump_clock: trio.testing.MockClock):
    calls = 0

    class Replica:
        def commit(self) -> None:
            nonlocal calls
            calls += 1
            raise OSError(28, "No space left on device")

    replica: Any = Replica()
    nursery.start_soon(_commit_regularly, replica)
    await trio.sleep(10)
    nursery.cancel_scope.cancel()
    assert calls > 3


@pytest.fixture
def root_logger():
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    yield root
    for handler in root.handlers:
        if handler not in before:
            handler.close()
    root.handlers[:] = before
    root.setLevel(level)


def test_the_log_is_private_and_names_cannot_forge_lines(tmp_path, root_logger):
    path = tmp_path / "logs/docs.log"
    logs.log_to(path)
    logging.getLogger("here").info("the file %s", "a\nERROR forged \x1b[2J \udcff")
    logging.getLogger("httpx").info("GET http://h/?token=x")
    lines = path.read_text().splitlines()
    assert len(lines) == 1
    assert lines[0].endswith(r"INFO here: the file a\nERROR forged \x1b[2J \udcff")
    assert path.parent.stat().st_mode & 0o777 == 0o700
