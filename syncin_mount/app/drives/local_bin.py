"""The bin on this computer: the replica's own, and what of it lies in the desktop's trash by
now."""

from __future__ import annotations

import contextlib
import errno
import functools
import os
import stat
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TypeVar

import trio

from reconciler.model import ROOT, NodeId
from reconciler.names import free_names
from reconciler.phrases import Phrase, strerror
from syncin_mount import system
from syncin_mount.app.errors import NoSuchEntry, PlaceTaken
from syncin_mount.app.runtime.content_sync import sync_everything
from syncin_mount.control.messages import BinEntry
from syncin_mount.control.service import NotDone
from syncin_mount.deep_tree import walk
from syncin_mount.sparse_ranges import data_pieces
from syncin_mount.store import NodeType
from syncin_mount.store.name_texts import to_bytes
from syncin_mount.trash import TrashUnusable

if TYPE_CHECKING:
    from syncin_mount.config import Synchronization
    from syncin_mount.store import Replica
    from syncin_mount.trash import Kept, UserBin

OWN, DESKTOP = "local", "trash"
"""Where an entry lies. An entry of the first is known by a number, one of the second by ``trash:``
and its name."""

_ROUNDS = 50
_READ = system.READ | getattr(os, "O_NOFOLLOW", 0)
_PIECE = 1 << 20
_FOLDER_MODE, _FILE_MODE = 0o755, 0o644

T = TypeVar("T")


class LocalBin:
    """Of one synchronization, mounted or not. Every method raises NotDone with a sentence for
    people."""

    def __init__(
        self, replica: Replica, synchronization: Synchronization, user_bin: UserBin | None
    ) -> None:
        self._replica = replica
        self._synchronization = synchronization
        self._user_bin = user_bin

    async def entries(self) -> list[BinEntry]:
        """Everything, oldest first."""
        return [each for each, _ in await self.marked_entries()]

    async def marked_entries(self) -> list[tuple[BinEntry, str]]:
        """``entries``, each with its mark: what it keeps on its way from bin to trash."""
        found = [
            (
                BinEntry(
                    str(each.sequence),
                    OWN,
                    each.path,
                    each.time_ns / 1e9,
                    each.size,
                    each.files,
                    each.is_folder,
                    each.why,
                ),
                each.mark,
            )
            for each in self._replica.bin.entries()
        ]
        if self._user_bin is not None:
            kept = await _in_thread(self._user_bin.kept)
            found += [(_of_desktop(each), each.mark) for each in kept]
        return sorted(found, key=lambda each: each[0].time)

    async def mark(self, which: str) -> str:
        """The mark of an entry."""
        marks = (mark for each, mark in await self.marked_entries() if each.entry == which)
        mark = next(marks, None)
        if mark is None:
            raise self._missing(which)
        return mark

    async def restore(self, which: str, to: str | None) -> str:
        """Brings an entry back, to where it was or to the path ``to``; nothing is overwritten. The
        path that it has now. Cancelled, it leaves the entry, and perhaps a part of it in the
        drive."""
        if not self._synchronization.direction_in_force.changes_server:
            raise NotDone(
                Phrase(
                    "'{drive}' only follows the server, so nothing can be put into it;"
                    " copy what you need from the bin",
                    drive=self._synchronization.name,
                )
            )
        entry = next((each for each in await self.entries() if each.entry == which), None)
        if entry is None:
            raise self._missing(which)
        with _told(entry.path):
            parent, name = self._place(entry.path, to)
            if entry.where == OWN:
                await self._confirm_handed_over()
                self._replica.bin.restore(int(which), parent, to_bytes(name))
            else:
                await self._take_back(which.partition(":")[2], parent, to_bytes(name))
        folder = self._replica.local_path(parent)
        return f"{folder}/{name}" if folder else name

    async def open(self, which: str) -> int:
        """A descriptor to read an entry that is a file, which the caller closes; nothing is
        brought back."""
        entry = next((each for each in await self.entries() if each.entry == which), None)
        if entry is None:
            raise self._missing(which)
        if entry.folder:
            raise NotDone(Phrase("'{path}' in the bin is a folder", path=entry.path))
        with _told(entry.path, reading=True):
            if entry.where == OWN:
                await self._confirm_handed_over()
                return self._replica.bin.open(int(which))
            return await _in_thread(lambda: self._open_kept(which.partition(":")[2]))

    def _open_kept(self, kept: str) -> int:
        assert self._user_bin is not None
        name = os.fsencode(kept)
        with self._user_bin.lent(name) as folder:
            fd = os.open(name, _READ | getattr(os, "O_NONBLOCK", 0), dir_fd=folder)
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            os.close(fd)
            raise OSError(errno.EINVAL, Phrase("it is no file"))
        return fd

    async def empty(self, which: list[str]) -> int:
        """Removes these entries for good; how many there were. One that is gone already is no
        error."""
        own = {int(each) for each in which if each.isdecimal()}
        there = [each.sequence for each in self._replica.bin.entries() if each.sequence in own]
        if there:
            self._replica.bin.drop(there)
        removed = len(there)
        for each in which:
            if each.isdecimal() or self._user_bin is None:
                continue
            with _told(each), contextlib.suppress(KeyError):
                await _in_thread(
                    functools.partial(self._user_bin.drop, os.fsencode(each.partition(":")[2]))
                )
                removed += 1
        return removed

    def _missing(self, which: str) -> NoSuchEntry:
        return NoSuchEntry(self._synchronization.name, which)

    # places ---------------------------------------------------------------------------------------

    def _place(self, path: str, to: str | None) -> tuple[NodeId, str]:
        """A folder, made if it is missing, and a free name in it."""
        above, _, name = (path if to is None else to).rpartition("/")
        if to is None:
            parent = self._folder(above)
            date = time.strftime("%Y-%m-%d")
            return parent, next(
                free for free in free_names(name, date) if self._child(parent, free) is None
            )
        there = self._look(to)
        if there is not None and self._is_folder(there):
            parent, name = there, path.rpartition("/")[2]
        else:
            parent = self._folder(above)
        if self._child(parent, name) is not None:
            raise NotDone(
                Phrase(
                    "'{to}' is there already, and nothing is overwritten; give another place, or"
                    " none",
                    to=to,
                )
            )
        return parent, name

    def _child(self, parent: NodeId, name: str) -> NodeId | None:
        return self._replica.lookup(parent, to_bytes(name))

    def _is_folder(self, node: NodeId) -> bool:
        attr = self._replica.attr(node)
        return attr is not None and attr.kind is NodeType.FOLDER

    def _look(self, path: str) -> NodeId | None:
        node: NodeId | None = ROOT
        for part in path.split("/"):
            node = None if node is None else self._child(node, part)
        return node

    def _folder(self, path: str) -> NodeId:
        node = ROOT
        for part in path.split("/") if path else []:
            child = self._child(node, part)
            if child is None:
                child = self._make(node, to_bytes(part), NodeType.FOLDER, _FOLDER_MODE)
                self._replica.tell_entry(node, to_bytes(part))
            elif not self._is_folder(child):
                raise PlaceTaken(f"'{part}' in '{path}'")
            node = child
        return node

    # contents -------------------------------------------------------------------------------------

    async def _confirm_handed_over(self) -> None:
        """What waits to be done to the bin's files is done, with the syncs in a thread."""
        for _ in range(_ROUNDS):
            if not self._replica.committer.effects_wait():
                return
            until = await sync_everything(self._replica)
            self._replica.commit(effects_until=until)

    def _make(
        self, parent: NodeId, name: bytes, kind: NodeType, mode: int, target: bytes = b""
    ) -> NodeId:
        uid, gid = system.OWNER
        return self._replica.create(
            parent, name, kind, mode=mode, uid=uid, gid=gid, target=target
        ).node

    async def _take_back(self, kept: str, parent: NodeId, name: bytes) -> None:
        """Copies an item of the desktop's trash into the drive. It goes from there when the copy is
        on the disk."""
        assert self._user_bin is not None
        top = os.fsencode(kept)
        made: list[tuple[NodeId, bytes, bool]] = []
        try:
            with self._user_bin.lent(top) as folder:
                found = await _in_thread(lambda: list(walk(folder, top)))
                nodes = {b"": parent}
                for path, state in found:
                    above, _, own = path.rpartition(b"/")
                    await self._copy(
                        folder, path, state, nodes, above, name if path == top else own, made
                    )
        except BaseException:
            for at, own, is_folder in reversed(made):
                (self._replica.rmdir if is_folder else self._replica.unlink)(at, own)
            raise
        self._replica.tell_entry(parent, name)
        await _in_thread(self._replica.committer.sync_files)
        await _in_thread(self._replica.sync_journal)
        await _in_thread(functools.partial(self._user_bin.drop, top))

    async def _copy(
        self,
        folder: int,
        path: bytes,
        state: os.stat_result,
        nodes: dict[bytes, NodeId],
        above: bytes,
        name: bytes,
        made: list[tuple[NodeId, bytes, bool]],
    ) -> None:
        parent = nodes[above]
        if stat.S_ISDIR(state.st_mode):
            nodes[path] = self._make(parent, name, NodeType.FOLDER, _FOLDER_MODE)
        elif stat.S_ISLNK(state.st_mode):
            self._make(parent, name, NodeType.SYMLINK, 0o777, os.readlink(path, dir_fd=folder))
        elif not stat.S_ISREG(state.st_mode):
            return
        else:
            await self._copy_file(
                folder, path, state, self._make(parent, name, NodeType.FILE, _FILE_MODE)
            )
        made.append((parent, name, stat.S_ISDIR(state.st_mode)))

    async def _copy_file(
        self, folder: int, path: bytes, state: os.stat_result, node: NodeId
    ) -> None:
        fd = os.open(path, _READ, dir_fd=folder)
        try:
            self._replica.begin_write(node, discard=True)
            content = self._replica.open_content(node)
            try:
                size = await _in_thread(functools.partial(_copy_bytes, fd, content.fd))
            finally:
                content.close()
            self._replica.written(node, size=size, mtime_ns=state.st_mtime_ns)
        finally:
            os.close(fd)


def _of_desktop(kept: Kept) -> BinEntry:
    return BinEntry(
        f"{DESKTOP}:{os.fsdecode(kept.name)}",
        DESKTOP,
        os.fsdecode(kept.path),
        kept.removed.timestamp(),
        kept.size,
        kept.files,
        kept.is_folder,
        kept.why,
    )


def _copy_bytes(source: int, target: int) -> int:
    """All bytes, the holes left out; how many the file has."""
    size = os.fstat(source).st_size
    os.ftruncate(target, size)
    for start, stop in data_pieces(source, size):
        offset = start
        while offset < stop and (piece := system.pread(source, min(_PIECE, stop - offset), offset)):
            trio.from_thread.check_cancelled()
            rest = memoryview(piece)
            while rest:
                done = system.pwrite(target, rest, offset)
                rest, offset = rest[done:], offset + done
    return size


async def _in_thread(work: Callable[[], T]) -> T:
    return await trio.to_thread.run_sync(work)


@contextlib.contextmanager
def _told(path: str, *, reading: bool = False) -> Iterator[None]:
    """What can go wrong, as a sentence."""
    try:
        yield
    except KeyError as error:
        raise NotDone(Phrase("'{path}' is in no bin any more", path=path)) from error
    except OSError as error:
        if error.errno == errno.EBUSY:
            raise NotDone(
                Phrase(
                    "'{path}' is just being put into the desktop's trash; try again in a moment",
                    path=path,
                )
            ) from error
        raise NotDone(_not_now(path, strerror(error), reading=reading)) from error
    except TrashUnusable as error:
        raise NotDone(_not_now(path, str(error), reading=reading)) from error


def _not_now(path: str, why: str, *, reading: bool) -> Phrase:
    if reading:
        return Phrase("'{path}' cannot be read now: {why}", path=path, why=why)
    return Phrase("'{path}' cannot be brought back now: {why}", path=path, why=why)
