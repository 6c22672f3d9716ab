"""pyfuse3's requests, translated to `syncin_mount.vfs` and back. Nothing is decided here.

What the kernel may remember: names (also those that are not there) and attributes for a day, pages
of a file for as long as it likes. It is told of every change that it did not make itself
(`syncin_fuse.invalidation`), and an inode's content never changes behind it.
"""

from __future__ import annotations

import errno
import functools
import inspect
import logging
from typing import TYPE_CHECKING, Any

import pyfuse3
import trio
from pyfuse3 import EntryAttributes, FileInfo, FUSEError, RequestContext, SetattrFields

from syncin_fuse.turns import MUCH, Turns

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from pyfuse3 import ReaddirToken, StatvfsData

    from syncin_fuse.announcer import Announcer
    from syncin_mount.store import Attr
    from syncin_mount.vfs import FileSystem

log = logging.getLogger(__name__)

A_DAY = 86_400

LARGE = 256 << 10
"""From this size on (bytes) a thread takes longer to write than to be told."""


OF_THE_KERNEL = frozenset({"getxattr", "setattr"})
"""What Linux asks for by itself while somebody writes: with each write(2) for security.capability,
in the name of the thread that writes; and again and again it tells the time of what it writes back,
in the name of a thread of its own."""


def guarded(handler: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """Lets nothing out of a handler but FUSEError: any other exception would end the mount."""

    asks = (
        "ctx" in inspect.signature(handler).parameters  # its last one: who asks
        and handler.__name__ not in OF_THE_KERNEL
    )

    @functools.wraps(handler)
    async def guard(*args: Any) -> Any:
        try:
            if asks:
                args[0].turns.small(args[-1].pid)
            return await handler(*args)
        except FUSEError:
            raise
        except OSError as error:
            if error.errno is None:
                log.exception("%s failed without an error number", handler.__name__)
            raise FUSEError(error.errno or errno.EIO) from None
        except Exception:
            log.exception("Unexpected error in the file system operation %s", handler.__name__)
            raise FUSEError(errno.EIO) from None

    return guard


def entry_of(attr: Attr, blocks: int) -> EntryAttributes:
    """What the kernel gets of an inode."""
    entry = EntryAttributes()
    entry.st_ino = attr.ino
    entry.st_mode = attr.st_mode
    entry.st_nlink = attr.nlink
    entry.st_uid = attr.uid
    entry.st_gid = attr.gid
    entry.st_rdev = attr.rdev
    entry.st_size = attr.size
    entry.st_blocks = blocks
    entry.st_atime_ns = attr.atime_ns
    entry.st_mtime_ns = attr.mtime_ns
    entry.st_ctime_ns = attr.ctime_ns
    entry.entry_timeout = A_DAY
    entry.attr_timeout = A_DAY
    return entry


def _absent() -> EntryAttributes:
    entry = EntryAttributes()
    entry.st_ino = 0  # says: there is no such name, and you may remember that
    entry.entry_timeout = A_DAY
    return entry


def _there(entry: EntryAttributes | None) -> EntryAttributes:
    if entry is None:
        raise FUSEError(errno.ENOENT)
    return entry


class Operations(pyfuse3.Operations):
    """One FileSystem as pyfuse3 wants it. ``ready`` is set when the kernel has begun to use the
    mount.

    Lookups are not counted: the kernel forgets an inode at once for all of them, and no inode
    number is used again. A forgetting that arrives late, after the inode became known anew and then
    lost its name, leads to ESTALE.
    """

    supports_dot_lookup = True
    enable_writeback_cache = True
    enable_acl = False

    def __init__(self, fs: FileSystem) -> None:
        super().__init__()
        self._fs = fs
        fs.kernel_keeps_times()
        self._absent = _absent()
        self.ready = trio.Event()
        self.turns = Turns()
        self.announcer: Announcer | None = None

    def show(self, attr: Attr) -> EntryAttributes:
        return entry_of(attr, self._fs.blocks(attr))

    def _herald(self, ctx: RequestContext) -> Announcer | None:
        """Who answers, when the herald asks."""
        announcer = self.announcer
        return announcer if announcer is not None and announcer.pid == ctx.pid else None

    def init(self) -> None:
        self.ready.set()

    # Names and attributes -------------------------------------------------------------------------

    async def lookup(self, parent_inode: int, name: bytes, ctx: RequestContext) -> EntryAttributes:
        if (herald := self._herald(ctx)) and (
            found := herald.lookup(parent_inode, name)
        ) is not None:
            return found
        try:
            return self.show(self._fs.lookup(parent_inode, name))
        except FileNotFoundError:
            return self._absent

    async def forget(self, inode_list: Sequence[tuple[int, int]]) -> None:
        self._fs.forget(ino for ino, _lookups in inode_list)

    async def getattr(self, inode: int, ctx: RequestContext) -> EntryAttributes:
        return self.show(self._fs.getattr(inode))

    async def setattr(
        self,
        inode: int,
        attr: EntryAttributes,
        fields: SetattrFields,
        fh: int | None,
        ctx: RequestContext,
    ) -> EntryAttributes:
        if herald := self._herald(ctx):
            return herald.setattr(inode)
        changed = await self._fs.setattr(
            inode,
            mode=attr.st_mode if fields.update_mode else None,
            uid=attr.st_uid if fields.update_uid else None,
            gid=attr.st_gid if fields.update_gid else None,
            size=attr.st_size if fields.update_size else None,
            atime_ns=attr.st_atime_ns if fields.update_atime else None,
            mtime_ns=attr.st_mtime_ns if fields.update_mtime else None,
            ctime_ns=attr.st_ctime_ns if fields.update_ctime else None,
        )
        return self.show(changed)

    async def mkdir(
        self, parent_inode: int, name: bytes, mode: int, ctx: RequestContext
    ) -> EntryAttributes:
        if herald := self._herald(ctx):
            return _there(herald.change(b"mkdir", parent_inode, name))
        return self.show(self._fs.mkdir(parent_inode, name, mode, ctx.uid, ctx.gid))

    async def mknod(
        self, parent_inode: int, name: bytes, mode: int, rdev: int, ctx: RequestContext
    ) -> EntryAttributes:
        if herald := self._herald(ctx):
            return _there(herald.change(b"make", parent_inode, name))
        return self.show(self._fs.mknod(parent_inode, name, mode, rdev, ctx.uid, ctx.gid))

    async def symlink(
        self, parent_inode: int, name: bytes, target: bytes, ctx: RequestContext
    ) -> EntryAttributes:
        return self.show(self._fs.symlink(parent_inode, name, target, ctx.uid, ctx.gid))

    async def readlink(self, inode: int, ctx: RequestContext) -> bytes:
        return self._fs.readlink(inode)

    async def link(
        self, inode: int, new_parent_inode: int, new_name: bytes, ctx: RequestContext
    ) -> EntryAttributes:
        return self.show(await self._fs.link(inode, new_parent_inode, new_name))

    async def unlink(self, parent_inode: int, name: bytes, ctx: RequestContext) -> None:
        if herald := self._herald(ctx):
            herald.change(b"unlink", parent_inode, name)
            return
        self._fs.unlink(parent_inode, name)

    async def rmdir(self, parent_inode: int, name: bytes, ctx: RequestContext) -> None:
        if herald := self._herald(ctx):
            herald.change(b"rmdir", parent_inode, name)
            return
        self._fs.rmdir(parent_inode, name)

    async def rename(
        self,
        parent_inode_old: int,
        name_old: bytes,
        parent_inode_new: int,
        name_new: bytes,
        flags: int,
        ctx: RequestContext,
    ) -> None:
        if herald := self._herald(ctx):
            herald.change(b"rename", parent_inode_new, name_new)
            return
        if flags & ~(pyfuse3.RENAME_EXCHANGE | pyfuse3.RENAME_NOREPLACE):
            raise FUSEError(errno.EINVAL)
        self._fs.rename(
            parent_inode_old,
            name_old,
            parent_inode_new,
            name_new,
            exchange=bool(flags & pyfuse3.RENAME_EXCHANGE),
            no_replace=bool(flags & pyfuse3.RENAME_NOREPLACE),
        )

    async def statfs(self, ctx: RequestContext) -> StatvfsData:
        found = self._fs.statfs()
        told = pyfuse3.StatvfsData()
        told.f_bsize = found.f_bsize
        told.f_frsize = found.f_frsize
        told.f_blocks = found.f_blocks
        told.f_bfree = found.f_bfree
        told.f_bavail = found.f_bavail
        told.f_files = found.f_files
        told.f_ffree = found.f_ffree
        told.f_favail = found.f_favail
        told.f_namemax = found.f_namemax
        return told

    # Files ----------------------------------------------------------------------------------------

    async def create(
        self, parent_inode: int, name: bytes, mode: int, flags: int, ctx: RequestContext
    ) -> tuple[FileInfo, EntryAttributes]:
        handle, attr = await self._fs.create(parent_inode, name, mode, flags, ctx.uid, ctx.gid)
        self.turns.opened(handle, ctx.pid)
        return FileInfo(handle, keep_cache=True), self.show(attr)

    async def open(self, inode: int, flags: int, ctx: RequestContext) -> FileInfo:
        handle = await self._fs.open(inode, flags, ctx.uid)
        self.turns.opened(handle, ctx.pid)
        return FileInfo(handle, keep_cache=True)

    async def read(self, fh: int, off: int, size: int) -> bytes:
        # pyfuse3 takes any buffer, whatever its annotation, and copies it before another handler
        # runs.
        data: Any
        if size < MUCH:
            data = await self._fs.read(fh, off, size)
        else:
            async with self.turns.portion(fh):
                data = await self._fs.read(fh, off, size)
        return data  # type: ignore[no-any-return]

    async def write(self, fh: int, off: int, buf: bytes) -> int:
        if len(buf) < MUCH:
            return await self._fs.write(fh, off, buf)
        if len(buf) >= LARGE and self.turns.shared(fh):
            return await self._fs.write(fh, off, buf, in_thread=True)
        async with self.turns.portion(fh):
            return await self._fs.write(fh, off, buf)

    async def flush(self, fh: int) -> None:
        if (writes := self._fs.writes(fh)) is None:
            self._fs.flush(fh)
            return
        async with writes:
            self._fs.flush(fh)

    async def fsync(self, fh: int, datasync: bool) -> None:
        await self._fs.fsync(fh)

    async def release(self, fh: int) -> None:
        self.turns.closed(fh)
        if (writes := self._fs.writes(fh)) is None:
            self._fs.release(fh)
            return
        async with writes:
            self._fs.release(fh)

    # Folders --------------------------------------------------------------------------------------

    async def opendir(self, inode: int, ctx: RequestContext) -> int:
        handle = self._fs.folders.open(inode)
        self.turns.opened(handle, ctx.pid)
        return handle

    async def readdir(self, fh: int, start_id: int, token: ReaddirToken) -> None:
        if start_id == 0:  # most folders have no more
            self._list(fh, start_id, token)
        else:
            async with self.turns.portion(fh):
                self._list(fh, start_id, token)

    def _list(self, fh: int, start_id: int, token: ReaddirToken) -> None:
        for name, attr, after in self._fs.folders.read(fh, start_id):
            if not pyfuse3.readdir_reply(token, name, self.show(attr), after):
                return

    async def releasedir(self, fh: int) -> None:
        self.turns.closed(fh)
        self._fs.folders.close(fh)

    async def fsyncdir(self, fh: int, datasync: bool) -> None:
        await self._fs.folders.sync()

    # Extended attributes --------------------------------------------------------------------------

    async def getxattr(self, inode: int, name: bytes, ctx: RequestContext) -> bytes:
        return self._fs.xattrs.get(inode, name)

    async def setxattr(self, inode: int, name: bytes, value: bytes, ctx: RequestContext) -> None:
        self._fs.xattrs.set(inode, name, value)

    async def listxattr(self, inode: int, ctx: RequestContext) -> Sequence[bytes]:
        return self._fs.xattrs.names(inode, privileged=ctx.uid == 0)

    async def removexattr(self, inode: int, name: bytes, ctx: RequestContext) -> None:
        self._fs.xattrs.remove(inode, name)


def _guard_all() -> None:
    """Wraps every handler of Operations: one that is added later cannot be forgotten."""
    for name, handler in list(vars(Operations).items()):
        if inspect.iscoroutinefunction(handler):
            setattr(Operations, name, guarded(handler))


_guard_all()
