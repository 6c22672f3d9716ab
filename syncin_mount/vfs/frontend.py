"""What the daemon needs of a frontend. Frontends are found in the entry-point group
``syncin_mount.frontends``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import trio

from reconciler.phrases import Phrase

if TYPE_CHECKING:
    from pathlib import Path

    from syncin_mount.vfs.filesystem import FileSystem


class MountError(Exception):
    """The drive cannot be mounted. ``str()`` is one sentence for people: what, why, what to do."""


class MountpointNotEmpty(MountError):
    """Mounting would hide what is in the folder, of which ``first`` is one name."""

    def __init__(self, mountpoint: Path, first: str) -> None:
        super().__init__(
            Phrase(
                "{mountpoint} is not empty (it has {first}), and mounting would hide what is"
                " in it; choose an empty folder, or bring what is in it into the drive",
                mountpoint=mountpoint,
                first=repr(first),
            )
        )


@dataclass(frozen=True, slots=True)
class MountOptions:
    """How a drive is mounted.

    ``allow_other`` lets other users than the mounting one in (permission bits decide). ``patience``
    is how many seconds a stop waits for the system to hand over what it holds and to let go of the
    drive. ``label`` is the drive's name for people, where the system shows one.
    """

    allow_other: bool = False
    patience: float = 20.0
    label: str = ""


class Frontend(Protocol):
    """Shows a FileSystem to the operating system."""

    def prepare(self, mountpoint: Path) -> None:
        """Makes sure that a drive can be mounted there; takes a stale mount away. Blocks. Raises
        MountError."""
        ...

    def abort(self, mountpoint: Path) -> bool:
        """Ends whatever waits for the drive that is mounted there and that nobody serves any more;
        whether that was possible. Touches nothing that could hang."""
        ...

    async def run(
        self,
        fs: FileSystem,
        mountpoint: Path,
        *,
        options: MountOptions,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Mounts and serves. Reports started once the system uses the drive; returns once it is
        unmounted by others.

        Cancelling is the orderly way to stop: what the system still holds is handed over and
        recorded, then the drive is unmounted; this takes at most about ``options.patience``
        seconds. In either case the file system is closed (``fs.close``) and nothing is mounted
        afterwards. Raises MountError.
        """
        ...
