"""The history of transfers is written, made searchable and kept small, beside everything else."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import trio

from syncin_mount.config import ConfigurationError, ConfigurationFile
from syncin_mount.store import Limits

if TYPE_CHECKING:
    from syncin_mount.config import Folders
    from syncin_mount.store import History

log = logging.getLogger(__name__)

WRITE_EVERY = 1.0
"""Seconds. What a killed process loses of the history is this much."""

SETTINGS_EVERY = 30.0
"""Seconds between two looks at how much is to be kept."""

REST = 0.05
"""Seconds between two steps of upkeep: some 20 ms each, in a thread."""


async def keep_history(
    history: History,
    folders: Folders,
    *,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """For ever. All of it happens in a thread, a short step at a time, so that neither the drive
    nor who asks for transfers waits for it."""
    task_status.started()
    settings = _Settings(folders)
    looked = -SETTINGS_EVERY
    while True:
        await trio.sleep(WRITE_EVERY)
        if trio.current_time() - looked >= SETTINGS_EVERY:
            await trio.to_thread.run_sync(settings.look)
            looked = trio.current_time()
        await trio.to_thread.run_sync(history.commit)
        began = trio.current_time()
        while await trio.to_thread.run_sync(history.tend, settings.limits):
            await trio.sleep(REST)
            if trio.current_time() - began > WRITE_EVERY:
                break


class _Settings:
    """How much is to be kept, as the configuration says now, or said when it could last be read."""

    def __init__(self, folders: Folders) -> None:
        self._file = ConfigurationFile(folders)
        self.limits = Limits()

    def look(self) -> None:
        try:
            told = self._file.read().history
        except ConfigurationError as error:
            log.debug("how much of the history is to be kept stays as it was: %s", error)
        else:
            self.limits = Limits(told.days, told.megabytes)
