"""Carrying files across beside Sync-in's own command-line client, on a Sync-in server, in turn, in
one run.

Neither is part of this project: the environment says where they are, and the figures are of whole
commands as somebody types them, with their start. ``SYNCIN_BENCH_URL``, ``_LOGIN`` and
``_PASSWORD`` name a server and an account that may be written to (a folder ``bench-…`` is made
below ``personal``, and stays); ``SYNCIN_BENCH_CLIENT`` is the client's JavaScript file, which
``node`` on PATH runs.
"""

from __future__ import annotations

import os
import secrets
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from syncin_mount.config.folders import HOME_VARIABLE

PIECE = 1 << 20
LARGE = 500 << 20
NEEDED = ("SYNCIN_BENCH_URL", "SYNCIN_BENCH_LOGIN", "SYNCIN_BENCH_PASSWORD", "SYNCIN_BENCH_CLIENT")


class NotThere(Exception):
    """What the environment does not name; its text is for people."""


@dataclass(frozen=True)
class Place:
    """A server, an account, and a folder here for both clients' own files."""

    url: str
    login: str
    password: str
    client: Path
    base: Path

    @staticmethod
    def of_environment(base: Path) -> Place:
        """Raises NotThere."""
        missing = [name for name in NEEDED if not os.environ.get(name)]
        if missing:
            raise NotThere(f"set {', '.join(missing)} to measure beside the official client")
        url, login, password, client = (os.environ[name] for name in NEEDED)
        return Place(url, login, password, Path(client), base)


class Ours:
    """This program, with a replica."""

    name = "ours"

    def __init__(self, place: Place, remote: str) -> None:
        self._home = place.base / f"ours-{secrets.token_hex(4)}"
        self._drive = self._home.with_name(self._home.name + "-drive")
        added = ("server", "add", "bench", place.url, "--login", place.login, "--password-stdin")
        self._run(*added, stdin=place.password)
        self._remote = remote

    def make_remote(self, path: str) -> None:
        self._run("remote", "mkdir", path, "--server", "bench")

    def put_here(self, source: Path) -> None:
        """What is in ``source`` waits in the drive's replica to be sent."""
        self._add()
        self._run("pause", "bench")
        self._run("mount", "bench")
        try:
            shutil.copytree(source, self._drive, dirs_exist_ok=True)
        finally:
            self._run("umount", "bench")
        self._run("resume", "bench")

    def put_equal(self, source: Path) -> None:
        """What is in ``source`` is taken over where it lies: the first run after that meets equal
        files."""
        shutil.copytree(source, self._drive)
        self._add("--import", "--yes")

    def begin_empty(self) -> None:
        self._add()

    def carry(self) -> None:
        self._run("sync", "bench")

    def _add(self, *more: str) -> None:
        words = ("--server", "bench", "--remote", self._remote, "--mountpoint", str(self._drive))
        self._run("add", "bench", *words, *more)

    def _run(self, *words: str, stdin: str = "") -> None:
        environment = {**os.environ, HOME_VARIABLE: str(self._home)}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed program is compiled
        _must([sys.executable, "-m", "syncin_mount", *words], environment, stdin)


class Official:
    """Sync-in's client, with a folder."""

    name = "official"

    def __init__(self, place: Place, remote: str) -> None:
        self._home = place.base / f"official-{secrets.token_hex(4)}"
        self._folder = self._home / "folder"
        self._folder.mkdir(parents=True)
        self._client = place.client
        self._remote = remote
        self._run(
            "servers",
            "add",
            "-n",
            "bench",
            "-w",
            place.url,
            "-u",
            place.login,
            "-p",
            place.password,
        )

    def put_here(self, source: Path) -> None:
        shutil.copytree(source, self._folder, dirs_exist_ok=True)
        self._add()

    put_equal = put_here

    def begin_empty(self) -> None:
        self._add()

    def carry(self) -> None:
        self._run("run")

    def _add(self) -> None:
        self._run(
            "paths", "add", "-s", "bench", "-l", str(self._folder), "-r", self._remote, "-m", "both"
        )

    def _run(self, *words: str) -> None:
        environment = {**os.environ, "HOME": str(self._home)}
        _must(["node", os.fspath(self._client), *words], environment, "")


def _must(command: list[str], environment: dict[str, str], stdin: str) -> None:
    done = subprocess.run(
        command, env=environment, input=stdin, text=True, capture_output=True, check=False
    )
    said = f"\n{done.stdout}\n{done.stderr}"
    if done.returncode != 0 or "\nError:" in said:  # the official client ends with 0 all the same
        raise subprocess.SubprocessError(f"{command[-3:]} failed: {said.strip()[-400:]}")


Client = Ours | Official


def _fill(folder: Path, count: int, size: int) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for number in range(count):
        with (folder / f"{number:06d}.bin").open("wb") as file:
            for offset in range(0, size, PIECE):
                file.write(os.urandom(min(PIECE, size - offset)))
    return folder


def up(client: Client, source: Path, _other: Callable[[], Client]) -> float:
    """Seconds from files that wait here to all of them on the server."""
    client.put_here(source)
    return _timed(client.carry)


def down(client: Client, source: Path, other: Callable[[], Client]) -> float:
    """Seconds from an empty folder here to all that the server has."""
    sender = other()
    sender.put_here(source)
    sender.carry()
    client.begin_empty()
    return _timed(client.carry)


def meet(client: Client, source: Path, other: Callable[[], Client]) -> float:
    """Seconds of a first run that meets equal files on both sides."""
    sender = other()
    sender.put_here(source)
    sender.carry()
    client.put_equal(source)
    return _timed(client.carry)


def _timed(act: Callable[[], None]) -> float:
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


ROWS: dict[
    str, tuple[str, Callable[[Client, Path, Callable[[], Client]], float], int, int, float]
] = {
    "official-large-up": ("500 MiB to the server", up, 1, LARGE, 1.2),
    "official-large-down": ("500 MiB from it", down, 1, LARGE, 1.2),
    "official-small-up": ("2,000 files of 4 KiB to the server", up, 2000, 4096, 1.5),
    "official-small-down": ("2,000 files of 4 KiB from it", down, 2000, 4096, 1.3),
    "official-first-run": ("a first run over 20,000 equal files", meet, 20_000, 1024, 1 / 1.5),
}
"""What, how, how many files, of how many bytes, and how many times the official client's speed is
wanted."""


def measure(row: str, rounds: int, scale: float) -> dict[str, Any]:
    """One row's figures: both clients in turn, each first in every other round. Raises NotThere."""
    _, act, count, size, wanted = ROWS[row]
    count = max(int(count * scale), 1) if count > 1 else 1
    seconds: dict[str, list[float]] = {"ours": [], "official": []}
    with _place() as place:
        source = _fill(place.base / "source", count, size if count > 1 else int(size * scale))
        for turn in range(rounds):
            kinds: list[type[Client]] = [Ours, Official]
            for kind in kinds[:: 1 if turn % 2 == 0 else -1]:
                remote = f"personal/bench-{secrets.token_hex(6)}"
                Ours(place, remote).make_remote(remote)
                client = kind(place, remote)
                took = act(client, source, lambda remote=remote: Official(place, remote))  # type: ignore[misc]
                seconds[client.name].append(took)
    speeds = [
        theirs / ours for ours, theirs in zip(seconds["ours"], seconds["official"], strict=True)
    ]
    return {
        "ours, s": [round(each, 2) for each in seconds["ours"]],
        "official, s": [round(each, 2) for each in seconds["official"]],
        "times the official client's speed (median)": round(statistics.median(speeds), 2),
        "wanted": round(wanted, 2),
    }


@contextmanager
def _place() -> Iterator[Place]:
    base = Path(tempfile.mkdtemp(prefix="syncin-bench-"))
    try:
        yield Place.of_environment(base)
    finally:
        shutil.rmtree(base, ignore_errors=True)
