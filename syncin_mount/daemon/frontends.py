"""Finding the frontend that shows a file system to this operating system."""

from __future__ import annotations

import sys
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

from reconciler.phrases import Phrase
from syncin_mount.errors import DaemonError

if TYPE_CHECKING:
    from syncin_mount.vfs import Frontend

GROUP = "syncin_mount.frontends"


def find_frontend() -> Frontend:
    """The frontend of this system, by entry point. Raises DaemonError."""
    name = "winfsp" if sys.platform == "win32" else "fuse"
    found = next(iter(entry_points(group=GROUP, name=name)), None)
    if found is None:
        raise DaemonError(
            Phrase(
                "the part that mounts ('{name}') is not installed; reinstall syncin-mount",
                name=name,
            )
        )
    try:
        frontend: Frontend = found.load()
    except ImportError as error:
        raise DaemonError(
            Phrase(
                "the part that mounts cannot be loaded ({error}); install libfuse3 and fuse3",
                error=error,
            )
        ) from error
    return frontend
