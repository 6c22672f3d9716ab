"""Starting the processes of the kill test quickly: they are forked from one that has the modules
already.

Reference: https://docs.python.org/3/library/multiprocessing.html#contexts-and-start-methods
(forkserver).
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable
from multiprocessing.context import ForkServerProcess
from typing import Any

FORKED = multiprocessing.get_context("forkserver")
FORKED.set_forkserver_preload(
    [
        "tests.crash.daemon",
        "tests.crash.worker",
        "syncin_fuse",
        "syncin_mount.cli.commands.mount",
        "syncin_mount.daemon.process",
        "syncin_mount.logs.files",
        "syncin_mount.app.processes.spawn",
    ]
)


class Process:
    """A child. To be used by one thread."""

    def __init__(self, target: Callable[..., Any], *arguments: Any, **named: Any) -> None:
        self._child: ForkServerProcess = FORKED.Process(target=target, args=arguments, kwargs=named)
        self._child.start()

    def wait(self, seconds: float) -> int | None:
        """Its status, that of a signal negative; None when it still runs then."""
        self._child.join(seconds)
        return self._child.exitcode

    def signal(self, number: signal.Signals) -> None:
        assert self._child.pid is not None
        os.kill(self._child.pid, number)

    def kill(self) -> None:
        self._child.kill()
