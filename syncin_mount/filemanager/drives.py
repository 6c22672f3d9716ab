"""Which drives there are, and which of them a file is in. Pure, but for reading small files."""

from __future__ import annotations

import json
import os
import stat
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote, unquote_to_bytes

FOLDER = "drives"
HOME_VARIABLE = "SYNCIN_MOUNT_HOME"
SCHEME = "file://"
LARGEST = 64 * 1024
"""Bytes of a file that announces a drive, at most."""


@dataclass(frozen=True)
class Drive:
    """As a daemon announced it. ``prefix`` is the mount point as a URI, with ``/`` at its end. File
    managers escape fewer characters than it does: URIs are compared by what they mean."""

    name: str
    mountpoint: str
    socket: str
    command: tuple[str, ...]
    home: str | None
    catalogues: str
    prefix: str


def user() -> int:
    """Whose files those are that can be believed."""
    if sys.platform == "win32":
        return 0
    return os.getuid()


def folder(environment: dict[str, str], user: int) -> str:
    """Where daemons announce their drives."""
    home = environment.get(HOME_VARIABLE)
    if home:
        return os.path.join(os.path.abspath(os.path.expanduser(home)), "run", FOLDER)
    session = environment.get("XDG_RUNTIME_DIR")
    if session:
        return os.path.join(session, "syncin-mount", FOLDER)
    return os.path.join(tempfile.gettempdir(), f"syncin-mount-{user}", FOLDER)


def make_folder(path: str) -> None:
    """Makes it, to be watched, and the one above it, as a daemon would: nobody else can look into
    them. Raises OSError."""
    for each in (os.path.dirname(path), path):
        try:
            os.mkdir(each, 0o700)
        except FileExistsError:
            continue


def is_private(path: str, user: int) -> bool:
    """Whether it is a real folder that nobody else can change: what a file in it names is
    started."""
    try:
        found = os.lstat(path)
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == user and not found.st_mode & 0o077


def announced(path: str, user: int) -> dict[str, Drive]:
    """Those that are announced in this folder, each by a text that is another one when its daemon
    was started again. None where somebody else could write to the folder."""
    if not (is_private(os.path.dirname(path), user) and is_private(path, user)):
        return {}
    found = {}
    for name in sorted(os.listdir(path)):
        if name.endswith(".json"):
            file = os.path.join(path, name)
            drive = read(file)
            if drive is not None:
                found[f"{name} {_made(file)}"] = drive
    return found


def _made(file: str) -> str:
    try:
        found = os.stat(file)
    except OSError:
        return ""
    return f"{found.st_ino} {found.st_mtime_ns}"


def read(path: str) -> Drive | None:
    """None for a file that went, or says something else."""
    try:
        with open(path, "rb") as file:
            told = json.loads(file.read(LARGEST))
        command = tuple(map(str, told["command"]))
        mountpoint, home = str(told["mountpoint"]), told.get("home")
        if not (os.path.isabs(mountpoint) and command and os.path.isabs(command[0])):
            return None
        return Drive(
            str(told["name"]),
            mountpoint,
            str(told["socket"]),
            command,
            None if home is None else str(home),
            str(told.get("catalogues", "")),
            f"{SCHEME}{quote(mountpoint.rstrip('/'))}/",
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def place(
    uri: str, drives: list[Drive], follow: Callable[[str], str | None] = lambda _: None
) -> tuple[Drive, str, str] | None:
    """The drive that the file is in, its folder there and its name. Both are empty for the drive's
    own folder. None for a file in no drive, and for one whose name is no text. ``follow`` leads a
    path by symbolic links into a drive (`links.Links`)."""
    if not uri.startswith(SCHEME):
        return None
    try:
        whole = unquote_to_bytes(uri[len(SCHEME) :]).decode()
    except UnicodeDecodeError:
        return None
    found = _place(whole, drives)
    if found is not None:
        return found
    real = follow(whole)
    return None if real is None else _place(real, drives)


def _place(whole: str, drives: list[Drive]) -> tuple[Drive, str, str] | None:
    for drive in drives:
        top = drive.mountpoint.rstrip("/") + "/"
        if whole.startswith(top) or whole + "/" == top:
            above, _, name = whole[len(top) :].strip("/").rpartition("/")
            return drive, above, name
    return None


def uri(drive: Drive, path: str) -> str:
    """Of a path in the drive, as the file managers write it."""
    return drive.prefix + quote(path) if path else drive.prefix.rstrip("/")


def uri_of(path: str) -> str:
    """Of a path on this computer."""
    return SCHEME + quote(path)


def path_of(drive: Drive, path: str) -> str:
    """On this computer."""
    return os.path.join(drive.mountpoint, path) if path else drive.mountpoint
