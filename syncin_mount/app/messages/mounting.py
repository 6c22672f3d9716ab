"""Sentences about drives that cannot be mounted."""

from __future__ import annotations

from syncin_mount.app.messages import remedies, says
from syncin_mount.language import said, t
from syncin_mount.vfs.frontend import MountpointNotEmpty


@says(MountpointNotEmpty)
def _not_empty(error: MountpointNotEmpty, drive: str) -> str:
    if remedies.on_page():
        return said(error)
    return t("{error} ({command}).", error=error, command=remedies.import_files(drive))
