"""`ui`: the address, printed or opened."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.web.conftest import PROFILE, World, until


@pytest.mark.slow
def test_the_address_is_printed_and_a_supervisor_is_started_for_it(world: World):
    said = world.must("ui", "--print")
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/#ticket=[\w-]{43}\n", said)
    again = world.must("ui", "--print")
    assert again.split("#")[0] == said.split("#")[0]
    assert again != said
    assert world.supervisor


def test_the_browser_is_opened_at_it(world: World, tmp_path: Path):
    script, opened = tmp_path / "xdg-open", tmp_path / "opened"
    script.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {opened}.new; mv {opened}.new {opened}\n')
    script.chmod(0o755)
    environment = {
        **os.environ,
        "SYNCIN_MOUNT_HOME": str(world.base / PROFILE),
        "DISPLAY": ":7",
        "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}",
    }
    done = subprocess.run(
        [sys.executable, "-m", "syncin_mount", "ui"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    until(opened.exists, "the browser's start")
    assert opened.read_text().startswith("http://127.0.0.1:")


@pytest.mark.slow
def test_a_supervisor_that_was_killed_serves_the_page_again_elsewhere(world: World):
    ticket = world.open_page()
    port, pid = world.port, world.supervisor
    os.kill(pid, 9)
    until(lambda: not Path(f"/proc/{pid}").exists() or "Z" in state(pid), "the end of it")
    world.enter()
    assert world.supervisor != pid
    assert world.port != port
    assert world.post("/api/token", {"ticket": ticket}, token="").status == 401


def state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "Z"
