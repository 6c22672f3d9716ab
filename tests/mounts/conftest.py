"""Real mounts, each in its own process, with time limits, and always unmounted."""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

PROGRAM = Path(__file__).with_name("program.py")
LIMIT = 30.0


def _why_not() -> str | None:
    if not sys.platform.startswith("linux"):
        return "mounts are for Linux"
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        return "no /dev/fuse here, or not for us"
    if shutil.which("fusermount3") is None:
        return "no fusermount3 here"
    return None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    why = _why_not()
    here = Path(__file__).parent
    for item in items:
        if why is not None and here in item.path.parents:
            item.add_marker(pytest.mark.skip(reason=why))


class Drive:
    """A mounted drive: ``path`` is where, ``call`` gives orders to its process (see program.py)."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.replica = folder / "replica"
        self.path = folder / "drive"
        self.log = folder / "log"
        self.path.mkdir(parents=True, exist_ok=True)
        self._options = options
        self.start()

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, PROGRAM, self.replica, self.path, *self._options],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        assert self._line() == "ready", self.log.read_text()

    def _close_pipes(self) -> None:
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            pipe.close()

    def _line(self) -> str:
        assert self.process.stdout is not None
        readable, _, _ = select.select([self.process.stdout], [], [], LIMIT)
        assert readable, "the drive does not answer:\n" + self.log.read_text()
        return self.process.stdout.readline().decode().strip()

    def call(self, order: str, **arguments: Any) -> Any:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"order": order, **arguments}).encode() + b"\n")
        self.process.stdin.flush()
        reply = json.loads(self._line())
        assert "error" not in reply, reply["error"]
        return reply["result"]

    def unmount(self) -> None:
        """As a user does; the process must end by itself, well."""
        subprocess.run(
            ["fusermount3", "-u", self.path], check=True, timeout=LIMIT, capture_output=True
        )
        self._ended(0)

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self._ended(0)

    def kill(self) -> None:
        self.process.kill()
        self._ended(-signal.SIGKILL)

    def _ended(self, status: int) -> None:
        assert self.process.wait(LIMIT) == status, self.log.read_text()
        self._close_pipes()

    def again(self) -> None:
        """Unmount and mount: nothing of the kernel's memory is left."""
        self.unmount()
        self.start()

    def clean_up(self) -> None:
        self.process.kill()
        self.process.wait(LIMIT)
        self._close_pipes()
        subprocess.run(
            ["fusermount3", "-u", "-z", self.path], check=False, timeout=LIMIT, capture_output=True
        )


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[Callable[..., Drive]]:
    """Mounts drives; a name gives each its own folder."""
    drives = []

    def make(*options: str, name: str = "one") -> Drive:
        drives.append(Drive(tmp_path / name, *options))
        return drives[-1]

    yield make
    for drive in drives:
        drive.clean_up()
    logs = "".join(drive.log.read_text() for drive in drives)
    assert "Traceback" not in logs or "broken on purpose" in logs, logs


@pytest.fixture
def drive(mount: Callable[..., Drive]) -> Drive:
    return mount()


@pytest.fixture
def eventually() -> Callable[[Callable[[], object]], None]:
    """Polls a condition, for what another process does in its own time."""

    def wait(condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + LIMIT
        while not condition():
            assert time.monotonic() < deadline, "it never came to be"
            time.sleep(0.01)

    return wait
