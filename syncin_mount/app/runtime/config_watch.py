"""The configuration, as people change it while a drive is mounted: what differs takes effect by
itself.

Commands say when they changed it; what was edited by hand is seen by the file's time, a few seconds
later.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import trio

from syncin_mount.config import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from syncin_mount.config import Configuration, ConfigurationFile

log = logging.getLogger(__name__)

LOOK_EVERY = 5.0
"""Seconds between two looks at the file's time."""


class Following:
    """``apply`` is given every configuration that differs from the one before; it does not
    raise."""

    def __init__(
        self, file: ConfigurationFile, apply: Callable[[Configuration], Awaitable[None]]
    ) -> None:
        self._file = file
        self._apply = apply
        self._known: Configuration | None = None
        self._stamp: tuple[int, int, int] | None = None
        self._trouble = ""
        self._reading = trio.Lock()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Looks for ever."""
        await self.look()
        task_status.started()
        while True:
            await trio.sleep(LOOK_EVERY)
            if self._file.stamp() != self._stamp:
                await self.look()

    async def look(self) -> None:
        """Returns when what the file says now is in force. One that cannot be read leaves
        everything as it is."""
        async with self._reading:
            self._stamp = self._file.stamp()
            try:
                now = await trio.to_thread.run_sync(self._file.read)
            except ConfigurationError as error:
                if str(error) != self._trouble:
                    log.warning("the configuration is not followed: %s", error)
                self._trouble = str(error)
                return
            self._trouble = ""
            if now != self._known:
                self._known = now
                await self._apply(now)
