"""The Windows frontend: winfspy's operations that translate to `syncin_mount.vfs`.

``frontend`` is what the entry point ``winfsp`` of the group ``syncin_mount.frontends`` names.
Importing this needs neither winfspy nor Windows; using it needs both, and WinFsp.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

if TYPE_CHECKING:
    from pathlib import Path

    from syncin_mount.vfs import FileSystem, MountOptions

__all__ = ["frontend"]


class WinFspFrontend:
    """Implements ``syncin_mount.vfs.Frontend``, whose docstrings say what holds. One mount a
    process."""

    def prepare(self, mountpoint: Path) -> None:
        from syncin_winfsp import mountpoint as check  # noqa: PLC0415 - as said above

        _require_winfsp()
        check.prepare(mountpoint)

    def abort(self, _mountpoint: Path) -> bool:
        """Whoever waits for a process that is gone gets an error by itself: the driver sees to
        that."""
        return False

    async def run(
        self,
        fs: FileSystem,
        mountpoint: Path,
        *,
        options: MountOptions,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        from syncin_winfsp import session  # noqa: PLC0415 - as said above

        await session.run(fs, mountpoint, options=options, task_status=task_status)


def _require_winfsp() -> None:
    """winfspy looks for WinFsp when it is imported. Raises MountError."""
    from reconciler.phrases import Phrase  # noqa: PLC0415 - as said above
    from syncin_mount.vfs import MountError  # noqa: PLC0415

    try:
        import winfspy  # noqa: F401, PLC0415
    except (ImportError, RuntimeError) as error:
        raise MountError(
            Phrase(
                "WinFsp, which shows drives to Windows, cannot be used ({error}); install it from"
                " https://winfsp.dev/rel/ (WinFsp - Windows File System Proxy, Copyright (C) Bill"
                " Zissimopoulos)",
                error=error,
            )
        ) from None


frontend = WinFspFrontend()
