"""A command in this process: a fresh Python and its imports take longer than most commands do.

`call` is what a shell is to a process: it gives a command its arguments, standard streams,
environment and folder, and takes its exit status. What belongs to a process alone stays outside: a
command that starts a drive or a supervisor (its child would be this process's), a time limit,
signals.
"""

from __future__ import annotations

import io
import logging
import os
import sys
import threading
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from syncin_mount.cli import main

PARENTS = {"demo", "mount", "rename", "serve", "up"}
"""Commands that start processes which outlive them."""

SIGNALS = {"--import"}
"""Options whose work takes signals, which only a process's first thread can."""

_turn = threading.Lock()
"""Streams, environment and folder are the process's: one command at a time."""


def suits(words: Sequence[str]) -> bool:
    """Whether a command can run in this process."""
    return bool(words) and words[0] not in PARENTS and SIGNALS.isdisjoint(words)


def call(
    words: Sequence[str], *, stdin: str, folder: Path, environment: Mapping[str, str]
) -> tuple[int, str, str]:
    """Runs a command. Returns its exit status, and what it wrote to standard output and error."""
    streams = [io.BytesIO(stdin.encode()), io.BytesIO(), io.BytesIO()]
    with _turn, _surroundings(streams, folder, environment), _own_logging():
        try:
            main(list(words))
        except SystemExit as end:
            status = end.code
        except Exception:  # noqa: BLE001 (with --debug; as Python ends a process)
            traceback.print_exc()
            status = 1
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        assert isinstance(status, int)
        return int(status), streams[1].getvalue().decode(), streams[2].getvalue().decode()


@contextmanager
def _surroundings(
    streams: list[io.BytesIO], folder: Path, environment: Mapping[str, str]
) -> Iterator[None]:
    before = {name: getattr(sys, name) for name in ("stdin", "stdout", "stderr")}
    variables, here = dict(os.environ), Path.cwd()
    os.environ.update(environment)
    os.chdir(folder)
    for name, stream in zip(before, streams, strict=True):
        setattr(sys, name, io.TextIOWrapper(stream, "utf-8", write_through=True))
    try:
        yield
    finally:
        for name, stream in before.items():
            setattr(sys, name, stream)
        os.chdir(here)
        for name in os.environ.keys() - variables.keys():
            del os.environ[name]
        os.environ.update(variables)


@contextmanager
def _own_logging() -> Iterator[None]:
    """The command finds logging as a new process does. The embedded server's goes where it went
    before."""
    root, server = logging.getLogger(), logging.getLogger("syncin_mount.devserver")
    ours = [
        root,
        *(logging.getLogger(name) for name in ("syncin_mount", "syncin_fuse", "reconciler")),
    ]
    levels, handlers, before = [logger.level for logger in ours], list(root.handlers), _handlers()
    server.handlers, server.propagate, root.handlers = handlers, False, []
    try:
        yield
    finally:
        for handler in _handlers() - before:  # as at the end of a process
            handler.close()
        server.handlers, server.propagate, root.handlers = [], True, handlers
        for logger, level in zip(ours, levels, strict=True):
            logger.setLevel(level)


def _handlers() -> set[logging.Handler]:
    """All that there are."""
    # logging has no public list of its handlers before Python 3.12
    return {handler for reference in logging._handlerList if (handler := reference()) is not None}  # type: ignore[attr-defined]
