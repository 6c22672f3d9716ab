"""Carrying files across beside Sync-in's own command-line client, on a Sync-in server, in turn, in
one run.

Neither is part of this project: the environment says where they are, and the figures are of whole
commands as somebody types them, with their start. ``SYNCIN_BENCH_URL``, ``_LOGIN`` and
``_PASSWORD`` name a server and an account that may be written to (a folder ``bench-…`` is made
below ``personal``, and stays); ``SYNCIN_BENCH_CLIENT`` is the client's JavaScript file, which
``node`` on PATH runs.

That all arrived is looked at afterwards, by names on the server and by contents here: the official
client ends with 0, and has moved nothing, where the server has no web page at ``/``.
"""

from __future__ import annotations

import filecmp
import json
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


def missing() -> str:
    """What the environment would have to name, for people; empty when it names all."""
    unset = [name for name in NEEDED if not os.environ.get(name)]
    return f"set {', '.join(unset)} to measure beside the official client" if unset else ""


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
        if told := missing():
            raise NotThere(told)
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

    def on_server(self) -> set[str]:
        """The names in the remote folder."""
        told = self._run("remote", "ls", self._remote, "--server", "bench", "--json")
        return {str(entry["name"]) for entry in json.loads(told)}

    def arrived(self, names: set[str], source: Path) -> bool:
        """Whether the drive has the contents of ``source``."""
        self._run("mount", "bench")
        try:
            return _has_all(self._drive, names, source)
        finally:
            self._run("umount", "bench")

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

    def put_equal(self, source: Path, other_time: int | None = None) -> None:
        """What is in ``source`` is taken over where it lies: the first run after that meets equal
        files. ``other_time``: they are from then (seconds since the epoch)."""
        _copy(source, self._drive, other_time)
        self._add("--import", "--yes")

    def begin_empty(self) -> None:
        self._add()

    def carry(self) -> None:
        self._run("sync", "bench")

    def _add(self, *more: str) -> None:
        words = ("--server", "bench", "--remote", self._remote, "--mountpoint", str(self._drive))
        self._run("add", "bench", *words, *more)

    def _run(self, *words: str, stdin: str = "") -> str:
        environment = {**os.environ, HOME_VARIABLE: str(self._home)}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed program is compiled
        return _must([sys.executable, "-m", "syncin_mount", *words], environment, stdin)


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
        self.put_equal(source)

    def put_equal(self, source: Path, other_time: int | None = None) -> None:
        _copy(source, self._folder, other_time)
        self._add()

    def arrived(self, names: set[str], source: Path) -> bool:
        """Whether the folder has the contents of ``source``."""
        return _has_all(self._folder, names, source)

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


def _copy(source: Path, target: Path, time: int | None) -> None:
    shutil.copytree(source, target, dirs_exist_ok=True)
    if time is not None:
        for each in target.iterdir():
            os.utime(each, (time, time))


def _has_all(folder: Path, names: set[str], source: Path) -> bool:
    return set(filecmp.cmpfiles(source, folder, names, shallow=False)[0]) == names


def _must(command: list[str], environment: dict[str, str], stdin: str) -> str:
    done = subprocess.run(
        command, env=environment, input=stdin, text=True, capture_output=True, check=False
    )
    said = f"\n{done.stdout}\n{done.stderr}"
    if done.returncode != 0 or "\nError:" in said:  # the official client ends with 0 all the same
        raise subprocess.SubprocessError(f"{command[-3:]} failed: {said.strip()[-400:]}")
    return done.stdout


Client = Ours | Official


def _fill(folder: Path, count: int, size: int) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for number in range(count):
        with (folder / f"{number:06d}.bin").open("wb") as file:
            for offset in range(0, size, PIECE):
                file.write(os.urandom(min(PIECE, size - offset)))
    return folder


def up(client: Client, source: Path, other: Callable[[], Ours]) -> float:
    """Seconds from files that wait here to all of them on the server."""
    client.put_here(source)
    took = _timed(client.carry)
    _must_arrive(client, _names(source) <= other().on_server())
    return took


def down(client: Client, source: Path, other: Callable[[], Ours]) -> float:
    """Seconds from an empty folder here to all that the server has."""
    _send(other(), source)
    client.begin_empty()
    took = _timed(client.carry)
    _must_arrive(client, client.arrived(_names(source), source))
    return took


def meet(client: Client, source: Path, other: Callable[[], Ours]) -> float:
    """Seconds of a first run that meets equal files on both sides."""
    return _meet(client, source, other, None)


def meet_with_other_times(client: Client, source: Path, other: Callable[[], Ours]) -> float:
    """The same, where each file here is a day younger than on the server."""
    return _meet(client, source, other, int(time.time()) + 86_400)


def _meet(client: Client, source: Path, other: Callable[[], Ours], at: int | None) -> float:
    _send(other(), source)
    with _one_more(source) as name:
        client.put_equal(source, at)
        took = _timed(client.carry)
        _must_arrive(client, name in other().on_server())
    return took


@contextmanager
def _one_more(source: Path) -> Iterator[str]:
    """A file that the server does not have: that it arrives shows that a run took place."""
    name = "one-more.bin"
    (source / name).write_bytes(b"new")
    try:
        yield name
    finally:
        (source / name).unlink()


def _send(sender: Ours, source: Path) -> None:
    sender.put_equal(source)
    sender.carry()
    _must_arrive(sender, _names(source) <= sender.on_server())


def _names(source: Path) -> set[str]:
    return {each.name for each in source.iterdir()}


def _must_arrive(client: Client, arrived: bool) -> None:
    if not arrived:
        raise subprocess.SubprocessError(f"{client.name} ended well, and not all has arrived")


def _timed(act: Callable[[], None]) -> float:
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


ROWS: dict[
    str, tuple[str, Callable[[Client, Path, Callable[[], Ours]], float], int, int, float]
] = {
    "official-large-up": ("500 MiB to the server", up, 1, LARGE, 1.2),
    "official-large-down": ("500 MiB from it", down, 1, LARGE, 1.2),
    "official-small-up": ("2,000 files of 4 KiB to the server", up, 2000, 4096, 1.5),
    "official-small-down": ("2,000 files of 4 KiB from it", down, 2000, 4096, 1.3),
    "official-first-run": ("a first run over 20,000 equal files", meet, 20_000, 1024, 1 / 1.5),
    "official-first-run-times": (
        *("a first run over 20,000 equal files with other times", meet_with_other_times),
        *(20_000, 1024, 1 / 1.5),
    ),
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
                # mypy cannot infer a lambda with a default
                took = act(client, source, lambda remote=remote: Ours(place, remote))  # type: ignore[misc]
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
