"""A small file system of its own that a test can fill; only root may mount one."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

LIMIT = 30.0


class SmallDisk:
    """``path`` is where it is mounted. ``fill`` leaves no byte to anybody."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._filler = path / "filler"

    def fill(self, leave: int = 0) -> None:
        """All but about ``leave`` bytes. What is there already stays: filling again takes what was
        freed since."""
        fd = os.open(self._filler, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        try:
            free = os.statvfs(self.path)
            if leave:
                os.posix_fallocate(
                    fd, os.fstat(fd).st_size, max(free.f_bavail * free.f_frsize - leave, 1)
                )
                return
            for piece in (1 << 20, 1 << 16, 1 << 12, 1):
                while _append(fd, piece):
                    pass
                os.fsync(fd)
        finally:
            os.close(fd)

    def free(self, size: int | None = None) -> None:
        """So many bytes of the filler, or all."""
        there = self._filler.stat().st_size
        os.truncate(self._filler, 0 if size is None else max(there - size, 0))

    @property
    def room(self) -> int:
        now = os.statvfs(self.path)
        return now.f_bavail * now.f_frsize


def _append(fd: int, size: int) -> bool:
    try:
        os.write(fd, bytes(size))
    except OSError as error:
        if not refused(error):
            raise
        return False
    return True


@contextlib.contextmanager
def small_disk(path: Path, kind: str, megabytes: int) -> Iterator[SmallDisk]:
    """``kind`` is tmpfs, or ext4 on a loop device. Skips the test where that cannot be."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small file system to fill")
    path.mkdir(parents=True)
    if kind == "tmpfs":
        command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(path)]
    else:
        if shutil.which("mkfs.ext4") is None:
            pytest.skip("no mkfs.ext4 here")
        image = path.with_name("image")
        with image.open("wb") as file:
            file.truncate(megabytes << 20)
        subprocess.run(
            ["mkfs.ext4", "-q", "-m", "0", str(image)],
            check=True,
            timeout=LIMIT,
            capture_output=True,
        )
        command = ["mount", "-o", "loop", str(image), str(path)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=LIMIT)
    if done.returncode != 0:
        pytest.skip(f"no {kind} can be mounted here: {done.stderr.strip()}")
    try:
        yield SmallDisk(path)
    finally:
        subprocess.run(["umount", "-l", str(path)], check=True, timeout=LIMIT)


def refused(error: OSError) -> bool:
    """Whether this is what a full disk may answer."""
    return error.errno in {errno.ENOSPC, errno.EDQUOT}
