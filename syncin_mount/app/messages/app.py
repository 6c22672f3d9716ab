"""Sentences about what was done, or cannot be done, for a user."""

from __future__ import annotations

from syncin_mount.app.errors import (
    MountpointHoldsFiles,
    NoSuchEntry,
    NotMounted,
    Paused,
    PlaceTaken,
    RestoreFirst,
    WayRefused,
)
from syncin_mount.app.messages import command, says, sentence
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


@says(MountpointHoldsFiles)
def _holds_files(error: MountpointHoldsFiles, _drive: str) -> str:
    return (
        f"{error}; choose an empty folder, or make what is in it the drive's content with --import"
    )
