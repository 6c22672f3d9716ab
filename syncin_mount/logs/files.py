"""The log: one file a synchronization, rotated, private, no secrets. The lines are `logline`'s.

Who writes where: a drive's daemon writes its synchronization's file, the supervisor its own, a
command that runs a synchronization without a daemon (``sync``, ``explain``) that synchronization's.
The replica's lock lets only one of them do that at a time; should two overlap for a moment, both
append whole lines, and one whose file was rotated by the other goes on in the new one.
"""

from __future__ import annotations

import contextvars
import datetime as dt
import io
import logging
import logging.handlers
import os
import sys
from pathlib import Path

from syncin_mount.config import LogLevel, private_folder
from syncin_mount.config.files import open_to_append
from syncin_mount.logs.logfmt import Entry, line_of, without_secrets

_BYTES = 2_000_000
_KEPT = 3
"""Files beside the one that is written: 8 MB for a synchronization, whatever happens."""

DEBUG_VARIABLE = "SYNCIN_MOUNT_DEBUG"
"""Set by ``--debug`` for whatever the command starts: then the log says more, whatever the settings
say."""

_OURS = ("syncin_mount", "reconciler", "syncin_fuse", "syncin_winfsp")
"""Others' ordinary messages are noise here, and may hold addresses and headers: of them only
warnings are kept."""


class _Lines(logging.Formatter):
    """A record's line. ``extra={"fields": {…}}`` of a log call becomes fields of their own."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name

    def format(self, record: logging.LogRecord) -> str:
        fields = {
            key: without_secrets(str(value)) for key, value in getattr(record, "fields", {}).items()
        }
        if record.exc_info and record.exc_info[0] is not None:
            fields["error"] = without_secrets(self.formatException(record.exc_info))
        return line_of(
            Entry(
                dt.datetime.fromtimestamp(record.created, dt.UTC),
                record.levelname.lower(),
                self._name,
                record.name,
                without_secrets(record.getMessage()),
                fields,
            )
        )


class _Rotated(logging.handlers.RotatingFileHandler):
    """Files that only their owner can read, whatever the umask. That one cannot be written stops
    nothing: the next message tries again, and says how many are missing."""

    _lost = 0
    _torn = False  # the last line may be there in part

    def _open(self) -> io.TextIOWrapper:
        stream = os.fdopen(open_to_append(Path(self.baseFilename)), "a", encoding="utf-8")
        if self._torn:
            stream.write("\n")
            self._torn = False
        return stream

    def emit(self, record: logging.LogRecord) -> None:
        lost, self._lost = self._lost, 0
        if lost:
            words = "%d messages before this could not be written"
            super().emit(logging.LogRecord(__name__, logging.WARNING, "", 0, words, (lost,), None))
        if self._lost:  # still
            self._lost = lost + 1
            return
        super().emit(record)

    def shouldRollover(self, record: logging.LogRecord) -> bool:  # noqa: N802 (logging's name)
        stream = self.stream
        if stream is not None and self._is_elsewhere(stream):
            _let_go(stream)
            self.stream = self._open()
        return bool(super().shouldRollover(record))

    def _is_elsewhere(self, stream: io.TextIOWrapper) -> bool:
        """Another process rotated the files, or somebody removed this one."""
        try:
            return not os.path.samestat(os.stat(self.baseFilename), os.fstat(stream.fileno()))
        except FileNotFoundError:
            return True

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (logging's name)
        if not isinstance(sys.exc_info()[1], OSError):
            super().handleError(record)
            return
        self._lost += 1
        # What could not be written would be tried again, and fail, when the stream is closed.
        stream, self.stream = self.stream, None  # logging opens it anew, as after rotating
        if stream is not None:
            self._torn = True
            _let_go(stream)


def _let_go(stream: io.TextIOWrapper) -> None:
    try:
        stream.close()
    except OSError:
        return  # the descriptor is closed all the same


def log_to(path: Path, level: LogLevel = LogLevel.INFO) -> None:
    """Sends every log message of this process to the file. Raises FolderError; that the file itself
    cannot be written is no error."""
    private_folder(path.parent)
    _install(_file(path), level)


def _file(path: Path) -> logging.Handler:
    handler = _Rotated(path, maxBytes=_BYTES, backupCount=_KEPT, encoding="utf-8", delay=True)
    handler.setFormatter(_Lines(path.stem))
    return handler


def _install(handler: logging.Handler, level: LogLevel) -> None:
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    chosen = (
        logging.DEBUG
        if os.environ.get(DEBUG_VARIABLE)
        else logging.getLevelNamesMapping()[level.name]
    )
    for name in _OURS:
        logging.getLogger(name).setLevel(chosen)


_place: contextvars.ContextVar[Path | None] = contextvars.ContextVar("log", default=None)


class _ByTask(logging.Handler):
    """Sends each message to the file of the task that it comes from. A message of none has no
    place."""

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


def log_task_to(path: Path, level: LogLevel = LogLevel.INFO) -> None:
    """Sends what this task logs, and what it starts from now on (tasks and threads), to the file:
    for a process in which several synchronizations run."""
    private_folder(path.parent)
    if not any(isinstance(each, _ByTask) for each in logging.getLogger().handlers):
        _install(_ByTask(), level)
    _place.set(path)


def rotated(path: Path) -> list[Path]:
    """The files of the log at ``path``, the oldest first."""
    older = sorted(
        path.parent.glob(f"{path.name}.[0-9]"), key=lambda each: each.suffix, reverse=True
    )
    return [*older, *([path] if path.exists() else [])]
