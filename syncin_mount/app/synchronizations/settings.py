"""Settings of drives that hold on this computer alone: the pause and the limits."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING

from syncin_mount.config import ConfigurationFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from syncin_mount.config import Configuration, Folders, Synchronization

SHORTEST_PAUSE_S = 60
LONGEST_PAUSE_S = 30 * 86_400
"""Seconds that a pause with an end lasts. One that is longer is easily forgotten; without an end,
`status` shows it in its own word."""

MORNING = dt.time(6)
"""When tomorrow begins: who works after midnight does not want the pause to end there."""


def pause_end_after(seconds: float, now: float) -> int:
    """The end of a pause of so many seconds that begins ``now`` (s since the epoch). Raises
    ValueError where it is too short or too long: what is accepted, as a phrase."""
    if not SHORTEST_PAUSE_S <= seconds <= LONGEST_PAUSE_S:
        raise ValueError("from 1m to 30d")
    return round(now + seconds)


def pause_end_tomorrow(now: float) -> int:
    """Tomorrow's morning in local time, as seconds since the epoch."""
    day = dt.datetime.fromtimestamp(now).astimezone().date() + dt.timedelta(days=1)
    return round(dt.datetime.combine(day, MORNING).timestamp())


def pause_end_at(time: dt.time, now: float) -> int:
    """The next moment at which local clocks show ``time``, at least a minute after ``now``."""
    day = dt.datetime.fromtimestamp(now).astimezone().date()
    found = dt.datetime.combine(day, time).timestamp()
    if found < now + SHORTEST_PAUSE_S:
        found = dt.datetime.combine(day + dt.timedelta(days=1), time).timestamp()
    return round(found)


def pause(
    folders: Folders, names: Iterable[str], *, paused: bool, until: int | None = None
) -> Configuration:
    """Writes that these drives are paused (``until`` a moment in s since the epoch; None: until
    somebody resumes them), or that they go on. Returns the configuration as it is then. Mounted
    drives have to be notified. Raises ConfigurationError, KeyError for a drive that is not
    configured any more."""
    return _update(
        folders, names, lambda present: replace(present, paused=paused, paused_until=until)
    )


def end_pause(folders: Folders, name: str, until: int) -> Configuration:
    """Writes that the pause that lasted ``until`` is over. Another one, which somebody began
    meanwhile, stays. As `pause` in all else."""

    def ended(present: Synchronization) -> Synchronization:
        if present.paused_until != until:
            return present
        return replace(present, paused=False, paused_until=None)

    return _update(folders, [name], ended)


def limit(
    folders: Folders,
    names: Iterable[str],
    change: Callable[[int | None, int | None], tuple[int | None, int | None]],
) -> Configuration:
    """Writes the limits of these drives: ``change`` is given those for sending and fetching (bytes
    a second, None: no limit), and returns the new ones. As `pause` in all else."""

    def limited(present: Synchronization) -> Synchronization:
        up, down = change(present.limit_up, present.limit_down)
        return replace(present, limit_up=up, limit_down=down)

    return _update(folders, names, limited)


def _update(
    folders: Folders, names: Iterable[str], change: Callable[[Synchronization], Synchronization]
) -> Configuration:
    def changed(now: Configuration) -> Configuration:
        for name in names:
            now = now.with_synchronization(change(now.synchronizations[name]))
        return now

    return ConfigurationFile(folders).update(changed)
