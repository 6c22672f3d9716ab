"""The server's disk in memory, with what was observed of the real one: what overwrites, what goes
to the trash, and inodes that are kept by a move, new with each upload and given out again at
once."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from reconciler.errors import Exists, Forbidden, Missing, ServerFault
from reconciler.ports import Found

TOP = 1
PARTIAL = ".sync-in."
TEMPORARY = ".syncin-"

BOUND_MS = 9_223_372_036_000
"""Times beyond are those of an entry that cannot be used (docs/reference/faults.md)."""

ODD_TIMES_MS = (-1, -86_400_000, -BOUND_MS, 15_032_385_535_000, -BOUND_MS * 3, 2 * 10**16)
"""Before 1970, the latest that ext4 keeps, and beyond what the replica can."""


@dataclass(slots=True)
class Item:
    """A file or folder. ``since`` is the time (s) when this content came to this place."""

    inode: int
    name: str
    parent: int
    mtime_ms: int
    data: bytes | None  # None: a folder
    since: float
    children: dict[str, int] = field(default_factory=dict)

    @property
    def is_folder(self) -> bool:
        return self.data is None

    @property
    def size(self) -> int:
        return 0 if self.data is None else len(self.data)

    @property
    def found(self) -> Found:
        return Found(self.size, self.mtime_ms)


@dataclass(frozen=True, slots=True)
class Backup:
    """What a disk had at a moment: path, content (None for a folder) and time (ms) of each, parents
    first; and the trash."""

    items: tuple[tuple[str, bytes | None, int], ...]
    trash: dict[str, bytes]


class Disk:
    """The tree and the trash. Every method is one step that nobody can see the middle of;
    ``changes`` counts them, and ``lives`` the times that a backup was put back. ``shows`` is told
    of each file that has another content, inode or time from now on."""

    def __init__(
        self,
        now: Callable[[], float],
        wall_ms: Callable[[], int],
        shows: Callable[[Item], None] = lambda _item: None,
    ) -> None:
        self._now = now
        self._wall_ms = wall_ms
        self._shows = shows
        self._items = {TOP: Item(TOP, "", TOP, 0, None, 0.0)}
        self._free: list[int] = []
        self._next = TOP + 1
        self.trash: dict[str, bytes] = {}
        self.changes = 0
        self.lives = 0

    # looking --------------------------------------------------------------------------------------

    def at(self, path: str) -> Item | None:
        item = self._items[TOP]
        for name in path.split("/") if path else ():
            inode = item.children.get(name)
            if inode is None:
                return None
            item = self._items[inode]
        return item

    def children(self, folder: Item) -> Iterator[tuple[str, Item]]:
        """What is in a folder itself, by its name."""
        return ((name, self._items[inode]) for name, inode in folder.children.items())

    def some_inode(self, rng: random.Random) -> int:
        """Of anything that is there."""
        return rng.choice(list(self._items))

    def walk(self, top: str = "") -> Iterator[tuple[str, Item]]:
        """Everything below a folder, parents first, by name."""
        folder = self.at(top)
        for name in sorted(folder.children) if folder is not None else ():
            path = f"{top}/{name}" if top else name
            item = self.at(path)
            assert item is not None
            yield path, item
            yield from self.walk(path)

    def tree(self) -> dict[str, bytes | None]:
        """What people see: path and content, None for a folder; partial uploads left out."""
        return {path: item.data for path, item in self.walk() if PARTIAL not in path}

    # changing -------------------------------------------------------------------------------------

    def parent_of(self, path: str) -> Item:
        """The folder that something is in, or is to come into; it is made when it is not there."""
        return self._split(path)[0]

    def _split(self, path: str) -> tuple[Item, str]:
        head, _, name = path.rpartition("/")
        return self._folder(head), name

    def _folder(self, path: str) -> Item:
        """The folder at this path, made with all above it when it is not there."""
        folder = self._items[TOP]
        for name in path.split("/") if path else ():
            inode = folder.children.get(name)
            folder = (
                self._items[inode]
                if inode is not None
                else self._new(folder, name, None, self._wall_ms())
            )
            if not folder.is_folder:
                raise ServerFault(f"500: {path} leads through a file", status=500)
        return folder

    def _new(self, parent: Item, name: str, data: bytes | None, mtime_ms: int) -> Item:
        inode = heapq.heappop(self._free) if self._free else self._next
        self._next = max(self._next, inode + 1)
        item = Item(inode, name, parent.inode, mtime_ms, data, self._now())
        self._items[inode] = item
        parent.children[name] = inode
        parent.mtime_ms = self._wall_ms()
        self.changes += 1
        self._shows(item)
        return item

    def _drop(self, item: Item) -> None:
        self._unlink(item)
        self._scrap(item)

    def _scrap(self, item: Item) -> None:
        """Nobody names it any more: its inode is free, and those of all that was in it."""
        for inode in item.children.values():
            self._scrap(self._items[inode])
        del self._items[item.inode]
        heapq.heappush(self._free, item.inode)

    def _unlink(self, item: Item) -> None:
        parent = self._items[item.parent]
        del parent.children[item.name]
        parent.mtime_ms = self._wall_ms()
        self.changes += 1

    def put(self, path: str, data: bytes, mtime_ms: int) -> None:
        """A whole file takes its place, with a new inode; what was there is gone for good."""
        parent, name = self._split(path)
        old = self.at(path)
        if old is not None and old.is_folder:
            raise Exists("405: a folder is there", status=405)
        if old is not None:  # the new file is made beside the old one, so it has another inode
            self._unlink(old)
        self._new(parent, name, data, mtime_ms)
        if old is not None:
            del self._items[old.inode]
            heapq.heappush(self._free, old.inode)

    def free_inodes(self) -> set[int]:
        """Those of what is gone, which are given out again."""
        return set(self._free)

    def make_folder(self, path: str, mtime_ms: int) -> None:
        found = self.at(path)
        if found is not None and not found.is_folder:
            raise ServerFault("500: EEXIST", status=500)
        if found is None:
            parent, name = self._split(path)
            self._new(parent, name, None, mtime_ms)

    def touch(self, path: str, mtime_ms: int) -> None:
        item = self.existing(path)
        item.mtime_ms = mtime_ms
        self.changes += 1
        self._shows(item)

    def write_into(self, path: str, data: bytes, mtime_ms: int) -> None:
        """A program opens the file and writes, and sets its time: the inode stays."""
        item = self.existing(path)
        item.data, item.since = data, self._now()
        self.touch(path, mtime_ms)

    def existing(self, path: str) -> Item:
        item = self.at(path)
        if item is None:
            raise Missing(f"404: {path}", status=404)
        return item

    def move(self, path: str, target: str) -> None:
        """Overwrites: what was there goes to the trash."""
        item = self.existing(path)
        if f"{target}/".startswith(f"{path}/"):
            raise Forbidden("403: onto or below itself", status=403)
        if f"{path}/".startswith(f"{target}/"):
            raise ServerFault("500: the destination holds the source", status=500)
        if self.at(target) is not None:
            self.delete(target)
        parent, name = self._split(target)
        self._unlink(item)
        item.parent, item.name, item.since = parent.inode, name, self._now()
        parent.children[name] = item.inode
        parent.mtime_ms = self._wall_ms()

    def delete(self, path: str) -> None:
        item = self.existing(path)
        for each, below in [(path, item), *self.walk(path)]:
            if below.data is not None:
                name = each
                while name in self.trash:
                    name += "~"
                self.trash[name] = below.data
        self._drop(item)

    def destroy(self, path: str) -> None:
        """Somebody on the server's own disk: nothing goes to the trash."""
        self._drop(self.existing(path))

    # backups --------------------------------------------------------------------------------------

    def backup(self) -> Backup:
        return Backup(
            tuple((path, item.data, item.mtime_ms) for path, item in self.walk()), dict(self.trash)
        )

    def restore(
        self, backup: Backup, rng: random.Random | None = None, *, again: bool = False
    ) -> None:
        """The server comes back with another disk, on which all is as it was in the backup, with
        its times. With ``again`` that is the same disk, made empty before: inodes are given out
        once more, in any order."""
        for inode in list(self._items[TOP].children.values()):
            self._drop(self._items[inode])
        if not again:
            self._free.clear()
        order = list(backup.items)
        if rng is not None:
            rng.shuffle(order)
        for path, data, mtime_ms in order:
            if data is None:
                self._folder(path)
            else:
                self.put(path, data, mtime_ms)
        for path, _, mtime_ms in backup.items:
            self.touch(path, mtime_ms)
        self.trash = dict(backup.trash)
        self.lives += 1

    def restore_part(self, backup: Backup, top: str) -> None:
        """Somebody on the server's own disk puts back one folder, with other inodes: what is there
        now is gone."""
        prefix = f"{top}/"
        part = [each for each in backup.items if each[0].startswith(prefix)]
        inodes = list(self.existing(top).children.values())
        for inode in inodes:
            self._unlink(self._items[inode])
        for path, data, mtime_ms in part:
            if data is None:
                self._folder(path)
            else:
                self.put(path, data, mtime_ms)
        for path, _, mtime_ms in part:
            self.touch(path, mtime_ms)
        # all were there before the first one went, so that none comes back at once
        for inode in inodes:
            self._scrap(self._items[inode])
