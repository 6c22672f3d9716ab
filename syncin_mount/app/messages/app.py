"""Sentences about what was done, or cannot be done, for a user."""

from __future__ import annotations

from syncin_mount.app.errors import (
    CannotImport,
    CannotUnmount,
    ChosenAlready,
    CopyLacksContents,
    ImportStopped,
    MountpointHoldsFiles,
    MustBeUnmounted,
    NoRemoteFolder,
    NoSuchClient,
    NoSuchEntry,
    NotEnoughRoom,
    NotMounted,
    Paused,
    PlaceTaken,
    RestoreFirst,
    WayRefused,
    WouldLose,
)
from syncin_mount.app.messages import command, says, sentence
from syncin_mount.app.processes.notify import Notice, Unnotified
from syncin_mount.language import mark, said, t, tn


@says(Paused)
def _paused(error: Paused, _drive: str) -> str:
    return t("{error}; resume it: {command}", error=error, command=command("resume", error.drive))


@says(NotMounted)
def _not_mounted(error: NotMounted, _drive: str) -> str:
    return t("{error}; run: {command}", error=error, command=command("sync", error.drive))


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
    listing = command("bin", "list", error.drive)
    return t("{error}; look with: {command}", error=error, command=listing)


@says(PlaceTaken)
def _place_taken(error: PlaceTaken, _drive: str) -> str:
    return t("{error}; say where else it is to go with --to", error=error)


@says(RestoreFirst)
def _restore_first(error: RestoreFirst, _drive: str) -> str:
    return t("{error}; bring back what lost with 'bin restore', and choose then", error=error)


@says(ChosenAlready)
def _chosen_already(error: ChosenAlready, _drive: str) -> str:
    undo = command("conflicts", error.drive, "--undo", error.path)
    return t("{error}; undo that first with: {command}", error=error, command=undo)


@says(MountpointHoldsFiles)
def _holds_files(error: MountpointHoldsFiles, _drive: str) -> str:
    return t(
        "{error}; choose an empty folder, or make what is in it the drive's content with --import",
        error=error,
    )


@says(MustBeUnmounted)
def _must_be_unmounted(error: MustBeUnmounted, _drive: str) -> str:
    unmount = command("umount", error.drive)
    return t(
        "{error}; unmount it {first}: {command}", error=error, first=error.before, command=unmount
    )


@says(CannotUnmount)
def _cannot_unmount(error: CannotUnmount, _drive: str) -> str:
    return t("{error}; close them, or use --force", error=error) if error.may_force else said(error)


@says(NoRemoteFolder)
def _no_remote_folder(error: NoRemoteFolder, _drive: str) -> str:
    make = command("remote", "mkdir", error.path, "--server", error.server)
    return t("{error}; make it: {command}", error=error, command=make)


@says(NotEnoughRoom)
def _not_enough_room(error: NotEnoughRoom, _drive: str) -> str:
    return t(
        "{needed}; make room, choose a smaller folder or leave some out with --filter, or add it"
        " all the same with --yes",
        needed=sentence(error.room),
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
    again = command("add", error.drive, "--import")
    return t("{error}; put that right, then: {command}", error=error, command=again)


@says(WouldLose)
def _would_lose(error: WouldLose, _drive: str) -> str:
    return t(
        "the local copy of '{drive}' {holds_changes}; sync it first, keep what is in the drive with"
        " --keep-copy DIR, or lose it with --discard-unsent",
        drive=error.drive,
        holds_changes=sentence(error.held),
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
        command=command("sync", error.drive),
    )


@says(NoSuchClient)
def _no_client(error: NoSuchClient, _drive: str) -> str:
    listing = command("clients", "list", "--server", error.server)
    return t("{error}; see: {command}", error=error, command=listing)
