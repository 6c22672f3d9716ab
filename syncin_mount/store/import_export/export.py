"""A replica's content as an ordinary folder: what somebody keeps of a synchronization that is
removed."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import stat
import sys
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.model import ROOT, NodeId
from reconciler.phrases import Phrase
from syncin_mount import system
from syncin_mount.deep_tree import walk
from syncin_mount.sparse_ranges import data_pieces
from syncin_mount.store.types import NodeType

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syncin_mount.store.replica.replica import Replica
    from syncin_mount.store.types import Attr

_PAGE = 1000
_PIECE = 1024 * 1024


class NotTheSame(OSError):
    """What was read back from the copy is not what was written."""


@dataclass(frozen=True, slots=True)
class Copied:
    """``absent`` are the paths of files whose content is not here, ``incomplete`` those that the
    file system there could not take whole (attributes, devices). ``bin`` is the name that the bin's
    folder has there, empty without."""

    files: int
    bytes: int
    absent: tuple[str, ...]
    incomplete: tuple[str, ...]
    bin: str = ""


Progress = Callable[[int, int], None]


def _no_progress(_files: int, _bytes: int) -> None:
    """Nobody watches."""


def copy_out(replica: Replica, target: Path, progress: Progress = _no_progress) -> Copied:
    """Copies everything that is in the drive into the folder ``target``, which must not be there
    yet: contents, links (hard ones too, where the file system there has them), times, permissions,
    extended attributes, owners where this user may give them away; beside that, in a folder of its
    own, all that is in the bin, as it lies there: ``NUMBER/…``, described by ``NUMBER.json``.

    Every content is read back and compared, and all is on the disk when this returns. ``progress``
    is given files and bytes as they are copied; what it raises stops the copy. Blocks.
    Raises OSError (FileExistsError, ENOSPC, NotTheSame); what was copied until then stays.
    """
    root = system.long_path(os.fsencode(target))
    os.mkdir(root, 0o700)
    files = size = 0
    absent: list[str] = []
    incomplete: list[str] = []
    folders: list[tuple[Attr, bytes]] = []
    names: dict[int, bytes] = {}  # where a file that has several lies already
    todo: list[tuple[NodeId, bytes]] = [(ROOT, root)]
    while todo:
        node, path = todo.pop()
        attr = replica.attr(node)
        if attr is None:
            continue
        if attr.kind is NodeType.FOLDER:
            if node != ROOT:
                os.mkdir(path, 0o700)
            folders.append((attr, path))
            todo += [(child, os.path.join(path, name)) for name, child in _children(replica, node)]
            continue
        shown = os.fsdecode(os.path.relpath(path, root))
        if attr.kind is NodeType.FILE and not attr.present:
            absent.append(shown)
            continue
        if attr.nlink > 1 and _link(names.setdefault(attr.ino, path), path):
            files += attr.kind is NodeType.FILE
            continue
        whole = True
        if attr.kind is NodeType.FILE:
            _copy_content(replica, node, path, progress)
            files, size = files + 1, size + attr.size
        else:
            whole = _make_special(attr, path)
        if not whole or not _dress(replica, attr, path):
            incomplete.append(shown)
    kept = _copy_bin(replica, root)
    for attr, path in reversed(folders):  # last, as what is made in them changes their times
        if not _dress(replica, attr, path) and path != root:
            incomplete.append(os.fsdecode(os.path.relpath(path, root)))
        _sync(path)
    _sync(os.path.dirname(root))
    return Copied(files, size, tuple(absent), tuple(incomplete), os.fsdecode(kept))


def _copy_bin(replica: Replica, root: bytes) -> bytes:
    """The name of the folder that has the bin's content now, one that nothing in the drive has;
    empty without."""
    while replica.committer.effects_wait():
        replica.committer.sync_files()
        replica.commit(effects_until=replica.sequence())
    place = system.long_path(replica.bin.folder())
    if not os.listdir(place):
        return b""
    taken = {name for name, _ in _children(replica, ROOT)}
    name = next(
        each
        for number in count(1)
        if (each := b"bin" if number == 1 else b"bin (%d)" % number) not in taken
    )
    top, folders = os.path.join(root, name), []
    for path, found in walk(None, place):
        there = top + path.removeprefix(place)
        if stat.S_ISDIR(found.st_mode):
            os.mkdir(there, 0o700)
            folders.append((there, found))
        elif stat.S_ISLNK(found.st_mode):
            os.symlink(os.readlink(path), there)
        else:
            fd = system.open_file(path, system.READ)
            try:
                _copy_file(fd, there)
            finally:
                os.close(fd)
            os.utime(there, ns=(found.st_atime_ns, found.st_mtime_ns))
    for there, found in reversed(folders):
        os.utime(there, ns=(found.st_atime_ns, found.st_mtime_ns))
        _sync(there)
    return name


def _link(there: bytes, path: bytes) -> bool:
    """Gives what lies there another name. False for the first name, and where the file system
    cannot."""
    if there == path:
        return False
    try:
        os.link(there, path, follow_symlinks=False)
    except (OSError, NotImplementedError) as error:
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            raise
        return False
    return True


def _children(replica: Replica, node: NodeId) -> Iterator[tuple[bytes, NodeId]]:
    after: bytes | None = None
    while page := replica.children(node, after, _PAGE):
        yield from page
        after = page[-1][0]


def _read(fd: int, ranges: list[tuple[int, int]]) -> Iterator[tuple[int, bytes]]:
    """What lies in these ranges of a file, and where."""
    for start, stop in ranges:
        offset = start
        while (
            piece := system.pread(fd, min(_PIECE, stop - offset), offset) if offset < stop else b""
        ):
            yield offset, piece
            offset += len(piece)


def _copy_content(replica: Replica, node: NodeId, path: bytes, progress: Progress) -> None:
    content = replica.open_content(node)
    try:
        _copy_file(content.fd, path, progress)
    finally:
        content.close()
    progress(1, 0)


def _copy_file(source: int, path: bytes, progress: Progress = _no_progress) -> None:
    """What the descriptor has, as a new file on the disk."""
    fd = system.open_file(path, system.OPEN | os.O_EXCL, 0o600)
    try:
        size = os.fstat(source).st_size
        os.ftruncate(fd, size)
        pieces = list(data_pieces(source, size))  # what lies between is a hole here as there
        read = hashlib.sha256()
        progress(0, size - sum(end - start for start, end in pieces))
        for at, piece in _read(source, pieces):
            read.update(piece)
            view, offset = memoryview(piece), at
            while view:
                done = system.pwrite(fd, view, offset)
                view, offset = view[done:], offset + done
            progress(0, len(piece))
        os.fsync(fd)
        there = hashlib.sha256()
        for _, piece in _read(fd, pieces):
            there.update(piece)
        if there.digest() != read.digest() or os.fstat(fd).st_size != size:
            raise NotTheSame(
                errno.EIO, Phrase("what was read back is not what was written"), os.fsdecode(path)
            )
    finally:
        os.close(fd)


if sys.platform == "win32":

    def _make_special(_attr: Attr, _path: bytes) -> bool:
        return False

    def _dress(_replica: Replica, attr: Attr, path: bytes) -> bool:
        os.utime(path, ns=(attr.atime_ns, attr.mtime_ns))
        if attr.kind is NodeType.FILE:
            os.chmod(path, attr.mode)  # whether it may be written to is all that Windows keeps
        return True
else:

    def _make_special(attr: Attr, path: bytes) -> bool:
        """A link, a pipe, a device. False where this user may not."""
        if attr.kind is NodeType.SYMLINK:
            os.symlink(attr.target, path)
            return True
        try:
            os.mknod(path, attr.st_mode, attr.rdev)
        except OSError as error:
            if error.errno not in {errno.EPERM, errno.EOPNOTSUPP, errno.EINVAL}:
                raise
            return False
        return True

    def _dress(replica: Replica, attr: Attr, path: bytes) -> bool:
        """Gives the copy the node's attributes, times last. False when some of them could not be
        given."""
        whole = True
        with contextlib.suppress(PermissionError):  # who is not root owns the copy
            os.lchown(path, attr.uid, attr.gid)
        if attr.kind is not NodeType.SYMLINK:
            os.chmod(path, attr.mode)
        for name in replica.list_xattrs(attr.node):
            try:
                os.setxattr(path, name, replica.get_xattr(attr.node, name), follow_symlinks=False)
            except OSError as error:
                if error.errno == errno.ENOSPC:
                    raise
                whole = False
        os.utime(path, ns=(attr.atime_ns, attr.mtime_ns), follow_symlinks=False)
        return whole


def _sync(path: bytes) -> None:
    """Brings a folder's names to the disk; later, where its mode keeps us out (0300)."""
    with contextlib.suppress(PermissionError):
        system.sync_folder(path or b".")
