"""What is mounted where, and who uses it: read from /proc, nothing is touched that could hang on a
dead drive."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from reconciler.phrases import Phrase

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

T = TypeVar("T")

LOOK_S = 3.0
"""Seconds that a look at a file system gets which may hang."""

UNMOUNT_S = 60.0
"""Seconds that an unmounting gets, which hands over what the system still holds."""

_MOST_LINKS = 40
"""Symbolic links that the kernel follows in one path (path_resolution(7))."""

_MOUNTS = Path("/proc/self/mountinfo")


@dataclass(frozen=True, slots=True)
class Mount:
    """A line of the mount table: ``kind`` is the file system's type, ``source`` what its maker
    named it."""

    point: Path
    kind: str
    source: str


def mounts() -> list[Mount]:
    """The mount table of this process; empty where there is none to read (see
    proc_pid_mountinfo(5))."""
    try:
        # Only blanks, tabs, line feeds and backslashes are escaped there: whatever else ends a line
        # is part of a name.
        lines = os.fsdecode(_MOUNTS.read_bytes()).removesuffix("\n").split("\n")
    except OSError:
        return []
    found = []
    for line in lines:
        before, _, after = line.partition(" - ")
        kind, source = after.split(" ")[:2]
        found.append(Mount(Path(_plain(before.split(" ")[4])), kind, _plain(source)))
    return found


def mounted_at(point: Path) -> Mount | None:
    """What is mounted exactly there (the topmost one), or None."""
    return next((mount for mount in reversed(mounts()) if mount.point == point), None)


def is_ours(mount: Mount) -> bool:
    """Whether it is a FUSE mount, which alone may be a drive of this program."""
    return mount.kind == "fuse" or mount.kind.startswith("fuse.")


def is_drive(mount: Mount) -> bool:
    """Whether it is a drive of this program, of whichever profile."""
    return is_ours(mount) and mount.source.startswith("syncin")


def is_dead(point: Path, *, patience: float = LOOK_S) -> bool:
    """Whether the file system that is mounted there has lost its process: every call on it gives
    ENOTCONN (fuse(4)). One that does not answer within ``patience`` seconds has a process."""
    try:
        # what `stat` tells, the kernel may know from before
        within(patience, lambda: shutil.disk_usage(point))
    except OSError as error:  # TimeoutError is one
        return error.errno == errno.ENOTCONN
    return False


def within(patience: float, look: Callable[[], T]) -> T:
    """What ``look`` returns, which may touch a file system that hangs. Blocks for ``patience``
    seconds at most; then it raises TimeoutError, and a thread is left until the file system answers
    or the process ends: such a call cannot be taken back. Raises what ``look`` raises."""
    found: list[T] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            found.append(look())
        except BaseException as error:  # noqa: BLE001 - raised below, in who asked
            failed.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(patience)
    if failed:
        raise failed[0]
    if not found:
        raise TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT))
    return found[0]


def followed(path: Path | str, points: Iterable[Path] = ()) -> Path:
    """As `os.path.realpath`, but only as far as a drive's mount point, one of ``points`` or of the
    drives that are mounted: nothing in a drive is touched, as it may hang. A relative path begins
    in the current folder. Raises OSError where that is gone."""
    stops = {os.fspath(each) for each in points}
    stops |= {os.fspath(each.point) for each in mounts() if is_drive(each)}
    rest = os.path.abspath(path).split("/")[::-1]
    here, links = "/", 0
    while rest:
        name = rest.pop()
        if name in {"", "."}:
            continue
        if name == "..":
            here = os.path.dirname(here)
            continue
        here = os.path.join(here, name)
        if here in stops:
            return Path(os.path.normpath(os.path.join(here, *rest[::-1])))
        try:
            target = os.readlink(here)
        except OSError:  # no link, or nothing
            continue
        links += 1
        if links > _MOST_LINKS:
            return Path(os.path.join(here, *rest[::-1]))
        here = "/" if target.startswith("/") else os.path.dirname(here)
        rest += target.split("/")[::-1]
    return Path(here)


def _plain(text: str) -> str:
    """Blanks and backslashes stand as octal escapes in the table."""
    for code, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(code, character)
    return text


def unmount(point: Path, *, lazily: bool = False) -> str | None:
    """Takes the mount away; ``lazily`` also while it is used. Blocks. Returns None when done, else
    the reason."""
    command = ["fusermount3", "-u", *(["-z"] if lazily else []), "--", os.fspath(point)]
    try:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    except FileNotFoundError:
        return Phrase("fusermount3 is not installed; install the package fuse3")
    try:
        said = process.communicate(timeout=UNMOUNT_S)[1].decode(errors="replace")
    except subprocess.TimeoutExpired:
        # Not waited for: while it waits in the kernel for a daemon that hangs, no signal ends it.
        process.kill()
        return Phrase("fusermount3 does not come back")
    return None if process.returncode == 0 else said.strip().removeprefix("fusermount3: ")


def take_away(point: Path, *, force: bool = False) -> str | None:
    """Unmounts it, with ``force`` also while it is used. Blocks. Returns None when nothing is
    mounted there any more, else one clause about why: the system itself tells, and nothing was
    ended."""
    why = unmount(point)
    if why is None or mounted_at(point) is None:
        return None
    if not force:
        names = users(point)
        if names:
            return Phrase("files of it are open by {programs}", programs=", ".join(names[:5]))
        return Phrase("files of it are open") if "busy" in why.lower() else why
    why = unmount(point, lazily=True)
    return None if why is None or mounted_at(point) is None else why


def users(point: Path) -> list[str]:
    """The processes, as ``name (pid)``, that have a file open or stand below ``point``: those that
    /proc shows us."""
    others = [
        each
        for each in Path("/proc").iterdir()
        if each.name.isdigit() and int(each.name) != os.getpid()
    ]
    return [
        f"{_name(process)} ({process.name})"
        for process in others
        if _uses(process, os.fspath(point))
    ]


def _uses(process: Path, point: str) -> bool:
    try:
        links = [process / "cwd", process / "exe", *(process / "fd").iterdir()]
    except OSError:
        return False
    for link in links:
        try:
            target = os.readlink(link)
        except OSError:
            continue
        if target == point or target.startswith(f"{point}/"):
            return True
    return False


def _name(process: Path) -> str:
    try:
        return (process / "comm").read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return "a process"
