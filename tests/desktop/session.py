"""A desktop of its own for a test: a screen (Xvfb), a message bus, a window manager, a home, and a
drive in it whose files have every state."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Self

import trio

from syncin_mount.app.support.desktop_files import install, remove
from syncin_mount.control.client import Client
from syncin_mount.control.state_messages import StatesRequest

PASSWORD = "a-password"
PATIENCE = 60.0
"""Seconds that anything gets."""

PROGRAMS = ("Xvfb", "dbus-daemon", "openbox", "xdotool", "import", "xsetroot", "fusermount3")

FAULTS = """
[[rule]]
path = "*waits*"
effect = "reply"
status = 503
[[rule]]
path = "*going*"
effect = "delay"
seconds = 600
[[rule]]
path = "*refused*"
effect = "reply"
status = 403
[[rule]]
method = "GET"
path = "*far*"
effect = "reply"
status = 503
"""
"""What the server does with the files of these names: so they keep their states."""

STATES = {
    "done.txt": "synced",
    "waits.txt": "waiting",
    "going.txt": "syncing",
    "refused.txt": "problem",
    "Thumbs.db": "local",
    "far.txt": "absent",
}


def wait_until(condition: Callable[[], bool], what: str, seconds: float = PATIENCE) -> float:
    """Seconds that it took."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds, f"waited in vain: {what}"
        time.sleep(0.05)  # asks again: another process
    return time.monotonic() - began


class Desktop:
    """``base`` is empty, and short enough for a socket's path."""

    def __init__(self, base: Path, size: str = "1000x700") -> None:
        self.base = base
        self.home = base / "home"
        self.drive = self.home / "Drive"
        self.share = self.home / ".local/share"
        self.bookmarks = self.home / ".config/gtk-3.0/bookmarks"
        self._size = size
        self.width = int(size.partition("x")[0])
        self._processes: list[subprocess.Popen[bytes]] = []
        self.environment: dict[str, str] = {}

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.callback(self._end)
            self._begin()
            stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def _begin(self) -> None:
        for folder in (self.home, self.base / "run", self.base / "server"):
            folder.mkdir(parents=True)
        (self.base / "run").chmod(0o700)
        kept = ("PATH", "LANG", "LC_ALL", "LANGUAGE")
        self.environment = {
            **{name: os.environ[name] for name in kept if name in os.environ},
            "HOME": str(self.home),
            "XDG_RUNTIME_DIR": str(self.base / "run"),
            "XDG_CURRENT_DESKTOP": "GNOME",
            "GDK_BACKEND": "x11",
            "GSETTINGS_BACKEND": "memory",
            "GIO_USE_VFS": "local",
            "GSK_RENDERER": "cairo",  # without a graphics card, OpenGL takes all processors
            "NO_AT_BRIDGE": "1",
            "QT_QPA_PLATFORM": "xcb",
        }
        reader, writer = os.pipe()
        screen = [
            "Xvfb",
            "-displayfd",
            str(writer),
            "-screen",
            "0",
            f"{self._size}x24",
            "-nolisten",
        ]
        self._processes.append(
            subprocess.Popen([*screen, "tcp"], pass_fds=(writer,), stderr=subprocess.DEVNULL)
        )
        os.close(writer)
        with os.fdopen(reader) as said:
            self.environment["DISPLAY"] = f":{said.readline().strip()}"
        bus = self.start("dbus-daemon", "--session", "--nofork", "--print-address", piped=True)
        assert bus.stdout is not None
        address = bus.stdout.readline().decode().strip()
        self.environment["DBUS_SESSION_BUS_ADDRESS"] = address
        self.start("openbox")

    def _end(self) -> None:
        if (self.home / ".config/syncin-mount/config.toml").exists():
            self.run("umount", "--force", "docs", check=False)
            self.run("down", "--force", check=False)
        for folder in self.home.iterdir():
            if os.path.ismount(folder):
                subprocess.run(["fusermount3", "-u", "-z", str(folder)], check=False)
        for process in reversed(self._processes):
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()

    # processes ------------------------------------------------------------------------------------
    def start(
        self,
        *command: str,
        piped: bool = False,
        asked: bool = False,
        more: Mapping[str, str] | None = None,
    ) -> subprocess.Popen[bytes]:
        """A program of this desktop, which is ended with it. What it says goes to ``said.log``, or
        to who has started it (``piped``), who may write to it, too (``asked``)."""
        with (self.base / "said.log").open("ab") as log:
            process = subprocess.Popen(
                command,
                env=self.environment | dict(more or {}),
                stdin=subprocess.PIPE if asked else subprocess.DEVNULL,
                stdout=subprocess.PIPE if piped else log,
                stderr=log,
                cwd=self.home,
            )
        self._processes.append(process)
        return process

    def run(self, *words: str, stdin: str = "", check: bool = True) -> str:
        """A command of the program."""
        done = subprocess.run(
            [sys.executable, "-m", "syncin_mount", *words],
            env=self.environment,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
            cwd=self.home,
        )
        assert not check or done.returncode == 0, (words, done.stdout, done.stderr)
        return done.stdout

    def said(self) -> str:
        """What all programs wrote."""
        return (self.base / "said.log").read_text(errors="replace")

    # the drive ------------------------------------------------------------------------------------
    def serve(self) -> Path:
        """A server, and this computer logged in to it. The user's folder there."""
        faults, ready = self.base / "faults.toml", self.base / "ready"
        faults.write_text(FAULTS)
        program = (sys.executable, "-m", "syncin_mount")
        self.start(
            *program,
            *("serve", "--root", str(self.base / "server"), "--user", f"user1:{PASSWORD}"),
            *("--faults", str(faults), "--ready-file", str(ready)),
        )
        wait_until(lambda: ready.exists() and bool(ready.read_text()), "the server")
        login = ("--login", "user1", "--password-stdin")
        self.run("server", "add", "home", ready.read_text().strip(), *login, stdin=f"{PASSWORD}\n")
        there = self.base / "server/users/user1/files"
        there.mkdir(parents=True, exist_ok=True)
        return there

    def mount(self, *, many: int = 0) -> None:
        """A server, and a drive of it, with a file of each of `STATES` and, in the folder ``many``,
        as many others."""
        there = self.serve() / "docs"
        there.mkdir()
        (there / "done.txt").write_text("both have it")
        (there / "far.txt").write_text("only the server has it")
        (there / "Letters").mkdir()
        (there / "Letters" / "offer.txt").write_text("both have it")
        if many:
            (there / "many").mkdir()
            for number in range(many):
                (there / "many" / f"{number:05}.txt").write_text("x")
        where = ("--remote", "personal/docs", "--mountpoint", str(self.drive))
        self.bookmarks.parent.mkdir(parents=True, exist_ok=True)
        self.run("add", "docs", "--server", "home", *where, "--bookmark")
        self.run("mount", "docs")
        wait_until(lambda: self._absent() <= 1, "the contents", 900)
        # The one that takes long comes last: what is sent with it would wait for it.
        for name in ("Thumbs.db", "refused.txt", "waits.txt", "going.txt"):
            (self.drive / name).write_text("from here")
            wait_until(lambda name=name: self.state(name) == STATES[name], name)  # type: ignore[misc]

    def state(self, path: str) -> str | None:
        """What the drive says of a file in it."""
        folder, _, name = path.rpartition("/")

        async def ask() -> str | None:
            async with Client(self.home / ".local/state/syncin-mount/run/docs.sock") as client:
                [state] = (await client.states(StatesRequest(folder, (name,)))).states
                return None if state is None else state.value

        return trio.run(ask)

    def _absent(self) -> int:
        [status] = json.loads(self.run("status", "docs", "--json"))
        return -1 if status["known"] == 0 else int(status["absent"])

    def held(self) -> int:
        """How many changes are held."""
        [status] = json.loads(self.run("status", "docs", "--json"))
        return int(status["held_count"])

    def daemon_pid(self) -> int:
        """The process of the drive."""
        [status] = json.loads(self.run("status", "docs", "--json"))
        return int(status["pid"])

    def uninstall(self) -> None:
        """What `desktop remove` does."""
        remove(self.share)

    def install(self) -> None:
        """What `desktop install` puts into the user's folders."""
        install(self.share, (sys.executable, "-m", "syncin_mount"))

    # the screen -----------------------------------------------------------------------------------
    def windows(self, name: str) -> list[str]:
        """Numbers of the visible windows with this in their title."""
        done = subprocess.run(
            ["xdotool", "search", "--onlyvisible", "--name", name],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout.split()

    def xdotool(self, *words: str) -> None:
        """One action of mouse or keyboard."""
        subprocess.run(["xdotool", *words], env=self.environment, check=True, capture_output=True)

    def picture(self, path: Path) -> None:
        """What the screen shows."""
        subprocess.run(
            ["import", "-window", "root", str(path)], env=self.environment, check=True, timeout=20
        )


class Screen:
    """What the screen of a desktop shows, as pixels."""

    def __init__(self, desktop: Desktop, colours: Mapping[str, tuple[int, int, int]]) -> None:
        self._desktop = desktop
        self._path = desktop.base / "screen.png"
        self._names = {bytes(colour): name for name, colour in colours.items()}

    def pixels(self) -> bytes:
        self._desktop.picture(self._path)
        done = subprocess.run(
            ["convert", str(self._path), "-depth", "8", "rgb:-"], check=True, capture_output=True
        )
        return done.stdout

    def counts(self) -> dict[str, int]:
        """Pixels in each of the colours."""
        pixels = self.pixels()
        found = dict.fromkeys(self._names.values(), 0)
        for start in range(0, len(pixels), 3):
            name = self._names.get(pixels[start : start + 3])
            if name is not None:
                found[name] += 1
        return found

    def middle(self, name: str) -> tuple[int, int]:
        """Where what has the colour is; there is one such thing."""
        pixels = self.pixels()
        places = [
            divmod(start // 3, self._desktop.width)
            for start in range(0, len(pixels), 3)
            if self._names.get(pixels[start : start + 3]) == name
        ]
        rows, columns = sorted(y for y, _ in places), sorted(x for _, x in places)
        return columns[len(columns) // 2], rows[len(rows) // 2]

    def keep(self, name: str) -> None:
        """A picture to be looked at, in the folder ``SYNCIN_PICTURES``."""
        if folder := kept():
            self._desktop.picture(folder / f"{name}.png")


def kept() -> Path | None:
    """The folder for pictures, where somebody wants to have any."""
    if not (named := os.environ.get("SYNCIN_PICTURES")):
        return None
    folder = Path(named)
    folder.mkdir(parents=True, exist_ok=True)
    return folder
