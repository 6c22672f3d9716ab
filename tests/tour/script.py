"""docs/tour.md and docs/tutorial.md as scripts: a page's commands are run in one shell, and what
they say is compared.

In a ``console`` block a line that begins with ``$ `` is a command, and ``> `` goes on with it; what
follows is what it says, on either stream. ``…`` stands for anything within a line, and alone on a
line for any lines. The page has a home of ``/home/user1`` and servers at the ports in ``PORTS``; a
run has others, which are put in and out again.
"""

from __future__ import annotations

import os
import re
import select
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
PAGES = (DOCS / "tour.md", DOCS / "tutorial.md")
HOME = "/home/user1"
PORTS = (8001, 8002)
LIMIT = 120.0
"""Seconds that any command gets."""

ANY = "…"
_VOLATILE = (
    re.compile(
        r"(?<=: )(nothing to do, both sides are the same|\d+ actions? done, .*)$"
    ),  # the drive runs by itself, too
    re.compile(r"^\d+(?= +\d{4}-)"),  # the number of a change, or of an entry of a bin
    re.compile(r"(?<=  )\d+(?= +(remote|local) )"),  # that of a run
    re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d)?"),  # a moment
    re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"),  # an id
    re.compile(r"\b[0-9a-f]{8}(?=\*? {2,})"),  # a short one in a table
    re.compile(r"(?<=pid )\d+"),
    re.compile(r"\b\d+([.]\d+)? (ms|s|min)\b"),
    re.compile(r"(?<=--yes )[0-9a-f]{6,}"),
)


@dataclass
class Command:
    """``line`` is where it begins on the page, from 0; ``said`` is what the page says that it
    says."""

    line: int
    text: str
    said: list[str] = field(default_factory=list)


def commands(page: str) -> list[Command]:
    """All commands of a page, in order."""
    found: list[Command] = []
    inside = False
    for number, line in enumerate(page.splitlines()):
        if line.startswith("```"):
            inside = line == "```console"
        elif inside and line.startswith("$ "):
            found.append(Command(number, line[2:]))
        elif inside and line.startswith("> ") and not found[-1].said:
            found[-1].text += f"\n{line[2:]}"
        elif inside:
            found[-1].said.append(line)
    return found


def agrees(expected: list[str], said: list[str]) -> bool:
    """Whether the page describes the output."""
    pattern = "\n".join(
        r"(?:.*\n)*?.*" if line == ANY else ".*".join(map(re.escape, _narrow(line).split(ANY)))
        for line in expected
    )
    return re.fullmatch(pattern, "\n".join(map(_narrow, said))) is not None


def _narrow(line: str) -> str:
    """Columns are as wide as what is in them, so their width differs from run to run."""
    return re.sub(" {2,}", "  ", line)


def recorded(said: list[str]) -> list[str]:
    """The output as the page has it: what differs from run to run is left open."""
    lines = []
    for line in said:
        for pattern in _VOLATILE:
            line = pattern.sub(ANY, line)  # noqa: PLW2901
        lines.append(line)
    return lines


def with_recorded(page: str, said: list[list[str]]) -> str:
    """The page with other outputs, where they are not as it says."""
    lines, result, position = page.splitlines(), [], 0
    for command, output in zip(commands(page), said, strict=True):
        length = command.text.count("\n") + 1
        kept = command.said if agrees(command.said, output) else recorded(output)
        result += [*lines[position : command.line + length], *kept]
        position = command.line + length + len(command.said)
    return "\n".join([*result, *lines[position:]]) + "\n"


class Shell:
    """A bash with an empty home, in which the page's commands are run."""

    def __init__(self, home: Path) -> None:
        self._names = {HOME: str(home)} | {
            str(port): str(free) for port, free in zip(PORTS, _free_ports(), strict=True)
        }
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        environment = {
            "PATH": path,
            "HOME": str(home),
            "LANG": "C.UTF-8",
            "TZ": "UTC",
            "NO_COLOR": "1",
            "COLUMNS": "100",
        }
        self._bash = subprocess.Popen(
            ["bash", "--norc", "--noprofile"],
            cwd=home,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def run(self, command: str) -> list[str]:
        """What it says, in the page's names. Raises TimeoutError."""
        assert self._bash.stdin is not None
        end = f"<end {os.urandom(8).hex()}>"
        self._bash.stdin.write(f"{self._put_in(command)}\nprintf '%s\\n' '{end}'\n".encode())
        self._bash.stdin.flush()
        said = self._read_until(end.encode())
        return self._put_out(said.decode(errors="replace")).splitlines()

    def _read_until(self, end: bytes) -> bytes:
        assert self._bash.stdout is not None
        said, until = b"", time.monotonic() + LIMIT
        while not said.endswith(end + b"\n"):
            readable, _, _ = select.select(
                [self._bash.stdout], [], [], max(until - time.monotonic(), 0)
            )
            piece = os.read(self._bash.stdout.fileno(), 1 << 16) if readable else b""
            if not piece:
                raise TimeoutError(f"no end after: {said.decode(errors='replace')[-2000:]}")
            said += piece
        return said.removesuffix(end + b"\n")

    def _put_in(self, text: str) -> str:
        for shown, real in self._names.items():
            text = text.replace(shown, real)
        return text

    def _put_out(self, text: str) -> str:
        for shown, real in self._names.items():
            text = text.replace(real, shown)
        return text

    def close(self) -> None:
        """Ends it, and all that it started."""
        assert self._bash.stdin is not None
        assert self._bash.stdout is not None
        self._bash.stdin.close()
        try:
            self._bash.wait(LIMIT)
        finally:
            self._bash.kill()
            self._bash.stdout.close()


def _free_ports() -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in PORTS]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


@contextmanager
def shell(home: Path) -> Iterator[Shell]:
    """The shell; afterwards nothing that the page's commands started is left, whatever came of
    them."""
    opened = Shell(home)
    try:
        yield opened
    finally:
        try:
            opened.run(
                "syncin-mount down; for each in docs plans theirs photos; do syncin-mount umount"
                " --force $each; done"
            )
            opened.run("kill %1 %2; wait")
        finally:
            opened.close()
            for point in home.iterdir():
                if os.path.ismount(point):
                    subprocess.run(["fusermount3", "-u", "-z", point], check=False, timeout=LIMIT)
