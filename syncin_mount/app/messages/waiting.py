"""Sentences about waiting until the server has every change."""

from __future__ import annotations

from typing import assert_never

from syncin_mount.app.messages import command, says
from syncin_mount.app.wait_synced import End, Waited


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
