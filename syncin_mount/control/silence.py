"""Daemons that hang: how long an answer is waited for, and what is known of who gave none.

A daemon has its status in memory and tells it at once. One that does not within `ANSWERS_S` seconds
hangs: it is stopped, or its disk does not come back. A process that met such a one does not wait as
long for it again (`SHORT_S`), as a command may ask several questions.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

ANSWERS_S = 10.0
"""Seconds in which a daemon says how it is, also on a computer that is busy."""

SHORT_S, REMEMBERED_S = 1.0, 60.0
"""How long one gets that gave no answer a moment ago, and how long that is remembered."""

_silent: dict[str, tuple[object, float]] = {}


def patience(path: Path, usual: float | None = None) -> float:
    """Seconds that the daemon at the socket ``path`` gets now to say how it is."""
    known = _silent.get(os.fspath(path))
    if known is not None and known[0] == _looks(path) and time.monotonic() < known[1]:
        return SHORT_S
    return ANSWERS_S if usual is None else usual


def silent(path: Path) -> None:
    """The daemon there did not say how it is, in all the time that it had."""
    _silent[os.fspath(path)] = _looks(path), time.monotonic() + REMEMBERED_S


def heard(path: Path) -> None:
    """It did."""
    _silent.pop(os.fspath(path), None)


def _looks(path: Path) -> object:
    """Differs when another daemon listens there: each makes its socket file anew."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns
