"""The first runs after an import compare contents where times differ, whatever the mode: copies
seldom kept them.

In mode `fast` a file that is on both sides with another time counts as changed on both: the whole
content would be sent or fetched, and one version of two equal ones kept in a bin. Equal size and
second are taken for equal as ever, and compared at leisure (`reconciler.executor.doubtful_files`).
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.model import Kind, Settings

if TYPE_CHECKING:
    from syncin_mount.store import Replica

log = logging.getLogger(__name__)

MARK = "imported"
"""The file in the replica's folder that says that there was an import, until what came by it was
compared."""


class FirstRuns:
    """Stands before the settings' source. Looks at the mark once a run."""

    def __init__(self, replica: Replica, fetch_settings: Callable[[], Awaitable[Settings]]) -> None:
        self._replica = replica
        self._fetch_settings = fetch_settings
        self._mark = replica.folder / MARK

    async def fetch_settings(self) -> Settings:
        """The settings for this run. Raises what their source raises."""
        settings = await self._fetch_settings()
        if settings.mode.uses_checksums or not self._mark.exists():
            return settings
        if self._replica.base_count() and not self._is_new_file_here(settings):
            self._mark.unlink(missing_ok=True)
            log.info("what was imported is compared; the mode is %s again", settings.mode.value)
            return settings
        return replace(settings, meeting=True)

    def _is_new_file_here(self, settings: Settings) -> bool:
        """Whether a file was not agreed on yet that nobody holds or leaves out: more may have to be
        compared."""
        for dirty in self._replica.dirty():
            local = self._replica.local(dirty.node)
            if (
                local is None
                or local.kind is not Kind.FILE
                or self._replica.base(dirty.node) is not None
            ):
                continue
            path = self._replica.local_path(dirty.node)
            if not self._replica.is_held(dirty.node) and not settings.filters.left_out(path):
                return True
        return False
