"""The drives' processes, as the supervisor holds them: its own children, and such that others
started.

`syncin_mount.system.processes` holds them.
"""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import trio

from reconciler.phrases import Phrase
from syncin_mount.app.processes.spawn import mount_command
from syncin_mount.config import FolderError, private_folder
from syncin_mount.config.files import open_log
from syncin_mount.errors import DaemonError
from syncin_mount.supervisor.telling import tell_drives
from syncin_mount.system.processes import Held, detached, word_from

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syncin_mount.config import Folders


class Daemon:
    """A drive's process; ``child`` when it is ours. To be closed when it has ended."""

    def __init__(self, pid: int, child: trio.Process | None = None) -> None:
        """Raises ProcessLookupError when it has ended and was collected."""
        self.pid = pid
        self._child = child
        self._held = Held(pid)

    def ask_to_end(self) -> bool:
        """Asks it to end in order; whether a signal can ask that here. One that ended, closed or
        not, is left alone."""
        return self._held.ask_to_end()

    async def ended(self) -> int | None:
        """Returns when the process is gone: its status (negative: the signal that killed it), None
        for a stranger's."""
        if self._child is not None:
            return await self._child.wait()
        await self._held.ended()
        return None

    def has_ended(self) -> bool:
        """Whether the process is gone, also where nobody has waited for that yet."""
        return self._held.has_ended()

    def close(self) -> None:
        self._held.close()


async def ask_to_end(folders: Folders, daemons: Mapping[str, Daemon]) -> None:
    """Asks these drives' processes to end in order: by a signal, or over their control API where
    there are none. One that has no ear for it yet does not hear it."""
    unheard = [name for name, daemon in daemons.items() if not daemon.ask_to_end()]
    if unheard:
        await tell_drives(folders, unheard, lambda drive: drive.stop())


async def open_daemon(folders: Folders, name: str, arguments: list[str]) -> tuple[Daemon, int]:
    """Starts a drive's daemon in a session of its own, so that it outlives us; and the descriptor
    of the pipe on which it will say its word. Raises DaemonError."""
    path = folders.log(name)
    try:
        private_folder(path.parent)
        reader, writer = os.pipe()
    except (OSError, FolderError) as error:
        raise _not_started(error) from error
    try:
        with os.fdopen(open_log(path), "ab") as file:
            process = await trio.lowlevel.open_process(
                mount_command(name, word_from(writer), arguments),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                **detached(writer),
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
