"""Sentences about waiting until the server has every change."""

from __future__ import annotations

from typing import assert_never

from syncin_mount.app.messages import command, says
from syncin_mount.app.runs.wait_synced import End, Waited


@says(Waited)
def _waited(waited: Waited, _drive: str) -> str:
    left = "1 change" if waited.left == 1 else f"{waited.left} changes"
    says_why = f"for the reason: {command('status', waited.drive)}"
    match waited.end:
        case End.SYNCED:
            return "everything is on the server"
        case End.HALTED | End.REFUSED:
            return waited.why
        case End.PAUSED:
            again = command("resume", waited.drive)
            return f"paused, and nothing is transferred; resume it: {again}"
        case End.OFFLINE:
            return waited.why or "the server is away"
        case End.FAILED:
            return f"{left} pending, and the last run failed: {waited.why}"
        case End.BLOCKED:
            return f"{left} cannot be uploaded as it is; {says_why}"
        case End.RETRIED:
            return f"{left} could not be uploaded, and is tried again; {says_why}"
    assert_never(waited.end)
