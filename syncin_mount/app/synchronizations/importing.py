"""What lies in a drive's folder becomes the drive's: looked through first, and taken in then.

Both block, the second for as long as contents are copied. On another thread than the first, the
process has to ignore SIGIO by itself: who wants to write to a file that is just taken in would end
it (`syncin_mount.store.import_export.leases`). `import_beside` does that.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import trio

from syncin_mount.app.drives.open_drive import is_mounted
from syncin_mount.app.errors import CannotImport, ImportStopped, MustBeUnmounted
from syncin_mount.app.runtime.first_runs_after_import import MARK
from syncin_mount.app.synchronizations.mountpoint import check_mountpoint, holds_something
from syncin_mount.config import private_folder
from syncin_mount.store import Replica
from syncin_mount.store.import_export.importer import Importer
from syncin_mount.store.import_export.leases import quietly
from syncin_mount.store.import_export.scan import survey

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from syncin_mount.config import Folders, Synchronization
    from syncin_mount.store.import_export.importer import Imported
    from syncin_mount.store.import_export.scan import Found


def look_through(folder: Path) -> tuple[Found, ...]:
    """All that is in the folder; nothing where it is not there or empty. Raises CannotImport when
    some of it cannot be imported: nothing was touched then."""
    if not holds_something(folder):
        return ()
    found = tuple(survey(os.fsencode(folder)))
    stuck = [each for each in found if each.why]
    if stuck:
        raise CannotImport(folder, stuck)
    return found


def look_again(folders: Folders, synchronization: Synchronization) -> tuple[Found, ...]:
    """What the mount point of a drive that is there already holds: an interrupted import's rest, or
    what was written while nothing was mounted. Raises MustBeUnmounted, NotPossible,
    CannotImport."""
    if is_mounted(folders, synchronization.name):
        raise MustBeUnmounted(synchronization.name)
    check_mountpoint(synchronization.mountpoint, may_hold=True)
    return look_through(synchronization.mountpoint)


def import_files(
    folders: Folders,
    synchronization: Synchronization,
    progress: Callable[[int, int], None] = lambda _files, _bytes: None,
) -> Imported:
    """Makes what the mount point holds the drive's. ``progress`` is given files and bytes as they
    are done; what it raises stops the import, and another one goes on. Raises ImportStopped,
    ReplicaError."""
    replica = Replica.open(private_folder(folders.replica(synchronization.name), mark=False))
    try:
        (replica.folder / MARK).touch()
        return Importer(replica, synchronization.mountpoint, progress).run()
    except OSError as error:
        raise ImportStopped(synchronization.name, error) from error
    finally:
        replica.close()


async def import_beside(
    folders: Folders, synchronization: Synchronization, progress: Callable[[int, int], None]
) -> Imported:
    """`import_files` in a thread, beside the main thread's loop; one at a time, as the process
    ignores SIGIO meanwhile. ``progress`` is called in that thread. Cancelled, the import stops
    where another one goes on. Raises as `import_files` does."""

    def follow(files: int, size: int) -> None:
        trio.from_thread.check_cancelled()
        progress(files, size)

    with quietly():
        return await trio.to_thread.run_sync(import_files, folders, synchronization, follow)
