"""A drive's process as in production, in a hurry if that is wanted."""

from __future__ import annotations

import functools
import os
from multiprocessing.connection import Connection
from pathlib import Path

from reconciler.engine.parts import EngineOptions
from syncin_mount.app.runtime import runtime
from syncin_mount.cli import main
from syncin_mount.config.folders import HOME_VARIABLE


def run(home: Path, log: Path, ready: Connection, *, hurried: bool) -> None:
    """``syncin-mount mount docs`` in this home. ``ready`` is told what ``--ready-fd`` is told.
    Never returns. ``hurried``: changes are sent after 0.3 s, and a listing begins every 2 s."""
    os.setsid()
    said = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.dup2(said, 1)
    os.dup2(said, 2)
    os.environ |= {HOME_VARIABLE: str(home)}
    if hurried:
        hasty = functools.partial(EngineOptions, debounce_seconds=0.3, listing_every=2.0)
        setattr(runtime, "EngineOptions", hasty)  # noqa: B010 - it is a name of that module, for mypy
    descriptor = os.dup(ready.fileno())
    ready.close()
    main(["mount", "--ready-fd", str(descriptor), "docs"])
