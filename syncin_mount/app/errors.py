"""What cannot be done for a user. `syncin_mount.app.messages` says what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncin_mount.control.service import NotDone

if TYPE_CHECKING:
    from reconciler.errors import RemoteError


class NotPossible(Exception):
    """It cannot be done now, and nothing was. ``str()`` says what and why."""


class InvalidRequest(NotPossible):
    """What was asked for makes no sense as it was asked. ``str()`` says what and why."""


class NeverSynchronized(NotPossible):
    """The drive has no local copy yet, and so no bin."""

    def __init__(self, drive: str, entry: str) -> None:
        super().__init__(f"'{drive}' was never synchronized, so its bin has no entry '{entry}'")


class Paused(NotPossible):
    """The user paused the drive."""

    def __init__(self, drive: str) -> None:
        super().__init__(f"'{drive}' is paused, and nothing is transferred")
        self.drive = drive


class NotMounted(NotPossible):
    """No process uploads the changes of this drive by itself."""

    def __init__(self, drive: str) -> None:
        super().__init__(f"'{drive}' is not mounted, so nothing uploads its changes")
        self.drive = drive


class HistoryUnreadable(NotPossible):
    """The file of the transfers is damaged. ``why`` is the database's own message."""

    def __init__(self, drive: str, why: str) -> None:
        super().__init__(
            f"the history of '{drive}' cannot be read ({why}); the next run puts it in order"
        )


class WayRefused(InvalidRequest):
    """The server cannot be reached as it was asked for. ``error`` says why, and what helps."""

    def __init__(self, error: RemoteError) -> None:
        super().__init__(str(error))
        self.error = error


class NoSuchEntry(NotDone):
    """The bin of the drive has no entry of this name."""

    def __init__(self, drive: str, entry: str) -> None:
        super().__init__(f"the bin has no entry '{entry}'")
        self.drive = drive


class PlaceTaken(NotDone):
    """Something cannot be brought back: a file is where a folder would have to be. ``place`` says
    where, as a clause."""

    def __init__(self, place: str) -> None:
        super().__init__(f"{place} is a file now")


class RestoreFirst(NotDone):
    """What lost a conflict has to be brought back before it can be chosen."""


class MountpointHoldsFiles(NotPossible):
    """A new drive cannot have this folder, unless its files are imported."""

    def __init__(self, path: str) -> None:
        super().__init__(f"the mount point {path} is not empty")
