"""The file system: one method an operation, on inodes and handles.

Used from one trio thread. Methods that are not ``async`` neither wait nor let other tasks run.
Every error is an OSError with the POSIX errno that the program outside should see; ESTALE means
that the inode belongs to no name any more, and the operating system looks the path up again. Who
may do what is for the caller to check (Linux: the mount option ``default_permissions``), from the
owner, group and mode given here.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import logging
import os
import stat
import time
from typing import TYPE_CHECKING, NoReturn

import trio

from reconciler.names import MAX_NAME_BYTES
from syncin_mount.store.types import TYPE_BITS, NodeType
from syncin_mount.vfs.attributes import AttributeChanges
from syncin_mount.vfs.files import OpenFiles
from syncin_mount.vfs.folders import OpenFolders, parent_of
from syncin_mount.vfs.known_names import KnownNames, refuse_own_trash
from syncin_mount.vfs.orphans import Orphans
from syncin_mount.vfs.pins import Pins
from syncin_mount.vfs.visits import Visits
from syncin_mount.vfs.xattrs import ExtendedAttributes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from reconciler.model import NodeId
    from syncin_mount.store import Attr, Replica
    from syncin_mount.vfs.hydration import Hydrator
    from syncin_mount.vfs.open_file import OpenFile

    _Found = tuple[Attr, dict[bytes, bytes]] | None
    """What has a name, with its extended attributes (``Replica.look``)."""

log = logging.getLogger(__name__)

SMALL = 16 << 10
"""Files up to this size (bytes) are told to take the blocks that their size needs."""

_BLOCK = 4096

_NODE_TYPES = dict(zip(TYPE_BITS, NodeType, strict=True))


def _fail(number: int) -> NoReturn:
    raise OSError(number, os.strerror(number))


class FileSystem:
    """A replica as a file system.

    Operations on folders' handles are in ``folders``, on extended attributes in ``xattrs``; what a
    frontend must know of names besides is in ``names``, of what is open in ``pins`` and ``visits``.
    ``read_only`` refuses every change with EROFS and may be switched at any time. ``clock`` gives
    seconds that only grow; it is what ``record_quiet_handles`` is compared with. ``now_ns`` is the
    time of changes that no record tells of.
    """

    def __init__(
        self,
        replica: Replica,
        hydrator: Hydrator,
        *,
        read_only: bool = False,
        clock: Callable[[], float] = time.monotonic,
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self.read_only = read_only
        self._replica = replica
        self._clock = clock
        self._orphans = Orphans(replica, now_ns)
        self._files = OpenFiles(replica, hydrator, self._orphans, clock)
        replica.keep_unnamed(functools.partial(self._orphans.keep, taken=True))
        self._attributes = AttributeChanges(replica, self._files, self._orphans)
        self._handles: dict[int, tuple[OpenFile, bool]] = {}
        self._last_handle = 0
        self.folders = OpenFolders(replica, self._files, self._orphans, self._handle)
        self.visits = Visits(replica, self.folders, self._handles)
        self.names = KnownNames(replica, self._files, self._orphans)
        self.pins = Pins(replica)
        self.xattrs = ExtendedAttributes(replica, self._orphans, self._may_change)

    # Helpers --------------------------------------------------------------------------------------

    def _node(self, ino: int) -> NodeId:
        node = self._replica.by_ino(ino)
        if node is None:
            _fail(errno.ESTALE)
        return node

    def _attr(self, node: NodeId) -> Attr:
        attr = self._replica.attr(node)
        if attr is None:
            _fail(errno.ESTALE)
        return attr

    def _seen(self, node: NodeId) -> Attr:
        attr = self._attr(node)
        file = self._files.get(attr.ino)
        return attr if file is None else self._files.attr(file)

    def _child(self, parent: int, name: bytes) -> NodeId:
        """Raises FileNotFoundError."""
        node = self._replica.lookup(self._node(parent), name)
        if node is None:
            _fail(errno.ENOENT)
        return node

    def _may_change(self, *names: bytes) -> None:
        if self.read_only:
            _fail(errno.EROFS)
        for name in names:
            if len(name) > MAX_NAME_BYTES:
                _fail(errno.ENAMETOOLONG)

    def _handle(self) -> int:
        self._last_handle += 1
        return self._last_handle

    # Names ----------------------------------------------------------------------------------------

    def lookup(self, parent: int, name: bytes) -> Attr:
        """Raises FileNotFoundError, ENAMETOOLONG."""
        if len(name) > MAX_NAME_BYTES:
            _fail(errno.ENAMETOOLONG)
        node = self._node(parent)
        if name == b".":
            return self._seen(node)
        if name == b"..":
            return self._seen(parent_of(self._replica, node))
        child = self._replica.lookup(node, name)
        if child is None:
            _fail(errno.ENOENT)
        return self._seen(child)

    def mkdir(self, parent: int, name: bytes, mode: int, uid: int, gid: int) -> Attr:
        """``mode`` has been masked by the caller's umask already, here and everywhere."""
        return self._create(parent, name, stat.S_IFDIR | stat.S_IMODE(mode), uid, gid)

    def mknod(self, parent: int, name: bytes, mode: int, rdev: int, uid: int, gid: int) -> Attr:
        """A file, or something local only: fifo, socket, device. ``mode`` has the type's bits."""
        return self._create(parent, name, mode, uid, gid, rdev=rdev)

    def symlink(self, parent: int, name: bytes, target: bytes, uid: int, gid: int) -> Attr:
        return self._create(parent, name, stat.S_IFLNK | 0o777, uid, gid, target=target)

    def readlink(self, ino: int) -> bytes:
        attr = self._attr(self._node(ino))
        if not stat.S_ISLNK(attr.st_mode):
            _fail(errno.EINVAL)
        return attr.target

    def _create(
        self,
        parent: int,
        name: bytes,
        mode: int,
        uid: int,
        gid: int,
        *,
        rdev: int = 0,
        target: bytes = b"",
    ) -> Attr:
        self._may_change(name)
        folder = self._node(parent)
        refuse_own_trash(self._replica, folder, name)
        above = self._attr(folder)
        if above.mode & stat.S_ISGID:  # the group is the folder's, and sub-folders pass that on
            gid = above.gid
            if stat.S_ISDIR(mode):
                mode |= stat.S_ISGID
        kind = _NODE_TYPES[stat.S_IFMT(mode) or stat.S_IFREG]
        return self._replica.create(
            folder, name, kind, mode=stat.S_IMODE(mode), uid=uid, gid=gid, rdev=rdev, target=target
        )

    async def link(self, ino: int, parent: int, name: bytes) -> Attr:
        """Another name of a file, link(2). What is not here of its content is fetched first
        (`arrivals.ERRNO`)."""
        self._may_change(name)
        folder = self._node(parent)
        refuse_own_trash(self._replica, folder, name)
        attr = self._attr(self._node(ino))
        if attr.kind is NodeType.FILE and not attr.present:
            file = await self._files.acquire(ino, write=True)
            self._files.drop(file, write=True)
        return self._seen(self._replica.link(self._node(ino), folder, name).node)

    def unlink(self, parent: int, name: bytes) -> None:
        self._may_change(name)
        folder = self._node(parent)
        found = self._replica.look(folder, name)
        with self._unnaming(found):
            self._replica.unlink(folder, name)

    def rmdir(self, parent: int, name: bytes) -> None:
        self._may_change(name)
        folder = self._node(parent)
        found = self._replica.look(folder, name)
        with self._unnaming(found):
            self._replica.rmdir(folder, name)

    def rename(
        self,
        parent: int,
        name: bytes,
        new_parent: int,
        new_name: bytes,
        *,
        exchange: bool = False,
        no_replace: bool = False,
    ) -> None:
        """Replaces what has the new name, unless ``no_replace`` (FileExistsError); ``exchange``
        swaps the two."""
        self._may_change(name, new_name)
        folder, new_folder = self._node(parent), self._node(new_parent)
        refuse_own_trash(self._replica, new_folder, new_name)
        moved, replaced = self._replica.look(folder, name), self._replica.look(new_folder, new_name)
        with self._unnaming(moved, replaced):
            self._replica.rename(
                folder, name, new_folder, new_name, exchange=exchange, no_replace=no_replace
            )

    @contextlib.contextmanager
    def _unnaming(self, *found: _Found) -> Iterator[None]:
        """Names are taken from these, or given to them. What has none afterwards stays as it was
        for whoever uses it. And renaming one file over another may give its content, with what is
        still to be recorded of it, to another node."""
        there = [each for each in found if each is not None]
        files = [self._files.get(attr.ino) for attr, _ in there]
        for file in files:
            if file is not None:
                self._files.attr(file)
        kept = [self._replica.keep_content(attr.node) for attr, _ in there]
        try:
            yield
        finally:
            for each, content, file in zip(there, kept, files, strict=True):
                self._orphans.keep(*each, content)
                self.pins.follow(each[0].ino)
                if file is not None:
                    self._files.renamed(file)

    def forget(self, inodes: Iterable[int]) -> None:
        """The operating system knows these inodes no more. Frontends tell of every inode that it
        forgets, else removed ones are kept to the end."""
        self._orphans.forget(inodes)

    # Attributes -----------------------------------------------------------------------------------

    def getattr(self, ino: int) -> Attr:
        file = self._files.get(ino)
        if file is not None:
            return self._files.attr(file)
        node = self._replica.by_ino(ino)
        return self._orphans.attr(ino) if node is None else self._attr(node)

    def blocks(self, attr: Attr) -> int:
        """The blocks of 512 bytes that a file takes (``st_blocks``): what its content takes on the
        local disk, holes left out. Of content that is not here, and of small files, where a look at
        the disk would cost more than it tells, as many as its size needs.

        Never 0 for a file that somebody writes: its bytes may still be in the operating system's
        memory, and programs take a file without blocks for one hole (GNU tar)."""
        if attr.kind is not NodeType.FILE:
            return 0
        by_size = (attr.size + _BLOCK - 1) // _BLOCK * (_BLOCK // 512)
        if attr.size <= SMALL:
            return by_size
        file = self._files.get(attr.ino)
        if file is not None:
            found = file.blocks()
            return by_size if found is None or (found == 0 and file.writers) else found
        found = self._replica.blocks(attr.node) if attr.nlink else None
        return by_size if found is None else found

    async def setattr(
        self,
        ino: int,
        *,
        mode: int | None = None,
        uid: int | None = None,
        gid: int | None = None,
        size: int | None = None,
        atime_ns: int | None = None,
        mtime_ns: int | None = None,
        ctime_ns: int | None = None,
    ) -> Attr:
        """Changes what is given. ``ctime_ns`` is given by a caller that keeps a file's times itself
        and tells every change of them (the kernel under writeback). Times that no record can hold
        become the nearest that can, as on local file systems (utimensat(2))."""
        self._may_change()
        await self._attributes.set(
            ino,
            mode=mode,
            uid=uid,
            gid=gid,
            size=size,
            atime_ns=atime_ns,
            mtime_ns=mtime_ns,
            ctime_ns=ctime_ns,
        )
        return self.getattr(ino)

    def statfs(self) -> os.statvfs_result:
        return self._replica.statfs()

    # Files ----------------------------------------------------------------------------------------

    async def create(
        self, parent: int, name: bytes, mode: int, flags: int, uid: int, gid: int
    ) -> tuple[int, Attr]:
        """A new file and a handle on it. ``flags`` are those of open(2); without O_EXCL an existing
        file is opened."""
        try:
            attr = self._create(parent, name, stat.S_IFREG | stat.S_IMODE(mode), uid, gid)
        except FileExistsError:
            if flags & os.O_EXCL:
                raise
            found = self._seen(self._child(parent, name))
            if not stat.S_ISREG(found.st_mode):
                raise
            return await self.open(found.ino, flags, uid), self.getattr(found.ino)
        return await self._new_handle(attr.ino, write=_writes(flags)), attr

    async def open(self, ino: int, flags: int, uid: int = 0) -> int:
        """A handle. For writing the content is fetched first, unless O_TRUNC drops it;
        `arrivals.ERRNO` when that cannot be.

        ``uid`` is who opens it: a truncation by anybody but root takes the set-user-ID and
        set-group-ID bits (the one change of a content for which the kernel leaves that to the file
        system).
        """
        write, truncate = _writes(flags), bool(flags & os.O_TRUNC)
        if write or truncate:
            self._may_change()
        if truncate and uid:
            self._attributes.drop_setid(ino)
        return await self._new_handle(ino, write=write, truncate=truncate)

    async def _new_handle(self, ino: int, *, write: bool, truncate: bool = False) -> int:
        file = await self._files.acquire(ino, write=write, truncate=truncate)
        handle = self._handle()
        self._handles[handle] = (file, write)
        self.visits.of_file(file)
        return handle

    async def read(self, handle: int, offset: int, size: int) -> memoryview:
        """Up to ``size`` bytes from ``offset``; fewer only at the end. Valid until the next read of
        any file. Waits for what is not here; raises `arrivals.ERRNO` when it cannot be fetched."""
        return await self._files.read(self._handles[handle][0], offset, size)

    async def write(self, handle: int, offset: int, data: bytes, *, in_thread: bool = False) -> int:
        """All of ``data``, or an OSError (ENOSPC …). Returns the number of bytes. A handle that
        could be opened for writing stays good when the drive becomes read-only: what the kernel
        still holds of it must not be lost. ``in_thread``: other calls are answered meanwhile."""
        file = self._handles[handle][0]
        if in_thread or (file.writes is not None and file.writes.locked()):
            await self._files.write_in_thread(file, offset, data)
        else:
            self._files.write(file, offset, data)
        return len(data)

    def writes(self, handle: int) -> trio.Lock | None:
        """What a caller of ``flush`` and ``release`` holds meanwhile, so that the writes that came
        before are recorded, not a half of one: None when no thread ever wrote to the file."""
        return self._handles[handle][0].writes

    def flush(self, handle: int) -> None:
        """Somebody closed a descriptor of this handle: what was written is in the journal when this
        returns. See ``writes``."""
        file, write = self._handles[handle]
        if write:
            self._files.record(file)

    async def fsync(self, handle: int) -> None:
        """What was written through any handle of the file, and every operation before it, survives
        a power cut."""
        file = self._handles[handle][0]
        async with file.writes or contextlib.nullcontext():
            self._files.record(file)
        content, node = file.content, self._files.follow(file)
        attr = None if node is None else self._replica.attr(node)

        def sync() -> None:
            content.sync()
            self._replica.sync_journal()

        try:
            await trio.to_thread.run_sync(sync)
        except OSError:
            if node is not None:
                self._replica.durability.sync_failed([node])
            raise
        if attr is not None and file.here and content is file.content:
            self._files.synced(file, attr)

    def release(self, handle: int) -> None:
        """The last descriptor of the handle is closed. See ``writes``."""
        file, write = self._handles.pop(handle)
        self._files.drop(file, write=write)

    # Around it ------------------------------------------------------------------------------------

    def record_quiet_handles(self, now: float) -> None:
        """Records what was written to files that stay open, once nobody wrote to them for the two
        seconds before ``now``, a reading of the clock."""
        self._files.record_quiet_handles(now)

    async def keep_recording(self) -> NoReturn:
        """``record_quiet_handles`` about once a second, until cancelled. Frontends run it beside
        their requests."""
        while True:
            await trio.sleep(1)
            self.record_quiet_handles(self._clock())

    def kernel_keeps_times(self) -> None:
        """From now on the caller tells every change of the times of a file that it writes, see
        ``setattr``."""
        self._files.times_kept = True

    def close(self) -> None:
        """Releases every handle, as the system cannot do it any more; what was written is kept."""
        for handle, (file, _write) in list(self._handles.items()):
            try:
                self.release(handle)
            except OSError as error:
                log.error(
                    "What was last written to inode %d could not be recorded: %s",
                    file.ino,
                    error.strerror,
                )
        self._files.close()
        self.folders.close_all()
        self._replica.keep_unnamed(None)
        self._orphans.forget_all()


def _writes(flags: int) -> bool:
    return flags & (os.O_WRONLY | os.O_RDWR) != 0
