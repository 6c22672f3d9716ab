"""The files of a replica outside the index: content objects, incoming contents, the bin; and the
effects on them.

An object is ``objects/<number % 256 in hex>/<owner>-<number>``: the node it was made for, and the
number of the event that made it. The event comes first and the file is made when it is first
opened, so no kill leaves an object that nothing refers to; a missing object is an empty content.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable, Container, Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
import xxhash

from reconciler.phrases import Phrase
from syncin_mount import system
from syncin_mount.deep_tree import make_folders, remove_tree
from syncin_mount.sparse_ranges import data_pieces
from syncin_mount.store.content.handles import IncomingFile, zeros_of
from syncin_mount.store.content.incoming_version import IncomingVersion
from syncin_mount.store.content.unlinked_contents import KeptObjects
from syncin_mount.store.name_texts import to_bytes, to_text
from syncin_mount.store.records import (
    AnyEffect,
    BinRecord,
    CopyToBin,
    DropBin,
    FolderToBin,
    FromBin,
    LinkToBin,
    NoteToBin,
    ToBin,
    Unlink,
)

FANOUT = 256
"""Folders that the objects are spread over; a power of two, the same for the life of a replica."""
FOUND_AGAIN: Final = Phrase("a repair found it in the bin")
DEEP: Final = b"(deep paths)"
"""The folder in a bin folder for files whose whole path the kernel would not take."""


Object = tuple[int, int]
"""Owner and number."""


class Objects:
    """Paths, and opening and removing what they name."""

    def __init__(self, folder: Path, require_space: Callable[[], None] = lambda: None) -> None:
        """``require_space`` raises OSError (ENOSPC) while nothing more may arrive."""
        self._folder = folder
        self._check_room = require_space
        self._objects = os.fspath(folder / "objects")
        self._bin = system.long_path(os.fsencode(folder / "bin"))
        self._incoming = folder / "incoming"
        self.kept = KeptObjects(folder / "orphans", self.path)
        self._open: dict[int, IncomingFile] = {}
        self._arriving: dict[int, IncomingVersion] = {}  # by node, open or not
        self._effects: dict[type, Callable[[int, Any], None]] = {
            Unlink: self._unlink,
            ToBin: self._to_bin,
            CopyToBin: self._copy_to_bin,
            LinkToBin: self._link_to_bin,
            FolderToBin: self._folder_to_bin,
            NoteToBin: self._note_to_bin,
            FromBin: self._from_bin,
            DropBin: self._drop_bin,
        }

    def make_folders(self) -> None:
        for name in ("objects", "incoming", "bin"):
            (self._folder / name).mkdir(mode=0o700, exist_ok=True)
        there = set(os.listdir(self._objects))  # any may have been removed
        for number in range(FANOUT):
            folder = self.folder(number)
            if os.path.basename(folder) not in there:
                os.mkdir(folder, 0o700)
        self.kept.sweep()

    def folder(self, number: int) -> str:
        return f"{self._objects}/{number & FANOUT - 1:02x}"

    def path(self, owner: int, number: int) -> str:
        return f"{self._objects}/{number & FANOUT - 1:02x}/{owner}-{number}"

    def open(self, owner: int, number: int, size: int) -> int:
        """A descriptor of the object; that of an empty content is made if it is not there yet.
        Raises OSError: EIO when the content is lost."""
        if not size:
            return system.open_file(self.path(owner, number), system.OPEN, 0o600)
        try:
            return system.open_file(self.path(owner, number), system.OPEN & ~os.O_CREAT)
        except FileNotFoundError:
            raise OSError(errno.EIO, "its content is missing from the replica's objects") from None

    def open_nothing(self) -> int:
        """A descriptor of an empty file without a name."""
        path = self._incoming / "nothing"
        fd = system.open_file(path, system.OPEN, 0o600)
        path.unlink()
        return fd

    def stat(self, owner: int, number: int) -> os.stat_result | None:
        try:
            return os.stat(self.path(owner, number))
        except FileNotFoundError:
            return None

    def every(self) -> Iterator[tuple[int, int, os.DirEntry[str]]]:
        """Owner and number of every object there is; a walk over the disk."""
        for number in range(FANOUT):
            yield from _objects_in(self.folder(number))

    def numbers(self) -> list[int]:
        """Every number that an object or an entry of the bin has."""
        return [number for _, number, _ in self.every()] + list(self.stray_bins(()))

    def stray(self, number: int) -> None:
        """Removes a bin folder of this number: its event was never recorded, the process being
        killed just before, and it holds a copy alone."""
        self._drop_bin(0, DropBin(number))

    def strays(self, number: int) -> list[Object]:
        """The objects of this number."""
        return [
            (owner, found)
            for owner, found, _ in _objects_in(self.folder(number))
            if found == number
        ]

    def stray_bins(self, named: Container[int]) -> set[int]:
        """The numbers of bin folders and descriptions that are there and that no entry has."""
        names = (os.fsdecode(name).removesuffix(".json") for name in os.listdir(self._bin))
        return {number for name in names if name.isdecimal() and (number := int(name)) not in named}

    # incoming -------------------------------------------------------------------------------------

    def tells_holes(self) -> bool:
        """Whether it can be told how much of a content arrived. Raises OSError (ENOSPC)."""
        return system.knows_holes(self._incoming / "probe")

    def find_incoming(self, *, keep: Callable[[IncomingVersion], bool]) -> None:
        """At start: takes stock of what arrived earlier; ``keep`` says what is still of use."""
        for path in list(self._incoming.iterdir()):
            version = IncomingVersion.parse(path.name)
            if version is not None and keep(version):
                self._arriving[version.node] = version
            elif not path.name.endswith(".zeros"):
                path.unlink()
        known = {zeros_of(self._incoming_path(each)) for each in self._arriving.values()}
        for path in self._incoming.glob("*.zeros"):
            if path not in known:
                path.unlink()

    def _incoming_path(self, version: IncomingVersion) -> Path:
        return self._incoming / version.name

    def incoming(self, version: IncomingVersion) -> IncomingFile:
        """The incoming content of this version; one of another version is dropped."""
        node = version.node
        known = self._arriving.get(node)
        if known is not None and not known.may_be(version):
            self.drop_incoming(node)
            known = None
        version = known or version
        found = self._open.get(node)
        if found is None or found.users == 0:
            path = self._incoming_path(version)
            found = IncomingFile(path, node, version.size, version.mtime, self._check_room)
            self._open[node], self._arriving[node] = found, version
        found.users += 1
        return found

    def arriving(self, node: int) -> IncomingVersion | None:
        """The version that is arriving, or None."""
        return self._arriving.get(node)

    def all_arriving(self) -> list[int]:
        """The nodes of which something is arriving, or arrived earlier."""
        return list(self._arriving)

    def stale_incoming(self, before_ns: int) -> list[int]:
        """The nodes of whose content the last byte arrived before this time, and that nobody has
        open."""
        closed = [
            (node, self._incoming_path(version))
            for node, version in self._arriving.items()
            if not self._is_open(node)
        ]
        return [node for node, path in closed if not path.exists() or _last_byte(path) < before_ns]

    def _is_open(self, node: int) -> bool:
        found = self._open.get(node)
        return found is not None and found.users > 0

    def is_current(self, incoming: IncomingFile) -> bool:
        return self._open.get(incoming.node) is incoming and not incoming.dropped

    def take(self, incoming: IncomingFile, number: int) -> None:
        """The incoming file becomes an object."""
        system.replace(incoming.path, self.path(incoming.node, number))

    def undo_install(self, incoming: IncomingFile, number: int) -> None:
        """Takes ``take`` back."""
        system.replace(self.path(incoming.node, number), incoming.path)

    def taken(self, incoming: IncomingFile, number: int) -> None:
        """The event is recorded: the incoming content is an ordinary one now."""
        system.discard(zeros_of(self._incoming_path(self._arriving[incoming.node])))
        incoming.taken = True
        incoming.path = Path(self.path(incoming.node, number))
        del self._open[incoming.node], self._arriving[incoming.node]

    def drop_incoming(self, node: int) -> None:
        """Nobody needs this version any more."""
        version = self._arriving.pop(node, None)
        if version is None:
            return
        path = self._incoming_path(version)
        found = self._open.pop(node, None)
        if found is not None:
            found.dropped = True
        # first: what is left of a file without it is fetched again
        system.discard(zeros_of(path))
        system.discard(path)

    # effects --------------------------------------------------------------------------------------

    def do(self, sequence: int, effect: AnyEffect) -> None:
        """Does what a committed event left to be done; harmless when it is done already. Raises
        OSError."""
        self._effects[type(effect)](sequence, effect)

    def _unlink(self, _sequence: int, effect: Unlink) -> None:
        if self.kept.take_over(effect.owner, effect.number):
            return
        system.discard(self.path(effect.owner, effect.number))  # never written, or done before

    def _place_in_bin(self, sequence: int, path: bytes) -> bytes:
        """Where something goes in the bin; paths that the kernel would not take are shortened to a
        number."""
        if len(path) > 3000:
            path = DEEP + b"/%d" % hash_of(path)
        place = system.long_path(b"%s/%d/%s" % (self._bin, sequence, path))
        make_folders(os.path.dirname(place))
        return place

    def _to_bin(self, sequence: int, effect: ToBin) -> None:
        place = self._place_in_bin(sequence, effect.path)
        self.kept.share(effect.owner, effect.number)
        try:
            system.replace(self.path(effect.owner, effect.number), place)
        except FileNotFoundError:
            if not os.path.lexists(place):  # an empty content never had an object
                os.close(system.open_file(place, system.OPEN, 0o600))
        system.set_times(place, ns=(effect.mtime, effect.mtime))

    def _copy_to_bin(self, sequence: int, effect: CopyToBin) -> None:
        """On the disk when it returns: the object may go next. What is there was copied before it
        changed again."""
        place = self._place_in_bin(sequence, effect.path)
        if os.path.lexists(place):
            return  # done before
        part = os.path.dirname(place) + b"/.part-%d" % effect.number
        source = self._objects_fd(effect.owner, effect.number)
        target = system.open_file(part, system.OPEN | os.O_TRUNC, 0o600)
        try:
            if source is not None:
                _copy(source, target)
            os.fsync(target)
        finally:
            os.close(target)
            if source is not None:
                os.close(source)
        system.set_times(part, ns=(effect.mtime, effect.mtime))
        system.replace(part, place)
        system.sync_folder(os.path.dirname(place))

    def _objects_fd(self, owner: int, number: int) -> int | None:
        try:
            return system.open_file(self.path(owner, number), system.READ)
        except FileNotFoundError:
            return None  # an empty content never had an object

    def copy_object(self, owner: int, number: int, node: int, copy: int) -> None:
        """A copy of the object becomes the object ``node``-``copy``, of an event that is not
        recorded yet. Raises OSError."""
        source = self._objects_fd(owner, number)
        if source is None:
            return
        try:
            target = system.open_file(self.path(node, copy), system.OPEN | os.O_TRUNC, 0o600)
            try:
                _copy(source, target)
                found = os.fstat(source)
                system.set_times(target, ns=(found.st_atime_ns, found.st_mtime_ns))
            finally:
                os.close(target)
        finally:
            os.close(source)

    def _link_to_bin(self, sequence: int, effect: LinkToBin) -> None:
        try:
            os.symlink(effect.target, self._place_in_bin(sequence, effect.path))
        except FileExistsError:
            pass  # done before

    def _folder_to_bin(self, sequence: int, effect: FolderToBin) -> None:
        make_folders(self._place_in_bin(sequence, effect.path))

    def _note_to_bin(self, sequence: int, effect: NoteToBin) -> None:
        text = json.dumps(describe(effect.record), ensure_ascii=True, indent=1) + "\n"
        fd = system.open_file(
            self._folder / "bin" / f"{sequence}.json", system.OPEN | os.O_TRUNC, 0o600
        )
        try:
            if os.write(fd, text.encode()) < len(text):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        finally:
            os.close(fd)

    def _from_bin(self, _sequence: int, effect: FromBin) -> None:
        if os.path.lexists(self.path(effect.owner, effect.number)):
            return  # done before: what is in the bin now can only be less
        try:
            system.replace(
                b"%s/%d/%s" % (self._bin, effect.bin, effect.path),
                self.path(effect.owner, effect.number),
            )
        except FileNotFoundError:
            pass  # done before; what came back may even be gone again since

    def _drop_bin(self, _sequence: int, effect: DropBin) -> None:
        place = self.bin_place(effect.bin)
        remove_tree(None, place)
        system.discard(self._folder / "bin" / f"{effect.bin}.json")

    def bin_place(self, sequence: int) -> bytes:
        return system.long_path(b"%s/%d" % (self._bin, sequence))

    def described(self, sequence: int, now: int) -> BinRecord:
        """The entry that a folder of the bin was, by the description beside it, or by what lies in
        it."""
        place = self.bin_place(sequence)
        names = sorted(os.listdir(place), key=lambda name: (name == DEEP, name))
        name = names[0] if names else b"nothing"
        files = [os.path.join(above, each) for above, _, found in os.walk(place) for each in found]
        size = sum(os.lstat(each).st_size for each in files)
        is_folder = os.path.isdir(os.path.join(place, name))
        record = BinRecord(
            name, name, folder=is_folder, files=len(files), size=size, time=now, why=FOUND_AGAIN
        )
        try:
            told = json.loads((self._folder / "bin" / f"{sequence}.json").read_text())
            if to_bytes(told["name"]) == name:
                path, time, why = to_bytes(told["path"]), int(told["time_ns"]), str(told["why"])
                record = msgspec.structs.replace(record, path=path, time=time, why=why)
        except (OSError, ValueError, KeyError, TypeError):
            pass  # it only tells more
        return record

    def copy_to_bin(
        self, sequence: int, name: bytes, owner: int, number: int, size: int, mtime: int
    ) -> None:
        """Copies an object into the bin, sharing its blocks where the file system can. Raises
        OSError."""
        place = self.bin_place(sequence)
        remove_tree(None, place)  # of an event that was never recorded
        path = self._place_in_bin(sequence, name)
        source = self.open(owner, number, size)
        try:
            target = system.open_file(path, system.OPEN | os.O_EXCL, 0o600)
            try:
                _copy(source, target)
                os.fsync(target)
            finally:
                os.close(target)
            for folder in (place, self._bin):
                system.sync_folder(folder)
        except OSError:
            remove_tree(None, place)
            raise
        finally:
            os.close(source)
        system.set_times(path, ns=(mtime, mtime))


def _objects_in(folder: str) -> Iterator[tuple[int, int, os.DirEntry[str]]]:
    """Yield owner, number and entry of each object in one of the folders."""
    with os.scandir(folder) as entries:
        for entry in entries:
            owner, dash, rest = entry.name.partition("-")
            if dash and owner.isdecimal() and rest.isdecimal():
                yield int(owner), int(rest), entry


def _last_byte(path: Path) -> int:
    """When the last byte of it arrived, zeros included (ns)."""
    zeros = zeros_of(path)
    return max(each.stat().st_mtime_ns for each in (path, zeros) if each.exists())


def _copy(source: int, target: int) -> None:
    """All bytes, the holes left out."""
    size = os.fstat(source).st_size
    os.ftruncate(target, size)
    for start, stop in data_pieces(source, size):
        offset = start
        while offset < stop:
            done = system.copy_range(source, target, stop - offset, offset)
            if done == 0:
                return  # it was truncated meanwhile
            offset += done


def hash_of(path: bytes) -> int:
    """A stable number for a path that is too long."""
    return int(xxhash.xxh3_64_intdigest(path))


def describe(record: BinRecord) -> dict[str, object]:
    """What lies beside a bin folder, for people and for tools that do not know the index."""
    return {
        "name": to_text(record.name),
        "path": to_text(record.path),
        "folder": record.folder,
        "files": record.files,
        "size": record.size,
        "time_ns": record.time,
        "why": record.why,
    }
