"""The trash: a deleted place keeps its relative path there; an older namesake steps aside with a date suffix.

Blocking: called in a thread.
"""

from __future__ import annotations

import os
import posixpath
import shutil
from dataclasses import replace
from datetime import UTC, datetime

from .places import Place

_NAME_MAX = 255  # bytes, of the file systems this runs on


def dated(name: str, now: float) -> str:
    """`a.txt` → `a-2026.11.23 08-32-19.171.txt` (UTC); a stem that would get too long is cut."""
    moment = datetime.fromtimestamp(now, UTC)
    suffix = f"-{moment:%Y.%m.%d %H-%M-%S}.{moment.microsecond // 1000:03d}"
    stem, extension = posixpath.splitext(name)
    room = _NAME_MAX - len(os.fsencode(suffix + extension))
    stem = os.fsencode(stem)[:room].decode("utf-8", "ignore") if len(os.fsencode(stem)) > room else stem
    return stem + suffix + extension


def _step_aside(full: str, now: float) -> None:
    folder, name = os.path.split(full)
    target = os.path.join(folder, dated(name, now))
    while os.path.lexists(target):
        now += 0.001
        target = os.path.join(folder, dated(name, now))
    os.rename(full, target)


def _make_folders(top: str, rel: str, now: float) -> None:
    """The folders above a trashed place; a trashed file in their way steps aside."""
    at = top
    os.makedirs(at, exist_ok=True)
    for name in posixpath.dirname(rel).split("/"):
        if not name:
            continue
        at = os.path.join(at, name)
        if os.path.lexists(at) and not (os.path.isdir(at) and not os.path.islink(at)):
            _step_aside(at, now)
        if not os.path.lexists(at):
            os.mkdir(at)


def discard(place: Place, now: float) -> Place:
    """Moves a place into its root's trash and returns where it is now. Raises OSError."""
    target = replace(place, in_trash=True, inside=place.rel)
    _make_folders(target.top, place.rel, now)
    if os.path.lexists(target.full):
        _step_aside(target.full, now)
    os.rename(place.full, target.full)
    return target


def destroy(full: str) -> None:
    """Removes for good. Raises OSError."""
    if os.path.isdir(full) and not os.path.islink(full):
        shutil.rmtree(full)
    else:
        os.unlink(full)
