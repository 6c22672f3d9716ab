"""Finding out how synchronizations are: from their daemons, the supervisor, or their replicas at
rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from syncin_mount.cli.exit_status import exit_for
from syncin_mount.cli.supervisor_client import told
from syncin_mount.cli.ui.status_table import StatusRow
from syncin_mount.cli.unmounted_service import daemon_of, resting_status
from syncin_mount.control.client import NotRunning
from syncin_mount.control.supervision import Ask, Phase, SupervisorError, What

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from syncin_mount.config import Folders, Server, Synchronization
    from syncin_mount.control.messages import Status
    from syncin_mount.control.supervision import Answer, Supervised

_SOON = 5.0
"""Seconds before a daemon is to start in which its replica is left alone: only one process can have
it."""


class StatusPoller:
    """Looks again and again. A replica at rest has to be opened for that: it is only when something
    changed there."""

    def __init__(self, folders: Folders) -> None:
        self._folders = folders
        self._resting: dict[str, tuple[object, Status]] = {}
        self.servers: Mapping[str, Server] = {}
        """The configured ones, by name."""
        self.trouble: str | None = None
        """What keeps the supervisor from answering, or from following the configuration."""

    async def look(self, chosen: Sequence[Synchronization], now: float) -> list[StatusRow]:
        """How these are; whatever goes wrong with one of them is its ``error``. All are asked at
        the same time."""
        answer = await trio.to_thread.run_sync(self._supervisor)
        found: dict[str, StatusRow] = {}

        async def one(each: Synchronization) -> None:
            supervised = None if answer is None else answer.of(each.name)
            server = self.servers.get(each.server)
            said = None if server is None else server.insecurity
            try:
                found[each.name] = StatusRow(
                    each, await self._status(each, supervised, now), supervised, unverified=said
                )
            except Exception as error:  # noqa: BLE001 (it is told, beside how the others are)
                status, sentence = exit_for(error)
                found[each.name] = StatusRow(each, None, supervised, sentence, status, said)

        async with trio.open_nursery() as nursery:
            for each in chosen:
                nursery.start_soon(one, each)
        return [found[each.name] for each in chosen]

    def _supervisor(self) -> Answer | None:
        try:
            answer = told(self._folders, Ask(What.LOOK), seconds=5.0)
        except SupervisorError as error:
            self.trouble = str(error)
            return None
        self.trouble = None if answer is None or answer.trouble is None else answer.trouble
        return answer

    async def _status(
        self, configured: Synchronization, supervised: Supervised | None, now: float
    ) -> Status | None:
        name = configured.name
        try:
            async with daemon_of(self._folders, name) as daemon:
                if daemon is not None:
                    self._resting.pop(name, None)
                    return await daemon.status()
        except NotRunning:
            pass  # it ended just now
        if supervised is not None and supervised.phase in {Phase.STARTING, Phase.STOPPING}:
            return None
        looks = _looks(self._folders.replica(name))
        if name in self._resting and self._resting[name][0] == looks:
            return self._resting[name][1]
        if (
            supervised is not None
            and supervised.next_try is not None
            and supervised.next_try - now < _SOON
        ):
            return None
        status = resting_status(self._folders, configured)
        self._resting[name] = _looks(self._folders.replica(name)), status
        return status


def _looks(replica: Path) -> object:
    """Differs when a process worked on it."""
    found: list[object] = []
    for path in sorted([*replica.glob("journal/*"), *replica.glob("index/*"), replica / "running"]):
        try:
            info = path.stat()
        except OSError:
            continue
        found.append((path.name, info.st_mtime_ns, info.st_size))
    return found
