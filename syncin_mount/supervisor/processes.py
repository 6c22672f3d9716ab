"""The drives' processes, as the supervisor holds them: its own children, and such that others
started.

Processes are held by pidfd(2), so that no other process is ever meant, whatever number it gets.
Linux only, as the supervisor is.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import trio

from reconciler.phrases import Phrase
from syncin_mount.app.processes.spawn import mount_command
from syncin_mount.config import FolderError, private_folder
from syncin_mount.config.files import open_log
from syncin_mount.errors import DaemonError

if TYPE_CHECKING:
    from syncin_mount.config import Folders


@dataclass(slots=True)
class Daemon:
    """A drive's process; ``child`` when it is ours. To be closed when it has ended."""

    pid: int
    child: trio.Process | None = None
    _handle: int = field(init=False)

    def __post_init__(self) -> None:
        """Raises ProcessLookupError when it has ended and was collected."""
        if sys.platform == "win32":
            raise NotImplementedError
        self._handle = os.pidfd_open(self.pid)

    def terminate(self) -> None:
        """Asks it to end in order. One that ended, closed or not, is left alone."""
        if sys.platform == "win32":
            raise NotImplementedError
        if self._handle < 0:
            return
        try:
            signal.pidfd_send_signal(self._handle, signal.SIGTERM)
        except ProcessLookupError:
            pass  # it has

    async def ended(self) -> int | None:
        """Returns when the process is gone: its status (negative: the signal that killed it), None
        for a stranger's."""
        if self.child is not None:
            return await self.child.wait()
        await trio.lowlevel.wait_readable(self._handle)
        return None

    def has_ended(self) -> bool:
        """Whether the process is gone, also where nobody has waited for that yet."""
        if sys.platform == "win32":
            raise NotImplementedError
        look = select.poll()
        look.register(self._handle, select.POLLIN)
        return bool(look.poll(0))

    def close(self) -> None:
        os.close(self._handle)
        self._handle = -1


async def open_daemon(folders: Folders, name: str, arguments: list[str]) -> tuple[Daemon, int]:
    """Starts a drive's daemon in a session of its own, so that it outlives us; and the descriptor
    of the pipe on which it will say its word. Raises DaemonError."""
    if sys.platform == "win32":
        raise NotImplementedError
    path = folders.log(name)
    try:
        private_folder(path.parent)
        reader, writer = os.pipe()
    except (OSError, FolderError) as error:
        raise _not_started(error) from error
    try:
        with os.fdopen(open_log(path), "ab") as file:
            process = await trio.lowlevel.open_process(
                mount_command(name, writer, arguments),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                cwd="/",
                pass_fds=(writer,),
                start_new_session=True,
            )
        return Daemon(process.pid, process), reader
    except OSError as error:
        os.close(reader)
        raise _not_started(error) from error
    finally:
        os.close(writer)


def _not_started(error: OSError | FolderError) -> DaemonError:
    why = (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
    return DaemonError(Phrase("its daemon cannot be started ({why})", why=why))


async def first_word(descriptor: int) -> bytes:
    """The line that a daemon says first, empty when it ends without one; the descriptor is
    closed."""
    if sys.platform == "win32":
        raise NotImplementedError
    word = bytearray()
    async with trio.lowlevel.FdStream(descriptor) as said:
        async for part in said:
            word += part
            if b"\n" in part:
                break
    return bytes(word)
