"""Finding out how synchronizations are: from their daemons, the supervisor, or their replicas at
rest."""

from __future__ import annotations

import contextvars
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from syncin_mount.app.drives.open_drive import unmounted
from syncin_mount.app.messages import sentence
from syncin_mount.app.processes.supervisor_client import told
from syncin_mount.control.failures import NoAnswer, NotRunning
from syncin_mount.control.status_client import read_status
from syncin_mount.control.supervision import Ask, Phase, SupervisorError, What

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from syncin_mount.config import Configuration, Folders, Synchronization
    from syncin_mount.control.messages import Status
    from syncin_mount.control.supervision import Answer, Supervised

_THREADS = 16

_SOON = 5.0
"""Seconds before a daemon is to start in which its replica is left alone: only one process can have
it."""


@dataclass(frozen=True, slots=True)
class DriveState:
    """A drive at one moment. ``status`` is None while its daemon starts or ends, ``supervised``
    without a supervisor, or one that has nothing to do with it; ``error`` is why nothing could be
    told. ``unverified`` is the sentence about a server whose certificate nobody checks, or that is
    spoken to in clear. ``silent``: a daemon is there, and does not say how it is."""

    configured: Synchronization
    status: Status | None
    supervised: Supervised | None = None
    error: Exception | None = None
    unverified: str | None = None
    silent: bool = False


class StatusPoller:
    """Looks again and again. A replica at rest has to be opened for that: it is only when something
    changed there."""

    def __init__(self, folders: Folders) -> None:
        self._folders = folders
        self._unmounted: dict[str, tuple[object, Status]] = {}
        self.trouble: str | None = None
        """What keeps the supervisor from answering, or from following the configuration."""

    async def look(
        self,
        configuration: Configuration,
        chosen: Sequence[Synchronization],
        now: float,
        answer: Answer | None = None,
    ) -> list[DriveState]:
        """As `look_now`, in a thread. Being cancelled leaves the thread to its end: it changes
        nothing."""
        import trio  # noqa: PLC0415 (`syncin-mount status` needs no event loop)

        return await trio.to_thread.run_sync(
            self.look_now, configuration, chosen, now, answer, abandon_on_cancel=True
        )

    def look_now(
        self,
        configuration: Configuration,
        chosen: Sequence[Synchronization],
        now: float,
        answer: Answer | None = None,
    ) -> list[DriveState]:
        """How these are; whatever goes wrong with one of them is its ``error``. Several are asked
        at the same time. ``now`` is in seconds since the epoch; the supervisor is asked where its
        ``answer`` is not given. Blocks until the last one answered, or did not in time
        (`syncin_mount.control.status_client`)."""
        if answer is None:
            answer = self._supervisor()
        found: dict[str, DriveState] = {}

        def one(each: Synchronization) -> None:
            supervised = None if answer is None else answer.of(each.name)
            server = configuration.servers.get(each.server)
            unverified = None if server is None else server.insecurity
            status, error = None, None
            try:
                status = self._status(configuration, each, supervised, now)
            except Exception as problem:  # noqa: BLE001 (it is told, beside how the others are)
                error = problem
            silent = isinstance(error, NoAnswer)
            found[each.name] = DriveState(each, status, supervised, error, unverified, silent)

        _at_once(one, chosen)
        return [found[each.name] for each in chosen]

    def _supervisor(self) -> Answer | None:
        try:
            answer = told(self._folders, Ask(What.LOOK), seconds=5.0)
        except SupervisorError as error:
            self.trouble = sentence(error)
            return None
        self.trouble = None if answer is None or answer.trouble is None else answer.trouble
        return answer

    def _status(
        self,
        configuration: Configuration,
        configured: Synchronization,
        supervised: Supervised | None,
        now: float,
    ) -> Status | None:
        name = configured.name
        try:
            status = read_status(self._folders.socket(name))
        except NotRunning:
            pass  # no daemon, or it ended just now
        else:
            self._unmounted.pop(name, None)
            return status
        if supervised is not None and supervised.phase in {Phase.STARTING, Phase.STOPPING}:
            return None
        looks = _looks(self._folders.replica(name))
        if name in self._unmounted and self._unmounted[name][0] == looks:
            return self._unmounted[name][1]
        if (
            supervised is not None
            and supervised.next_try is not None
            and supervised.next_try - now < _SOON
        ):
            return None
        status = unmounted(self._folders, configuration, configured).status_at_rest()
        self._unmounted[name] = _looks(self._folders.replica(name)), status
        return status


def _at_once(one: Callable[[Synchronization], None], chosen: Sequence[Synchronization]) -> None:
    """Calls ``one``, which raises nothing, for each, in up to `_THREADS` threads: a daemon that
    hangs keeps nobody from hearing of the others. They end with the process, as Ctrl-C must not
    wait for them."""
    if len(chosen) == 1:
        one(chosen[0])
        return
    left = iter(chosen)

    def work() -> None:
        for each in left:
            one(each)

    threads = [
        threading.Thread(target=contextvars.copy_context().run, args=(work,), daemon=True)
        for _ in chosen[:_THREADS]
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


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
