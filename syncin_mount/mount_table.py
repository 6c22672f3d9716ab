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

from reconciler.phrases import Phrase

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


def is_dead(point: Path, *, patience: float = 3.0) -> bool:
    """Whether the file system that is mounted there has lost its process: every call on it gives
    ENOTCONN (fuse(4)). One that does not answer within ``patience`` seconds has a process."""
    found: list[int | None] = []

    def look() -> None:
        try:
            shutil.disk_usage(point)  # what `stat` tells, the kernel may know from before
        except OSError as error:
            found.append(error.errno)
        else:
            found.append(None)

    # A call on a drive that hangs cannot be taken back; the thread ends with the process.
    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    thread.join(patience)
    return found == [errno.ENOTCONN]


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
        done = subprocess.run(command, capture_output=True, check=False, text=True, timeout=60)
    except FileNotFoundError:
        return Phrase("fusermount3 is not installed; install the package fuse3")
    except subprocess.TimeoutExpired:
        return Phrase("fusermount3 does not come back")
    return None if done.returncode == 0 else done.stderr.strip().removeprefix("fusermount3: ")


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


def alive(pid: int) -> bool:
    """Whether the process runs: one that has ended and was not collected yet does not."""
    try:
        state = (
            Path(f"/proc/{pid}/stat")
            .read_text(encoding="ascii", errors="replace")
            .rpartition(")")[2]
            .split()[0]
        )
    except OSError:
        return False
    return state not in {"Z", "X"}
