"""Whether a daemon lives behind a socket file, without speaking to it."""

from __future__ import annotations

import os
import socket
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def listens(path: Path) -> bool:
    """Whether somebody accepts connections there. A socket file alone proves nothing: a killed daemon leaves it."""
    if sys.platform == "win32":
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(2.0)
        try:
            probe.connect(os.fspath(path))
        except OSError:
            return False
        return True
