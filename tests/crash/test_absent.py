"""A drive is killed when it has just placed files whose contents it has not fetched. Before its
next start somebody changes them on the server. Whoever reads them then gets what is there now, and
no error, though the drive has not listed yet.

It is the moment of which the kill test once saw a little: EIO from a read after a start, since the
server had another version than the one that was listed.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
from pathlib import Path

import pytest
import trio

from reconciler.errors import RemoteError
from syncin_mount.control.client import Client
from syncin_mount.control.failures import ControlError
from tests.crash.home import LIMIT, Figures, Home
from tests.crash.looking import is_here
from tests.crash.people import REMOTE
from tests.crash.points import Kill
from tests.crash.scenes import replace_with

NAMES = ("edited", "deleted", "moved", "left alone")
SLOW_LISTING = """
[[rule]]
path = "*/diff/*"
effect = "delay"
seconds = 3.0
"""

needs_mounts = pytest.mark.skipif(
    not os.access("/dev/fuse", os.R_OK | os.W_OK) or shutil.which("fusermount3") is None,
    reason="no /dev/fuse or no fusermount3 here",
)


class Interrupted(Home):
    """Steps of that one story."""

    def dies_with_contents_absent(self) -> None:
        """Once it has placed the last of the files."""
        assert self.start(Kill("placed/after", len(NAMES), 1), hurried=True)
        assert self._process is not None
        self._process.signal(signal.SIGUSR1)
        trio.run(self._run)
        assert self._is_killed(LIMIT)

    async def _run(self) -> None:
        with contextlib.suppress(ControlError, RemoteError):  # killed meanwhile
            async with Client(self.folders.socket("docs")) as daemon:
                await self._sync(daemon)

    def wakes(self) -> None:
        """By itself, as after every log-in. Its first listing takes longer than any read."""
        self.faults.write_text(SLOW_LISTING)
        assert self.start()

    def stops(self) -> None:
        self.faults.write_text("")
        self._stop()


def read(path: Path) -> bytes | None:
    """None where there is no such file (any more)."""
    with contextlib.suppress(FileNotFoundError):
        return path.read_bytes()
    return None


@needs_mounts
@pytest.mark.timeout(120)
def test_what_was_changed_on_the_server_before_its_content_came_is_read(tmp_path: Path) -> None:
    chance = random.Random(1)
    with Interrupted(tmp_path / "w", chance, Figures()) as home:
        there = home.disk / REMOTE
        old = {name: chance.randbytes(150_000) for name in NAMES}
        for name in NAMES:
            replace_with(there / name, old[name])
        home.dies_with_contents_absent()
        newer = chance.randbytes(20_000)
        replace_with(there / "edited", newer)
        (there / "deleted").unlink()
        (there / "moved").rename(there / "called otherwise")
        home.wakes()
        here = home.drive / REMOTE
        assert not any(is_here(here / name) for name in ("edited", "deleted", "moved"))
        found = {name: read(here / name) for name in NAMES}
        assert found["edited"] == newer
        assert found["deleted"] is None
        assert found["moved"] in {None, old["moved"]}
        assert found["left alone"] == old["left alone"]
        home.stops()
