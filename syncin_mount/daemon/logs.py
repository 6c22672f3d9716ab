"""The daemon's log: one file a synchronization, rotated, no secrets."""

from __future__ import annotations

import contextvars
import io
import logging
import logging.handlers
import os
import sys
import time
from pathlib import Path

from syncin_mount.config import private_folder
from syncin_mount.config.files import open_to_append

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
    handlers = [_file(path)]
    if also_terminal:
        handlers.append(_formatted(logging.StreamHandler(sys.stderr)))
    _install(handlers)


class _Rotated(logging.handlers.RotatingFileHandler):
    """Files that only their owner can read, whatever the umask."""

    def _open(self) -> io.TextIOWrapper:
        return os.fdopen(open_to_append(Path(self.baseFilename)), "a", encoding="utf-8")


def _file(path: Path) -> logging.Handler:
    return _formatted(_Rotated(path, maxBytes=_BYTES, backupCount=_KEPT, encoding="utf-8"))


def _formatted(handler: logging.Handler) -> logging.Handler:
    handler.setFormatter(_Lines("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    return handler


def _install(handlers: list[logging.Handler]) -> None:
    logging.basicConfig(level=logging.INFO, handlers=handlers, force=True)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)


_place: contextvars.ContextVar[Path | None] = contextvars.ContextVar("log", default=None)


class _ByTask(logging.Handler):
    """Sends each message to the file of the task that it comes from. A message of none has no place."""

    def __init__(self) -> None:
        super().__init__()
        self._files: dict[Path, logging.Handler] = {}

    def emit(self, record: logging.LogRecord) -> None:
        place = _place.get()
        if place is None:
            return
        if place not in self._files:
            self._files[place] = _file(place)
        self._files[place].handle(record)


def log_task_to(path: Path) -> None:
    """Sends what this task logs, and what it starts from now on (tasks and threads), to the file: for a process in
    which several synchronizations run."""
    private_folder(path.parent)
    if not any(isinstance(each, _ByTask) for each in logging.getLogger().handlers):
        _install([_ByTask()])
    _place.set(path)
