"""A user's desk: a drive of a real daemon, and an embedded server as a process of its own."""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

from syncin_mount.app.drives.views import stays_here
from syncin_mount.cli.demo.sandbox import Sandbox
from syncin_mount.cli.demo.tree_compare import TreeEntry, differences, take
from tests.programs import ENVIRONMENT

LIMIT = 100.0
"""Seconds that any program gets."""


class Desk:
    """A context manager: ``drive`` is mounted, ``disk`` is its folder on the server."""

    def __init__(self, base: Path) -> None:
        self._sandbox = Sandbox(base)

    def __enter__(self) -> Self:
        self._sandbox.__enter__()
        try:
            self.faults.touch()
            self._sandbox.start_server(self.requests, "--faults", str(self.faults))
            self._sandbox.log_in("home", "server")
            self.must("remote", "mkdir", "personal/Docs", "--server", "server")
            self._add("home", self.drive)
            self._sandbox.mount("home", "docs")
        except BaseException:
            self._sandbox.__exit__()
            raise
        return self

    def __exit__(self, *_exc: object) -> None:
        self._sandbox.__exit__()

    def _add(self, profile: str, drive: Path) -> None:
        words = ("--server", "server", "--remote", "personal/Docs", "--mountpoint", str(drive))
        self._sandbox.must(profile, "add", "docs", *words)

    @property
    def base(self) -> Path:
        return self._sandbox.base

    @property
    def drive(self) -> Path:
        return self._sandbox.base / "drive"

    @property
    def disk(self) -> Path:
        return self._sandbox.server_files / "Docs"

    @property
    def second(self) -> Path:
        """Where ``in_step`` mounts another replica."""
        return self._sandbox.base / "second"

    @property
    def requests(self) -> Path:
        """The server's log."""
        return self._sandbox.base / "requests.jsonl"

    @property
    def faults(self) -> Path:
        """Rules by which the server misbehaves; none at first
        (syncin_mount.devserver.faultfile)."""
        return self._sandbox.base / "faults.toml"

    @property
    def log(self) -> str:
        """What the drive's daemon wrote."""
        return (self._sandbox.base / "home" / "state" / "logs" / "docs.log").read_text()

    def must(self, *words: str) -> str:
        return self._sandbox.must("home", *words)

    def sync(self) -> None:
        self.must("sync", "docs")
        assert json.loads(self.must("journal", "docs", "--json")) == []

    def mount_again(self) -> None:
        """Nothing is left of what kernel and daemon had in memory."""
        self.must("umount", "docs")
        self.mount()

    def mount(self) -> None:
        self._sandbox.mount("home", "docs")

    def in_step(self) -> None:
        """Synchronizes, and compares drive, server and a second drive, byte by byte; mounts the
        first one again, and it is what it was, times and modes included.

        Links and names that are left out stay where they are (docs/reference/posix.md), so the
        others have none of them.
        """
        self.sync()
        here = sent(take(self.drive))
        same(here, take(self.disk), "drive and server")
        before = attributes(self.drive)
        self.mount_again()
        same(before, attributes(self.drive), "the drive before and after")
        self.use_second()
        try:
            same(here, take(self.second), "the first and the second drive")
        finally:
            self._sandbox.must("other", "umount", "docs")

    def use_second(self) -> None:
        """Another computer's replica, up to date and mounted."""
        if not (self._sandbox.base / "other").exists():
            self._sandbox.log_in("other", "server")
            self._add("other", self.second)
        self._sandbox.must("other", "sync", "docs")
        self._sandbox.mount("other", "docs")


def sent(tree: dict[str, TreeEntry]) -> dict[str, TreeEntry]:
    """The part that a server can hold."""
    return {
        path: thing for path, thing in tree.items() if thing.kind != "link" and not stays_here(path)
    }


def attributes(root: Path) -> dict[str, object]:
    """What git and make take for a sign of change, of every entry."""
    found: dict[str, object] = {}
    for folder, names, files in os.walk(root):
        for name in (*names, *files):
            path = Path(folder, name)
            info = path.lstat()
            found[str(path.relative_to(root))] = (
                info.st_ino,
                oct(info.st_mode),
                info.st_uid,
                info.st_gid,
                info.st_size,
                info.st_mtime_ns,
                info.st_ctime_ns,
                {each: os.getxattr(path, each, follow_symlinks=False) for each in names_of(path)},
            )
    return found


def names_of(path: Path) -> list[str]:
    return sorted(os.listxattr(path, follow_symlinks=False))


def same(one: dict[str, Any], other: dict[str, Any], what: str) -> None:
    if one and isinstance(next(iter(one.values())), TreeEntry):
        wrong = differences(one, other)
    else:
        wrong = [
            f"{key}: {one.get(key)} and {other.get(key)}"
            for key in one.keys() | other.keys()
            if one.get(key) != other.get(key)
        ]
    assert not wrong, f"{what} are not the same: {'; '.join(wrong[:8])} ({len(wrong)} in all)"


def eventually(condition: Callable[[], object]) -> None:
    """Looks again until it holds, for what another process does in its own time."""
    deadline = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < deadline, "it never came to be"
        time.sleep(0.01)


@contextlib.contextmanager
def background(*command: object, cwd: Path | None = None) -> Iterator[Background]:
    """A program that the test speaks with while it runs. It is killed at the end, if it is still
    there."""
    with subprocess.Popen(
        [str(part) for part in command],
        cwd=cwd,
        env=ENVIRONMENT,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        try:
            yield Background(process)
        finally:
            process.kill()


class Background:
    """What ``background`` started."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def line(self) -> str:
        """The next line that it says."""
        assert self._process.stdout is not None
        readable, _, _ = select.select([self._process.stdout], [], [], LIMIT)
        assert readable, "it says nothing"
        return self._process.stdout.readline().rstrip("\n")

    def kill(self) -> None:
        self._process.kill()
        self._process.wait(LIMIT)

    def end(self) -> str:
        """Its input ends, and it must end well; what else it said."""
        said, _ = self._process.communicate(timeout=LIMIT)
        assert self._process.returncode == 0, said
        return said
