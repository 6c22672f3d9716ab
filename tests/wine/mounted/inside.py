"""A profile inside Wine, used from outside: its commands, its daemon, and the programs in that
(host.py)."""

from __future__ import annotations

import hashlib
import json
import os
import select
import socket
import subprocess
import tarfile
import time
from pathlib import Path
from typing import Any, Final, Self

from syncin_mount.cli.demo.tree_compare import TreeEntry
from syncin_mount.config.folders import HOME_VARIABLE
from tests.wine import prefix
from tests.wine.mounted.host import PLACE
from tests.wine.places import HERE, inside

LIMIT: Final = 300.0
"""Seconds that a command gets, and what programs are asked for: Wine's server is one thread."""

_KILL: Final = """
import sys, time
from pathlib import Path
from syncin_mount.config import Folders
from syncin_mount.control.transport import listener_of
from syncin_mount.system.processes import alive, kill
pid = listener_of(Folders.find().socket(sys.argv[1]))
assert pid is not None, "there is no daemon"
kill(pid)
end = time.monotonic() + 60
while alive(pid):
    assert time.monotonic() < end, "it does not end"
"""


class Inside:
    """A context manager. What runs inside Wine has ended afterwards."""

    def __init__(self, version: str, base: Path) -> None:
        self.base = base
        self._port_file = base / "port"
        self._python = prefix.python(version)
        self._variables = {
            **prefix.python_environment(version, HERE / "mounted" / "with_driver"),
            HOME_VARIABLE: inside(base / "home"),
            PLACE: inside(self._port_file),
        }

    def __enter__(self) -> Self:
        self.base.mkdir()
        return self

    def __exit__(self, *_exc: object) -> None:
        prefix.end(self._variables)

    def must(self, *words: str, stdin: str = "") -> str:
        """What a command says; it succeeds."""
        status, said = self.run(*words, stdin=stdin)
        assert status == 0, (words, status, said, self.log())
        return said

    def run(self, *words: str, stdin: str = "") -> tuple[int, str]:
        """A command's status, and what it says."""
        return self._run("-m", "syncin_mount", *words, stdin=stdin)

    def kill(self, name: str) -> None:
        """Ends a daemon as a power cut would: it does nothing more."""
        status, said = self._run("-c", _KILL, name)
        assert status == 0, said
        self._port_file.unlink()

    def log(self) -> str:
        """What the daemons wrote."""
        folder = self.base / "home" / "state" / "logs"
        return "\n".join(each.read_text(errors="replace") for each in sorted(folder.glob("*.log")))

    def _run(self, *words: str, stdin: str = "") -> tuple[int, str]:
        """By pipes, which a daemon may go on to hold: who reads to their end waits for it."""
        with subprocess.Popen(
            [*self._python, *words],
            env=self._variables,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(stdin.encode())
            process.stdin.close()
            said, end = b"", time.monotonic() + LIMIT
            descriptor = process.stdout.fileno()
            while True:
                has_ended = process.poll() is not None
                readable, _, _ = select.select([descriptor], [], [], 0.0 if has_ended else 0.05)
                piece = os.read(descriptor, 1 << 16) if readable else b""
                said += piece
                if has_ended and not piece:
                    break
                if time.monotonic() > end:
                    process.kill()
                    raise AssertionError((words, said.decode(errors="replace"), self.log()))
            return process.returncode, said.decode(errors="replace").replace("\r\n", "\n")

    # The programs ---------------------------------------------------------------------------------

    def begin(self, act: str, **how: Any) -> socket.socket:
        """Asks for something, and waits for no answer."""
        connection = socket.create_connection(("127.0.0.1", int(self._port_file.read_text())))
        connection.settimeout(LIMIT * 4)
        connection.sendall(json.dumps({"act": act, "how": how}).encode() + b"\n")
        return connection

    def ask(self, act: str, **how: Any) -> Any:
        """An act of `tests.wine.mounted.programs.Programs`, and its answer."""
        with self.begin(act, **how) as connection, connection.makefile("rb") as answers:
            line = answers.readline()
        assert line, (act, self.log())
        told = json.loads(line)
        assert "failure" not in told, told["failure"]
        return told["answer"]

    def take(self) -> tuple[dict[str, TreeEntry], dict[str, str]]:
        """What its programs see of the drive, by the names that the replica has; and the paths
        that they are shown."""
        archive = self.base / "taken.tar"
        shown: dict[str, str] = self.ask("take", archive=inside(self.base) + "\\taken.tar")
        found = {}
        with tarfile.open(archive) as tar:
            for each in tar:
                if each.isdir():
                    found[each.name] = TreeEntry("folder")
                    continue
                file = tar.extractfile(each)
                assert file is not None
                digest = hashlib.sha256(file.read()).hexdigest()
                found[each.name] = TreeEntry("file", each.size, digest, int(each.mtime))
        archive.unlink()
        assert found.keys() == shown.keys()
        return found, shown
