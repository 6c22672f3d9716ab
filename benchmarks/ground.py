"""Where the benchmarks take place: a server in a process of its own, profiles, and what they
synchronize."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.reference import Bare
from reconciler.model import ROOT
from syncin_mount.app.accounts.sessions import session_with
from syncin_mount.app.runtime.runtime import Runtime, open_runtime
from syncin_mount.cli.demo.sandbox import Sandbox
from syncin_mount.config import ConfigurationFile, Folders
from syncin_mount.config.folders import HOME_VARIABLE
from syncin_mount.store import NodeType, Replica


@dataclass
class Ground:
    """A server of its own, and a folder for what is measured."""

    sandbox: Sandbox
    scale: float
    count: int = 0

    @property
    def requests(self) -> Path:
        """The server's log of what it was asked for."""
        return self.sandbox.base / "requests.jsonl"

    def fresh(self) -> str:
        """A new, empty folder on the server, and a profile that synchronizes it; its name serves
        for both."""
        self.count += 1
        name = f"bench{self.count}"
        (self.sandbox.server_files / name).mkdir(parents=True)
        self.sandbox.log_in(name, "bench")
        words = (
            "--server",
            "bench",
            "--remote",
            f"personal/{name}",
            "--mountpoint",
            str(self.drive(name)),
        )
        self.sandbox.must(name, "add", "bench", *words)
        return name

    def folder(self, name: str) -> Path:
        return self.sandbox.server_files / name

    def drive(self, name: str) -> Path:
        """Where the profile's drive is, once it is mounted."""
        return self.sandbox.base / f"drive-{name}"

    def replica(self, name: str) -> Path:
        return self._folders(name).replica("bench")

    def daemon(self, name: str) -> int:
        """The process that has the profile's replica."""
        return int((self.replica(name) / "lock").read_text())

    def _folders(self, name: str) -> Folders:
        before = os.environ.get(HOME_VARIABLE)
        os.environ[HOME_VARIABLE] = str(self.sandbox.base / name)
        try:
            return Folders.find()
        finally:
            if before is None:
                del os.environ[HOME_VARIABLE]
            else:
                os.environ[HOME_VARIABLE] = before

    @contextlib.asynccontextmanager
    async def runtime(self, name: str, *, alone: bool = True) -> AsyncIterator[Runtime]:
        folders = self._folders(name)
        configuration = ConfigurationFile(folders).read()
        synchronization = configuration.synchronizations["bench"]
        async with open_runtime(
            folders, configuration.servers["bench"], synchronization, alone=alone
        ) as runtime:
            yield runtime

    @contextlib.asynccontextmanager
    async def bare(self, name: str) -> AsyncIterator[Bare]:
        folders = self._folders(name)
        async with session_with(
            folders, ConfigurationFile(folders).read().servers["bench"]
        ) as session:
            token = await session._tokens.access()  # noqa: SLF001 - the bare loop borrows our access
            bare = Bare(self.sandbox.url, token, f"personal/{name}")
            try:
                yield bare
            finally:
                await bare.close()


def fill(replica: Replica, count: int, size: int) -> None:
    """Files as the mount would make them."""
    folder = replica.create(ROOT, b"files", NodeType.FOLDER, mode=0o755, uid=0, gid=0).node
    block = os.urandom(min(size, 1 << 20) or 1)
    for number in range(count):
        node = replica.create(
            folder, b"%06d.bin" % number, NodeType.FILE, mode=0o644, uid=0, gid=0
        ).node
        replica.begin_write(node)
        content = replica.open_content(node)
        for offset in range(0, size, len(block)):
            os.pwrite(content.fd, block[: size - offset], offset)
        content.close()
        replica.written(node, size=size, mtime_ns=time.time_ns())


def many_files(root: Path, count: int) -> None:
    """About so many entries, empty files in folders of 99."""
    for number in range(count // 100):
        folder = root / f"folder-{number:05d}"
        folder.mkdir()
        for each in range(99):
            (folder / f"file-{each:03d}.txt").touch()
