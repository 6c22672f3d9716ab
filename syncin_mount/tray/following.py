"""Follows how the drives are: what their daemons tell, as long as they are up."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

import trio

from syncin_mount.control.supervision import Phase
from syncin_mount.control.watching import NotTold, watch_drive
from syncin_mount.tray.view import DriveView

if TYPE_CHECKING:
    from collections.abc import Callable

    from syncin_mount.config import Folders
    from syncin_mount.control.messages import Summary
    from syncin_mount.tray.supervision import Supervision

log = logging.getLogger(__name__)

FIRST_DELAY, LONGEST_DELAY = 1.0, 60.0
"""Seconds before a daemon is asked again that did not tell, doubled from the first to the
longest."""


class Following:
    """``changed`` is called when `drives` may have become different."""

    def __init__(
        self, folders: Folders, supervision: Supervision, changed: Callable[[], None]
    ) -> None:
        self._folders = folders
        self._supervision = supervision
        self._changed = changed
        self._summaries: dict[str, Summary] = {}

    def drives(self) -> list[DriveView]:
        """All that are supervised, in the configuration's order."""
        configured = self._supervision.configuration.synchronizations
        supervised = {each.name: each for each in self._supervision.supervised()}
        return [
            DriveView(
                name,
                supervised[name].phase,
                str(synchronization.mountpoint),
                synchronization.is_paused(time.time()),
                self._summaries.get(name),
                supervised[name].why,
            )
            for name, synchronization in configured.items()
            if name in supervised
        ]

    async def run(self) -> None:
        """For ever. Cancelled, it forgets what was told."""
        following: dict[str, trio.CancelScope] = {}
        try:
            async with trio.open_nursery() as nursery:
                while True:
                    up = {
                        each.name
                        for each in self._supervision.supervised()
                        if each.phase is Phase.UP
                    }
                    for name in up - following.keys():
                        following[name] = trio.CancelScope()
                        nursery.start_soon(self._follow, name, following[name])
                    for name in following.keys() - up:
                        following.pop(name).cancel()
                        self._summaries.pop(name, None)
                    self._changed()
                    await self._supervision.wait_changed()
        finally:
            self._summaries.clear()

    async def _follow(self, name: str, scope: trio.CancelScope) -> None:
        delay = FIRST_DELAY
        with scope:
            while True:
                if await self._listen(name):
                    delay = FIRST_DELAY
                await trio.sleep(delay)
                delay = min(2 * delay, LONGEST_DELAY)

    async def _listen(self, name: str) -> bool:
        """Until its daemon tells nothing more; whether it told anything."""
        told = False
        try:
            async with watch_drive(self._folders.socket(name)) as changes:
                async for each in changes:
                    told = True
                    self._summaries[name] = each
                    self._changed()
        except NotTold as error:
            log.debug("%s does not tell how it is: %s", name, error)
        self._summaries.pop(name, None)
        self._changed()
        return told
