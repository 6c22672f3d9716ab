"""A replica to test with: small, with a clock that ticks when it is looked at, and ways to stop
it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from reconciler.model import ROOT, Base, Kind, Leftover, NodeId
from syncin_mount import system
from syncin_mount.store import Attr, NodeType, Replica, check

SECOND = 1_000_000_000
TABLES = (
    "nodes",
    "bases",
    "entries",
    "base_entries",
    "outdone",
    "inos",
    "inodes",
    "dirty",
    "pending",
    "pending_by_node",
    "absent",
    "writing",
    "unsynced",
    "xattrs",
    "bin",
    "effects",
    "leftovers",
    "held",
    "checksums",
    "links",
)


class Ticks:
    """A clock that goes on by a microsecond whenever it is read."""

    def __init__(self) -> None:
        self.now = 1_700_000_000 * SECOND

    def __call__(self) -> int:
        self.now += 1000
        return self.now


def open_replica(
    folder: Path, *, boot_id: str = "boot 1", reserve_bytes: int = 4096, **more: Any
) -> Replica:
    return Replica.open(
        folder, now_ns=Ticks(), boot_id=boot_id, reserve_bytes=reserve_bytes, **more
    )


def kill(replica: Replica) -> None:
    """What SIGKILL leaves: nothing is committed, the locks are gone."""
    replica.abandon()


def snapshot(replica: Replica) -> dict[str, list[tuple[bytes, bytes]]]:
    return {table: list(replica._ix.items(table)) for table in TABLES}


def copy_of(folder: Path, target: Path) -> Path:
    """The folder as a kill at this moment leaves it: files as the page cache has them."""
    shutil.copytree(folder, target)
    return target


def make(replica: Replica, path: str, kind: NodeType = NodeType.FILE, data: bytes = b"") -> NodeId:
    """A new node at a path, with content."""
    *above, name = path.split("/")
    parent = at(replica, "/".join(above))
    node = replica.create(parent, os.fsencode(name), kind, mode=0o640, uid=1, gid=2).node
    if data:
        write(replica, node, data)
    return node


def at(replica: Replica, path: str) -> NodeId:
    node = ROOT
    for name in path.split("/") if path else []:
        found = replica.lookup(node, os.fsencode(name))
        assert found is not None, path
        node = found
    return node


def place(replica: Replica, path: str) -> tuple[NodeId, bytes]:
    above, _, name = path.rpartition("/")
    return at(replica, above), os.fsencode(name)


def write(
    replica: Replica, node: NodeId, data: bytes, mtime_ns: int = 1_600_000_000 * SECOND + 5
) -> None:
    """The whole content, written as the file system does it."""
    replica.begin_write(node, discard=True)
    content = replica.open_content(node)
    os.ftruncate(content.fd, 0)
    system.pwrite(content.fd, data, 0)
    replica.written(node, size=len(data), mtime_ns=mtime_ns)
    content.close()


def read(replica: Replica, node: NodeId) -> bytes:
    content = replica.open_content(node)
    data = system.pread(content.fd, 1 << 20, 0)
    content.close()
    return data


def attr(replica: Replica, node: NodeId) -> Attr:
    found = replica.attr(node)
    assert found is not None
    return found


def base_of(replica: Replica, node: NodeId, inode: int = 0) -> Base:
    """The base that says: as it is here, it is on the server."""
    local = replica.local(node)
    assert local is not None
    size, mtime = (local.size, local.mtime) if local.kind is Kind.FILE else (0, 0)
    return Base(
        local.kind, local.parent, local.name, size, mtime, inode or 1000 + node, local.version
    )


def settle(replica: Replica, *nodes: NodeId) -> None:
    """All was sent."""
    wanted = nodes or tuple(one.node for one in replica.dirty())
    replica.set_bases(
        [(node, base_of(replica, node) if replica.local(node) else None) for node in wanted]
    )


def arrive(replica: Replica, node: NodeId, base: Base, data: bytes, *, keep: bool = False) -> None:
    """The server's content comes and is taken in."""
    incoming = replica.incoming(node, base.size, base.mtime)
    incoming.write(0, data)
    local = replica.local(node)
    assert local is not None
    replica.install_content(node, incoming, base, local.version, keep=keep, why="test")
    incoming.close()


def tree(
    replica: Replica, node: NodeId = ROOT, path: str = ""
) -> Iterator[tuple[str, bytes | None]]:
    """Every path, with the content of files that are here, None else."""
    for name, child in replica.local_children(node):
        local = replica.local(child)
        assert local is not None
        below = f"{path}/{name}" if path else name
        yield below, read(replica, child) if local.kind is Kind.FILE and local.present else None
        if local.kind is Kind.FOLDER:
            yield from tree(replica, child, below)


def sound(replica: Replica) -> Replica:
    assert check(replica) == []
    return replica


def pick_bin(replica: Replica) -> list[tuple[str, bytes]]:
    """Every file that lies in the bin, by its path there without the entry's number."""
    replica.commit()
    top = replica.folder / "bin"
    return sorted(
        (path.relative_to(top).as_posix().partition("/")[2], path.read_bytes())
        for path in top.rglob("*")
        if path.is_file() and not path.is_symlink() and path.parent != top
    )


def play(replica: Replica) -> None:
    """A bit of everything."""
    make(replica, "docs", NodeType.FOLDER)
    doc = make(replica, "docs/doc", data=b"first")
    make(replica, "docs/empty")
    make(replica, "link", NodeType.SYMLINK)
    replica.set_xattr(doc, b"user.note", b"here")
    replica.note_leftover(Leftover(at(replica, "docs"), "doc", 5))
    replica.note_leftover(Leftover(at(replica, "docs"), "doc", 5, 3, 2, 1))
    replica.note_leftover(Leftover(ROOT, "other", 1 << 40))
    replica.drop_leftover(ROOT, "other")
    settle(replica)
    make(replica, "docs/doc.tmp", data=b"second")
    replica.rename(*place(replica, "docs/doc.tmp"), *place(replica, "docs/doc"))
    replica.rename(*place(replica, "docs"), ROOT, b"papers")
    replica.unlink(*place(replica, "papers/empty"))
    far = replica.new_id()
    replica.place_file(far, Base(Kind.FILE, at(replica, "papers"), "far", 5000, 9, 70, 0))
    arrive(replica, far, Base(Kind.FILE, at(replica, "papers"), "far", 5000, 9, 70, 0), b"f" * 5000)
    arrive(
        replica, far, Base(Kind.FILE, at(replica, "papers"), "far", 3, 10, 71, 0), b"new", keep=True
    )
    replica.delete_local(make(replica, "local", data=b"never sent"), keep=False, why="test")
    replica.copy_to_bin(doc, "test")
    replica.set_attr(doc, mode=0o600)


def damage(segment: Path, offset: int) -> None:
    data = bytearray(segment.read_bytes())
    data[offset] ^= 0xFF
    segment.write_bytes(data)


class PowerCut(Exception):
    """Stands for the end of the process, at a step of its work."""


def far(replica: Replica, name: str = "far", size: int = 5, mtime: int = 9) -> NodeId:
    """A file of the server whose content is not here."""
    node = replica.new_id()
    replica.place_file(node, Base(Kind.FILE, ROOT, name, size, mtime, 70 + node, 0))
    return node


def base(name: str = "far", size: int = 5, mtime: int = 9, inode: int = 70) -> Base:
    """The base of such a file."""
    return Base(Kind.FILE, ROOT, name, size, mtime, inode, 0)
