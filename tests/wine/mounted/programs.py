"""What programs of Windows do with the drive, inside the daemon: a test outside asks for it, act
by act."""

from __future__ import annotations

import functools
import inspect
import io
import os
import tarfile
import traceback
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, Final

import trio

from reconciler.model import ROOT
from syncin_mount.vfs import FileSystem
from tests.wine.mounted.sequences import ON_SERVER, sequences
from tests.wine.mounted.subfolder import Subfolder
from tests.winfsp import kernel as k
from tests.winfsp.kernel import CREATE, OPEN, READ, WRITE, Handle, Kernel
from tests.winfsp.test_differential import Programs as RandomPrograms
from tests.winfsp.test_win32 import Win32
from tests.winfsp.transports import UnderWine

_TOP: Final = 1
_EPOCH: Final = 116_444_736_000_000_000
_SECOND: Final = 10_000_000


class Programs:
    """All but ``__init__`` is asked for by name. Paths are those of Windows."""

    def __init__(self, fs: FileSystem, token: trio.lowlevel.TrioToken) -> None:
        self._fs = fs
        self._token = token
        self._kernel = Kernel(UnderWine())
        self._held: list[Handle] = []

    def run_sequences(self) -> dict[str, str | None]:
        """Each by its name: None, or how it failed."""
        return {name: self._failure(name, act) for name, act in sequences()}

    def _failure(self, name: str, act: Callable[..., None]) -> str | None:
        drive = self._folder_as_drive(name)
        given = {"drive": drive, "kernel": drive.kernel, "win32": Win32(drive.kernel)}
        wanted = inspect.signature(act).parameters
        try:
            act(**{name: value for name, value in given.items() if name in wanted})
            assert drive.kernel.open_handles() == 0, "something is open"
        except Exception:  # noqa: BLE001 - the test outside shows it
            return traceback.format_exc()
        return None

    def run_random(self, seed: int, steps: int) -> None:
        """Random calls, to a folder of the drive and to a model of NTFS."""
        RandomPrograms(self._folder_as_drive(f"random {seed}").kernel, seed).run(steps)

    def write(self, files: dict[str, str]) -> None:
        """Files with their texts, in place of what they had. The folder above each is made."""
        for path, text in files.items():
            self._folder(path.rpartition("\\")[0])
            with self._kernel.opened(path, k.OPEN_IF, READ | WRITE) as handle:
                handle.set_end(0)
                handle.write(0, text.encode())

    def rename(self, old: str, new: str) -> None:
        with self._kernel.opened(old, OPEN, k.DELETE | k.READ_ATTRIBUTES) as handle:
            handle.rename(new)

    def hold(self, path: str, text: str, *, flush: bool) -> None:
        """Writes it, and leaves it open."""
        handle = self._kernel.create_file(path, CREATE, READ | WRITE)
        handle.write(0, text.encode())
        if flush:
            handle.flush()
        self._held.append(handle)

    def storm(self, folder: str, told: str) -> None:
        """Writes files without end. Each name is in the file ``told`` once its CloseHandle has
        returned."""
        self._folder(folder)
        descriptor = os.open(told, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        number = 0
        while True:
            with self._kernel.opened(f"{folder}\\{number}.txt", CREATE, WRITE) as handle:
                handle.write(0, f"number {number} ".encode() * (number % 50 + 1))
            os.write(descriptor, f"{number}\n".encode())
            number += 1

    def take(self, archive: str) -> dict[str, str]:
        """All of the drive, as its programs see it, in an archive under the names that the replica
        has; by these the paths that Windows is shown."""
        shown: dict[str, str] = {}
        with tarfile.open(archive, "w", format=tarfile.PAX_FORMAT) as tar:
            for name, path, info, data in self._walk("\\", "", _TOP):
                shown[name] = path
                entry = tarfile.TarInfo(name)
                entry.mtime = (info.written - _EPOCH) // _SECOND
                if data is None:
                    entry.type = tarfile.DIRTYPE
                    tar.addfile(entry)
                else:
                    entry.size = len(data)
                    tar.addfile(entry, io.BytesIO(data))
        return shown

    def _walk(
        self, folder: str, above: str, ino: int
    ) -> Iterator[tuple[str, str, k.Info, bytes | None]]:
        with self._kernel.opened(folder, options=k.DIRECTORY_FILE) as handle:
            entries = [each for each in handle.entries() if each.name not in {".", ".."}]
        names = self._in_trio(self._names, ino)
        assert names.keys() == {each.info.number for each in entries}, (folder, names)
        for entry in entries:
            name = above + names[entry.info.number].decode("utf-8", "surrogateescape")
            path = f"{folder.rstrip(chr(92))}\\{entry.name}"
            if entry.info.attributes & k.DIRECTORY:
                yield name, path, entry.info, None
                yield from self._walk(path, f"{name}/", entry.info.number)
            else:
                data = self._read(path)
                assert len(data) == entry.info.size, path
                yield name, path, entry.info, data

    def _read(self, path: str) -> bytes:
        data = b""
        with self._kernel.opened(path) as handle:
            while piece := handle.read(len(data)):
                data += piece
        return data

    def _names(self, ino: int) -> dict[int, bytes]:
        """By inode, as the replica has them; in the trio thread."""
        handle = self._fs.folders.open(ino)
        try:
            return {attr.ino: name for name, attr, _ in self._fs.folders.read(handle, 2)}
        finally:
            self._fs.folders.close(handle)

    def _folder(self, path: str) -> None:
        if path:
            self._kernel.create_file(path, k.OPEN_IF, options=k.DIRECTORY_FILE).close()

    def _in_trio(self, act: Callable[..., Any], *args: Any, **options: Any) -> Any:
        return trio.from_thread.run_sync(
            functools.partial(act, *args, **options), trio_token=self._token
        )

    def _wait(self, act: Callable[..., Any], *args: Any, **options: Any) -> Any:
        return trio.from_thread.run(
            functools.partial(act, *args, **options), trio_token=self._token
        )

    # A folder as the drive of a sequence ----------------------------------------------------------

    def _folder_as_drive(self, name: str) -> Any:
        """What sequences use of `tests.winfsp.mounted.Mounted`."""
        self._folder(f"\\{name}")
        attr = self._in_trio(self._fs.lookup, _TOP, name.encode())
        replica = _ReplicaFrom(self._fs._replica, attr.node)

        async def create(raw: bytes, data: bytes) -> None:
            handle, _ = await self._fs.create(attr.ino, raw, 0o644, 0, 1, 1)
            await self._fs.write(handle, 0, data)
            self._fs.flush(handle)
            self._fs.release(handle)

        def place(wanted: str, data: bytes) -> Any:
            assert ON_SERVER[name][wanted] == data
            node = replica.lookup(ROOT, wanted.encode())
            assert replica.base(node).size == len(data)
            return node

        world = SimpleNamespace(replica=replica, fs=self._fs, create=create, place=place)
        kernel = Kernel(Subfolder(UnderWine(), f"\\{name}"))
        return SimpleNamespace(kernel=kernel, world=world, run=self._in_trio, wait=self._wait)


class _ReplicaFrom:
    """The replica; its root is this folder."""

    def __init__(self, replica: Any, folder: Any) -> None:
        self._replica = replica
        self._folder = folder

    def lookup(self, parent: Any, name: bytes) -> Any:
        return self._replica.lookup(self._folder if parent == ROOT else parent, name)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._replica, name)
