"""Commands' access to a synchronization: its daemon when it is mounted, else its replica in this
process."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from reconciler.model import Direction
from syncin_mount.control.sockets import listens

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from syncin_mount.config import Folders, Synchronization
    from syncin_mount.control.client import Client
    from syncin_mount.control.messages import Status
    from syncin_mount.store import Replica


@contextlib.asynccontextmanager
async def daemon_of(folders: Folders, name: str) -> AsyncIterator[Client | None]:
    """A client of the daemon, or None when nothing is mounted."""
    socket = folders.socket(name)
    if not listens(socket):
        yield None
        return
    from syncin_mount.control.client import Client  # noqa: PLC0415 (start-up time)

    async with Client(socket) as client:
        yield client


@contextlib.contextmanager
def replica_of(folders: Folders, name: str) -> Iterator[Replica | None]:
    """The replica, opened and locked, or None when nothing was ever synchronized. Raises
    ReplicaError."""
    folder = folders.replica(name)
    if not folder.is_dir():
        yield None
        return
    from syncin_mount.store import Replica  # noqa: PLC0415 (start-up time)

    replica = Replica.open(folder)
    try:
        yield replica
    finally:
        replica.close()


def resting_status(folders: Folders, synchronization: Synchronization) -> Status:
    """The state of a synchronization that no process works on. Raises ReplicaError."""
    from syncin_mount.app import views  # noqa: PLC0415
    from syncin_mount.app.drive_state import with_state  # noqa: PLC0415
    from syncin_mount.app.turns import last_run_of  # noqa: PLC0415
    from syncin_mount.control.messages import Status  # noqa: PLC0415 (start-up time)

    with replica_of(folders, synchronization.name) as replica:
        status = Status(
            name=synchronization.name,
            server=synchronization.server,
            remote=synchronization.remote,
            mountpoint=str(synchronization.mountpoint),
            mounted=False,
            waiting=0
            if replica is None
            else views.waiting(replica, views.filter_of(synchronization.filters)),
            absent=0 if replica is None else replica.absent_count(),
            known=0 if replica is None else replica.base_count(),
            restriction=synchronization.restriction,
            held=0 if replica is None else len(replica.held_nodes()),
            schedule=str(synchronization.scheduler),
            paused=synchronization.paused,
            limit_up=synchronization.limit_up,
            limit_down=synchronization.limit_down,
            last_run=last_run_of(folders, synchronization.name),
            direction=synchronization.direction_in_force.value,
            read_only=synchronization.direction_in_force is Direction.DOWNLOAD,
        )
        return with_state(status)
