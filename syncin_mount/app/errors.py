"""What cannot be done for a user. `syncin_mount.app.messages` says what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.phrases import Phrase
from syncin_mount.control.service import NotDone
from syncin_mount.printable import printable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from reconciler.errors import RemoteError
    from syncin_mount.app.runtime.free_space import Room
    from syncin_mount.app.synchronizations.removal import OnlyHere
    from syncin_mount.store.import_export.scan import Found


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
        super().__init__(Phrase("'{drive}' is paused, and nothing is transferred", drive=drive))
        self.drive = drive


class NotMounted(NotPossible):
    """No process uploads the changes of this drive by itself."""

    def __init__(self, drive: str) -> None:
        super().__init__(
            Phrase("'{drive}' is not mounted, so nothing uploads its changes", drive=drive)
        )
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


class ChosenAlready(NotDone):
    """Of this conflict somebody chose already; that has to be undone first."""

    def __init__(self, drive: str, path: str) -> None:
        super().__init__(f"of '{path}' a version was chosen already")
        self.drive = drive
        self.path = path


class MountpointHoldsFiles(NotPossible):
    """A new drive cannot have this folder, unless its files are imported."""

    def __init__(self, path: str) -> None:
        super().__init__(f"the mount point {path} is not empty")


class MustBeUnmounted(NotPossible):
    """The drive is mounted, and what was asked for needs it at rest. ``clause`` says so."""

    def __init__(self, drive: str, clause: str = "is mounted", before: str = "first") -> None:
        super().__init__(f"'{drive}' {clause}")
        self.drive = drive
        self.before = before


class ServerSaysNo(NotPossible):
    """The server does not have what is needed for it."""


class NoRemoteFolder(ServerSaysNo):
    """There is no such folder. ``server`` is the account's name here."""

    def __init__(self, path: str, url: str, server: str) -> None:
        super().__init__(f"there is no folder '{printable(path)}' on {url}")
        self.path, self.server = path, server


class NotRemoteFolder(ServerSaysNo):
    """A file is where the folder should be."""

    def __init__(self, path: str, url: str) -> None:
        super().__init__(f"'{printable(path)}' on {url} is a file; choose a folder")


class RemoteFolderExists(ServerSaysNo):
    """What was to be made is there already."""

    def __init__(self, path: str, url: str) -> None:
        super().__init__(f"'{printable(path)}' is there already on {url}")


class NotEnoughRoom(NotPossible):
    """A new drive's complete copy does not fit. ``room`` says what it needs and what is free.
    Confirmed, it can be added all the same."""

    def __init__(self, room: Room) -> None:
        super().__init__("the complete copy does not fit on this computer's disk")
        self.room = room


class ConfirmedOtherwise(NotPossible):
    """Since somebody was shown what would happen, that became something else. Nothing was done; it
    has to be shown again."""


class CannotImport(NotPossible):
    """A folder holds what cannot be imported; nothing was touched."""

    def __init__(self, folder: Path, stuck: Sequence[Found]) -> None:
        super().__init__(f"what is in {folder} cannot be imported whole; nothing was touched")
        self.folder, self.stuck = folder, tuple(stuck)


class ImportStopped(NotPossible):
    """The disk or the file system refused. What was imported stays imported; another import goes
    on."""

    def __init__(self, drive: str, error: OSError) -> None:
        super().__init__(
            f"the import stopped ({error.strerror or error}); nothing is lost: every file is at"
            " its old place or in the drive"
        )
        self.drive = drive


class WouldLose(NotPossible):
    """A removal would lose what only this computer has, and nobody agreed to that."""

    def __init__(self, drive: str, held: OnlyHere) -> None:
        super().__init__(f"the local copy of '{drive}' has what the server does not")
        self.drive, self.held = drive, held


class NoCopyToKeep(NotPossible):
    """There is no local copy, or it cannot be read (``why``, or "")."""

    def __init__(self, drive: str, why: str) -> None:
        super().__init__(f"there is no local copy of '{drive}' to keep {why}".rstrip())


class CopyLacksContents(NotPossible):
    """``absent`` files of the drive have their content on the server only."""

    def __init__(self, drive: str, absent: int) -> None:
        super().__init__(f"the copy would lack {absent} files of '{drive}'")
        self.drive, self.absent = drive, absent


class CannotUnmount(NotPossible):
    """The system refuses it; ``why`` is a clause. ``may_force``: it can be done all the same."""

    def __init__(self, drive: str, why: str, *, may_force: bool) -> None:
        super().__init__(f"'{drive}' cannot be unmounted: {why}")
        self.may_force = may_force


class DaemonGoesOn(NotPossible):
    """The drive's process does not end."""

    def __init__(self, drive: str, pid: int, log: Path) -> None:
        super().__init__(
            f"the daemon of '{drive}' (process {pid}) does not end; its log says more: {log}"
        )


class NotMountable(NotPossible):
    """The drive's process could not mount it. ``str()`` is its sentence, ``on_page`` the same for
    the page, ``status`` the exit status that it ended with."""

    def __init__(self, sentence: str, status: int | None, on_page: str | None = None) -> None:
        super().__init__(sentence)
        self.status = status
        self.on_page = on_page


class NoSuchClient(InvalidRequest):
    """Not exactly one client's id begins with this text."""

    def __init__(self, text: str, found: int, url: str, server: str) -> None:
        what = f"{found} clients' ids begin" if found else "no client's id begins"
        super().__init__(f"{what} with '{printable(text)}' at {url}")
        self.server = server
