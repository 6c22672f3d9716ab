"""The files that are open: one shared content per inode, and when what was written to it is
recorded.

What holds here:

- An inode belongs to the node that the replica names for it (``by_ino``), asked afresh at every
  use. When there is none, the file is an *orphan*: its name went, or got other content. It stays
  usable by its handles, may be opened again while the operating system knows it
  (`syncin_mount.vfs.orphans`), and nothing is recorded.
- From the first write to ``record`` a file is *writing*: its data may change, the replica's record
  of it is older. The mark that ``begin_write`` leaves is in the journal before the first byte
  changes.
- A file is *here* when its descriptor is the node's own object. A content that arrives is not,
  however much of it has: it may be thrown away and fetched again until the replica took it in, so
  how whole it is is asked at every read.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import math
import os
from typing import TYPE_CHECKING, NoReturn

import msgspec
import trio

from reconciler.positioned import read_cached, read_into
from syncin_mount.system import set_times
from syncin_mount.vfs.arrivals import Arrivals
from syncin_mount.vfs.open_file import OpenFile
from syncin_mount.vfs.padding import PAGE, take_back
from syncin_mount.vfs.positioned import write_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from reconciler.model import NodeId
    from syncin_mount.store import Attr, Replica
    from syncin_mount.vfs.hydration import Hydrator
    from syncin_mount.vfs.orphans import Orphans

log = logging.getLogger(__name__)


def _raise_stale() -> NoReturn:
    raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))


QUIET_HANDLE_SECONDS = 2.0
"""A file that stays open is recorded once nobody wrote to it for this long."""


THREADS = 2
"""How many large writes are done at the same time."""


class OpenFiles:
    """The table of open files. Used from the trio thread only."""

    times_kept = False
    """Whether the caller keeps the times of a file that is written itself, and has told each change
    of them by the time it flushes, syncs or releases (the kernel under writeback): what it hands
    over has no time of its own then."""

    def __init__(
        self, replica: Replica, hydrator: Hydrator, orphans: Orphans, clock: Callable[[], float]
    ) -> None:
        self._replica = replica
        self._orphans = orphans
        self._arrivals = Arrivals(replica, hydrator, self.follow, self._reopen)
        self._hydrator = hydrator
        self._clock = clock
        self._files: dict[int, OpenFile] = {}
        self._buffer = memoryview(b"")
        self._threads = trio.CapacityLimiter(THREADS)

    def get(self, ino: int) -> OpenFile | None:
        return self._files.get(ino)

    def __len__(self) -> int:
        return len(self._files)

    def __iter__(self) -> Iterator[OpenFile]:
        return iter(list(self._files.values()))

    # Opening and letting go -----------------------------------------------------------------------

    async def acquire(self, ino: int, *, write: bool, truncate: bool = False) -> OpenFile:
        """One more handle on the inode. For writing the whole content is fetched first, unless it
        is truncated.

        Raises OSError: one of `ERRNO` when the content is not here and cannot be fetched; ESTALE
        when the inode is known to nobody any more, or was never here. One whose name the reconciler
        took may be read alone: who wants to write came by a name that the kernel has not been told
        of yet, and their words would end in an orphan. One that is open for writing already, or
        whose name a caller took, may be written (/proc/self/fd) and truncated (ftruncate).
        """
        file = self._files.get(ino)
        if file is None:
            file = await self._open_whole(ino)
        file.handles += 1
        try:
            if (
                (write or truncate)
                and self.follow(file) is None
                and not (file.writers or file.unnamed)
            ):
                _raise_stale()
            if truncate:
                self.truncate(file, 0)
            elif write:
                await self._arrivals.bring_here(file)
                await self._arrivals.prove(file)
            else:
                await self._arrivals.begin_reading(file)
        except BaseException:
            self.drop(file)
            raise
        if write:
            file.writers += 1
            self.follow(file)
        return file

    async def _open_whole(self, ino: int) -> OpenFile:
        """``_open``; a content that the disk lost is fetched again where the server has it."""
        try:
            return self._open(ino)
        except OSError as error:
            node = self._replica.by_ino(ino)
            if (
                error.errno != errno.EIO
                or node is None
                or await self._hydrator.prove(node, broken=True)
            ):
                raise
        _raise_stale()

    def _open(self, ino: int) -> OpenFile:
        node = self._replica.by_ino(ino)
        attr = None if node is None else self._replica.attr(node)
        if node is None or attr is None:
            attr = self._orphans.attr(ino)
            file = OpenFile(ino, attr.node, self._orphans.open(ino), attr)
            file.unnamed = not self._orphans.is_taken(ino)
        else:
            file = OpenFile(ino, node, self._replica.open_content(node), attr)
        self._files[ino] = file
        return file

    def drop(self, file: OpenFile, *, write: bool = False) -> None:
        """One handle less. What was written is recorded; the last handle closes the content.

        Raises OSError when the record cannot be made (a full disk); the handle is gone all the
        same. The file then stays in the table without handles until ``record_quiet_handles`` can
        record it: nobody else would before the next start.
        """
        file.handles -= 1
        try:
            if write or file.handles == 0:
                self.record(file)
        finally:
            if write:
                file.writers -= 1
                self.follow(file)
            self._forget_unused(file)

    def _forget_unused(self, file: OpenFile) -> None:
        """Lets go of the content if nobody has the file open, writes to it or has to record it."""
        if file.handles == 0 and not file.writing and not file.in_thread:
            self._forget(file)

    def _forget(self, file: OpenFile) -> None:
        del self._files[file.ino]
        if self._replica.by_ino(file.ino) is None:
            self._orphans.closed(file.ino, self.attr(file))
        if file.failed:
            self._replica.notify_attr_changed(file.ino)
        for content in (file.content, *file.retired):
            content.close()

    def close(self) -> None:
        """The end, all handles being gone: files that could not be recorded are recorded by the
        next start."""
        self.record_quiet_handles(math.inf)
        for file in self:
            self._forget(file)

    def follow(self, file: OpenFile) -> NodeId | None:
        """The node that the inode belongs to now, None for an orphan. The file's place in the
        replica's count of writers goes with it."""
        node = file.node = self._replica.by_ino(file.ino)
        counted = node if file.writers else None
        if counted != file.counted:
            if file.counted is not None:
                self._replica.closed_for_write(file.counted)
            if counted is not None:
                self._replica.opened_for_write(counted)
            file.counted = counted
        return node

    def renamed(self, file: OpenFile) -> None:
        """A caller gave the file another name, or none."""
        file.unnamed = self.follow(file) is None

    # Writing --------------------------------------------------------------------------------------

    def write(self, file: OpenFile, offset: int, data: bytes) -> None:
        """Raises OSError (ENOSPC, EFBIG …). One that lies too far leaves the size as it was
        (padding.py)."""
        with self._writing(file, offset + len(data)):
            write_at(file.content.fd, data, offset)

    async def write_in_thread(self, file: OpenFile, offset: int, data: bytes) -> None:
        """``write`` in a thread, after the writes to this file that began so before. Nothing of the
        file is recorded meanwhile, and its content stays open. Raises what ``write`` raises.
        Cancelled, it waits for the thread."""
        if file.writes is None:
            file.writes = trio.Lock()
        async with file.writes:
            with self._writing(file, offset + len(data)):
                fd = file.content.fd
                file.in_thread = True
                try:
                    await trio.to_thread.run_sync(write_at, fd, data, offset, limiter=self._threads)
                finally:
                    file.in_thread = False
        self._forget_unused(file)

    @contextlib.contextmanager
    def _writing(self, file: OpenFile, end: int) -> Iterator[None]:
        """Around a write up to the offset ``end``."""
        try:
            self._begin(file)
            self._replica.require_space()
            if end % PAGE == 0 and end > (size := os.fstat(file.content.fd).st_size):
                file.before = size
            yield
        except OSError as error:
            file.failed = True
            file.far = file.far or error.errno == errno.EFBIG
            raise
        finally:
            if file.far and file.before is not None:
                take_back(file.content.fd, file.before)
                file.before = None
            self._changed(file)  # a part of it may have been written

    def truncate(self, file: OpenFile, size: int) -> None:
        """Sets the size in bytes. The content must be here, unless ``size`` is 0: then nothing of
        it is needed."""
        self._begin(file, discard=size == 0, shrinks=size <= file.attr.size)
        if not file.here:
            _raise_stale()
        os.ftruncate(file.content.fd, size)
        self._changed(file)

    def _begin(self, file: OpenFile, *, discard: bool = False, shrinks: bool = False) -> None:
        """From here on the file is being written, and is here; an orphan stays as it is."""
        if file.writing and file.here:
            return
        node = self.follow(file)
        if node is None:
            return
        if not file.writing:
            self._replica.begin_write(node, discard=discard, shrinks=shrinks)
            file.writing = True
            file.wrote_at = self._clock()
            file.mtime_ns = file.ctime_ns = None
        if not file.here:
            self._reopen(file, node)

    def _reopen(self, file: OpenFile, node: NodeId) -> None:
        """The node has its own object now, which need not be what was arriving when the file was
        opened. Reads in threads may still use the old descriptor: it stays open."""
        content = self._replica.open_content(node)
        file.retired.append(file.content)
        file.content = content
        file.here = True

    def _changed(self, file: OpenFile) -> None:
        file.wrote_at = self._clock()
        if file.ctime_ns is None:
            file.mtime_ns = None
        if not file.writing:  # an orphan: nobody else keeps its time
            mtime_ns = os.fstat(file.content.fd).st_mtime_ns
            file.attr = msgspec.structs.replace(file.attr, mtime_ns=mtime_ns)

    def keep_time(self, file: OpenFile, mtime_ns: int, ctime_ns: int | None) -> None:
        """Somebody set the time while the file is being written: the record will carry it.

        The object gets it too, since that is where start-up takes it from after a crash. (It does
        not carry ctime.)
        """
        file.mtime_ns = mtime_ns
        file.ctime_ns = ctime_ns
        set_times(file.content.fd, ns=(mtime_ns, mtime_ns))

    def record(self, file: OpenFile) -> None:
        """Tells the replica the size and time of what was written since ``begin``. Raises OSError
        (ENOSPC), and then the file is still being written. So it is while a thread writes to it:
        hold ``writes`` to have it recorded."""
        if not file.writing or file.in_thread:
            return
        node = self.follow(file)
        if node is None:
            file.writing = False
            return
        if not file.here:  # it could not be opened anew when it was truncated
            self._reopen(file, node)
        now = os.fstat(file.content.fd)
        mtime_ns, ctime_ns = file.mtime_ns, file.ctime_ns
        if mtime_ns is None:
            known = self._replica.attr(node) if self.times_kept else None
            mtime_ns, ctime_ns = (
                (now.st_mtime_ns, None) if known is None else (known.mtime_ns, known.ctime_ns)
            )
        file.attr = self._replica.written(
            node, size=now.st_size, mtime_ns=mtime_ns, ctime_ns=ctime_ns
        )
        file.writing = False
        if file.failed:
            self._replica.doubt(node)

    def synced(self, file: OpenFile, attr: Attr) -> None:
        """The content is on the disk in the version of ``attr``: a power cut gives no reason to
        distrust it. What was written since has another version, which stays marked."""
        if file.writing or file.synced == attr.version:
            return
        try:
            self._replica.durability.mark_synced([(attr.node, attr.version)])
        except OSError as error:  # it is on the disk all the same
            log.debug("inode %d cannot be noted as synced: %s", file.ino, error)
        else:
            file.synced = attr.version

    def record_quiet_handles(self, now: float) -> None:
        """Records files that nobody wrote to for QUIET_HANDLE_SECONDS before ``now``."""
        for file in self:
            if file.writing and now - file.wrote_at >= QUIET_HANDLE_SECONDS:
                try:
                    self.record(file)
                except OSError as error:  # fsync or close will tell, or has told, whoever writes
                    log.debug("inode %d cannot be recorded yet: %s", file.ino, error)
                else:
                    self._forget_unused(file)

    # Reading --------------------------------------------------------------------------------------

    async def read(self, file: OpenFile, offset: int, size: int) -> memoryview:
        """Up to ``size`` bytes, fewer at the end only; valid until the next read. Raises OSError
        (one of `ERRNO` when they cannot be fetched)."""
        if not file.here:
            await self._arrivals.fetch(file, offset, offset + size)
        content, arriving = file.content, not file.here
        fd = content.fd
        # One buffer for all that does not wait: fresh memory of this size costs as much as the
        # copy.
        if size > len(self._buffer):
            self._buffer = memoryview(bytearray(size))
        view = self._buffer[:size]
        count = read_cached(fd, view, offset)
        if count == size or offset + count >= os.fstat(fd).st_size:
            return view[:count]
        own = memoryview(bytearray(size))
        own[:count] = view[:count]
        count += await trio.to_thread.run_sync(read_into, fd, own[count:], offset + count)
        # thrown away while it was read
        if arriving and content.missing(offset, offset + size) is not None:
            return await self.read(file, offset, size)
        return own[:count]

    # Attributes -----------------------------------------------------------------------------------

    def attr(self, file: OpenFile) -> Attr:
        """What the file looks like to its handles: the replica's record, overtaken by what is not
        recorded yet."""
        node = self.follow(file)
        attr = None if node is None else self._replica.attr(node)
        if attr is not None:
            file.attr = attr
            if not file.writing:
                return file.attr
        now = os.fstat(file.content.fd)
        mtime_ns = file.mtime_ns
        if mtime_ns is None:
            mtime_ns = (
                now.st_mtime_ns if file.writing and not self.times_kept else file.attr.mtime_ns
            )
        size = now.st_size if file.here else file.attr.size
        ctime_ns = (
            file.attr.ctime_ns if file.ctime_ns is None or not file.writing else file.ctime_ns
        )
        file.attr = msgspec.structs.replace(
            file.attr,
            nlink=0 if attr is None else attr.nlink,
            size=size,
            mtime_ns=mtime_ns,
            ctime_ns=ctime_ns,
        )
        return file.attr
