"""Settings of drives that hold on this computer alone: the pause and the limits."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from syncin_mount.config import ConfigurationFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from syncin_mount.config import Configuration, Folders, Synchronization


def pause(folders: Folders, names: Iterable[str], *, paused: bool) -> Configuration:
    """Writes that nothing is carried for these drives, or that they go on. Returns the
    configuration as it is then. Mounted drives have to be notified. Raises ConfigurationError,
    KeyError for a drive that is not configured any more."""
    return _update(folders, names, lambda present: replace(present, paused=paused))


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
