"""Whether a drive can be mounted at a place, and taking away what a crashed daemon left there.

A drive is a letter (``X:``) or a folder. WinFsp makes the folder: it must not be there, and the
folder above it must.
"""

from __future__ import annotations

import os
import re
import stat
from typing import TYPE_CHECKING, Final

from reconciler.phrases import Phrase, strerror
from syncin_mount.vfs import MountError, MountpointNotEmpty

if TYPE_CHECKING:
    from pathlib import Path

_LETTER: Final = re.compile(r"[A-Za-z]:\\?")


def is_letter(mountpoint: Path) -> bool:
    """Whether it is a drive letter."""
    return _LETTER.fullmatch(str(mountpoint)) is not None


def prepare(mountpoint: Path) -> None:
    """Makes sure that a drive can be mounted there. An empty folder is removed, as is what is left
    of a mount that nobody serves any more. Raises MountError."""
    if is_letter(mountpoint):
        if os.path.lexists(mountpoint):
            raise MountError(
                Phrase(
                    "the drive letter {mountpoint} is in use; choose another one",
                    mountpoint=str(mountpoint).rstrip("\\"),
                )
            )
        return
    try:
        _make_room(mountpoint)
    except OSError as error:
        raise MountError(
            Phrase(
                "{mountpoint} cannot be used as a mount point: {why}; choose another folder",
                mountpoint=mountpoint,
                why=strerror(error),
            )
        ) from None


def _make_room(mountpoint: Path) -> None:
    try:
        found = os.lstat(mountpoint)
    except FileNotFoundError:
        mountpoint.parent.mkdir(parents=True, exist_ok=True)
        return
    if not _is_left_over(mountpoint, found):
        with os.scandir(mountpoint) as entries:
            first = next(entries, None)
        if first is not None:
            raise MountpointNotEmpty(mountpoint, first.name)
    os.rmdir(mountpoint)


def _is_left_over(mountpoint: Path, found: os.stat_result) -> bool:
    """Whether it is a junction to a volume that is gone."""
    tag = getattr(found, "st_reparse_tag", 0)
    junction = tag == getattr(stat, "IO_REPARSE_TAG_MOUNT_POINT", None)
    return junction and not os.path.exists(mountpoint)
