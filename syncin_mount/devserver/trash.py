"""The trash: a deleted place keeps its relative path there; an older namesake steps aside with a
date suffix.

Blocking: called in a thread.
"""

from __future__ import annotations

import os
import posixpath
import shutil
from dataclasses import replace
from datetime import UTC, datetime

from .places import Place


def dated(name: str, now: float) -> str:
    """`a.txt` → `a-2026.11.23 08-32-19.171.txt` (UTC)."""
    moment = datetime.fromtimestamp(now, UTC)
    suffix = f"-{moment:%Y.%m.%d %H-%M-%S}.{moment.microsecond // 1000:03d}"
    stem, extension = posixpath.splitext(name)
    return stem + suffix + extension


def _step_aside(full: str, now: float) -> None:
    folder, name = os.path.split(full)
    target = os.path.join(folder, dated(name, now))
    while os.path.lexists(target):
        now += 0.001
        target = os.path.join(folder, dated(name, now))
    os.rename(full, target)


def discard(place: Place, now: float) -> Place:
    """Moves a place into its root's trash and returns where it is now.

    Raises OSError: like the real server's, this trash has no place for what lies below a file's
    path in it (ENOTDIR), nor for a namesake whose name gets too long with a date (ENAMETOOLONG).
    """
    target = replace(place, in_trash=True, inside=place.rel)
    try:
        os.lstat(target.full)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(target.full), exist_ok=True)
    else:
        _step_aside(target.full, now)
    os.rename(place.full, target.full)
    return target


def destroy(full: str) -> None:
    """Removes for good. Raises OSError."""
    if os.path.isdir(full) and not os.path.islink(full):
        shutil.rmtree(full)
    else:
        os.unlink(full)
