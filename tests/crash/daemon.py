"""The drive's process as in production, but for one trap, and in a hurry if that is wanted.

It is forked from a process that has the program's modules already (``tests.crash.processes``),
which saves a second a start; nothing of them was used there.
"""

from __future__ import annotations

import functools
import os
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from reconciler.engine.parts import EngineOptions
from syncin_mount.app.drives import trash_handover
from syncin_mount.app.runtime import runtime
from syncin_mount.cli import main
from syncin_mount.config.folders import HOME_VARIABLE
from syncin_mount.store import Replica, check
from tests.crash.points import Kill, Trap


def checked(into: Path) -> type[Replica]:
    """A replica that looks at itself once it is open: what ``check`` finds goes to the file, one
    problem a line; a clean one makes it empty."""

    class Checked(Replica):
        @classmethod
        def open(cls, *arguments: Any, **named: Any) -> Any:
            replica = super().open(*arguments, **named)
            found = [f"node {each.node}: {each.what}\n" for each in check(replica)]
            into.write_text("".join(found))
            return replica

    return Checked


def hurry() -> None:
    """Within tenths of a second comes what else takes seconds: commits of the index, the wait until
    changes have settled, the look at the bin. So a kill meets them that comes soon."""
    runtime.COMMIT_EVERY, runtime.COMMIT_SHARE = 0.15, 1
    trash_handover.LOOK_EVERY = 0.1
    setattr(runtime, "EngineOptions", functools.partial(EngineOptions, debounce_seconds=0.2))  # noqa: B010 - as below


def run(base: Path, ready: Connection, kill: Kill | None, *options: str, hurried: bool) -> None:
    """``syncin-mount mount OPTIONS docs`` in the home below ``base``, with the kill that is given.
    ``ready`` is told what ``--ready-fd`` is told. Never returns."""
    os.setsid()
    log = os.open(base / "daemon.log", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.environ |= {HOME_VARIABLE: str(base / "home"), "XDG_DATA_HOME": str(base / "desktop")}
    if kill is not None:
        Trap(kill).set()
    if hurried:
        hurry()
    setattr(runtime, "Replica", checked(base / "check"))  # noqa: B010 - what it opens, and no other
    descriptor = os.dup(ready.fileno())
    ready.close()
    main(["mount", *options, "--ready-fd", str(descriptor), "docs"])
