"""Standard streams that whoever starts the program closed, or that cannot be written."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import trio

from syncin_mount.control.transport import listens
from tests.cli.conftest import LIMIT, World
from tests.programs import ENVIRONMENT

pytestmark = pytest.mark.timeout(300)

PROGRAM = f"{sys.executable} -m syncin_mount"


def shell(home: Path, command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "-c", command],
        env={**ENVIRONMENT, "SYNCIN_MOUNT_HOME": str(home)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT,
    )


@pytest.mark.parametrize("words", ["status", "list --json", "--help", "help", "logs"])
def test_closed_output_is_written_to_nobody(tmp_path: Path, words: str) -> None:
    done = shell(tmp_path / "home", f"{PROGRAM} {words} >&-")
    assert (done.returncode, done.stderr) == (0, "")
    done = shell(tmp_path / "home", f"{PROGRAM} {words} <&- >&- 2>&-")
    assert done.returncode == 0


def test_a_usage_error_keeps_its_status(tmp_path: Path) -> None:
    assert shell(tmp_path / "home", f"{PROGRAM} nonsense <&- >&- 2>&-").returncode == 2


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
def test_a_full_disk_is_said_in_one_sentence(tmp_path: Path) -> None:
    done = shell(tmp_path / "home", f"{PROGRAM} status >/dev/full")
    assert done.returncode == 1
    assert done.stderr == "syncin-mount: the system refused it (No space left on device)\n"
    assert shell(tmp_path / "home", f"{PROGRAM} nonsense 2>/dev/full").returncode == 2


@pytest.mark.usefixtures("mounts")
async def test_drives_come_and_go_without_streams(world: World) -> None:
    await world.log_in()
    (world.disk / "a.txt").write_text("there")
    await world.add()
    try:
        done = await trio.to_thread.run_sync(shell, world.home, f"{PROGRAM} up <&- >&- 2>&-")
        assert done.returncode == 0
        await world.must("sync", "docs")
        assert await world.read("a.txt") == "there"
    finally:
        await world.must("down")
    assert not listens(world.home / "state/run/docs.sock")
    assert "all is in order" in await world.must("check", "docs")
