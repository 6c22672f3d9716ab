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
from syncin_mount.app.messages.quantities import count
from syncin_mount.app.processes.notify import Notice, Unnotified


@says(Paused)
def _paused(error: Paused, _drive: str) -> str:
    return f"{error}; resume it: {command('resume', error.drive)}"


@says(NotMounted)
def _not_mounted(error: NotMounted, _drive: str) -> str:
    return f"{error}; run: {command('sync', error.drive)}"


@says(WayRefused)
def _way_refused(refused: WayRefused, drive: str) -> str:
    return sentence(refused.error, drive)


_FOLLOWS = {
    Notice.CONFIGURATION: "the drive follows by itself within seconds",
    Notice.SERVER: "the drive goes on by itself within minutes",
}


@says(Unnotified)
def _unnotified(missed: Unnotified, drive: str) -> str:
    error = sentence(missed.error, drive)
    return f"{missed.drive}: {error}; {_FOLLOWS[missed.notice]}, or when it is mounted again"


@says(NoSuchEntry)
def _no_entry(error: NoSuchEntry, _drive: str) -> str:
    return f"{error}; look with: {command('bin', 'list', error.drive)}"


@says(PlaceTaken)
def _place_taken(error: PlaceTaken, _drive: str) -> str:
    return f"{error}; say where else it is to go with --to"


@says(RestoreFirst)
def _restore_first(error: RestoreFirst, _drive: str) -> str:
    return f"{error}; bring back what lost with 'bin restore', and choose then"


@says(ChosenAlready)
def _chosen_already(error: ChosenAlready, _drive: str) -> str:
    undo = command("conflicts", error.drive, "--undo", error.path)
    return f"{error}; undo that first with: {undo}"


@says(MountpointHoldsFiles)
def _holds_files(error: MountpointHoldsFiles, _drive: str) -> str:
    return (
        f"{error}; choose an empty folder, or make what is in it the drive's content with --import"
    )


@says(MustBeUnmounted)
def _must_be_unmounted(error: MustBeUnmounted, _drive: str) -> str:
    return f"{error}; unmount it {error.before}: {command('umount', error.drive)}"


@says(CannotUnmount)
def _cannot_unmount(error: CannotUnmount, _drive: str) -> str:
    return f"{error}; close them, or use --force" if error.may_force else str(error)


@says(NoRemoteFolder)
def _no_remote_folder(error: NoRemoteFolder, _drive: str) -> str:
    return f"{error}; make it: {command('remote', 'mkdir', error.path, '--server', error.server)}"


@says(NotEnoughRoom)
def _not_enough_room(error: NotEnoughRoom, _drive: str) -> str:
    return (
        f"{sentence(error.room)}; make room, choose a smaller folder or leave some out with"
        " --filter, or add it all the same with --yes"
    )


@says(CannotImport)
def _cannot_import(error: CannotImport, _drive: str) -> str:
    return (
        f"{count(len(error.stuck), 'thing')} in {error.folder} cannot be imported; nothing was"
        " touched: move that elsewhere first"
    )


@says(ImportStopped)
def _import_stopped(error: ImportStopped, _drive: str) -> str:
    return f"{error}; put that right, then: {command('add', error.drive, '--import')}"


@says(WouldLose)
def _would_lose(error: WouldLose, _drive: str) -> str:
    return (
        f"the local copy of '{error.drive}' {sentence(error.held)}; sync it first, keep what is in"
        " the drive with --keep-copy DIR, or lose it with --discard-unsent"
    )


@says(CopyLacksContents)
def _copy_lacks(error: CopyLacksContents, _drive: str) -> str:
    return (
        f"the copy would lack {count(error.absent, 'file')} of '{error.drive}' whose content is on"
        f" the server only; download that first: {command('sync', error.drive)}"
    )


@says(NoSuchClient)
def _no_client(error: NoSuchClient, _drive: str) -> str:
    return f"{error}; see: {command('clients', 'list', '--server', error.server)}"
