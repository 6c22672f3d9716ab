"""Progress of `sync`: in a real terminal of 80 columns, and in lines where there is none."""

from __future__ import annotations

import os
import re
from typing import Any

import pytest
import trio

from syncin_mount.cli.ui import progress_bars, progress_text
from syncin_mount.cli.ui.progress_bars import ProgressView
from syncin_mount.control.messages import Progress, Running
from syncin_mount.devserver import Delay, Moment, Rule
from tests.cli.conftest import World
from tests.cli.terminals import ESCAPE, terminal

MB = 1 << 20


@pytest.fixture
async def ready(world: World) -> World:
    await world.log_in()
    await world.add()
    return world


async def test_a_terminal_shows_bytes_percent_speed_time_left_and_the_files(ready: World):
    (ready.disk / "big.iso").write_bytes(os.urandom(6 * MB))
    for number in range(9):
        (ready.disk / f"small{number}").write_text("x")
    with terminal(ready, "sync", "docs", "--limit-down", "2M") as seen:
        await seen.expect(r"downloading: \d+ of 10 files, \d\.\d MiB of 6\.0 MiB")
        await seen.expect(r"downloading big\.iso  \d\.\d MiB of 6\.0 MiB, \d+ %")
        await seen.expect(r"\d+ %, \d+\.\d [KM]iB/s, \d+ s left")
        assert await seen.end() == 0
    lines = [line for line in ESCAPE.sub("", seen.seen).replace("\r", "\n").split("\n") if line]
    assert max(map(len, lines)) <= 80
    assert "Traceback" not in seen.seen


async def test_the_status_of_a_drive_tells_of_contents_that_come(ready: World, mounts: None):
    (ready.disk / "big.iso").write_bytes(os.urandom(3 * MB))
    ready.dev.faults.add(slow := Rule(Delay(0.5, Moment.DURING), method="GET", path="*/big.iso"))
    await ready.must("mount", "docs")
    found: dict[str, Any] = {}
    with trio.fail_after(60):
        while found.get("state") != "downloading" or not found["transfers"]:
            found = (await ready.json("status"))[0]
            await trio.sleep(0.05)
    assert found["work"]["files"] == 1
    assert found["work"]["bytes"] == 3 * MB
    assert found["transfers"][0]["path"] == "big.iso"
    assert re.search(
        r"^docs +mounted .* downloading \d+ %$", await ready.must("status"), re.MULTILINE
    )
    ready.dev.faults.remove(slow)


def carrying(**more: Any) -> Progress:
    return Progress("carrying", files=5000, files_done=12, bytes=8 * MB, bytes_done=2 * MB, **more)


def test_without_a_terminal_a_line_now_and_then(capsys: pytest.CaptureFixture[str]):
    seconds = [0.0]
    running = Running("send", "remote", "a.iso", 1, 2 * MB)
    with ProgressView(["docs"], lambda: seconds[0]) as view:
        for _ in range(1000):
            seconds[0] += 0.2
            view.show("docs", carrying(speed=float(MB), left=6.0, transfers=(running,)))
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == int(200 // progress_bars.LINE_EVERY)
    assert lines[0] == (
        "syncin-mount: docs: uploading: 12 of 5000 files, 2.0 MiB of 8.0 MiB, 25 %,"
        " 1.0 MiB/s, 6 s left, a.iso"
    )


def test_a_short_run_says_nothing_without_a_terminal(capsys: pytest.CaptureFixture[str]):
    with ProgressView(["docs"], lambda: 0.0) as view:
        view.show("docs", carrying())
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("progress", "line"),
    [
        (Progress("starting"), "starting"),
        (Progress("listing", entries=1200), "listing: 1200 entries"),
        (Progress("carrying", actions=400, actions_done=12), "syncing: 12 of 400 changes, 3 %"),
        (Progress("fetching", files=2, files_done=1), "downloading: 1 of 2 files, 50 %"),
        (
            carrying(transfers=(Running("send", "remote", "a", 0, 9, phase="preparing"),)),
            "preparing: 12 of 5000 files, 2.0 MiB of 8.0 MiB, 25 %, a",
        ),
    ],
)
def test_the_moment_in_one_line(progress: Progress, line: str):
    assert progress_text.line(progress) == line


def test_all_is_only_done_when_it_is():
    assert progress_text.percent(Progress("carrying", bytes=1000, bytes_done=999)) == "99 %"
    assert progress_text.percent(Progress("carrying", bytes=1000, bytes_done=1000)) == "100 %"


@pytest.mark.parametrize(
    ("running", "verb", "text"),
    [
        (Running("send", "remote", "a", MB, 4 * MB, 1024.0, 9.0), "uploading", "25 %"),
        (Running("fetch", "local", "a", MB, 4 * MB), "downloading", "1.0 MiB of 4.0 MiB"),
        (Running("send", "remote", "a", MB, 4 * MB, phase="preparing"), "preparing", "25 %"),
        (Running("send", "remote", "a", 4 * MB, 4 * MB, phase="finishing"), "finishing", "100 %"),
        (Running("send", "remote", "a", 0, 900), "uploading", "900 B"),
        (Running("delete", "remote", "a", 0, 0), "deleting on the server", ""),
    ],
)
def test_one_transfer_in_words(running: Running, verb: str, text: str):
    assert progress_text.verb(running) == verb
    assert text in progress_text.transfer(running)
