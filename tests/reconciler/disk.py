"""A server's disk for observations: paths with inodes that are reused at once, and a base that was
listed from it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from reconciler.lookups import BaseEntry
from reconciler.model import ROOT, Base, Entry, Kind, Local, NodeId
from reconciler.trees.listing_scan import ListingScan, RemoteTree


@dataclass(frozen=True, slots=True)
class File:
    """A file's letter stands for its content: another letter, another size."""

    inode: int
    letter: str = ""
    mtime: int = 0
    folder: bool = False

    @property
    def size(self) -> int:
        return ord(self.letter) if self.letter else 0


class Disk:
    """What other clients and programs do on the server. The smallest free inode is taken first, as
    ext4 tends to."""

    def __init__(self) -> None:
        self.files: dict[str, File] = {}

    def _inode(self) -> int:
        used = {each.inode for each in self.files.values()}
        return next(inode for inode in range(11, 100_000) if inode not in used)

    def mkdir(self, path: str) -> None:
        assert path not in self.files
        self.files[path] = File(self._inode(), folder=True)

    def put(self, path: str, letter: str, mtime: int = 1) -> None:
        """As an upload: a new file under another name, renamed over the old one."""
        self.files[path] = File(self._inode(), letter, mtime)

    def write(self, path: str, letter: str, mtime: int) -> None:
        """In place: the inode stays."""
        self.files[path] = replace(self.files[path], letter=letter, mtime=mtime)

    def below(self, path: str) -> list[str]:
        return [each for each in self.files if each == path or each.startswith(path + "/")]

    def remove(self, path: str) -> None:
        for each in self.below(path):
            del self.files[each]

    def move(self, path: str, target: str) -> None:
        assert target not in self.files
        assert not target.startswith(path + "/")
        for each in self.below(path):
            self.files[target + each[len(path) :]] = self.files.pop(each)

    def swap(self, one: str, two: str) -> None:
        self.move(one, "~")
        self.move(two, one)
        self.move("~", two)

    def renumber(self, first: int = 5000) -> None:
        for number, (path, each) in enumerate(sorted(self.files.items())):
            self.files[path] = replace(each, inode=first + number)

    def listing(self) -> list[Entry]:
        return [
            Entry(path, each.folder, each.size, each.mtime, each.inode)
            for path, each in sorted(
                self.files.items(), key=lambda item: (item[0].count("/"), item[0])
            )
        ]


class Memory:
    """The part of a replica that an observation needs, in memory."""

    def __init__(self) -> None:
        self.bases: dict[NodeId, Base] = {}
        self.locals: dict[NodeId, Local] = {}
        self.last_id = 1
        self.inodes: dict[int, NodeId] = {}
        self.places: dict[tuple[NodeId, str], NodeId] = {}

    def base(self, node: NodeId) -> Base | None:
        return self.bases.get(node)

    def local(self, node: NodeId) -> Local | None:
        return self.locals.get(node)

    def base_entry(self, parent: NodeId, name: str) -> BaseEntry | None:
        node = self.places.get((parent, name))
        if node is None:
            return None
        base = self.bases[node]
        return BaseEntry(node, base.kind, base.size, base.mtime, base.inode)

    def base_by_inode(self, inode: int) -> NodeId | None:
        return self.inodes.get(inode)

    def base_children(self, node: NodeId) -> Iterator[tuple[str, NodeId]]:
        return ((base.name, each) for each, base in self.bases.items() if base.parent == node)

    def base_nodes(self) -> Iterator[NodeId]:
        return iter(self.bases)

    def local_child(self, parent: NodeId, name: str) -> NodeId | None:
        for node, local in self.locals.items():
            if (local.parent, local.name) == (parent, name):
                return node
        return None

    def local_children(self, node: NodeId) -> Iterator[tuple[str, NodeId]]:
        return iter(
            [(local.name, each) for each, local in self.locals.items() if local.parent == node]
        )

    def new_id(self) -> NodeId:
        self.last_id += 1
        return NodeId(self.last_id)

    def add_base(self, node: NodeId, base: Base) -> None:
        self.bases[node] = base
        self.places[base.parent, base.name] = node
        self.inodes[base.inode] = node

    def remove_base(self, node: NodeId) -> None:
        """Both sides agree on it no more."""
        base = self.bases.pop(node)
        del self.places[base.parent, base.name]
        del self.inodes[base.inode]

    def forget_inodes(self) -> None:
        """As if all had been made by this client and never been listed since."""
        self.bases = {node: replace(base, inode=0) for node, base in self.bases.items()}
        self.inodes.clear()

    def node(self, path: str) -> NodeId:
        """The node at a path of the base tree."""
        node = ROOT
        for name in path.split("/"):
            node = self.places[node, name]
        return node

    def make_local(self, path: str, *, folder: bool = False) -> NodeId:
        """A node made here, not sent yet."""
        head, _, name = path.rpartition("/")
        parent = self.find_local(head) if head else ROOT
        node = self.new_id()
        self.locals[node] = Local(Kind.FOLDER if folder else Kind.FILE, parent, name, 1, 0, 1)
        return node

    def find_local(self, path: str) -> NodeId:
        node = ROOT
        for name in path.split("/"):
            child = self.local_child(node, name)
            node = child if child is not None else self.places[node, name]
        return node


def listed(disk: Disk) -> Memory:
    """Both sides agreed on all that is on the disk now."""
    memory = Memory()
    nodes = {"": ROOT}
    for entry in disk.listing():
        head, _, name = entry.path.rpartition("/")
        node = nodes[entry.path] = memory.new_id()
        kind = Kind.FOLDER if entry.is_folder else Kind.FILE
        memory.add_base(
            node, Base(kind, nodes[head], name, entry.size, entry.mtime, entry.inode, 1)
        )
        memory.locals[node] = Local(kind, nodes[head], name, entry.size, entry.mtime * 10**9, 1)
    return memory


def observe(memory: Memory, entries: list[Entry], batch: int = 3, *, tag: str = "") -> RemoteTree:
    observer = ListingScan(memory, tag=tag)
    for start in range(0, len(entries), batch):
        observer.add(entries[start : start + batch])
    return observer.finish()


def differences(memory: Memory, tree: RemoteTree) -> dict[str, str | None]:
    """Base path -> where the node is on the server now (None: not there), for known nodes that
    changed; new ones as "+path"; changed contents as "path*"."""
    found: dict[str, str | None] = {}
    for node in tree.changed():
        base, remote = memory.bases.get(node), tree.get(node)
        if tree.unknown(node):
            found[tree.path(node)] = "?"
        elif base is None:
            found["+" + tree.path(node)] = tree.path(node)
        elif remote is None:
            found[base_path(memory, node)] = None
        else:
            edited = base.kind is Kind.FILE and (base.size, base.mtime) != (
                remote.size,
                remote.mtime,
            )
            found[base_path(memory, node)] = tree.path(node) + ("*" if edited else "")
    return found


def base_path(memory: Memory, node: NodeId) -> str:
    names: list[str] = []
    while node != ROOT:
        base = memory.bases[node]
        names.append(base.name)
        node = base.parent
    return "/".join(reversed(names))
