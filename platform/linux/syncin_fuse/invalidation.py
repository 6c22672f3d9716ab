"""Telling the kernel what changed without it.

The kernel keeps names and attributes for a day and asks nobody; so each change that the reconciler
makes is told, exactly and in order. That happens in a thread: an invalidation waits for the
operations in flight on that folder or inode, which the trio thread must go on serving.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import math
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

import pyfuse3
import trio

from syncin_mount.store import Change, EntryChanged, InodeUnnamed, NameChanged

if TYPE_CHECKING:
    from syncin_mount.vfs import FileSystem

log = logging.getLogger(__name__)

_UNKNOWN_TO_KERNEL = {errno.ENOENT}
_UNMOUNTED = {errno.ENOTCONN, errno.ENODEV, errno.EBADF}

Step = Callable[[], int | None]
"""Tells the kernel one thing; gives an inode that it does not know."""


class Invalidator:
    """Collects changes on the trio thread and passes them on, in batches, from a worker thread."""

    def __init__(self, fs: FileSystem, told: Callable[[NameChanged], None]) -> None:
        """``told`` gets what became of a name once the kernel knows that it remembers it
        wrongly."""
        self._fs = fs
        self._told = told
        self._send, self._receive = trio.open_memory_channel[Change | trio.Event](math.inf)
        self._stopped = trio.Event()
        fs.names.listen(self._heard, self.passed_on)

    def _heard(self, change: Change) -> None:
        try:
            self._send.send_nowait(change)
        except trio.ClosedResourceError:
            pass  # unmounted; nobody has anything cached

    async def passed_on(self) -> None:
        """Returns when everything that was heard so far has been told. For good it waits only for
        who is cancelled meanwhile."""
        told = trio.Event()
        try:
            self._send.send_nowait(told)
        except trio.ClosedResourceError:
            return
        await told.wait()

    async def run(self) -> None:
        """Until stopped. When cancelled, the thread in flight is left behind: it ends when the
        kernel answers or the session is closed."""
        try:
            async for change in self._receive:
                batch = {change: None}
                with contextlib.suppress(trio.WouldBlock, trio.EndOfChannel):
                    while True:
                        batch[self._receive.receive_nowait()] = None
                names = [each for each in batch if isinstance(each, NameChanged)]
                asked = [each for each in batch if isinstance(each, trio.Event)]
                changes = [each for each in batch if not isinstance(each, trio.Event)]
                steps = [step for each in changes for step in self._steps(each)]
                self._fs.forget(
                    await trio.to_thread.run_sync(_perform, steps, abandon_on_cancel=True)
                )
                for name in names:
                    self._told(name)
                for event in asked:
                    event.set()
        finally:
            self._stopped.set()

    async def stop(self) -> None:
        """Returns when everything that was heard so far has been told."""
        self._send.close()
        await self._stopped.wait()

    def _steps(self, change: Change) -> Iterator[Step]:
        if isinstance(change, EntryChanged):
            parent_ino, name = change.parent_ino, change.name
            yield lambda: pyfuse3.invalidate_entry(parent_ino, name)
            return
        if isinstance(change, NameChanged):
            return
        ino = change.ino
        if isinstance(change, InodeUnnamed):
            # Before the entry follows: between the two a path may still lead to the former content,
            # as it would have a moment ago; the other way round an open by a descriptor would fail.
            yield lambda: self._fs.names.told(ino)
            yield lambda: _if_unknown(ino)
            return
        yield lambda: pyfuse3.invalidate_inode(ino, attr_only=True)
        # Under writeback the kernel trusts its own times and size of a file that it knows. Without
        # its name it forgets the file, once nobody has it open, and asks for all of it the next
        # time.
        place = self._fs.names.entry_of_file(ino)
        if place is not None:
            yield lambda: pyfuse3.invalidate_entry(*place)


def _if_unknown(ino: int) -> int | None:
    """An inode that has no name any more: it cannot become known again."""
    try:
        pyfuse3.invalidate_inode(ino, attr_only=True)
    except OSError as error:
        if error.errno in _UNKNOWN_TO_KERNEL:
            return ino
        raise
    return None


def _perform(steps: Iterable[Step]) -> list[int]:
    """Returns the inodes that the kernel does not know."""
    unknown = []
    for step in steps:
        try:
            ino = step()
        except OSError as error:
            if error.errno in _UNMOUNTED:
                break
            if error.errno not in _UNKNOWN_TO_KERNEL:
                log.warning("The kernel could not be told of a change: %s", error)
        else:
            if ino is not None:
                unknown.append(ino)
    return unknown
