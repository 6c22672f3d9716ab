"""One supervisor for the folders of a user."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from reconciler.phrases import Phrase
from syncin_mount.config import private_folder
from syncin_mount.control.supervision import NAME
from syncin_mount.errors import DaemonError, SupervisorRuns

if TYPE_CHECKING:
    from syncin_mount.config import Folders


@contextlib.contextmanager
def only_supervisor(folders: Folders) -> Iterator[None]:
    """Holds the lock that only one supervisor of these folders has, whatever session it runs in.
    Raises DaemonError."""
    if sys.platform == "win32":
        raise DaemonError(
            Phrase("the supervisor is not there yet on Windows; mount each drive by itself")
        )
    import fcntl  # noqa: PLC0415 (exists on POSIX only)

    path = private_folder(folders.state / "run") / f"{NAME}.lock"
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SupervisorRuns from None
        yield
    finally:
        os.close(handle)
