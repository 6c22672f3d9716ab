"""Makes what lies in a folder the content of a replica, as if a program had written it into the
drive.

Everything stays at its old place until its copy, and the journal that knows of it, are on the disk;
only then is the original taken away. So a kill or a power cut at any point leaves each file at its
old place, in the replica, or both, and a second import goes on: what is in the replica already, the
same byte for byte, is only taken away. A file is copied (or cloned, where the file system can) and
never moved, as programs that have it open would go on writing into the replica unseen; one that is
open for writing, or that changes meanwhile, stays where it is.

A batch is written down before its first file is copied: what an interrupted one left of these in
the replica, half a content or after a power cut anything, is made anew. Only there does an original
take the place of something.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import errno
import json
import os
import stat
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.model import ROOT, NodeId
from reconciler.names import MAX_NAME_BYTES, free_names
from reconciler.phrases import Phrase
from syncin_mount import system
from syncin_mount.store.import_export import leases
from syncin_mount.store.import_export.file_copy import (
    InUse,
    are_equal,
    copy_content,
    is_untouched,
)
from syncin_mount.store.import_export.scan import ASIDE, Found, survey
from syncin_mount.store.journal.reserve import NO_ROOM
from syncin_mount.store.types import NodeType

if TYPE_CHECKING:
    from syncin_mount.store.replica.replica import Replica

MARK = "importing"
"""The file in the replica's folder with the batch that is under way."""

BATCH_FILES = 200
BATCH_BYTES = 256 * 1024 * 1024
"""Originals are taken away after so much: as long, the content is there twice."""


@dataclass(slots=True)
class Imported:
    """What an import did. ``bytes`` are those of the files; ``left`` has what stays at its place,
    with the reason."""

    files: int = 0
    folders: int = 0
    others: int = 0
    bytes: int = 0
    renamed: list[tuple[str, str]] = field(default_factory=list)
    left: list[tuple[str, str]] = field(default_factory=list)


@dataclass(slots=True)
class _Original:
    """What is to be taken away once the batch is on the disk. ``fd`` holds the lease of a file,
    where there is one."""

    place: bytes
    found: os.stat_result
    fd: int = -1
    leased: bool = False

    def close(self) -> None:
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


class Importer:
    """Imports ``folder`` into ``replica``, which no daemon has. ``progress`` is given files and
    bytes as they are done. Blocks; to be run on the main thread where leases are to be quiet."""

    def __init__(
        self,
        replica: Replica,
        folder: Path,
        progress: Callable[[int, int], None] = lambda _files, _bytes: None,
    ) -> None:
        self._replica = replica
        self._folder = system.long_path(os.fsencode(folder))
        self._progress = progress
        self._nodes: dict[bytes, NodeId] = {b"": ROOT}
        self._made: list[tuple[NodeId, os.stat_result]] = []
        self._queue: list[tuple[Found, NodeId]] = []
        self._queued_bytes = 0
        # files that have several, by device and inode
        self._names: dict[tuple[int, int], NodeId] = {}
        self._copied: list[_Original] = []
        self._mark = replica.folder / MARK
        self._interrupted: set[tuple[str, int, int]] = set()
        self.done = Imported()

    def run(self) -> Imported:
        """Everything that ``survey`` finds and that can be imported. Raises OSError (ENOSPC, EIO)
        and what interrupts it: then what was done stays done, and another import goes on."""
        with leases.quietly():
            try:
                self._take_up()
                for found in survey(self._folder):
                    self._one(found)
                self._do_batch()
            finally:
                for each in self._copied:
                    each.close()
                self._dress_folders()
                self._replica.commit()
        system.discard(self._mark)
        self._remove_folders()
        return self.done

    # what an interrupted import left --------------------------------------------------------------

    def _take_up(self) -> None:
        """Learns what was under way; an original that was being taken away gets its name back."""
        try:
            self._interrupted = {
                (path, size, mtime) for path, size, mtime in json.loads(self._mark.read_bytes())
            }
        # the mark is replaced as a whole, and stands before anything is done
        except (FileNotFoundError, ValueError):
            return
        for found in list(survey(self._folder)):
            head, name = os.path.split(found.path)
            if name.startswith(ASIDE) and not found.why:
                place = self._place(os.path.join(head, name.removeprefix(ASIDE)))
                if not os.path.lexists(place):
                    system.replace(self._place(found.path), place)

    def _note_batch(self) -> None:
        """The batch, and what is left of the one before, is known from now on, whatever happens.
        What the drive has under a name already is not of the batch's making."""
        new = [
            found
            for found, parent in self._queue
            if self._replica.lookup(parent, found.name) is None
        ]
        told = [
            *self._interrupted,
            *((os.fsdecode(each.path), each.size, each.mtime_ns) for each in new),
        ]
        fresh = self._mark.with_suffix(".new")
        with fresh.open("w", encoding="ascii") as file:
            json.dump(told, file)
            file.flush()
            os.fsync(file.fileno())
        system.replace(fresh, self._mark)
        system.sync_folder(self._mark.parent)

    def _make_room_for(
        self, path: bytes, parent: NodeId, found: os.stat_result, fd: int = -1
    ) -> bytes:
        """The name that the file, link or pipe gets: its own, from which goes what an interrupted
        batch left; else a free one. A content that is not the original's goes to the bin: who knows
        whose it is."""
        name = os.path.basename(path)
        there = self._replica.lookup(parent, name)
        size = found.st_size if fd >= 0 else 0
        if there is not None and self._is_unfinished(path, there, size, found.st_mtime_ns):
            if not self._is_file_here(there) or (fd >= 0 and self._holds(there, fd)):
                self._replica.unlink(parent, name)
            else:
                self._replica.delete_local(
                    there, keep=True, why=Phrase("left by an import that was interrupted")
                )
        return self._name(path, parent)

    def _is_unfinished(self, path: bytes, there: NodeId | None, size: int, mtime_ns: int) -> bool:
        """Whether what is there may be half of what an interrupted batch was to make of this."""
        if there is None or (os.fsdecode(path), size, mtime_ns) not in self._interrupted:
            return False
        attr = self._replica.attr(there)
        return (
            attr is not None
            and attr.kind is not NodeType.FOLDER
            and self._replica.base(there) is None
        )

    # one by one -----------------------------------------------------------------------------------

    def _one(self, found: Found) -> None:
        parent = self._nodes.get(os.path.dirname(found.path))
        if found.why or parent is None:  # what is below something that stays, stays
            self._leave(found.path, found.why or Phrase("its folder stays"))
        elif found.kind is NodeType.FOLDER:
            with contextlib.suppress(FileNotFoundError):  # somebody took it away
                self._enter(found.path, parent, os.lstat(self._place(found.path)))
        else:
            self._queue.append((found, parent))
            self._queued_bytes += found.size
            if len(self._queue) >= BATCH_FILES or self._queued_bytes >= BATCH_BYTES:
                self._do_batch()

    def _do_batch(self) -> None:
        if not self._queue:
            return
        self._note_batch()
        for found, parent in self._queue:
            try:
                if found.kind is NodeType.FILE:
                    self._file(found.path, parent, self._place(found.path))
                else:
                    self._other(found, parent, self._place(found.path))
            except FileNotFoundError:
                continue
            except InUse as error:
                self._leave(found.path, str(error.strerror))
        self._give_up_copied()
        self._queue, self._queued_bytes = [], 0

    def _enter(self, path: bytes, parent: NodeId, found: os.stat_result) -> None:
        name = os.path.basename(path)
        there = self._replica.lookup(parent, name)
        attr = self._replica.attr(there) if there is not None else None
        if attr is None or attr.kind is not NodeType.FOLDER:
            name = self._name(path, parent)
            mode = stat.S_IMODE(found.st_mode)
            made = self._replica.create(
                parent, name, NodeType.FOLDER, mode=mode, uid=found.st_uid, gid=found.st_gid
            )
            there = made.node
            self._take_xattrs(there, self._place(path))
            self._made.append((there, found))
            self.done.folders += 1
        assert there is not None
        self._nodes[path] = there

    def _file(self, path: bytes, parent: NodeId, place: bytes) -> None:
        in_use = InUse(errno.EBUSY, Phrase("a program has it open for writing"))
        try:
            fd = system.open_file(place, system.READ | system.NO_FOLLOW | system.NO_WRITERS)
        except BlockingIOError as error:
            raise in_use from error
        try:
            leased = leases.lease(fd)
            found = os.fstat(fd)
            if leased is not False and not self._is_there(path, parent, fd, found):
                self._copy_in(path, parent, fd, found)
        except BaseException:
            os.close(fd)
            raise
        if leased is False:
            os.close(fd)
            raise in_use
        self._copied.append(_Original(place, found, fd, bool(leased)))
        self.done.files += 1
        self.done.bytes += found.st_size
        self._progress(1, found.st_size)

    def _other(self, found: Found, parent: NodeId, place: bytes) -> None:
        """A link, a pipe, a device: things of this computer alone."""
        look = os.lstat(place)
        target = os.readlink(place) if found.kind is NodeType.SYMLINK else b""
        there = self._replica.lookup(parent, os.path.basename(found.path))
        attr = self._replica.attr(there) if there is not None else None
        if attr is None or (attr.kind, attr.target) != (found.kind, target):
            name = self._make_room_for(found.path, parent, look)
            made = self._replica.create(
                parent,
                name,
                found.kind,
                mode=stat.S_IMODE(look.st_mode),
                uid=look.st_uid,
                gid=look.st_gid,
                rdev=getattr(look, "st_rdev", 0),
                target=target,
            )
            self._replica.set_attr(made.node, mtime_ns=look.st_mtime_ns, atime_ns=look.st_atime_ns)
            self.done.others += 1
        self._copied.append(_Original(place, look))
        self._progress(1, 0)

    # contents -------------------------------------------------------------------------------------

    def _is_there(self, path: bytes, parent: NodeId, fd: int, found: os.stat_result) -> bool:
        """Whether the replica has this file, whole and with this content: an import before was
        interrupted later."""
        there = self._replica.lookup(parent, os.path.basename(path))
        if self._is_unfinished(path, there, found.st_size, found.st_mtime_ns):
            return False
        attr = self._replica.attr(there) if there is not None else None
        if there is None or attr is None or not self._is_file_here(there):
            return False
        same = (attr.size, attr.mtime_ns) == (found.st_size, found.st_mtime_ns)
        return same and self._holds(there, fd)

    def _is_file_here(self, node: NodeId) -> bool:
        attr = self._replica.attr(node)
        return attr is not None and attr.kind is NodeType.FILE and attr.present

    def _holds(self, node: NodeId, fd: int) -> bool:
        """Whether the node's content is that of the open file."""
        content = self._replica.open_content(node)
        try:
            return are_equal(fd, content.fd)
        finally:
            content.close()

    def _copy_in(self, path: bytes, parent: NodeId, fd: int, found: os.stat_result) -> None:
        name = self._make_room_for(path, parent, found, fd)
        try:
            self._fill(path, parent, name, fd, found)
        except OSError as error:
            self._drop(parent, name)
            if error.errno not in NO_ROOM or not self._copied:
                raise
            self._give_up_copied()  # which makes room
            try:
                self._fill(path, parent, name, fd, found)
            except OSError:
                self._drop(parent, name)
                raise

    def _fill(
        self, path: bytes, parent: NodeId, name: bytes, fd: int, found: os.stat_result
    ) -> None:
        replica = self._replica
        replica.require_space()
        twin = self._names.get((found.st_dev, found.st_ino))
        if twin is not None and self._is_same(twin, fd, found):
            replica.link(twin, parent, name)
            return
        node = replica.create(
            parent,
            name,
            NodeType.FILE,
            mode=stat.S_IMODE(found.st_mode),
            uid=found.st_uid,
            gid=found.st_gid,
        ).node
        replica.begin_write(node, discard=True)
        content = replica.open_content(node)
        try:
            copy_content(fd, content.fd, found.st_size)
        finally:
            content.close()
        if not is_untouched(os.fstat(fd), found):
            raise InUse(errno.EBUSY, Phrase("it was changed while it was copied"))
        replica.written(node, size=found.st_size, mtime_ns=found.st_mtime_ns)
        self._take_xattrs(node, self._place(path))
        if found.st_nlink > 1:
            self._names[found.st_dev, found.st_ino] = node

    def _is_same(self, node: NodeId, fd: int, found: os.stat_result) -> bool:
        """Whether the node, made of another name of this file, still is what the file is."""
        attr = self._replica.attr(node)
        same = attr is not None and (attr.size, attr.mtime_ns) == (found.st_size, found.st_mtime_ns)
        return same and self._holds(node, fd)

    def _drop(self, parent: NodeId, name: bytes) -> None:
        with contextlib.suppress(OSError):
            self._replica.unlink(parent, name)

    def _take_xattrs(self, node: NodeId, place: bytes) -> None:
        """Those that programs give (``user.``); the system's own come anew, or say nothing in a
        drive."""
        if sys.platform == "win32":
            return
        with contextlib.suppress(OSError):
            for name in os.listxattr(place, follow_symlinks=False):
                if name.startswith("user.") and not name.startswith("user.syncin."):
                    self._replica.set_xattr(
                        node, os.fsencode(name), os.getxattr(place, name, follow_symlinks=False)
                    )

    def _name(self, path: bytes, parent: NodeId) -> bytes:
        """The thing's own name, or a free one beside what has that."""
        own = os.path.basename(path)
        date = dt.datetime.now().astimezone().strftime("%Y-%m-%d")
        names = (os.fsencode(name) for name in free_names(os.fsdecode(own), date, "imported"))
        name = next(each for each in names if self._replica.lookup(parent, each) is None)
        if name != own:
            self.done.renamed.append((os.fsdecode(path), os.fsdecode(name)))
        return name

    # taking away ----------------------------------------------------------------------------------

    def _give_up_copied(self) -> None:
        """All that was imported until now is on the disk before anything goes from its old
        place."""
        replica, copied = self._replica, self._copied
        contents = replica.durability.unsynced_contents()
        replica.committer.sync_files()
        replica.durability.mark_synced(contents)
        replica.commit()
        for each in copied:
            self._give_up(each)
        self._copied = []

    def _give_up(self, original: _Original) -> None:
        """Under another name first: somebody who waits to write to it would otherwise write into
        nothing."""
        place, (head, name) = original.place, os.path.split(original.place)
        try:
            if not is_untouched(os.lstat(place), original.found):
                raise InUse(errno.EBUSY, Phrase("it was changed while it was copied"))
            if not original.leased:
                system.discard(place)
                return
            aside = os.path.join(head, (ASIDE + name)[:MAX_NAME_BYTES])
            system.replace(place, aside)
            if leases.is_wanted(original.fd):
                system.replace(aside, place)
                raise InUse(errno.EBUSY, Phrase("a program wants to write to it"))
            system.discard(aside)
        except FileNotFoundError:
            return
        except OSError as error:
            self._leave(os.path.relpath(place, self._folder), error.strerror or str(error))
        finally:
            original.close()

    def _dress_folders(self) -> None:
        """Last, as what is made in them changes their times."""
        for node, found in reversed(self._made):
            self._replica.set_attr(node, mtime_ns=found.st_mtime_ns, atime_ns=found.st_atime_ns)

    def _remove_folders(self) -> None:
        for path in reversed([path for path in self._nodes if path]):
            with contextlib.suppress(OSError):  # what stays in it keeps it
                os.rmdir(self._place(path))

    def _leave(self, path: bytes, why: str) -> None:
        self.done.left.append((os.fsdecode(path), why))

    def _place(self, path: bytes) -> bytes:
        return os.path.join(self._folder, path)
