"""Which synchronizations are mounted and run by themselves: the settings are changed, and a
supervisor that runs follows at once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import trio

from syncin_mount.app.processes.mounting import is_there, status_of
from syncin_mount.app.processes.supervisor_client import told
from syncin_mount.app.synchronizations.change_settings import change_settings
from syncin_mount.control.failures import ControlError
from syncin_mount.control.supervision import Ask, What

if TYPE_CHECKING:
    from syncin_mount.app.synchronizations.change_settings import SettingsChange
    from syncin_mount.config import Folders, Synchronization
    from syncin_mount.control.supervision import Supervised


@dataclass(frozen=True, slots=True)
class Switched:
    """A synchronization that was enabled or disabled. ``drive`` is how the supervisor sees it
    (None: nothing supervises it), ``was_there`` and ``is_there`` whether there was and is something
    mounted. ``waiting`` are changes for the server that a mounted drive had."""

    change: SettingsChange
    drive: Supervised | None
    was_there: bool
    is_there: bool
    waiting: int = 0

    @property
    def synchronization(self) -> Synchronization:
        """As it is now."""
        return self.change.after

    @property
    def was_enabled(self) -> bool:
        return self.change.before.enabled


async def enable(folders: Folders, name: str) -> Switched:
    """Includes a synchronization in what is mounted and run by itself; while somebody supervises,
    it is mounted when this returns, or was tried in vain. Raises KeyError, ConfigurationError,
    SupervisorError."""

    def enabled(present: Synchronization) -> Synchronization:
        return replace(present, enabled=True, disabled_there=None)

    change = await change_settings(folders, name, enabled)
    was_there = is_there(folders, change.after)
    drive = await _follow(folders, name)
    return Switched(change, drive, was_there, is_there(folders, change.after))


async def disable(folders: Folders, name: str) -> Switched:
    """Leaves it out of that; while somebody supervises, it is unmounted as soon as that is
    possible. Pending changes are kept. Raises as `enable` does."""
    change = await change_settings(folders, name, lambda present: replace(present, enabled=False))
    was_there = is_there(folders, change.after)
    waiting = await _waiting(folders, name) if was_there else 0
    drive = await _follow(folders, name)
    return Switched(change, drive, was_there, is_there(folders, change.after), waiting)


async def _follow(folders: Folders, name: str) -> Supervised | None:
    """What the supervisor made of the settings, None without one."""
    answer = await trio.to_thread.run_sync(
        lambda: told(folders, Ask(What.FOLLOW, name), seconds=None), abandon_on_cancel=True
    )
    return None if answer is None else answer.of(name)


async def _waiting(folders: Folders, name: str) -> int:
    """Changes that the mounted drive has for the server; 0 when it does not tell."""
    try:
        return int((await status_of(folders, name)).waiting)
    except ControlError:
        return 0
