"""What can be a drive's folder on this computer."""

from __future__ import annotations

import errno
import os
import shlex
import shutil
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.phrases import Phrase, strerror
from syncin_mount.app.errors import MountpointHoldsFiles, NotPossible
from syncin_mount.app.runtime.first_runs_after_import import MARK
from syncin_mount.mount_table import followed, mounted_at, within

if TYPE_CHECKING:
    from syncin_mount.config import Folders, Synchronization

ANSWER_S = 10.0
"""Seconds that a folder gets to show what is in it: another drive that hangs does not."""


def absolute(text: str) -> Path:
    """Without a trailing slash, `..` and symbolic links, as the system will name the mount. Raises
    NotPossible. No drive is touched, as it may hang."""
    try:
        path = followed(Path(text).expanduser())
    except OSError as error:
        raise NotPossible(
            Phrase(
                "the current folder cannot be found ({why}); give a whole path", why=strerror(error)
            )
        ) from error
    try:
        str(path).encode()
    except UnicodeEncodeError as error:
        raise NotPossible(
            Phrase("the mount point's path is not UTF-8 text; choose another folder")
        ) from error
    return path


def check_mountpoint(path: Path, *, may_hold: bool = False) -> None:
    """Raises NotPossible unless the path is an empty folder, or free with a folder above it that
    can be written to. ``may_hold``: it need not be empty. A folder where something is mounted is
    none, so that no import empties a disk where no drive can appear."""
    try:
        within(ANSWER_S, lambda: _check_mountpoint(path, may_hold=may_hold))
    except TimeoutError as error:
        raise NotPossible(
            Phrase("the folder {path} does not answer; choose another one", path=path)
        ) from error


def _check_mountpoint(path: Path, *, may_hold: bool) -> None:
    try:
        found = path.stat()
        if not stat.S_ISDIR(found.st_mode):
            raise NotPossible(
                Phrase("the mount point {path} is a file; choose an empty folder", path=path)
            )
        _check_nothing_is_mounted(path)
        if not may_hold and next(path.iterdir(), None) is not None:
            raise MountpointHoldsFiles(str(path))
    except FileNotFoundError:
        _check_can_be_made(path)
    except OSError as error:
        if error.errno == errno.ENOTCONN:
            unmount = shlex.join(["fusermount3", "-u", "-z", str(path)])
            raise NotPossible(
                Phrase(
                    "a crashed drive is left over at {path}; unmount it: {command}",
                    path=path,
                    command=unmount,
                )
            ) from error
        raise NotPossible(
            Phrase(
                "the mount point {path} cannot be used ({why}); choose another folder",
                path=path,
                why=strerror(error),
            )
        ) from error


def _check_nothing_is_mounted(path: Path) -> None:
    """Raises NotPossible, and OSError where what is mounted has lost its process."""
    taken = mounted_at(path)
    if taken is not None:
        shutil.disk_usage(path)
        raise NotPossible(
            Phrase(
                "{path} is a mount point already (file system type {kind}); choose a folder"
                " inside it, or unmount it first",
                path=path,
                kind=taken.kind,
            )
        )


def holds_something(folder: Path) -> bool:
    """Whether the folder is there and not empty."""
    try:
        return next(folder.iterdir(), None) is not None
    except (FileNotFoundError, NotADirectoryError):
        return False


def has_rest_of_import(folders: Folders, synchronization: Synchronization) -> bool:
    """Whether an import into a drive that is not mounted did not come to its end: files are left
    where it is to appear."""
    if not (folders.replica(synchronization.name) / MARK).exists():
        return False
    if mounted_at(synchronization.mountpoint) is not None:  # it may hang
        return False
    try:
        return holds_something(synchronization.mountpoint)
    except OSError:
        return False


def _check_can_be_made(path: Path) -> None:
    above = next(each for each in path.parents if os.path.lexists(each))
    if not above.is_dir() or not os.access(above, os.W_OK | os.X_OK):
        raise NotPossible(
            Phrase(
                "the mount point {path} cannot be made: you cannot write to {above}; choose"
                " another folder",
                path=path,
                above=above,
            )
        )
