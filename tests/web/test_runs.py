"""What the page knows of the runs that it started, whatever the computer's clock does."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import trio
import trio.testing

from syncin_mount.config import Folders
from syncin_mount.web.runs import AGAIN_S, Runs, RunState


@pytest.mark.parametrize("shift", [-86400.0, 0.0, 86400.0])
async def test_a_clock_that_is_put_makes_no_new_press_of_an_old_one(
    tmp_path: Path,
    nursery: trio.Nursery,
    autojump_clock: trio.testing.MockClock,
    monkeypatch: pytest.MonkeyPatch,
    shift: float,
):
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now)
    folders = Folders(tmp_path, tmp_path / "state", tmp_path / "run", portable=True)
    runs = Runs(folders, nursery)
    runs._plans["docs"] = "plan"
    runs._states["docs"] = RunState("running")
    assert runs._is_again("docs", "plan")
    runs._end("docs", RunState("ended", time.time()))
    now += shift
    assert runs._is_again("docs", "plan")
    assert not runs._is_again("docs", "another plan")
    autojump_clock.jump(AGAIN_S + 1)
    assert not runs._is_again("docs", "plan")
