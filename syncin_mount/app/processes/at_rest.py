"""A drive is unmounted for a moment, for what needs its local copy or its mount point at rest."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import trio

from syncin_mount.app.drives.open_drive import is_mounted
from syncin_mount.app.errors import NotPossible
from syncin_mount.app.processes.mounting import is_there, is_up, mount, status_of, unmount
from syncin_mount.app.processes.supervisor_client import told
from syncin_mount.config import ConfigurationFile
from syncin_mount.control.supervision import Ask, SupervisorError, What
from syncin_mount.errors import DaemonError
from syncin_mount.mount_table import mounted_at
from syncin_mount.system.processes import alive

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from syncin_mount.config import Folders, Synchronization

PATIENCE_S = 20.0
"""Seconds that a drive gets to be mounted again after a cancellation; it goes on without us."""


@dataclass(slots=True)
class Rest:
    """``was_mounted`` it is mounted again; ``not_mounted``, known afterwards, is why it is not.
    ``pid`` is the daemon's that was there before."""

    was_mounted: bool
    manual: bool = False
    pid: int | None = None
    not_mounted: Exception | None = None


@asynccontextmanager
async def at_rest(folders: Folders, name: str) -> AsyncIterator[Rest]:
    """The drive is not mounted meanwhile, and the supervisor leaves it so. Afterwards, also after
    an error or a cancellation, it is as it was before. Raises CannotUnmount, DaemonGoesOn,
    ControlError, ConfigurationError."""
    before = (await trio.to_thread.run_sync(ConfigurationFile(folders).read)).synchronizations[name]
    rest = Rest(is_there(folders, before))
    if is_mounted(folders, name):
        status = await status_of(folders, name)
        rest.manual, rest.pid = status.manual, status.pid
    try:
        if rest.was_mounted:
            await unmount(folders, before)
        await trio.to_thread.run_sync(told, folders, Ask(What.HOLD, name))
        yield rest
    except BaseException:
        with trio.move_on_after(PATIENCE_S, shield=True):
            await _again(folders, name, rest)
        raise
    await _again(folders, name, rest)


async def _again(folders: Folders, name: str, rest: Rest) -> None:
    if not rest.was_mounted:
        await trio.to_thread.run_sync(told, folders, Ask(What.FOLLOW, name))
        return
    here = (await trio.to_thread.run_sync(ConfigurationFile(folders).read)).synchronizations[name]
    # A cancellation in the middle of unmounting leaves a daemon that ends: nothing can be mounted
    # beside it.
    while _ends(rest.pid, here):  # noqa: ASYNC110 (another process: there is nothing to wait on)
        await trio.sleep(0.02)
    with trio.move_on_after(PATIENCE_S):
        while await trio.to_thread.run_sync(_is_to_be_heard_of, folders, name):  # noqa: ASYNC110
            await trio.sleep(0.02)
    try:
        await mount(folders, here, manual=rest.manual)
    except (NotPossible, DaemonError, SupervisorError) as error:
        rest.not_mounted = error


def _is_to_be_heard_of(folders: Folders, name: str) -> bool:
    """Whether the supervisor still takes a daemon that has ended for the drive's: asked to mount it
    then, it would say that it is."""
    return is_up(folders, name) and not is_mounted(folders, name)


def _ends(pid: int | None, synchronization: Synchronization) -> bool:
    """Whether the daemon is there without its drive."""
    return pid is not None and mounted_at(synchronization.mountpoint) is None and alive(pid)
