"""Sentences about what was done, or cannot be done, for a user."""

from __future__ import annotations

from typing import assert_never

from syncin_mount.app.errors import NotMounted, Paused
from syncin_mount.app.messages import command, says, sentence
from syncin_mount.app.notify import Notice, Unnotified
from syncin_mount.app.reregister import GoneThere
from syncin_mount.app.wait_synced import End, Waited


@says(Paused)
def _paused(error: Paused, _drive: str) -> str:
    return f"{error}; let it go on: {command('resume', error.drive)}"


@says(NotMounted)
def _not_mounted(error: NotMounted, _drive: str) -> str:
    return f"{error}; run 'sync {error.drive}'"


_FOLLOWS = {
    Notice.CONFIGURATION: "the drive follows by itself within seconds",
    Notice.SERVER: "the drive goes on by itself within minutes",
}


@says(Unnotified)
def _unnotified(missed: Unnotified, drive: str) -> str:
    error = sentence(missed.error, drive)
    return f"{missed.drive}: {error}; {_FOLLOWS[missed.notice]}, or when it is mounted again"


@says(Waited)
def _waited(waited: Waited, _drive: str) -> str:
    left = "1 change" if waited.left == 1 else f"{waited.left} changes"
    says_why = f"'status {waited.drive}' says why"
    match waited.end:
        case End.SYNCED:
            return "everything is on the server"
        case End.HALTED | End.REFUSED:
            return waited.why
        case End.PAUSED:
            again = command("resume", waited.drive)
            return f"paused, and nothing is carried; let it go on: {again}"
        case End.OFFLINE:
            return waited.why or "the server is away"
        case End.FAILED:
            return f"{left} for the server, and the last run came to no end: {waited.why}"
        case End.BLOCKED:
            return f"{left} cannot be sent as it is; {says_why}"
        case End.RETRIED:
            return f"{left} could not be sent, and is tried again; {says_why}"
    assert_never(waited.end)


@says(GoneThere)
def _gone_there(gone: GoneThere, _drive: str) -> str:
    return (
        f"{gone.drive}: the server has no synchronization of {gone.remote} for this computer any"
        " more, and nothing of it is carried; register it again"
        f" ({command('edit', gone.drive, '--register')}), or remove it"
        f" ({command('remove', gone.drive)})"
    )
