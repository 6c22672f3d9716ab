"""A daemon that was killed and cannot end: its threads wait in the kernel for who waits for its
drive."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from syncin_mount.system import is_dying
from tests.cli.conftest import World

pytestmark = [
    pytest.mark.usefixtures("mounts", "fuse_control"),
    pytest.mark.timeout(300),
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a matter of FUSE"),
]

_MOUNTS = Path(__file__).parents[1] / "mounts" / "program.py"

_DYING = """
import ctypes, os, sys, threading
from pathlib import Path
from syncin_mount.store import lock
lock.take_lock(Path(sys.argv[1]))
def ask():
    print("asks", flush=True)
    try:
        os.statvfs(sys.argv[2])
    except OSError:
        os._exit(0)
threading.Thread(target=ask).start()
ctypes.CDLL(None).pthread_exit(None)
"""
"""Has the replica, and all that is left of it waits for the drive."""


@contextmanager
def unserved(replica: Path, mountpoint: Path) -> Iterator[None]:
    """A drive there whose process does nothing any more."""
    with subprocess.Popen(
        [sys.executable, _MOUNTS, replica, mountpoint],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "ready\n"
            process.send_signal(signal.SIGSTOP)
            yield
        finally:
            process.kill()


@contextmanager
def dying(replica: Path, mountpoint: Path) -> Iterator[None]:
    """A process that has the replica and cannot end before the drive there answers."""
    with subprocess.Popen(
        [sys.executable, "-c", _DYING, replica, mountpoint], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "asks\n"
            while not is_dying(process.pid):  # the thread that began it is on its way out
                os.sched_yield()
            yield
        finally:
            process.kill()


async def test_the_next_mount_releases_it(world: World):
    await world.log_in()
    await world.add()
    await world.must("mount", "docs")
    (world.drive / "file").write_text("kept")
    await world.must("umount", "docs")
    with (
        unserved(world.base / "other", world.drive),
        dying(world.home / "state" / "replicas" / "docs", world.drive),
    ):
        assert await world.must("mount", "docs") == f"docs is mounted at {world.drive}\n"
    assert (world.drive / "file").read_text() == "kept"
    assert (
        "the connection of its drive was aborted"
        in (world.home / "state" / "logs" / "docs.log").read_text()
    )
