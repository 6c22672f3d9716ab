"""One mount from its beginning to its end.

WinFsp's threads wait for the trio thread, so it must go on while the drive is mounted and while it
is unmounted: both happen in a thread. What still waits for content is answered before.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any

import trio
import winfspy
from winfspy.plumbing import SecurityDescriptor, ffi, lib

from reconciler.phrases import Phrase
from syncin_mount.vfs import MountError
from syncin_winfsp import current_user, driver_calls
from syncin_winfsp.drive import Drive
from syncin_winfsp.notifications import Notifier
from syncin_winfsp.operations import Operations
from syncin_winfsp.values import security, volume
from syncin_winfsp.values.times import to_filetime

if TYPE_CHECKING:
    from pathlib import Path

    from syncin_mount.vfs import FileSystem, MountOptions

log = logging.getLogger(__name__)


async def run(
    fs: FileSystem, mountpoint: Path, *, options: MountOptions, task_status: trio.TaskStatus[None]
) -> None:
    """See ``syncin_mount.vfs.Frontend.run``."""
    try:
        session = Session(fs, str(mountpoint), options)
        await session.run(task_status)
    finally:
        fs.close()


class Session:
    """Raises MountError when the drive cannot be made."""

    def __init__(self, fs: FileSystem, mountpoint: str, options: MountOptions) -> None:
        self._fs = fs
        self._mountpoint = mountpoint
        self._options = options
        self._drive = Drive(fs, options.label)
        self._operations = Operations(self._drive, _descriptor(options))
        self._mounted = self._make()
        self._pointer = self._operations.file_system
        self._notifier = Notifier(fs, self._drive, driver_calls.of(self._pointer))

    def _make(self) -> Any:
        parameters = volume.parameters(self._options.label, to_filetime(time.time_ns()))
        try:
            mounted = winfspy.FileSystem(self._mountpoint, self._operations, **parameters)
        except winfspy.WinFSPyError as error:
            raise self._refused(error) from None
        pointer = mounted._file_system_ptr[0]  # noqa: SLF001 - there is no other way
        self._operations.file_system = pointer
        # The trio thread does one after the other anyway, and an opening that is slow must not
        # stop all others.
        lib.FspFileSystemSetOperationGuardF(pointer, ffi.NULL, ffi.NULL)
        return mounted

    def _refused(self, error: Exception) -> MountError:
        return MountError(
            Phrase(
                "{mountpoint} could not be mounted ({error}); WinFsp says why in the event log.",
                mountpoint=self._mountpoint,
                error=error,
            )
        )

    async def run(self, task_status: trio.TaskStatus[None]) -> None:
        """Until cancelled."""
        shield = trio.CancelScope(shield=True)
        failure: MountError | None = None

        async def serve(task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
            with shield:
                async with trio.open_nursery() as requests:
                    self._operations.requests = requests
                    requests.start_soon(self._notifier.run)
                    requests.start_soon(self._fs.keep_recording)
                    task_status.started()

        async with trio.open_nursery() as nursery:
            await nursery.start(serve)
            try:
                await trio.to_thread.run_sync(self._mounted.start)
                task_status.started()
                await trio.sleep_forever()
            except (winfspy.WinFSPyError, OSError) as error:
                failure = self._refused(error)
            finally:
                with trio.CancelScope(shield=True):
                    await self._stop()
                shield.cancel()
        if failure is not None:
            raise failure

    async def _stop(self) -> None:
        """Nothing is mounted afterwards. What waits for content is answered before, and what comes
        meanwhile is refused."""
        with trio.move_on_after(self._options.patience):
            await self._notifier.stop()
        self._operations.cancel()
        if self._mounted.started:
            await trio.to_thread.run_sync(lib.FspFileSystemStopDispatcher, self._pointer)
        # From here on nothing is sent to what is taken down.
        self._operations.file_system = None
        await trio.to_thread.run_sync(lib.FspFileSystemDelete, self._pointer)
        self._mounted.started = False
        if len(self._drive.contexts):
            log.info(
                "%d files were still open; what was written is kept", len(self._drive.contexts)
            )


def _descriptor(options: MountOptions) -> bytes:
    text = security.descriptor(current_user.sid(), everybody=options.allow_other)
    made = SecurityDescriptor.from_string(text)
    return bytes(ffi.buffer(ffi.cast("char *", made.handle), made.size))
