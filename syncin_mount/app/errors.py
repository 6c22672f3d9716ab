"""What cannot be done for a user. `syncin_mount.app.messages` says what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.phrases import Phrase, counted, strerror
from syncin_mount.control.service import NotDone
from syncin_mount.printable import printable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from reconciler.errors import RemoteError
    from syncin_mount.app.runtime.free_space import Room
    from syncin_mount.app.states.only_here import OnlyHere
    from syncin_mount.store.import_export.scan import Found


class NotPossible(Exception):
    """It cannot be done now, and nothing was. ``str()`` says what and why."""


class InvalidRequest(NotPossible):
    """What was asked for makes no sense as it was asked. ``str()`` says what and why."""


class NeverSynchronized(NotPossible):
    """The drive has no local copy yet, and so no bin."""

    def __init__(self, drive: str, entry: str) -> None:
        super().__init__(
            Phrase(
                "'{drive}' was never synchronized, so its bin has no entry '{entry}'",
                drive=drive,
                entry=entry,
            )
        )


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


class DriveHangs(NotPossible):
    """The daemon of this drive is there, and does not answer."""

    def __init__(self, drive: str) -> None:
        super().__init__(Phrase("the daemon of '{drive}' does not answer", drive=drive))
        self.drive = drive


class HistoryUnreadable(NotPossible):
    """The file of the transfers is damaged. ``why`` is the database's own message."""

    def __init__(self, drive: str, why: str) -> None:
        super().__init__(
            Phrase(
                "the history of '{drive}' cannot be read ({why}); the next run puts it in order",
                drive=drive,
                why=why,
            )
        )


class WayRefused(InvalidRequest):
    """The server cannot be reached as it was asked for. ``error`` says why, and what helps."""

    def __init__(self, error: RemoteError) -> None:
        super().__init__(str(error))
        self.error = error


class NoSuchEntry(NotDone):
    """The bin of the drive has no entry of this name."""

    def __init__(self, drive: str, entry: str) -> None:
        super().__init__(Phrase("the bin has no entry '{entry}'", entry=entry))
        self.drive = drive


class PlaceTaken(NotDone):
    """Something cannot be brought back: a file is where a folder would have to be. ``place`` says
    where, as a clause."""

    def __init__(self, place: str) -> None:
        super().__init__(Phrase("{place} is a file now", place=place))


class RestoreFirst(NotDone):
    """What lost a conflict has to be brought back before it can be chosen."""


class ChosenAlready(NotDone):
    """Of this conflict somebody chose already; that has to be undone first."""

    def __init__(self, drive: str, path: str) -> None:
        super().__init__(Phrase("of '{path}' a version was chosen already", path=path))
        self.drive = drive
        self.path = path


class MountpointHoldsFiles(NotPossible):
    """A new drive cannot have this folder, unless its files are imported."""

    def __init__(self, path: str) -> None:
        super().__init__(Phrase("the mount point {path} is not empty", path=path))


class MustBeUnmounted(NotPossible):
    """The drive is mounted, and what was asked for needs it at rest: that is another mount
    point, or all else."""

    def __init__(self, drive: str, *, for_another_place: bool = False) -> None:
        super().__init__(
            Phrase("'{drive}' is in use", drive=drive)
            if for_another_place
            else Phrase("'{drive}' is mounted", drive=drive)
        )
        self.drive = drive
        self.for_another_place = for_another_place


class ServerSaysNo(NotPossible):
    """The server does not have what is needed for it."""


class NoRemoteFolder(ServerSaysNo):
    """There is no such folder. ``server`` is the account's name here."""

    def __init__(self, path: str, url: str, server: str) -> None:
        super().__init__(
            Phrase("there is no folder '{path}' on {url}", path=printable(path), url=url)
        )
        self.path, self.server = path, server


class NotRemoteFolder(ServerSaysNo):
    """A file is where the folder should be."""

    def __init__(self, path: str, url: str) -> None:
        super().__init__(
            Phrase("'{path}' on {url} is a file; choose a folder", path=printable(path), url=url)
        )


class RemoteFolderExists(ServerSaysNo):
    """What was to be made is there already."""

    def __init__(self, path: str, url: str) -> None:
        super().__init__(
            Phrase("'{path}' is there already on {url}", path=printable(path), url=url)
        )


class NotEnoughRoom(NotPossible):
    """A new drive's complete copy does not fit. ``room`` says what it needs and what is free.
    Confirmed, it can be added all the same."""

    def __init__(self, room: Room) -> None:
        super().__init__(Phrase("the complete copy does not fit on this computer's disk"))
        self.room = room


class ConfirmedOtherwise(NotPossible):
    """Since somebody was shown what would happen, that became something else. Nothing was done; it
    has to be shown again."""


class CannotImport(NotPossible):
    """A folder holds what cannot be imported; nothing was touched."""

    def __init__(self, folder: Path, stuck: Sequence[Found]) -> None:
        super().__init__(
            Phrase(
                "what is in {folder} cannot be imported whole; nothing was touched", folder=folder
            )
        )
        self.folder, self.stuck = folder, tuple(stuck)


class ImportStopped(NotPossible):
    """The disk or the file system refused. What was imported stays imported; another import goes
    on."""

    def __init__(self, drive: str, error: OSError) -> None:
        super().__init__(
            Phrase(
                "the import stopped ({why}); nothing is lost: every file is at its old place"
                " or in the drive",
                why=strerror(error),
            )
        )
        self.drive = drive


class WouldLose(NotPossible):
    """A removal would lose what only this computer has, and nobody agreed to that."""

    def __init__(self, drive: str, held: OnlyHere) -> None:
        super().__init__(
            Phrase("the local copy of '{drive}' has what the server does not", drive=drive)
        )
        self.drive, self.held = drive, held


class NoCopyToKeep(NotPossible):
    """There is no local copy, or it cannot be read (``why``, or "")."""

    def __init__(self, drive: str, why: str) -> None:
        super().__init__(
            Phrase("the local copy of '{drive}' cannot be kept: {why}", drive=drive, why=why)
            if why
            else Phrase("there is no local copy of '{drive}' to keep", drive=drive)
        )


class CopyLacksContents(NotPossible):
    """``absent`` files of the drive have their content on the server only."""

    def __init__(self, drive: str, absent: int) -> None:
        super().__init__(
            counted(
                "the copy would lack {count} file of '{drive}'",
                "the copy would lack {count} files of '{drive}'",
                absent,
                drive=drive,
            )
        )
        self.drive, self.absent = drive, absent


class CannotUnmount(NotPossible):
    """The system refuses it; ``why`` is a clause. ``may_force``: it can be done all the same."""

    def __init__(self, drive: str, why: str, *, may_force: bool) -> None:
        super().__init__(Phrase("'{drive}' cannot be unmounted: {why}", drive=drive, why=why))
        self.may_force = may_force


class DaemonGoesOn(NotPossible):
    """The drive's process does not end."""

    def __init__(self, drive: str, pid: int, log: Path) -> None:
        super().__init__(
            Phrase(
                "the daemon of '{drive}' (process {pid}) does not end; its log says more: {log}",
                drive=drive,
                pid=pid,
                log=log,
            )
        )


class NotMountable(NotPossible):
    """The drive's process could not mount it. ``why`` is what the sentence is made of, ``status``
    the exit status that it ended with."""

    def __init__(self, why: object, status: int | None) -> None:
        super().__init__(str(why))
        self.why = why
        self.status = status


class NoSuchClient(InvalidRequest):
    """Not exactly one client's id begins with this text."""

    def __init__(self, text: str, found: int, url: str, server: str) -> None:
        values = {"text": printable(text), "url": url}
        super().__init__(
            counted(
                "{count} client's id begins with '{text}' at {url}",
                "{count} clients' ids begin with '{text}' at {url}",
                found,
                **values,
            )
            if found
            else Phrase("no client's id begins with '{text}' at {url}", **values)
        )
        self.server = server
