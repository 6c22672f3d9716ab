"""A world to try things in: an embedded server as a process of its own, profiles, mount points; all
of it goes away."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from syncin_mount.cli.exit_status import CommandError, Exit
from syncin_mount.cli.ui import output
from syncin_mount.config.folders import HOME_VARIABLE
from syncin_mount.language import t

if TYPE_CHECKING:
    from collections.abc import Iterator

LOGIN = "user1"
_START = 20.0
"""Seconds that the server gets to start or to end."""


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended."""

    status: int
    out: str
    error: str


class Sandbox:
    """A context manager. ``base`` holds everything; it is a new temporary folder, removed at the
    end, unless given."""

    def __init__(self, base: Path | None = None) -> None:
        self._given = base
        self._password = secrets.token_urlsafe(12)
        self._server: subprocess.Popen[bytes] | None = None
        self._port = 0
        self._profiles: dict[str, list[str]] = {}

    def __enter__(self) -> Self:
        if self._given is None:
            self.base = Path(os.path.realpath(tempfile.mkdtemp(prefix="syncin-mount-")))
        else:
            self.base = Path(os.path.realpath(self._given))
            self.base.mkdir(parents=True, exist_ok=True)
            if any(self.base.iterdir()):
                raise CommandError(
                    t("the folder {base} is not empty; give a new or empty one", base=self.base)
                )
        self.server_root = self.base / "server"
        self.server_root.mkdir()
        users = self.base / "users"
        users.touch(mode=0o600)
        users.write_text(f"{LOGIN}:{self._password}\n")
        return self

    def __exit__(self, *exc_info: object) -> None:
        # A second Ctrl-C, or one that the terminal sends to us and our children alike, must not
        # stop the cleaning up.
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            self._clean_up()
        finally:
            signal.signal(signal.SIGINT, before)

    def _clean_up(self) -> None:
        for profile, names in self._profiles.items():
            for name in names:
                self.run(profile, "umount", "--force", name)
        self.stop_server()
        self._unmount_leftovers()
        if self._given is None:
            shutil.rmtree(self.base, ignore_errors=True)

    def _unmount_leftovers(self) -> None:
        """Nothing below the folder may stay mounted: removing it would reach into a drive."""
        from syncin_mount.mount_table import mounts, unmount  # noqa: PLC0415 (start-up time)

        for mount in reversed(mounts()):
            if self.base in mount.point.parents:
                why = unmount(mount.point, lazily=True)
                if why is not None:
                    raise CommandError(
                        t(
                            "{point} cannot be unmounted ({why}); do it, then remove {base}",
                            point=mount.point,
                            why=why,
                            base=self.base,
                        )
                    )

    # the server -----------------------------------------------------------------------------------
    @property
    def port(self) -> int:
        return self._port

    @property
    def server_pid(self) -> int:
        assert self._server is not None
        return self._server.pid

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def server_files(self) -> Path:
        """The user's files on the server's disk."""
        return self.server_root / "users" / LOGIN / "files"

    def start_server(self, request_log: Path, *options: str) -> None:
        """Starts it, on the port it had before if any, and waits until it answers. ``options``:
        further words for ``serve``. Raises CommandError."""
        ready = self.base / "ready"
        ready.unlink(missing_ok=True)
        command = [sys.executable, "-m", "syncin_mount", "serve", "--root", str(self.server_root)]
        command += ["--port", str(self._port), "--users-file", str(self.base / "users")]
        command += ["--ready-file", str(ready), "--request-log", str(request_log), *options]
        with (self.base / "server.log").open("ab") as log:
            self._server = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        deadline = time.monotonic() + _START
        while not ready.exists():
            if self._server.poll() is not None or time.monotonic() > deadline:
                said = (self.base / "server.log").read_text(errors="replace").strip().splitlines()
                raise CommandError(
                    t("the embedded server does not start: {said}", said=said[-1] if said else ""),
                    Exit.UNFINISHED,
                )
            time.sleep(0.02)
        self._port = int(ready.read_text().strip().rpartition(":")[2])

    def kill_server(self) -> None:
        """As a power cut would: nothing is said, nothing is finished."""
        assert self._server is not None
        self._server.kill()
        self._server.wait()
        self._server = None

    def stop_server(self) -> None:
        if self._server is None:
            return
        self._server.terminate()
        try:
            self._server.wait(_START)
        except subprocess.TimeoutExpired:
            self._server.kill()
            self._server.wait()
        self._server = None

    # commands -------------------------------------------------------------------------------------
    def run(self, profile: str, *words: str, stdin: str = "") -> Done:
        """One command of this program, as a process, with ``profile`` as its SYNCIN_MOUNT_HOME."""
        done = subprocess.run(
            [sys.executable, "-m", "syncin_mount", *words],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, HOME_VARIABLE: str(self.base / profile)},
        )
        return Done(done.returncode, done.stdout, done.stderr.strip())

    def must(self, profile: str, *words: str, stdin: str = "") -> str:
        """``run`` that has to succeed; returns its output. Raises CommandError."""
        done = self.run(profile, *words, stdin=stdin)
        if done.status != Exit.DONE:
            said = (done.error or done.out).removeprefix("syncin-mount: ")
            raise CommandError(
                t(
                    "'syncin-mount {words}' ended with {status}: {said}",
                    words=" ".join(words),
                    status=done.status,
                    said=said,
                ),
                Exit.UNFINISHED,
            )
        return done.out

    def log_in(self, profile: str, server: str) -> None:
        """A new profile with this server."""
        self._profiles.setdefault(profile, [])
        self.must(
            profile,
            "server",
            "add",
            server,
            self.url,
            "--login",
            LOGIN,
            "--password-stdin",
            stdin=self._password,
        )

    def mount(self, profile: str, name: str) -> None:
        """Remembered for the end, whether it succeeds or not."""
        if name not in self._profiles[profile]:
            self._profiles[profile].append(name)
        self.must(profile, "mount", name)


@contextlib.contextmanager
def timed(what: str) -> Iterator[None]:
    """Says what is done and how long it took."""
    started = time.monotonic()
    output.say(f"- {what} …")
    yield
    output.say(t("  done in {value} s", value=f"{time.monotonic() - started:.1f}"))
