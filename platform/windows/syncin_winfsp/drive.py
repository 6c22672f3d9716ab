"""What a request of the driver means for the drive: everything of the frontend that decides.

Used from the trio thread alone. Knows nothing of winfspy. Errors are OSError, which
`syncin_winfsp.values.statuses` has a table for, and Refused.

- Opening waits for no content. It comes with the first read or write, which the driver need not
  wait for in a thread.
- What was written is recorded at cleanup: that is when a program's CloseHandle returns. The memory
  manager may write later, up to the close, where that is recorded.
- While a file's data may be read or written by somebody, it is pinned (`syncin_mount.vfs.pins`).
- What the driver and fsop.c of WinFsp have checked is not checked again: share modes, kinds at
  opening, read-only files that are opened for writing.
"""

from __future__ import annotations

import errno
import logging
import os
from typing import TYPE_CHECKING, Final

from syncin_mount import system
from syncin_mount.store.types import NodeType
from syncin_winfsp.contexts import DATA, WRITES, Context, Contexts, Option
from syncin_winfsp.paths import ROOT, Found, Listed, Listing, Paths
from syncin_winfsp.values.attributes import (
    INVALID,
    KEPT,
    WRITABLE,
    Attribute,
    FileInfo,
    Kept,
    decode,
    info_of,
    is_shown,
    keep,
    mode_with,
    usual,
)
from syncin_winfsp.values.statuses import Refused, Status
from syncin_winfsp.values.times import from_filetime
from syncin_winfsp.values.volume import Volume, volume_of

if TYPE_CHECKING:
    from syncin_mount.store import Attr
    from syncin_mount.vfs import FileSystem

log = logging.getLogger(__name__)

_FILE_MODE: Final = 0o644
_FOLDER_MODE: Final = 0o755

DELETE: Final = 0x01
SET_ARCHIVE_BIT: Final = 0x10
"""Flags of a cleanup, from winfsp.h."""


class Drive:
    """``label`` is the drive's name in Explorer."""

    def __init__(self, fs: FileSystem, label: str = "") -> None:
        self._fs = fs
        self._label = label
        self._paths = Paths(fs)
        self.contexts = Contexts()

    # The volume -----------------------------------------------------------------------------------

    def volume(self) -> Volume:
        """Its sizes and its name."""
        return volume_of(self._fs.statfs(), self._label)

    # What a file is -------------------------------------------------------------------------------

    def _kept(self, attr: Attr, *, is_folder: bool) -> Kept:
        try:
            value = self._fs.xattrs.get(attr.ino, KEPT)
        except OSError:
            return usual(is_folder=is_folder)
        return decode(value, is_folder=is_folder)

    def _info(self, attr: Attr) -> FileInfo:
        is_folder = attr.kind is NodeType.FOLDER
        return info_of(attr, self._kept(attr, is_folder=is_folder))

    def _keep(self, ino: int, kept: Kept, *, is_folder: bool) -> None:
        if kept != usual(is_folder=is_folder):
            self._fs.xattrs.set(ino, KEPT, kept.encode())
            return
        try:
            self._fs.xattrs.remove(ino, KEPT)
        except OSError as error:
            if error.errno != errno.ENODATA:
                raise

    def _attr(self, context: Context) -> Attr:
        """Of a handle. Where only attributes were asked for, the name may lead to a newer content
        by now. Raises OSError (ESTALE)."""
        try:
            return self._fs.getattr(context.ino)
        except OSError as error:
            if error.errno != errno.ESTALE or context.pinned:
                raise
        attr = self._fs.lookup(context.parent, context.name)
        self.contexts.move(context, attr.ino)
        return attr

    def info(self, context: Context) -> FileInfo:
        """What the driver is told of a handle's file."""
        return self._info(self._attr(context))

    def attributes(self, path: str) -> int:
        """Those of what has the path."""
        return self._info(self._paths.find(path).attr).attributes

    def exists(self, path: str) -> None:
        """Raises OSError (ENOENT) if nothing has the path."""
        self._paths.find(path)

    def path_of(self, parent: int, name: bytes, attr: Attr | None) -> str | None:
        """The path of a name in the folder of an inode, as Windows is shown it; None when it is
        not. ``attr`` is what has the name, or had it."""
        above = self._fs.names.path_of_folder(parent)
        if above is None or (attr is not None and not is_shown(attr)):
            return None
        return self._paths.shown_path(above, parent, name)

    # Opening --------------------------------------------------------------------------------------

    async def create(
        self, path: str, options: int, access: int, attributes: int
    ) -> tuple[Context, FileInfo, str]:
        """A new file or folder, and a handle. Returns the path as it is to be shown, too."""
        free = self._paths.free(path)
        uid, gid = system.OWNER
        is_folder = bool(options & Option.DIRECTORY_FILE)
        if is_folder:
            attr = self._fs.mkdir(free.parent, free.name, _FOLDER_MODE, uid, gid)
            context = Context(attr.ino, free.parent, free.name, is_folder=True)
            kept = Kept(keep(attributes, is_folder=True))
        else:
            mode = mode_with(_FILE_MODE, attributes)
            writer, attr = await self._fs.create(
                free.parent, free.name, mode, os.O_RDWR | os.O_EXCL, uid, gid
            )
            context = Context(attr.ino, free.parent, free.name, is_folder=False)
            context.writer = writer
            kept = Kept(keep(attributes, is_folder=False) | Attribute.ARCHIVE)
        self._register(context, access)
        if kept != usual(is_folder=is_folder):
            self._keep(attr.ino, kept, is_folder=is_folder)
        return context, self.info(context), free.path

    def open(self, path: str, options: int, access: int) -> tuple[Context, FileInfo, str]:
        """A handle. Returns the path as it is to be shown, too."""
        found = self._paths.find(path)
        is_folder = found.attr.kind is NodeType.FOLDER
        if options & Option.DIRECTORY_FILE and not is_folder:
            raise Refused(Status.NOT_A_DIRECTORY)
        if options & Option.NON_DIRECTORY_FILE and is_folder:
            raise Refused(Status.FILE_IS_A_DIRECTORY)
        if self._fs.read_only and (
            (access & WRITES and not is_folder) or options & Option.DELETE_ON_CLOSE
        ):
            raise Refused(Status.MEDIA_WRITE_PROTECTED)
        context = Context(found.attr.ino, found.parent, found.name, is_folder=is_folder)
        self._register(context, access)
        return context, self.info(context), found.path

    def _register(self, context: Context, access: int) -> None:
        if access & DATA and not context.is_folder:
            self._fs.pins.add(context.ino)
            context.pinned = True
        self.contexts.add(context)

    async def overwrite(
        self, context: Context, attributes: int, *, replace_attributes: bool
    ) -> FileInfo:
        """The file becomes empty. Its attributes become these, or these too."""
        await self._truncate(context, 0)
        attr = self._attr(context)
        kept = self._kept(attr, is_folder=False)
        before = Attribute(0) if replace_attributes else kept.attributes
        asked = before | keep(attributes, is_folder=False) | Attribute.ARCHIVE
        self._keep(context.ino, Kept(asked, kept.created), is_folder=False)
        if attributes & Attribute.READONLY or replace_attributes:
            mode = mode_with(attr.mode, attributes)
            if mode != attr.mode:
                await self._fs.setattr(context.ino, mode=mode)
        return self.info(context)

    # Closing --------------------------------------------------------------------------------------

    def cleanup(self, context: Context, flags: int) -> None:
        """The program's last handle of this context is closed: what it wrote is recorded, and what
        it wants deleted goes. Nobody could be told of an error."""
        try:
            if flags & DELETE:
                self._delete(context)
            if context.writer is not None:
                self._fs.flush(context.writer)
            if flags & SET_ARCHIVE_BIT and not flags & DELETE:
                self._set_archive_bit(context)
        except OSError as error:
            log.warning("What was closed could not be recorded yet: %s", error.strerror)

    def _set_archive_bit(self, context: Context) -> None:
        attr = self._attr(context)
        kept = self._kept(attr, is_folder=context.is_folder)
        if not kept.attributes & Attribute.ARCHIVE and not context.is_folder:
            self._keep(
                context.ino,
                Kept(kept.attributes | Attribute.ARCHIVE, kept.created),
                is_folder=False,
            )

    def _delete(self, context: Context) -> None:
        parent, name = self._place(context)
        if not context.is_folder:
            self._fs.unlink(parent, name)
        elif self._paths.is_empty(context.ino):
            self._fs.rmdir(
                parent, name
            )  # else it was to be deleted on close, and stays, as on NTFS

    def _place(self, context: Context) -> tuple[int, bytes]:
        """Where the handle's file is now: the reconciler may have moved it. Raises OSError
        (ESTALE)."""
        attr = self._fs.names.named(context.parent, context.name)
        if attr is not None and attr.ino == context.ino:
            return context.parent, context.name
        place = self._fs.names.place_of(context.ino)
        if place is None:
            raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))
        context.parent, context.name = place
        return place

    def close(self, context: Context) -> None:
        """The driver knows the handle no more. What was written after its cleanup is recorded."""
        for handle in (context.reader, context.writer):
            if handle is not None:
                try:
                    self._fs.release(handle)
                except OSError as error:
                    log.warning("What was closed could not be recorded yet: %s", error.strerror)
        context.reader = context.writer = None
        if context.pinned:
            self._fs.pins.drop(context.ino)
            context.pinned = False
        self.contexts.remove(context)
        self._forget_closed(context.ino)

    def _forget_closed(self, ino: int) -> None:
        if not self.contexts.is_known(ino):
            self._fs.forget([ino])

    # Contents -------------------------------------------------------------------------------------

    async def _reader(self, context: Context) -> int:
        if context.is_folder:
            raise Refused(Status.INVALID_DEVICE_REQUEST)
        if context.writer is not None:
            return context.writer
        async with context.opening:
            if context.reader is None:
                context.reader = await self._fs.open(context.ino, os.O_RDONLY)
            return context.reader

    async def _writer(self, context: Context) -> int:
        if context.is_folder:
            raise Refused(Status.INVALID_DEVICE_REQUEST)
        async with context.opening:
            if context.writer is None:
                context.writer = await self._fs.open(context.ino, os.O_RDWR, system.OWNER[0])
            return context.writer

    async def read(self, context: Context, offset: int, length: int) -> memoryview:
        """Good until anything else is done. Raises Refused (END_OF_FILE)."""
        data = await self._fs.read(await self._reader(context), offset, length)
        if not len(data) and length:
            raise Refused(Status.END_OF_FILE)
        return data

    async def write(
        self, context: Context, data: bytes, offset: int, *, to_end: bool, constrained: bool
    ) -> tuple[int, FileInfo]:
        """Returns the number of bytes. ``constrained``: the memory manager writes, and the file
        becomes no longer by it."""
        writer = await self._writer(context)
        size = self._fs.getattr(context.ino).size
        if to_end:
            offset = size
        if constrained:
            data = data[: max(size - offset, 0)]
        if data:
            await self._fs.write(writer, offset, data)
            await self._leave_time(context)
        return len(data), self.info(context)

    async def _leave_time(self, context: Context) -> None:
        """What a program writes after it set the file's time leaves that as it is."""
        if context.written is not None:
            await self._fs.setattr(context.ino, mtime_ns=context.written)

    async def flush(self, context: Context | None) -> FileInfo | None:
        """What was written survives a power cut; of the whole drive without a handle."""
        if context is None:
            await self._fs.folders.sync()
            return None
        if context.writer is not None:
            await self._fs.fsync(context.writer)
        else:
            await self._fs.folders.sync()
        return self.info(context)

    async def set_size(self, context: Context, size: int, *, is_allocation: bool) -> FileInfo:
        """The end of the file, or the space that is set aside for it: of that only what is less
        than the file has means anything. Raises OSError (ENOSPC) where it is not there."""
        before = self._attr(context).size
        if is_allocation and size >= before:
            if size - before > self.volume().free:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return self.info(context)
        await self._truncate(context, size)
        await self._leave_time(context)
        return self.info(context)

    async def _truncate(self, context: Context, size: int) -> None:
        if context.is_folder:
            raise Refused(Status.INVALID_DEVICE_REQUEST)
        if size:
            await self._writer(context)  # its content is needed
        await self._fs.setattr(context.ino, size=size)

    # Attributes -----------------------------------------------------------------------------------

    async def set_basic_info(
        self, context: Context, attributes: int, created: int, accessed: int, written: int
    ) -> FileInfo:
        """Attributes and times (FILETIMEs); what is not to be changed has a value for that."""
        attr = self._attr(context)
        kept = self._kept(attr, is_folder=context.is_folder)
        wanted, mode = kept, None
        if attributes != INVALID:
            wanted = Kept(keep(attributes, is_folder=context.is_folder), wanted.created)
            if not context.is_folder:
                mode = mode_with(attr.mode, attributes)
        if from_filetime(created) is not None:
            wanted = Kept(wanted.attributes, created)
        mtime_ns, atime_ns = from_filetime(written), from_filetime(accessed)
        mode = None if mode == attr.mode else mode
        if (mode, mtime_ns, atime_ns) != (None, None, None):
            await self._fs.setattr(context.ino, mode=mode, mtime_ns=mtime_ns, atime_ns=atime_ns)
        if wanted != kept:
            self._keep(context.ino, wanted, is_folder=context.is_folder)
        if mtime_ns is not None:
            context.written = mtime_ns
        return self.info(context)

    # Names ----------------------------------------------------------------------------------------

    def may_delete(self, context: Context) -> None:
        """Raises Refused, or OSError, for what cannot be deleted now."""
        if self._fs.read_only:
            raise Refused(Status.MEDIA_WRITE_PROTECTED)
        if context.ino == ROOT:
            raise Refused(Status.ACCESS_DENIED)
        attr = self._attr(context)
        if context.is_folder:
            if not self._paths.is_empty(context.ino):
                raise Refused(Status.DIRECTORY_NOT_EMPTY)
        elif not attr.mode & WRITABLE:
            raise Refused(Status.CANNOT_DELETE)

    def rename(self, context: Context, new_path: str, *, replace: bool) -> None:
        """Gives the handle's file another place. What has it is replaced if ``replace``: a file by
        a file, never a folder."""
        if context.ino == ROOT:
            raise Refused(Status.ACCESS_DENIED)
        parent, name = self._place(context)
        free = self._paths.new_name(new_path)
        target = self._target(new_path)
        if target is not None and (target.parent, target.name) != (parent, name):
            self._check_target(context, target, replace=replace)
            # One step: whatever happens, the name has either content. Its case follows.
            self._fs.rename(parent, name, target.parent, target.name)
            parent, name = target.parent, target.name
            self._forget_closed(target.attr.ino)
        if (parent, name) != (free.parent, free.name):
            self._fs.rename(parent, name, free.parent, free.name, no_replace=True)
        for each in self.contexts.of(context.ino):
            each.parent, each.name = free.parent, free.name

    def _target(self, path: str) -> Found | None:
        """What has the path, or a name that differs from its last by case alone."""
        try:
            return self._paths.find(path)
        except FileNotFoundError:
            return None

    def _check_target(self, context: Context, target: Found, *, replace: bool) -> None:
        if not replace:
            raise Refused(Status.OBJECT_NAME_COLLISION)
        is_file = target.attr.kind is NodeType.FILE
        if not is_file or context.is_folder or not target.attr.mode & WRITABLE:
            raise Refused(Status.ACCESS_DENIED)

    # Folders --------------------------------------------------------------------------------------

    def read_folder(
        self, context: Context, marker: str | None, most: int
    ) -> tuple[list[tuple[str, FileInfo]], bool]:
        """Up to ``most`` entries behind the marker, and whether these were the last. A listing
        shows the names that were there when it began, and what has them now."""
        if not context.is_folder:
            raise Refused(Status.NOT_A_DIRECTORY)
        if marker is None or context.listing is None:
            dots = [] if context.ino == ROOT else [Listed(".", b"."), Listed("..", b"..")]
            context.listing = Listing([*dots, *self._paths.listing(context.ino)])
        entries = context.listing.entries
        found: list[tuple[str, FileInfo]] = []
        for at in range(0 if marker is None else context.listing.behind(marker), len(entries)):
            if len(found) == most:
                return found, False
            attr = self._listed(context, entries[at].name)
            if attr is not None:
                found.append((entries[at].shown, self._info(attr)))
        return found, True

    def _listed(self, context: Context, name: bytes) -> Attr | None:
        if name in {b".", b".."}:
            return self._fs.lookup(context.ino, name)
        return self._fs.names.named(context.ino, name)

    def entry(self, context: Context, name: str) -> tuple[str, FileInfo]:
        """One name of a folder, in whatever case: as it is shown, and what has it. Raises OSError
        (ENOENT)."""
        _, attr, shown = self._paths.named(context.ino, name)
        return shown, self._info(attr)
