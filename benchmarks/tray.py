"""What the tray icon costs while nothing happens: the supervisor, and the daemons that it follows.

The same drives, under a supervisor without a message bus, with one on which there is no tray, and
with a panel that shows the icon.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

from benchmarks.ground import Ground
from benchmarks.processes import (
    IDLE_S,
    SETTLE_S,
    during,
    memory,
    own_memory,
    supervisor_at,
    until_mounted,
)
from tests.daemon.buses import private_bus


def idle(ground: Ground, rounds: int) -> dict[str, Any]:
    """A mounted drive that does nothing."""
    del rounds
    profile = ground.fresh()
    home = ground.sandbox.base / profile
    ground.sandbox.must(profile, "edit", "bench", "--every", "1d")
    figures: dict[str, Any] = {}

    def measure(how: str, supervisor: int) -> None:
        until_mounted(ground, profile)
        time.sleep(SETTLE_S)  # what came before comes to rest
        figures[f"supervisor {how}, MiB"] = (
            f"{memory(supervisor):.1f} (its own {own_memory(supervisor):.1f})"
        )
        figures[f"{IDLE_S:.0f} s {how}"] = during(supervisor, IDLE_S)
        figures[f"... the drive's daemon {how}"] = during(ground.daemon(profile), IDLE_S)

    with supervisor_at(home) as supervisor:
        measure("without a bus", supervisor)
    with (
        private_bus() as address,
        supervisor_at(home, DBUS_SESSION_BUS_ADDRESS=address) as supervisor,
    ):
        measure("with a bus and no tray", supervisor)
        with _panel(address):
            measure("with the icon", supervisor)
    return figures


@contextlib.contextmanager
def _panel(address: str) -> Iterator[None]:
    """It shows the icon, and has read all of it."""
    words = [sys.executable, "-m", "tests.tray.panel_process", address]
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "shown\n"
        yield
        process.stdin.close()


ROWS = {"tray-idle": ("memory and processor time of the tray icon while nothing happens", idle)}
