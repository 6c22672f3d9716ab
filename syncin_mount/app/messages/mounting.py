"""Sentences about drives that cannot be mounted."""

from __future__ import annotations

from syncin_mount.app.messages import command, says
from syncin_mount.language import t
from syncin_mount.vfs.frontend import MountpointNotEmpty


@says(MountpointNotEmpty)
def _not_empty(error: MountpointNotEmpty, drive: str) -> str:
    return t("{error} ({command}).", error=error, command=command("add", drive, "--import"))
