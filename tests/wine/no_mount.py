"""A frontend that shows the drive to nobody: the processes around it run as they do with one.

Inside Wine it stands where the frontend for Windows will be (``under_wine/no_mount-1.dist-info``).
"""

from __future__ import annotations

from pathlib import Path

import trio

from syncin_mount.vfs import FileSystem, MountOptions


class NoMount:
    """A `Frontend` of `syncin_mount.vfs`."""

    def prepare(self, mountpoint: Path) -> None:
        pass

    def abort(self, mountpoint: Path) -> bool:
        return False

    async def run(
        self,
        fs: FileSystem,
        mountpoint: Path,
        *,
        options: MountOptions,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        task_status.started()
        try:
            await trio.sleep_forever()
        finally:
            fs.close()


frontend = NoMount()
