"""Sentences of notices on the desktop."""

from __future__ import annotations

from syncin_mount.app.messages import remedies
from syncin_mount.language import t


def lost_is_in_the_bin(drive: str) -> str:
    """Where the versions are that lost a conflict."""
    listing = remedies.list_bin(drive)
    return t("The losing version is in a bin: {command}", command=listing)
