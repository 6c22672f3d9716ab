"""The history is written and kept small beside everything else."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing

from syncin_mount.app.runtime.history_upkeep import REST, keep_history
from syncin_mount.config import Folders
from syncin_mount.store import Limits


class Slow:
    """A history on a disk that answers when it likes."""

    def __init__(self) -> None:
        self.began, self.may_end = threading.Event(), threading.Event()
        self.steps = 0
        self.limits: list[Limits] = []

    def commit(self) -> None:
        self.began.set()
        assert self.may_end.wait(30), "the loop stood still while the history was written"

    def tend(self, limits: Limits) -> bool:
        self.limits.append(limits)
        self.steps += 1
        return self.steps % 5 != 0


@pytest.mark.slow
async def test_the_loop_goes_on_while_the_history_is_written(tmp_path: Path, nursery: trio.Nursery):
    history: Any = Slow()
    nursery.start_soon(keep_history, history, Folders(tmp_path, tmp_path, tmp_path, portable=True))
    await trio.to_thread.run_sync(history.began.wait, 30)
    history.may_end.set()  # by the loop itself: it has to have gone on
    nursery.cancel_scope.cancel()


async def test_what_is_kept_follows_the_configuration_while_it_runs(
    tmp_path: Path, nursery: trio.Nursery, autojump_clock: trio.testing.MockClock
):
    folders = Folders(tmp_path, tmp_path, tmp_path, portable=True)
    folders.config_file.parent.mkdir(parents=True, exist_ok=True)
    history: Any = Slow()
    history.may_end.set()
    nursery.start_soon(keep_history, history, folders)
    # small steps, until nothing is left to do
    await comes_about(lambda: history.limits == [Limits()] * 5)
    folders.config_file.write_text("[history]\ndays = 7\nmegabytes = 20\n")
    await comes_about(lambda: history.limits[-1] == Limits(7, 20))
    folders.config_file.write_text("[history]\ndays = 0\n")
    seen = len(history.limits)
    await comes_about(lambda: len(history.limits) > seen + 20)
    assert history.limits[-1] == Limits(7, 20)
    nursery.cancel_scope.cancel()


async def comes_about(condition: Callable[[], bool]) -> None:
    """The clock is the test's, the threads' work is not."""
    for _ in range(1_000_000):
        if condition():
            return
        await trio.sleep(REST)
    pytest.fail("this never came about")
