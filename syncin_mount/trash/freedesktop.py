"""The home trash of the freedesktop.org Trash specification 1.0: ``info/NAME.trashinfo`` says where
``files/NAME`` was.

In this order, so that a kill or a power cut at any step leaves the item whole in the folder it
comes from, in the trash, or in both, and the next call completes what this one began:

1. From another file system it is copied to a folder beside ``files``, where nobody looks, and the
   copy is synced. What a killed call left there is removed first.
2. The info file is made with O_EXCL, which claims the name, and synced. An info file without a file
   means nothing to anybody. The next call makes the same text, mark included, and so knows it for
   its own.
3. One rename brings the item, or its copy, to ``files``: it is never seen in part.
4. ``files`` and the folder it came from are synced. Only now may the other copy go.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from reconciler.phrases import Phrase, strerror
from syncin_mount.deep_tree import remove_tree, walk
from syncin_mount.trash.spec import (
    INFO,
    Item,
    Kept,
    NotForTrash,
    TrashUnusable,
    info_text,
    names,
    read_info,
    with_size,
)

if sys.platform != "win32":
    from syncin_mount.trash.trees import copy_tree, disk_usage, sync, write_all

assert sys.platform != "win32"

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
_SIZES: Final = b"directorysizes"


@dataclass(frozen=True, slots=True)
class _Open:
    """Descriptors of the trash's folders. All is done below them, by names without a slash: nothing
    leads elsewhere, whatever somebody renames or links meanwhile."""

    top: int
    files: int
    info: int

    def read(self, name: bytes) -> bytes | None:
        """The text of an info file, None when there is none. What is no plain file is somebody
        else's."""
        try:
            fd = os.open(name + INFO, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=self.info)
        except FileNotFoundError:
            return None
        except OSError:
            return b""
        try:
            return os.read(fd, 1 << 16) if stat.S_ISREG(os.fstat(fd).st_mode) else b""
        finally:
            os.close(fd)

    def find(self, name: bytes) -> os.stat_result | None:
        try:
            return os.lstat(name, dir_fd=self.files)
        except FileNotFoundError:
            return None

    def claim(self, name: bytes, text: bytes) -> bool:
        """Makes the info file; False when another program was faster. Raises OSError, nothing being
        left then."""
        try:
            fd = os.open(name + INFO, _NEW, 0o600, dir_fd=self.info)
        except FileExistsError:
            return False
        try:
            write_all(fd, text, 0)
            os.fsync(fd)
            os.fsync(self.info)
        except OSError:
            self.release(name)
            raise
        finally:
            os.close(fd)
        return True

    def release(self, name: bytes) -> None:
        os.unlink(name + INFO, dir_fd=self.info)


class HomeTrash:
    """A ``syncin_mount.trash.UserBin``. To be used by one thread at a time."""

    def __init__(self, folder: Path, *, drive: Path, staging: str) -> None:
        self._folder = folder
        self._drive = drive
        self._staging = os.fsencode(staging)
        self._sizes = self._staging + b".sizes"
        self._swept = False

    @property
    def place(self) -> str:
        return str(self._folder)

    def objection(self) -> str | None:
        try:
            if os.path.lexists(self._folder):
                with self._opened(make=False):
                    pass
        except TrashUnusable as error:
            return str(error)
        except FileNotFoundError:
            return None  # it is made when it is needed
        except OSError as error:
            return Phrase(
                "{folder} cannot be used ({why})", folder=self._folder, why=strerror(error)
            )
        return None

    def take(self, folder: bytes, item: Item, carry_on: Callable[[], None]) -> str | None:
        with self._opened(make=True) as trash, _open_folder(folder) as source:
            if not self._swept:
                for left in (self._staging, self._sizes):
                    remove_tree(trash.top, left)
                self._swept = True
            found = [os.fsencode(name) for name in os.listdir(source)]
            if not found:
                os.fsync(trash.files)  # it may have got there just before a kill
                return None
            if found != [item.name]:
                raise NotForTrash(Phrase("some of what is in it has too long a path"))
            return os.fsdecode(self._put(trash, source, item, carry_on))

    def kept(self) -> list[Kept]:
        try:
            with self._opened(make=False) as trash:
                return list(self._ours(trash))
        except (FileNotFoundError, TrashUnusable):
            return []

    def _ours(self, trash: _Open) -> Iterator[Kept]:
        above = os.fsencode(os.path.abspath(self._drive)).rstrip(b"/") + b"/"
        for entry in os.listdir(trash.info):
            name = os.fsencode(entry)
            if not name.endswith(INFO):
                continue
            name = name.removesuffix(INFO)
            told, found = read_info(trash.read(name) or b""), trash.find(name)
            if told is None or found is None or not told.path.startswith(above):
                continue
            states = [
                state for _, state in walk(trash.files, name) if not stat.S_ISDIR(state.st_mode)
            ]
            size, folder = sum(state.st_size for state in states), stat.S_ISDIR(found.st_mode)
            yield Kept(
                name,
                told.path.removeprefix(above),
                told.removed,
                told.why,
                folder,
                len(states),
                size,
                told.mark,
            )

    @contextlib.contextmanager
    def lent(self, name: bytes) -> Iterator[int]:
        with self._opened(make=False) as trash:
            if not any(kept.name == name for kept in self._ours(trash)):
                raise KeyError(name)
            yield trash.files

    def drop(self, name: bytes) -> None:
        with self._opened(make=False) as trash:
            if not any(kept.name == name for kept in self._ours(trash)):
                raise KeyError(name)
            remove_tree(trash.files, name)
            trash.release(name)

    def _put(self, trash: _Open, source: int, item: Item, carry_on: Callable[[], None]) -> bytes:
        here = os.lstat(item.name, dir_fd=source)
        name, there = _look(trash, item, here)
        if there:
            os.fsync(trash.files)
        else:
            name = self._bring(trash, source, item, here, carry_on)
        if stat.S_ISDIR(here.st_mode):
            _note_size(trash, name, self._sizes)
        return name

    def _bring(
        self,
        trash: _Open,
        source: int,
        item: Item,
        here: os.stat_result,
        carry_on: Callable[[], None],
    ) -> bytes:
        if here.st_dev == os.fstat(trash.files).st_dev:
            try:
                return _move(trash, source, item, here)
            except OSError as error:
                if error.errno != errno.EXDEV:  # one file system that is mounted twice
                    raise
        with self._staged(trash, source, item.name, carry_on) as copy:
            return _move(trash, copy, item, here)

    @contextlib.contextmanager
    def _staged(
        self, trash: _Open, source: int, name: bytes, carry_on: Callable[[], None]
    ) -> Iterator[int]:
        """A folder of the trash's file system with a copy of the name; both are gone in the end."""
        remove_tree(trash.top, self._staging)
        os.mkdir(self._staging, 0o700, dir_fd=trash.top)
        try:
            with _open_folder(self._staging, at=trash.top) as copy:
                copy_tree(source, name, copy, carry_on)
                yield copy
        finally:
            remove_tree(trash.top, self._staging)

    @contextlib.contextmanager
    def _opened(self, *, make: bool) -> Iterator[_Open]:
        """The trash's folders, made if they are to be. Raises TrashUnusable, OSError."""
        real = Path(os.path.realpath(self._folder.parent)) / self._folder.name
        drive = Path(os.path.realpath(self._drive))
        if real == drive or drive in real.parents:
            raise TrashUnusable(
                Phrase(
                    "{folder} is in the drive itself; set XDG_DATA_HOME to a folder outside of it",
                    folder=self._folder,
                )
            )
        if make:
            self._folder.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.ExitStack() as stack:
            top = stack.enter_context(self._part(os.fsencode(self._folder), None, make=make))
            files = stack.enter_context(self._part(b"files", top, make=make))
            info = stack.enter_context(self._part(b"info", top, make=make))
            yield _Open(top, files, info)

    @contextlib.contextmanager
    def _part(self, name: bytes, at: int | None, *, make: bool) -> Iterator[int]:
        shown = self._folder / os.fsdecode(name)
        if make:
            with contextlib.suppress(FileExistsError):
                os.mkdir(name, 0o700, dir_fd=at)
                sync(b"." if at is not None else os.fsencode(self._folder.parent), at=at)
        try:
            fd = os.open(name, _FOLDER, dir_fd=at)
        except OSError as error:
            if error.errno in {errno.ELOOP, errno.ENOTDIR}:
                raise TrashUnusable(
                    Phrase("{folder} is a link or no folder; move it away", folder=shown)
                ) from error
            raise
        try:
            found = os.fstat(fd)
            if found.st_uid != os.geteuid():
                raise TrashUnusable(
                    Phrase("{folder} belongs to another user; move it away", folder=shown)
                )
            if found.st_mode & 0o022:
                raise TrashUnusable(
                    Phrase(
                        "others may write to {folder}; take that from them: chmod go-w '{folder}'",
                        folder=shown,
                    )
                )
            yield fd
        finally:
            os.close(fd)


def _look(trash: _Open, item: Item, here: os.stat_result) -> tuple[bytes, bool]:
    """The name that the item has, or can have, in the trash; whether it is there already."""
    text = info_text(item)
    for name in names(item.name):
        told, found = trash.read(name), trash.find(name)
        if told is None and found is None:
            return name, False
        if told == text and (found is None or _same(found, here)):
            return name, found is not None
    raise AssertionError("names never end")


def _same(found: os.stat_result, here: os.stat_result) -> bool:
    """Whether both may be one item: the name under our own info file has not become something
    else."""
    kind = stat.S_IFMT(found.st_mode)
    return kind == stat.S_IFMT(here.st_mode) and (
        kind == stat.S_IFDIR or found.st_size == here.st_size
    )


def _move(trash: _Open, source: int, item: Item, here: os.stat_result) -> bytes:
    """Claims a name and brings the item there, out of a folder of the same file system. Returns
    when that is on the disk; raising OSError, it leaves nothing behind."""
    text = info_text(item)
    while True:
        name, _ = _look(trash, item, here)
        if trash.read(name) == text or trash.claim(name, text):
            break
    try:
        os.rename(item.name, name, src_dir_fd=source, dst_dir_fd=trash.files)
    except OSError:
        trash.release(name)
        raise
    os.fsync(trash.files)
    os.fsync(source)
    return name


def _note_size(trash: _Open, name: bytes, temporary: bytes) -> None:
    """Keeps the cache of folders' sizes. It may be wrong or missing without harm, so no failure
    counts."""
    try:
        size, mtime = (
            disk_usage(trash.files, name),
            int(os.lstat(name + INFO, dir_fd=trash.info).st_mtime),
        )
        with os.fdopen(os.open(temporary, _NEW, 0o600, dir_fd=trash.top), "wb") as file:
            file.write(with_size(_sizes(trash), name, size, mtime))
        os.rename(temporary, _SIZES, src_dir_fd=trash.top, dst_dir_fd=trash.top)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(temporary, dir_fd=trash.top)


def _sizes(trash: _Open) -> bytes:
    try:
        fd = os.open(_SIZES, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=trash.top)
    except FileNotFoundError:
        return b""
    with os.fdopen(fd, "rb") as file:
        return file.read()


@contextlib.contextmanager
def _open_folder(path: bytes, at: int | None = None) -> Iterator[int]:
    fd = os.open(path, _FOLDER, dir_fd=at)
    try:
        yield fd
    finally:
        os.close(fd)
