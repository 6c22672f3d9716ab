"""One mount from its beginning to its end.

The end comes in one of three ways, and each leaves nothing mounted:

1. Somebody unmounts (umount(8), fusermount3 -u). The kernel first writes back what it holds, then
   closes the session; pyfuse3's loop ends by itself.
2. ``run`` is cancelled. The loop goes on, shielded, while a thread asks the kernel to write back
   and to unmount: that is way 1. If somebody still uses the drive, the loop is ended all the same
   once everything is written back, and the mount is detached.
3. pyfuse3 fails. The mount is detached.
"""

from __future__ import annotations

import ctypes
import logging
import os
import subprocess
from typing import TYPE_CHECKING

import pyfuse3
import trio

from reconciler.phrases import Phrase
from syncin_fuse import readiness
from syncin_fuse.announcer import Announcer
from syncin_fuse.invalidation import Invalidator
from syncin_fuse.mountpoint import detach, is_stale, let_wait
from syncin_fuse.operations import Operations
from syncin_mount.vfs import MountError

if TYPE_CHECKING:
    from pathlib import Path

    from syncin_mount.vfs import FileSystem, MountOptions

log = logging.getLogger(__name__)

FSNAME = "syncin-mount"

MAX_REQUESTS = 500
"""Requests that may wait at the same time, for content above all; further ones wait in the
kernel."""


MAX_BACKGROUND = 64
"""Writes that the kernel hands over at the same time. A small one, which some program waits for,
must not wait in the kernel for all that a big copy has queued there. Each has a MiB at the most;
the kernel has hardly more than these waiting for any one drive (Linux: a hundredth of what may wait
for all disks)."""


def mount_options(options: MountOptions) -> set[str]:
    """See mount.fuse3(8). Never "ro": a drive that may not be written to now may be later, which
    only root could tell the kernel; and watchers hear only of what calls do. The file system itself
    refuses changes (EROFS)."""
    chosen = {f"fsname={FSNAME}", f"subtype={FSNAME}", "default_permissions"}
    if options.allow_other:
        chosen.add("allow_other")
    return chosen


async def run(
    fs: FileSystem, mountpoint: Path, *, options: MountOptions, task_status: trio.TaskStatus[None]
) -> None:
    """See ``syncin_mount.vfs.Frontend.run``."""
    operations = Operations(fs)
    try:
        pyfuse3.init(operations, str(mountpoint), mount_options(options))
    except RuntimeError as error:
        raise MountError(
            Phrase(
                "{mountpoint} could not be mounted ({error}); the line above, from the FUSE"
                " library, says why.",
                mountpoint=mountpoint,
                error=error,
            )
        ) from None
    try:
        await _serve(operations, fs, mountpoint, options, task_status)
    finally:
        pyfuse3.close(unmount=True)  # does nothing to a mount that is not ours, or that is gone
        fs.close()
        if is_stale(mountpoint):  # the connection was cut through /sys/fs/fuse/connections
            detach(mountpoint)


async def _serve(
    operations: Operations,
    fs: FileSystem,
    mountpoint: Path,
    options: MountOptions,
    task_status: trio.TaskStatus[None],
) -> None:
    # Both go on when run is cancelled: unmounting needs them.
    readiness.install()
    shield = trio.CancelScope(shield=True)
    announcer = operations.announcer = Announcer(
        fs, mountpoint, operations.show, everybody=options.allow_other
    )
    invalidator = Invalidator(fs, announcer.put)  # the kernel's, for as long as it is mounted
    ended = trio.Event()

    async def loop() -> None:
        try:
            await pyfuse3.main(max_tasks=MAX_REQUESTS)
        finally:
            ended.set()

    async def serve() -> None:
        with shield:
            async with trio.open_nursery() as inner:
                inner.start_soon(loop)
                inner.start_soon(fs.keep_recording)
                inner.start_soon(invalidator.run)
                inner.start_soon(announcer.run)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve)
        try:
            await operations.ready.wait()
            if not let_wait(mountpoint, MAX_BACKGROUND):
                log.debug("a small file that is closed may wait for large ones that are written")
            task_status.started()
            await ended.wait()
        finally:
            with trio.CancelScope(shield=True, deadline=trio.current_time() + options.patience):
                announcer.close()
                if not ended.is_set():
                    await _leave(mountpoint, ended)
                # While requests are still answered: an invalidation may be waiting for one.
                await invalidator.stop()
            if not ended.is_set():
                log.warning("%s is still in use; it is unmounted all the same.", mountpoint)
            shield.cancel()


async def _leave(mountpoint: Path, ended: trio.Event) -> None:
    """Has everything written back, and the mount taken away if nobody uses it."""
    await trio.to_thread.run_sync(_write_back, mountpoint, abandon_on_cancel=True)
    if await trio.to_thread.run_sync(_unmount, mountpoint, abandon_on_cancel=True):
        await ended.wait()


def _write_back(mountpoint: Path) -> None:
    """syncfs(2): what the kernel holds of this file system comes as write requests."""
    fd = os.open(mountpoint, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if ctypes.CDLL(None, use_errno=True).syncfs(fd) != 0:
            number = ctypes.get_errno()
            log.warning("Writing back %s failed: %s", mountpoint, os.strerror(number))
    finally:
        os.close(fd)


def _unmount(mountpoint: Path) -> bool:
    done = subprocess.run(
        ["fusermount3", "-u", os.path.abspath(mountpoint)],
        capture_output=True,
        timeout=30,
        check=False,
    )
    return done.returncode == 0
