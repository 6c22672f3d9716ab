"""What people and programs do on a device, through the replica as the file system would.

Every operation finds what it works on by its own random numbers in the tree as it is then, so that
leaving out others leaves it meaningful.

This file is long because it is one list of operations, each found by its name.
"""

from __future__ import annotations

import os
import random
from typing import TYPE_CHECKING

from reconciler.model import ROOT, Direction, NodeId
from syncin_mount.store import Attr, CannotUndo, NodeType
from tests.sim.device import Device, Killed
from tests.sim.ledger import FIRST
from tests.sim.server import BOUND_MS, TEMPORARY

if TYPE_CHECKING:
    pass

NAMES = ("a", "b", "c", "A", "n.txt", "ü", "u\u0308", "long " + "x" * 246)
FOLDERS = ("a", "d", "e", "D")
DEPTH = 3


class Writing:
    """A file that somebody has open for writing; it belongs to the inode, as a handle does."""

    def __init__(self, device: Device, node: NodeId, number: int) -> None:
        self._device = device
        self._number = number
        self._world = device.world
        replica = device.replica
        attr = replica.attr(node)
        assert attr is not None
        self.ino = attr.ino
        self._world.release(device.versions(attr), "written over", device.name)
        replica.opened_for_write(node)
        self._counted: NodeId | None = node
        replica.begin_write(node, discard=True)
        self._content = replica.open_content(node)
        self._put(self._world.ledger.part(number))

    def _put(self, data: bytes) -> None:
        os.ftruncate(self._content.fd, 0)
        os.pwrite(self._content.fd, data, 0)
        now = self._device.now_ns()
        os.utime(self._content.fd, ns=(now, now))

    def follow(self) -> NodeId | None:
        """The node that the inode belongs to now; the count of writers goes with it, as the file
        system sees to at once when something is renamed."""
        replica = self._device.replica
        node = replica.by_ino(self.ino)
        if node != self._counted:
            if self._counted is not None:
                replica.closed_for_write(self._counted)
            if node is not None:
                replica.opened_for_write(node)
            self._counted = node
        return node

    def finish(self, mtime_ns: int | None = None) -> None:
        replica = self._device.replica
        try:
            node = self.follow()
            attr = None if node is None else replica.attr(node)
            if attr is not None:  # somebody else may have written to it meanwhile
                self._world.release(self._device.versions(attr), "written over", self._device.name)
                replica.begin_write(attr.node)
            self._put(self._world.ledger.data(self._number))
            if node is not None:
                size = len(self._world.ledger.data(self._number))
                replica.written(
                    node,
                    size=size,
                    mtime_ns=self._device.now_ns() if mtime_ns is None else mtime_ns,
                )
                self._world.ledger.written.add(self._number)
                if replica.attr(node).nlink > 1:  # type: ignore[union-attr]
                    self._world.copied.add(self._number)
                self._world.log(
                    self._device.name, f"wrote {self._number} to {replica.local_path(node)}"
                )
        finally:
            self.abandon()

    def abandon(self) -> None:
        self._content.close()
        node = (
            self.follow() if not self._device.replica._closed and not self._device.is_dead else None
        )
        if node is not None:
            self._device.replica.closed_for_write(node)


class Person:
    """Works on one device, below ``device.top``."""

    def __init__(self, device: Device, rng: random.Random) -> None:
        self._device = device
        self._world = device.world
        self._rng = rng
        self._replica = device.replica

    def do(self, name: str) -> None:
        """One operation; one that is not possible just now is none."""
        try:
            if (
                self._device.settings.direction is Direction.DOWNLOAD
                and name not in WITHOUT_WRITING
            ):
                raise PermissionError("mounted read-only")
            getattr(self, name)()
        except (LookupError, OSError) as error:
            self._world.log(self._device.name, f"{name} was not possible: {error!r}")
        except Killed:
            self._world.log(self._device.name, f"killed in {name}")

    # choosing -------------------------------------------------------------------------------------

    def _own(self) -> tuple[NodeId, str]:
        top = self._device.top
        if not top:
            return ROOT, ""
        node = self._replica.lookup(ROOT, top.encode())
        if node is None:
            node = self._replica.create(
                ROOT, top.encode(), NodeType.FOLDER, mode=0o755, uid=0, gid=0
            ).node
        return node, top + "/"

    def _all(self) -> list[tuple[str, Attr]]:
        """What people take for theirs: not what is on its way between two names."""
        return [each for each in self._device.walk(*self._own()) if TEMPORARY not in each[0]]

    def _pick(self, *kinds: NodeType) -> tuple[str, Attr]:
        found = [each for each in self._all() if not kinds or each[1].kind in kinds]
        return self._rng.choice(found)

    def _folder(self) -> tuple[str, NodeId]:
        """Any folder that is not too deep, its path with a slash at its end."""
        node, prefix = self._own()
        found = [(prefix, node)]
        for path, attr in self._all():
            if attr.kind is NodeType.FOLDER and path.count("/") < DEPTH:
                found.append((path + "/", attr.node))
        return self._rng.choice(found)

    def _free(self, names: tuple[str, ...]) -> tuple[str, NodeId, bytes]:
        """A place where nothing is."""
        prefix, node = self._folder()
        names = tuple(name for name in names if self._replica.lookup(node, name.encode()) is None)
        name = self._rng.choice(names)
        return prefix + name, node, name.encode()

    def _place(self, path: str) -> tuple[NodeId, bytes]:
        node = ROOT
        *folders, name = path.split("/")
        for folder in folders:
            found = self._replica.lookup(node, os.fsencode(folder))
            if found is None:
                raise FileNotFoundError(path)
            node = found
        return node, os.fsencode(name)

    # contents -------------------------------------------------------------------------------------

    def _lots(self) -> int:
        return self._rng.choice((0, 0, 0, 0, 1, 3))

    def _mtime(self) -> int | None:
        """When the file is to say that it was written; None: now."""
        if self._rng.random() < 0.85:
            return None
        return self._device.now_ns() - self._rng.randrange(10**6) * 10**9

    def _make(self, parent: NodeId, name: bytes) -> NodeId:
        return self._replica.create(parent, name, NodeType.FILE, mode=0o644, uid=0, gid=0).node

    def _write(self, node: NodeId, before: int) -> None:
        size = self._world.same_size(self._rng)
        number = self._world.ledger.new(self._device.name, before, lots=self._lots(), size=size)
        Writing(self._device, node, number).finish(self._mtime())

    def _write_alike(self, node: NodeId, before: int, size: int, mtime_ns: int) -> None:
        """Another content of this size, and the time put back to this one."""
        if size < FIRST:
            raise LookupError("nothing that small is another version")
        number = self._world.ledger.new(self._device.name, before, size=size)
        Writing(self._device, node, number).finish(self._alike(mtime_ns))

    def _alike(self, mtime_ns: int) -> int:
        """The same time, or another one of its second."""
        if self._rng.random() < 0.5:
            return mtime_ns
        return min(mtime_ns // 10**9 * 10**9 + self._rng.randrange(10**9), BOUND_MS * 10**6)

    def _version(self, attr: Attr) -> int:
        return max(self._device.versions(attr), default=0)

    def new(self) -> None:
        _, parent, name = self._free(NAMES)
        self._write(self._make(parent, name), 0)

    def empty(self) -> None:
        path, parent, name = self._free(NAMES)
        self._make(parent, name)
        self._world.log(self._device.name, f"empty file {path}")

    def edit(self) -> None:
        _, attr = self._pick(NodeType.FILE)
        self._write(attr.node, self._version(attr))

    def edit_alike(self) -> None:
        """In place, size and second as before: a container, or an editor that puts the time
        back."""
        path, attr = self._pick(NodeType.FILE)
        self._world.log(self._device.name, f"edit {path} alike")
        self._write_alike(attr.node, self._version(attr), attr.size, attr.mtime_ns)

    def replace_alike(self) -> None:
        """Another file of its size and second comes over one: `cp -p`, `mv`, `rsync -a`, `tar
        x`."""
        path, attr = self._pick(NodeType.FILE)
        parent, name = self._place(path)
        self._world.log(self._device.name, f"replace {path} alike")
        node = self._make(parent, b".save~")
        self._write_alike(node, self._version(attr), attr.size, attr.mtime_ns)
        self._rename(parent, b".save~", parent, name)

    def edit_slowly(self) -> None:
        """Stays open until somebody says ``finish``."""
        path, attr = self._pick(NodeType.FILE)
        if any(writing.ino == attr.ino for writing in self._device.writings):
            return
        number = self._world.ledger.new(self._device.name, self._version(attr), lots=self._lots())
        self._device.writings.append(Writing(self._device, attr.node, number))
        self._world.log(self._device.name, f"writing {number} to {path}")

    def finish(self) -> None:
        if self._device.writings:
            self._device.writings.pop(self._rng.randrange(len(self._device.writings))).finish()

    def save_by_rename(self) -> None:
        path, attr = self._pick(NodeType.FILE)
        parent, name = self._place(path)
        node = self._make(parent, b".save~")
        self._write(node, self._version(attr))
        self._rename(parent, b".save~", parent, name)

    def save_with_backup(self) -> None:
        path, attr = self._pick(NodeType.FILE)
        parent, name = self._place(path)
        before = self._version(attr)
        self._rename(parent, name, parent, b".backup~")
        self._write(self._make(parent, name), before)
        self._unlink(parent, b".backup~")

    # the tree -------------------------------------------------------------------------------------

    def _rename(self, parent: NodeId, name: bytes, new_parent: NodeId, new_name: bytes) -> None:
        there = self._replica.lookup(new_parent, new_name)
        old = self._replica.attr(there) if there is not None else None
        source = self._replica.lookup(parent, name)
        released: list[int] = []
        if old is not None and old.kind is NodeType.FILE and there != source:
            released = self._world.release(
                self._device.versions(old), "replaced", self._device.name
            )
        try:
            self._replica.rename(parent, name, new_parent, new_name)
        except OSError:
            self._world.ledger.hold_on(released)
            raise
        for writing in self._device.writings:
            writing.follow()

    def rename(self) -> None:
        path, _ = self._pick()
        if self._rng.random() < 0.5:
            target, parent, name = self._free(NAMES)
        else:
            target, _ = self._pick()
            parent, name = self._place(target)
        self._world.log(self._device.name, f"rename {path} to {target}")
        self._rename(*self._place(path), parent, name)

    def exchange(self) -> None:
        (path, _), (other, _) = self._pick(), self._pick()
        self._world.log(self._device.name, f"exchange {path} and {other}")
        self._replica.rename(*self._place(path), *self._place(other), exchange=True)
        for writing in self._device.writings:
            writing.follow()

    def _unlink(self, parent: NodeId, name: bytes) -> None:
        node = self._replica.lookup(parent, name)
        attr = self._replica.attr(node) if node is not None else None
        if attr is not None and attr.kind is NodeType.FILE:
            self._world.release(self._device.versions(attr), "deleted", self._device.name)
        self._replica.unlink(parent, name)
        for writing in self._device.writings:
            writing.follow()

    def unlink(self) -> None:
        path, _ = self._pick(NodeType.FILE, NodeType.SYMLINK)
        self._world.log(self._device.name, f"unlink {path}")
        self._unlink(*self._place(path))

    def remove_tree(self) -> None:
        path, attr = self._pick(NodeType.FOLDER)
        self._world.log(self._device.name, f"rm -r {path}")
        for below, each in reversed(list(self._device.walk(attr.node, path + "/"))):
            if each.kind is NodeType.FOLDER:
                self._replica.rmdir(*self._place(below))
            else:
                self._unlink(*self._place(below))
        self._replica.rmdir(*self._place(path))

    def mkdir(self) -> None:
        path, parent, name = self._free(FOLDERS)
        self._world.log(self._device.name, f"mkdir {path}")
        self._replica.create(parent, name, NodeType.FOLDER, mode=0o755, uid=0, gid=0)

    def link(self) -> None:
        path, parent, name = self._free(NAMES)
        self._world.log(self._device.name, f"symlink {path}")
        self._world.linked = True
        self._replica.create(
            parent, name, NodeType.SYMLINK, mode=0o777, uid=0, gid=0, target=b"somewhere"
        )

    def another_name(self) -> None:
        """A hard link: on the server a file of its own."""
        path, attr = self._pick(NodeType.FILE)
        target, parent, name = self._free(NAMES)
        self._replica.link(attr.node, parent, name)
        self._world.copied |= self._device.versions(attr)
        self._world.log(self._device.name, f"link {path} to {target}")

    def touch(self) -> None:
        path, attr = self._pick(NodeType.FILE)
        mtime = self._mtime() or self._device.now_ns()
        self._world.log(self._device.name, f"touch {path} {mtime}")
        self._world.touched |= self._device.versions(attr)
        self._replica.set_attr(attr.node, mtime_ns=mtime)

    def copy(self) -> None:
        """The same content at another place, with the same time or a new one."""
        path, attr = self._pick(NodeType.FILE)
        if not attr.present:
            raise PermissionError("its content is not here")
        target, parent, name = self._free(NAMES)
        mtime = attr.mtime_ns if self._rng.random() < 0.5 else self._device.now_ns()
        self._world.log(self._device.name, f"copy {path} to {target}")
        data = self._device.read(attr.node)
        self._world.copied.add(self._world.ledger.number(data))
        self._copy(parent, name, data, mtime)

    def bring(self) -> None:
        """A part of what the server has is here from before: a copy that somebody made, some of it
        edited since."""
        for path, item in list(self._world.disk.walk()):
            if self._rng.random() < 0.4:
                continue
            try:
                parent, name = self._place(path)
            except FileNotFoundError:
                continue
            if self._replica.lookup(parent, name) is not None:
                continue
            if item.data is None:
                self._replica.create(parent, name, NodeType.FOLDER, mode=0o755, uid=0, gid=0)
            elif self._rng.random() < 0.2:
                self._write(self._make(parent, name), self._world.ledger.number(item.data))
            elif self._rng.random() < 0.1 and item.size >= FIRST and abs(item.mtime_ms) <= BOUND_MS:
                before = self._world.ledger.number(item.data)
                self._write_alike(
                    self._make(parent, name), before, item.size, item.mtime_ms * 10**6
                )
            else:
                # No file system here keeps a time that is out of bounds: the nearest one is what a
                # copy has.
                mtime_ms = max(-BOUND_MS, min(item.mtime_ms, BOUND_MS))
                self._copy(parent, name, item.data, mtime_ms * 10**6)

    # what waits -----------------------------------------------------------------------------------

    def _waiting(self) -> NodeId:
        found = sorted(each.node for each in self._replica.dirty())
        node = self._rng.choice(found)
        if self._device.engine.is_in_flight(node):
            raise BlockingIOError("it is just being sent")
        return node

    def _named(self, node: NodeId) -> str:
        there = self._replica.local(node) is not None
        return (
            f"[{node}] {self._replica.local_path(node) if there else self._replica.base_path(node)}"
        )

    def hold(self) -> None:
        node = self._waiting()
        self._world.log(self._device.name, f"hold {self._named(node)}")
        self._replica.local_changes.hold([node], held=True)

    def let_go(self) -> None:
        node = self._rng.choice(self._replica.local_changes.held_nodes())
        self._world.log(self._device.name, f"let go [{node}]")
        self._replica.local_changes.hold([node], held=False)

    def discard(self) -> None:
        """What was changed is kept in the bin; the version from before comes from the server, if it
        is not here."""
        node = self._waiting()
        self._world.log(self._device.name, f"discard {self._named(node)}")
        try:
            done = self._replica.local_changes.discard(node, self._device.engine.is_in_flight)
        except CannotUndo as error:
            raise BlockingIOError(str(error)) from error
        for each in done.fetch:
            attr = self._replica.attr(each)
            assert attr is not None
            self._world.undone |= self._device.versions(attr)
        self._device.hydrator.want(*done.fetch)

    def _copy(self, parent: NodeId, name: bytes, data: bytes, mtime_ns: int) -> None:
        node = self._make(parent, name)
        self._replica.begin_write(node)
        content = self._replica.open_content(node)
        os.pwrite(content.fd, data, 0)
        content.close()
        self._replica.written(node, size=len(data), mtime_ns=mtime_ns)


DEVICE_OPERATIONS: dict[str, float] = {
    "new": 10,
    "empty": 1,
    "edit": 10,
    "edit_slowly": 4,
    "finish": 4,
    "save_by_rename": 5,
    "save_with_backup": 3,
    "rename": 12,
    "exchange": 2,
    "unlink": 5,
    "remove_tree": 2,
    "mkdir": 6,
    "link": 1,
    "touch": 3,
    "copy": 2,
    "another_name": 3,
    "edit_alike": 2,
    "replace_alike": 2,
    "hold": 3,
    "let_go": 2,
    "discard": 2,
}

WITHOUT_WRITING = ("finish", "hold", "let_go", "discard")
"""What is possible where the drive is mounted read-only."""
