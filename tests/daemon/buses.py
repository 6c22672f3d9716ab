"""A message bus of a test's own."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass
class BusProcess:
    """A dbus-daemon at ``address``."""

    address: str
    process: subprocess.Popen[str]

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@contextmanager
def bus_process(at: Path | None = None) -> Iterator[BusProcess]:
    """A dbus-daemon, at the socket ``at`` perhaps; killed at the end. Skips the test where there is
    none."""
    if shutil.which("dbus-daemon") is None:
        pytest.skip("dbus-daemon is not installed")
    command = ["dbus-daemon", "--session", "--nofork", "--print-address"]
    if at is not None:
        command.append(f"--address=unix:path={at}")
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            assert process.stdout is not None
            yield BusProcess(process.stdout.readline().strip(), process)
        finally:
            process.kill()


@contextmanager
def private_bus() -> Iterator[str]:
    """Its address. Skips the test where there is no dbus-daemon."""
    with bus_process() as bus:
        yield bus.address
