"""The Linux frontend: pyfuse3 operations that translate to `syncin_mount.vfs`.

``frontend`` is what the entry point ``fuse`` of the group ``syncin_mount.frontends`` names.
Importing this needs neither pyfuse3 nor Linux; using it needs both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

if TYPE_CHECKING:
    from pathlib import Path

    from syncin_mount.vfs import FileSystem, MountOptions

__all__ = ["frontend"]


class FuseFrontend:
    """Implements ``syncin_mount.vfs.Frontend``, whose docstrings say what holds. One mount a
    process."""

    def prepare(self, mountpoint: Path) -> None:
        from syncin_fuse import mountpoint as check  # noqa: PLC0415 - as said above

        check.prepare(mountpoint)

    def abort(self, mountpoint: Path) -> bool:
        from syncin_fuse import mountpoint as check  # noqa: PLC0415 - as said above

        return check.abort(mountpoint)

    async def run(
        self,
        fs: FileSystem,
        mountpoint: Path,
        *,
        options: MountOptions,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        from syncin_fuse import session  # noqa: PLC0415 - as said above

        await session.run(fs, mountpoint, options=options, task_status=task_status)


frontend = FuseFrontend()
