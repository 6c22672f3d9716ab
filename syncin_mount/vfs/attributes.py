"""Changes of attributes: of what has a name, of what is open and has none, and of what is written
just then."""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from syncin_mount.store import Attr, Replica
    from syncin_mount.vfs.files import OpenFiles
    from syncin_mount.vfs.orphans import Orphans

_LAST_NS = (1 << 63) - 1
"""The last time that a record can hold, in the year 2262; the first is as far before 1970."""


class AttributeChanges:
    """See `FileSystem`, which says who may change what."""

    def __init__(self, replica: Replica, files: OpenFiles, orphans: Orphans) -> None:
        self._replica = replica
        self._files = files
        self._orphans = orphans

    async def set(
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
    ) -> None:
        """Changes what is given. ``ctime_ns`` is given by a caller that keeps a file's times itself
        and tells every change of them (the kernel under writeback). Times that no record can hold
        become the nearest that can, as on local file systems (utimensat(2))."""
        atime_ns, mtime_ns, ctime_ns = _in_range(atime_ns), _in_range(mtime_ns), _in_range(ctime_ns)
        if size is not None:
            await self._truncate(ino, size, mtime_ns, ctime_ns)
        file = self._files.get(ino)
        if file is not None and mtime_ns is not None and file.writing:
            self._files.keep_time(file, mtime_ns, ctime_ns)
            if mode is None and uid is None and gid is None and atime_ns is None:
                return
        elif file is not None and file.ctime_ns is not None and ctime_ns is not None:
            file.ctime_ns = ctime_ns
        if mode is not None:
            mode = stat.S_IMODE(mode)
        node = self._replica.by_ino(ino)
        if node is None:
            self._change_orphan(
                ino,
                mode=mode,
                uid=uid,
                gid=gid,
                atime_ns=atime_ns,
                mtime_ns=mtime_ns,
                ctime_ns=ctime_ns,
            )
        elif size is None or (mode, uid, gid, atime_ns, mtime_ns, ctime_ns) != (None,) * 6:
            # nothing at all: chown(2) with -1 twice, which gives a new ctime
            self._replica.set_attr(
                node,
                mode=mode,
                uid=uid,
                gid=gid,
                atime_ns=atime_ns,
                mtime_ns=mtime_ns,
                ctime_ns=ctime_ns,
            )

    def _change_orphan(self, ino: int, **changes: int | None) -> None:
        """Sets attributes of a file that has no record any more. Raises ESTALE when the reconciler
        took its name and nobody writes to it: then it was most likely meant by a name that the
        operating system remembers wrongly, and is looked up again. (Whoever meant the old content
        by a descriptor is refused too: nobody can tell them apart.)"""
        file = self._files.get(ino)
        if file is None:
            self._orphans.change(ino, **changes)
            return
        self._files.follow(file)
        if not file.unnamed and not file.writers:
            raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))
        given = {name: value for name, value in changes.items() if value is not None}
        if "mtime_ns" in given:
            file.mtime_ns = None
        file.attr = msgspec.structs.replace(file.attr, **given)

    async def _truncate(
        self, ino: int, size: int, mtime_ns: int | None, ctime_ns: int | None
    ) -> None:
        """Recorded at once, unless somebody has the file open for writing: then with what they
        write. To the size that it has is no change (POSIX), unless the caller gives a time with
        it."""
        if mtime_ns is None and self.now(ino).size == size:
            return
        file = await self._files.acquire(ino, write=True, truncate=size == 0)
        try:
            if size:
                self._files.truncate(file, size)
            if mtime_ns is not None:
                self._files.keep_time(file, mtime_ns, ctime_ns)
        finally:
            self._files.drop(file, write=True)

    def drop_setid(self, ino: int) -> None:
        """As chmod(2) and write(2) say: set-group-ID without group execution is no such bit
        (mandatory locking)."""
        node, mode = self._replica.by_ino(ino), self.now(ino).mode
        kept = mode & ~(stat.S_ISUID | stat.S_ISGID if mode & stat.S_IXGRP else stat.S_ISUID)
        if kept != mode and node is None:
            self._change_orphan(ino, mode=kept)
        elif kept != mode and node is not None:
            self._replica.set_attr(node, mode=kept)

    def now(self, ino: int) -> Attr:
        """What the inode looks like. Raises OSError (ESTALE)."""
        file = self._files.get(ino)
        if file is not None:
            return self._files.attr(file)
        node = self._replica.by_ino(ino)
        attr = None if node is None else self._replica.attr(node)
        return self._orphans.attr(ino) if attr is None else attr


def _in_range(time_ns: int | None) -> int | None:
    return None if time_ns is None else max(-_LAST_NS, min(time_ns, _LAST_NS))
