"""Sentences of notices on the desktop."""

from __future__ import annotations

from syncin_mount.app.messages import command


def lost_is_in_the_bin(drive: str) -> str:
    """Where the versions are that lost a conflict."""
    return f"The losing version is in a bin: {command('bin', 'list', drive)}"
