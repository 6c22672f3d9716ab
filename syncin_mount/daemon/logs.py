"""The daemon's log: one file a synchronization, rotated, no secrets."""

from __future__ import annotations

import logging
import logging.handlers
import sys
import time
from typing import TYPE_CHECKING

from syncin_mount.config import private_folder

if TYPE_CHECKING:
    from pathlib import Path

_BYTES = 2_000_000
_KEPT = 3
_CHATTY = ("httpx", "httpcore", "hypercorn", "hpack", "asyncio")
"""Libraries whose ordinary messages are noise here, and may hold addresses and headers."""


class _Lines(logging.Formatter):
    """One line a message: UTC with milliseconds, level, where, what. Foreign names cannot forge lines."""

    converter = staticmethod(time.gmtime)
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (logging's name)
        text = super().formatMessage(record)
        return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text)


def log_to(path: Path, *, also_terminal: bool = False) -> None:
    """Sends every log message of this process to the file; with ``also_terminal`` to standard error, too."""
    private_folder(path.parent)
    handlers: list[logging.Handler] = [
        logging.handlers.RotatingFileHandler(path, maxBytes=_BYTES, backupCount=_KEPT, encoding="utf-8")
    ]
    if also_terminal:
        handlers.append(logging.StreamHandler(sys.stderr))
    for handler in handlers:
        handler.setFormatter(_Lines("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=handlers, force=True)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
