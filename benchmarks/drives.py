"""The drives that the benchmark of the mount measures in turn: each a folder, and the processes
that answer for it."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.ground import Ground

SOURCE = Path(__file__).with_name("passthrough.c")
START = 20.0
"""Seconds that a mount gets to appear."""


@dataclass
class Drive:
    """A folder to work in. ``answering`` are the processes whose CPU and memory count, ``others``
    what else works for it behind (servers)."""

    name: str
    root: Path
    answering: list[int] = field(default_factory=list)
    others: list[int] = field(default_factory=list)

    def cpu(self) -> float:
        """Seconds that the answering processes have used."""
        return sum(map(_cpu, self.answering))

    def memory(self) -> tuple[int, int]:
        """Bytes resident, and of these the ones that are the processes' own (not mapped from
        files)."""
        status = [Path(f"/proc/{pid}/status").read_text() for pid in self.answering]
        resident, own = (
            sum(_kib(text, what) for text in status) * 1024 for what in ("VmRSS:", "RssAnon:")
        )
        return resident, own

    def settle(self, most: float = 120.0) -> None:
        """Returns once nothing works for this drive any more: what was written has been carried on,
        say."""
        deadline, quiet = time.monotonic() + most, 0
        before = sum(map(_cpu, self.answering + self.others))
        while (self.answering or self.others) and quiet < 4 and time.monotonic() < deadline:
            time.sleep(0.25)  # between two looks at what others use of the processor
            now = sum(map(_cpu, self.answering + self.others))
            quiet = quiet + 1 if now - before < 0.008 else 0
            before = now


def _cpu(pid: int) -> float:
    """clock_getcpuclockid(3): a process's CPU clock, user and system, in ns."""
    return time.clock_gettime_ns((~pid << 3) | 2) / 1e9


def _kib(status: str, what: str) -> int:
    return int(status.partition(what)[2].split()[0])


@contextlib.contextmanager
def all_drives(ground: Ground, prepare: Callable[[Path], None]) -> Iterator[list[Drive]]:
    """Every drive that there can be here, with what ``prepare`` puts into a folder in each: where
    there is a server, on the server beforehand."""
    with contextlib.ExitStack() as stack:
        drives = [
            _native(ground, prepare),
            stack.enter_context(_passthrough(ground, prepare)),
            _ours(ground, prepare),
        ]
        if shutil.which("rclone"):
            drives.append(stack.enter_context(_rclone(ground, prepare)))
        else:
            print("rclone is not installed, so it is not measured.", flush=True)
        for drive in drives:
            drive.settle()
        yield drives


def _new(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder


def _native(ground: Ground, prepare: Callable[[Path], None]) -> Drive:
    root = _new(ground.sandbox.base / "native")
    prepare(root)
    return Drive("native", root)


@contextlib.contextmanager
def _passthrough(ground: Ground, prepare: Callable[[Path], None]) -> Iterator[Drive]:
    base = ground.sandbox.base / "passthrough"
    source, mounted, program = _new(base / "source"), _new(base / "mounted"), base / "passthrough"
    flags = subprocess.run(
        ["pkg-config", "--cflags", "--libs", "fuse3"], capture_output=True, text=True, check=True
    )
    subprocess.run(["cc", "-O2", "-o", program, SOURCE, *shlex.split(flags.stdout)], check=True)
    prepare(source)
    with _mounted([program, source, mounted], mounted) as process:
        yield Drive("C", mounted, [process.pid])


def _ours(ground: Ground, prepare: Callable[[Path], None]) -> Drive:
    """As a user has it: the daemon with its engine and everything, beside the embedded server."""
    name = ground.fresh()
    prepare(ground.folder(name))
    ground.sandbox.mount(name, "bench")
    ground.sandbox.must(name, "sync", "bench")
    return Drive("ours", ground.drive(name), [ground.daemon(name)], [ground.sandbox.server_pid])


@contextlib.contextmanager
def _rclone(ground: Ground, prepare: Callable[[Path], None]) -> Iterator[Drive]:
    """Its own WebDAV server on a local folder, and its mount of that, as it comes but for
    ``--vfs-cache-mode full``."""
    base = ground.sandbox.base / "rclone"
    served, mounted = _new(base / "served"), _new(base / "mounted")
    prepare(served)
    port = _free_port()
    common = ["rclone", "--config", "", "--cache-dir", str(base / "cache")]
    serve = [*common, "serve", "webdav", str(served), "--addr", f"127.0.0.1:{port}"]
    mount = [*common, "mount", ":webdav:", str(mounted), "--webdav-url", f"http://127.0.0.1:{port}"]
    with subprocess.Popen(serve, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            _wait(lambda: _answers(port))
            with _mounted([*mount, "--vfs-cache-mode", "full"], mounted) as process:
                yield Drive("rclone", mounted, [process.pid], [server.pid])
        finally:
            server.terminate()


@contextlib.contextmanager
def _mounted(command: list[str | Path], point: Path) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            _wait(lambda: os.path.ismount(point))
            yield process
        finally:
            subprocess.run(["fusermount3", "-u", "-z", point], check=False, capture_output=True)
            process.terminate()


def _wait(until: Callable[[], bool]) -> None:
    deadline = time.monotonic() + START
    while not until():
        if time.monotonic() > deadline:
            raise TimeoutError("what the benchmark started does not answer")
        # between two looks: what another process does in its own time is not ours to signal
        time.sleep(0.05)


def _free_port() -> int:
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        return int(asked.getsockname()[1])


def _answers(port: int) -> bool:
    with socket.socket() as asked:
        return asked.connect_ex(("127.0.0.1", port)) == 0
