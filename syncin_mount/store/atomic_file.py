"""Small files that are replaced as a whole."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from syncin_mount import system


def write_whole(path: Path, text: str) -> None:
    """Writes a small file so that after any stop it is either as before or complete."""
    new = path.with_name(path.name + ".new")
    fd = system.open_file(new, system.OPEN | os.O_TRUNC, 0o600)
    try:
        if os.write(fd, text.encode()) < len(text):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fsync(fd)
    finally:
        os.close(fd)
    system.replace(new, path)
    system.sync_folder(path.parent)
