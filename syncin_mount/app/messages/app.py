"""Sentences about what was done, or cannot be done, for a user."""

from __future__ import annotations

from syncin_mount.app.errors import (
    CannotImport,
    CannotUnmount,
    ChosenAlready,
    CopyLacksContents,
    DriveHangs,
    ImportStopped,
    MountpointHoldsFiles,
    MustBeUnmounted,
    NoRemoteFolder,
    NoSuchClient,
    NoSuchEntry,
    NotEnoughRoom,
    NotMountable,
    NotMounted,
    Paused,
    PlaceTaken,
    RestoreFirst,
    WayRefused,
    WouldLose,
)
from syncin_mount.app.messages import remedies, says, sentence
from syncin_mount.app.processes.notices import Notice, Unnotified
from syncin_mount.language import mark, said, t, tn


@says(Paused)
def _paused(error: Paused, _drive: str) -> str:
    return t("{error}; resume it: {command}", error=error, command=remedies.resume(error.drive))


@says(NotMounted)
def _not_mounted(error: NotMounted, _drive: str) -> str:
    return t("{error}; run: {command}", error=error, command=remedies.sync(error.drive))


@says(DriveHangs)
def _hangs(error: DriveHangs, _drive: str) -> str:
    end = remedies.end_hung(error.drive)
    return t("{error}; end it, then mount it again: {command}", error=error, command=end)


@says(NotMountable)
def _not_mountable(error: NotMountable, drive: str) -> str:
    """Its process said it, or the supervisor."""
    return sentence(error.why, drive)


@says(WayRefused)
def _way_refused(refused: WayRefused, drive: str) -> str:
    return sentence(refused.error, drive)


_FOLLOWS = {
    Notice.CONFIGURATION: mark(
        "{drive}: {error}; the drive follows by itself within seconds, or when it is mounted again"
    ),
    Notice.SERVER: mark(
        "{drive}: {error}; the drive goes on by itself within minutes, or when it is mounted again"
    ),
}


@says(Unnotified)
def _unnotified(missed: Unnotified, drive: str) -> str:
    error = sentence(missed.error, drive)
    return t(_FOLLOWS[missed.notice], drive=missed.drive, error=error)


@says(NoSuchEntry)
def _no_entry(error: NoSuchEntry, _drive: str) -> str:
    listing = remedies.list_bin(error.drive)
    return t("{error}; look with: {command}", error=error, command=listing)


@says(PlaceTaken)
def _place_taken(error: PlaceTaken, _drive: str) -> str:
    return remedies.either(
        t("{error}; say where else it is to go with --to", error=error),
        t("{error}; move that elsewhere first", error=error),
    )


@says(RestoreFirst)
def _restore_first(error: RestoreFirst, _drive: str) -> str:
    return t(
        "{error}; bring back what lost with {command}, and choose then",
        error=error,
        command=remedies.restore(),
    )


@says(ChosenAlready)
def _chosen_already(error: ChosenAlready, _drive: str) -> str:
    undo = remedies.undo_choice(error.drive, error.path)
    return t("{error}; undo that first with: {command}", error=error, command=undo)


@says(MountpointHoldsFiles)
def _holds_files(error: MountpointHoldsFiles, _drive: str) -> str:
    return remedies.either(
        t(
            "{error}; choose an empty folder, or make what is in it the drive's content with"
            " --import",
            error=error,
        ),
        t("{error}; choose an empty folder", error=error),
    )


@says(MustBeUnmounted)
def _must_be_unmounted(error: MustBeUnmounted, _drive: str) -> str:
    unmount = remedies.unmount(error.drive)
    if error.for_another_place:
        return t(
            "{error}; unmount it before it gets another mount point: {command}",
            error=error,
            command=unmount,
        )
    return t("{error}; unmount it first: {command}", error=error, command=unmount)


@says(CannotUnmount)
def _cannot_unmount(error: CannotUnmount, _drive: str) -> str:
    if not error.may_force:
        return said(error)
    return remedies.either(
        t("{error}; close them, or use --force", error=error), t("{error}; close them", error=error)
    )


@says(NoRemoteFolder)
def _no_remote_folder(error: NoRemoteFolder, _drive: str) -> str:
    make = remedies.make_there(error.path, error.server)
    return t("{error}; make it: {command}", error=error, command=make)


@says(NotEnoughRoom)
def _not_enough_room(error: NotEnoughRoom, _drive: str) -> str:
    needed = sentence(error.room)
    return remedies.either(
        t(
            "{needed}; make room, choose a smaller folder or leave some out with --filter, or add"
            " it all the same with --yes",
            needed=needed,
        ),
        t("{needed}; make room, choose a smaller folder or leave some out", needed=needed),
    )


@says(CannotImport)
def _cannot_import(error: CannotImport, _drive: str) -> str:
    return tn(
        "{count} thing in {folder} cannot be imported; nothing was touched: move that elsewhere"
        " first",
        "{count} things in {folder} cannot be imported; nothing was touched: move them elsewhere"
        " first",
        len(error.stuck),
        folder=error.folder,
    )


@says(ImportStopped)
def _import_stopped(error: ImportStopped, _drive: str) -> str:
    again = remedies.import_files(error.drive)
    return t("{error}; put that right, then: {command}", error=error, command=again)


@says(WouldLose)
def _would_lose(error: WouldLose, _drive: str) -> str:
    held = sentence(error.held)
    return remedies.either(
        t(
            "the local copy of '{drive}' {holds_changes}; sync it first, keep what is in the drive"
            " with --keep-copy DIR, or lose it with --discard-unsent",
            drive=error.drive,
            holds_changes=held,
        ),
        t(
            "the local copy of '{drive}' {holds_changes}; sync it first, keep what is in the drive"
            " in a new folder, or agree to lose it",
            drive=error.drive,
            holds_changes=held,
        ),
    )


@says(CopyLacksContents)
def _copy_lacks(error: CopyLacksContents, _drive: str) -> str:
    return tn(
        "the copy would lack {count} file of '{drive}' whose content is on the server only;"
        " download that first: {command}",
        "the copy would lack {count} files of '{drive}' whose content is on the server only;"
        " download them first: {command}",
        error.absent,
        drive=error.drive,
        command=remedies.sync(error.drive),
    )


@says(NoSuchClient)
def _no_client(error: NoSuchClient, _drive: str) -> str:
    listing = remedies.list_clients(error.server)
    return t("{error}; see: {command}", error=error, command=listing)
