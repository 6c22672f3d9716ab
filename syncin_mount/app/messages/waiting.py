"""Sentences about waiting until the server has every change."""

from __future__ import annotations

from typing import assert_never

from syncin_mount.app.messages import remedies, says
from syncin_mount.app.runs.wait_synced import End, Waited
from syncin_mount.language import said, t, tn


@says(Waited)
def _waited(waited: Waited, _drive: str) -> str:
    left, status = waited.left or 0, remedies.see_waiting(waited.drive)
    match waited.end:
        case End.SYNCED:
            return t("everything is on the server")
        case End.HALTED | End.REFUSED:
            return said(waited.why)
        case End.PAUSED:
            again = remedies.resume(waited.drive)
            return t("paused, and nothing is transferred; resume it: {command}", command=again)
        case End.OFFLINE:
            return said(waited.why) or t("the server is away")
        case End.FAILED:
            return tn(
                "{count} change pending, and the last run failed: {why}",
                "{count} changes pending, and the last run failed: {why}",
                left,
                why=waited.why,
            )
        case End.BLOCKED:
            return tn(
                "{count} change cannot be uploaded as it is; for the reason: {command}",
                "{count} changes cannot be uploaded as they are; for the reason: {command}",
                left,
                command=status,
            )
        case End.RETRIED:
            return tn(
                "{count} change could not be uploaded, and is tried again; for the reason:"
                " {command}",
                "{count} changes could not be uploaded, and are tried again; for the reason:"
                " {command}",
                left,
                command=status,
            )
    assert_never(waited.end)
