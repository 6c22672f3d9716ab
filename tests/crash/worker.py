"""The user: a process that works in the drive and keeps its own log outside of it.

Its log has the intent of each step before it, and that it returned after it, one JSON line each,
written before the next thing is done. So the last step is the only one of which nobody knows
whether it was done.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import random
import sys
import time
from pathlib import Path

import msgspec

from tests.crash.model import CHANGES_BYTES, Step, Tree
from tests.crash.people import Person

FAILED = 3
"""The exit status after a step that failed, as all do once the drive's process is gone."""

RENAME_NOREPLACE, RENAME_EXCHANGE = 1, 2
AT_FDCWD = -100
_libc = ctypes.CDLL(None, use_errno=True)


class Done(msgspec.Struct):
    """The step before returned; ``mtime`` is what its file has now, where it changed one."""

    mtime: int | None = None


class Failed(msgspec.Struct):
    """The step before did not. ``alive``: though the drive's process was there."""

    why: str
    alive: bool


class Line(msgspec.Struct, omit_defaults=True):
    """One of the three."""

    step: Step | None = None
    done: Done | None = None
    failed: Failed | None = None


class Hands:
    """Does steps to a real folder. Each returns the changed file's mtime in ns. Raises OSError."""

    def __init__(self, top: Path) -> None:
        self._top = top
        self._held: dict[int, int] = {}
        self._put_at = 0

    def do(self, step: Step) -> int | None:
        getattr(self, f"_{step.op}")(step, self._top / step.path)
        if step.op == "write_held":
            return os.fstat(self._held[step.held]).st_mtime_ns
        if step.op == "put":  # by now it may be somebody else's
            return self._put_at
        return (
            os.stat(self._top / step.path).st_mtime_ns
            if step.op in CHANGES_BYTES | {"utime"}
            else None
        )

    def _create(self, step: Step, path: Path) -> None:
        fd = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, step.mode)
        self._fill(fd, step.data(), 0)

    def _write(self, step: Step, path: Path) -> None:
        self._fill(os.open(path, os.O_WRONLY), step.data(), step.offset)

    def _append(self, step: Step, path: Path) -> None:
        self._fill(os.open(path, os.O_WRONLY | os.O_APPEND), step.data(), None)

    def _rewrite(self, step: Step, path: Path) -> None:
        self._fill(os.open(path, os.O_WRONLY | os.O_TRUNC), step.data(), 0)

    def _put(self, step: Step, path: Path) -> None:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        with os.fdopen(os.dup(fd), "rb") as same:
            self._fill(fd, step.data(), 0)
            self._put_at = os.fstat(same.fileno()).st_mtime_ns

    @staticmethod
    def _fill(fd: int, data: bytes, offset: int | None) -> None:
        try:
            while data:
                piece = data[:30_000]
                done = os.write(fd, piece) if offset is None else os.pwrite(fd, piece, offset)
                data, offset = data[done:], None if offset is None else offset + done
        finally:
            os.close(fd)

    def _mapped(self, step: Step, path: Path) -> None:
        data = step.data()
        fd = os.open(path, os.O_RDWR)
        try:
            with mmap.mmap(fd, 0) as mapped:
                mapped[step.offset : step.offset + len(data)] = data
                mapped.flush()
        finally:
            os.close(fd)

    def _truncate(self, step: Step, path: Path) -> None:
        os.truncate(path, step.size)

    def _hold(self, step: Step, path: Path) -> None:
        self._held[step.held] = os.open(path, os.O_RDWR)
        self._write_held(step, path)

    def _write_held(self, step: Step, _path: Path) -> None:
        fd = self._held[step.held]
        os.pwrite(fd, step.data(), step.offset)
        os.fsync(fd)

    def _release(self, step: Step, _path: Path) -> None:
        os.close(self._held.pop(step.held))

    def _utime(self, step: Step, path: Path) -> None:
        os.utime(path, ns=(step.time, step.time))

    def _chmod(self, step: Step, path: Path) -> None:
        path.chmod(step.mode)

    def _xattr(self, step: Step, path: Path) -> None:
        os.setxattr(path, step.to, step.data())

    def _mkdir(self, _step: Step, path: Path) -> None:
        path.mkdir()

    def _symlink(self, step: Step, path: Path) -> None:
        path.symlink_to(step.to)

    def _hardlink(self, step: Step, path: Path) -> None:
        (self._top / step.to).hardlink_to(path)

    def _unlink(self, _step: Step, path: Path) -> None:
        path.unlink()

    def _rmdir(self, _step: Step, path: Path) -> None:
        path.rmdir()

    def _sync_folder(self, _step: Step, path: Path) -> None:
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def _rename(self, step: Step, path: Path) -> None:
        path.rename(self._top / step.to)

    def _rename_new(self, step: Step, path: Path) -> None:
        rename_with(path, self._top / step.to, RENAME_NOREPLACE)

    def _exchange(self, step: Step, path: Path) -> None:
        rename_with(path, self._top / step.to, RENAME_EXCHANGE)


def rename_with(source: Path, target: Path, flags: int) -> None:
    """renameat2(2), which Python does not have. Raises OSError."""
    if _libc.renameat2(AT_FDCWD, os.fsencode(source), AT_FDCWD, os.fsencode(target), flags):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), os.fspath(target))


def is_served(drive: Path) -> bool:
    """Whether a process answers; the kernel asks it each time."""
    try:
        os.statvfs(drive)
    except OSError:
        return False
    return True


def work(
    drive: Path, log_path: Path, tree: Tree, seed: int, steps: int, favours: tuple[str, ...]
) -> None:
    """Does ``steps`` steps; ``tree`` is what is in the drive. Exits with FAILED at the first
    failing step."""
    person = Person(random.Random(seed), tree, favours)
    pace = random.Random(f"pace {seed}")
    hands = Hands(drive)
    log = os.open(log_path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def note(line: Line) -> None:
        os.write(log, msgspec.json.encode(line) + b"\n")

    for _ in range(steps):
        step = person.next_step()
        if pace.random() < 0.1:
            # A user's pause, and nothing waits for a result here: without any, all would be over
            # before the drive commits for the first time.
            time.sleep(pace.random() * 0.05)  # people pause; the kill comes from another process
        note(Line(step))
        try:
            mtime = hands.do(step)
        except OSError as error:
            note(Line(failed=Failed(str(error), is_served(drive))))
            sys.exit(FAILED)
        note(Line(done=Done(mtime)))
        tree.apply(step, mtime)
