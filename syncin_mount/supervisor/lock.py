"""One supervisor for the folders of a user."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from syncin_mount.config import private_folder
from syncin_mount.config.files import try_lock
from syncin_mount.control.supervision import NAME
from syncin_mount.errors import SupervisorRuns

if TYPE_CHECKING:
    from syncin_mount.config import Folders


@contextlib.contextmanager
def only_supervisor(folders: Folders) -> Iterator[None]:
    """Holds the lock that only one supervisor of these folders has, whatever session it runs in.
    Raises DaemonError."""
    handle = try_lock(private_folder(folders.state / "run") / f"{NAME}.lock")
    if handle is None:
        raise SupervisorRuns
    try:
        yield
    finally:
        os.close(handle)
