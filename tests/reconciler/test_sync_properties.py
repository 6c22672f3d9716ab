"""From a listing to equal sides: what others do on the server's disk is observed, planned and
carried out."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

import hypothesis.strategies as st
from hypothesis import given, settings

from reconciler.lookups import BaseEntry
from reconciler.model import ROOT, Base, Conflict, Kind, Local, NodeId, Settings, Side
from reconciler.trees.listing_scan import RemoteTree
from tests.effort import examples
from tests.reconciler.disk import Disk, observe
from tests.reconciler.test_plan_properties import CHANGE, NAMES, Do, Story, contents
from tests.reconciler.world import Item, User, World


class Known:
    """A world's local tree and base, as an observation asks for them."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._view = world.view()
        self._places = {(base.parent, base.name): node for node, base in world.base.items()}
        self._inodes = {base.inode: node for node, base in world.base.items()}

    def base(self, node: NodeId) -> Base | None:
        return self._world.base.get(node)

    def base_entry(self, parent: NodeId, name: str) -> BaseEntry | None:
        node = self._places.get((parent, name))
        if node is None:
            return None
        base = self._world.base[node]
        return BaseEntry(node, base.kind, base.size, base.mtime, base.inode)

    def base_by_inode(self, inode: int) -> NodeId | None:
        return self._inodes.get(inode)

    def base_children(self, node: NodeId) -> Iterator[tuple[str, NodeId]]:
        return self._view.base_children(node)

    def base_nodes(self) -> Iterator[NodeId]:
        return iter(self._world.base)

    def local(self, node: NodeId) -> Local | None:
        return self._view.local(node)

    def local_child(self, parent: NodeId, name: str) -> NodeId | None:
        return self._view.local_child(parent, name)

    def local_children(self, node: NodeId) -> Iterator[tuple[str, NodeId]]:
        return self._view.local_children(node)

    def new_id(self) -> NodeId:
        return self._world.new_id()


@dataclass
class Server:
    """Others at work on the server's disk. Each content they write is one letter that nobody used
    before."""

    disk: Disk
    letters: int = 0x4E00

    def letter(self) -> str:
        self.letters += 1
        return chr(self.letters)

    def do(self, wish: Do) -> None:
        disk = self.disk
        paths = sorted(disk.files)
        folders = ["", *(path for path in paths if disk.files[path].folder)]
        head = folders[wish.other % len(folders)]
        new = f"{head}/{wish.name}" if head else wish.name
        path = paths[wish.node % len(paths)] if paths else ""
        other = paths[wish.other % len(paths)] if paths else ""
        match wish.what:
            case "folder" if new not in disk.files:
                disk.mkdir(new)
            case "file" if new not in disk.files:
                disk.put(new, self.letter(), wish.mtime)
            case "edit" if path and not disk.files[path].folder:
                disk.put(path, self.letter(), wish.mtime)
            case "touch" if path and not disk.files[path].folder:
                disk.write(path, self.letter(), wish.mtime)
            case "delete" if path:
                disk.remove(path)
            case "move" | "rename" if (
                path and new not in disk.files and not f"{new}/".startswith(path + "/")
            ):
                disk.move(path, new)
            case "swap" if path and path != other and not f"{other}/".startswith(path + "/"):
                if not f"{path}/".startswith(other + "/"):
                    disk.swap(path, other)


def agreed(server: Server, settings: Settings, told: bool) -> World:
    """A world in which both sides are what is on the disk. Without `told`, no inode is known
    yet."""
    world = World(settings)
    nodes = {"": ROOT}
    for entry in server.disk.listing():
        head, _, name = entry.path.rpartition("/")
        node = nodes[entry.path] = world.new_id()
        kind = Kind.FOLDER if entry.is_folder else Kind.FILE
        letter, version = server.disk.files[entry.path].letter, world.new_version()
        world.here[node] = Item(kind, nodes[head], name, letter, entry.size, entry.mtime, version)
        inode = entry.inode if told else 0
        world.base[node] = Base(kind, nodes[head], name, entry.size, entry.mtime, inode, version)
    return world


def take_over(world: World, tree: RemoteTree, disk: Disk) -> None:
    """The observed tree becomes the world's server side."""
    pending = [ROOT]
    for parent in pending:
        for name, node in tree.children(parent):
            remote = tree.get(node)
            assert remote is not None
            letter = disk.files[tree.path(node)].letter
            world.there[node] = Item(remote.kind, parent, name, letter, remote.size, remote.mtime)
            if remote.kind is Kind.FOLDER:
                pending.append(node)


@given(
    wishes=st.tuples(CHANGE, CHANGE, CHANGE),
    conflict=st.sampled_from(Conflict),
    told=st.booleans(),
    seed=st.integers(0, 1000),
)
@settings(max_examples=examples(800))
def test_whatever_others_did_on_the_server(
    wishes: tuple[list[Do], list[Do], list[Do]], conflict: Conflict, told: bool, seed: int
):
    make, there, here = wishes
    server = Server(Disk())
    for number, name in enumerate(NAMES[:3]):
        server.do(Do("folder" if number < 2 else "file", 0, 0, name, 1))
    for wish in make:
        server.do(wish)
    world = agreed(server, Settings(conflict=conflict, host="box"), told)
    base = {each.letter for each in server.disk.files.values()}
    for wish in there:
        server.do(wish)
    story = Story(world, "here")
    for wish in here:
        if wish.what != "same":
            story.do(User(world, Side.LOCAL), wish)

    take_over(world, observe(Known(world), server.disk.listing()), server.disk)  # type: ignore[arg-type]
    assert {world.path(Side.REMOTE, node) for node in world.there} == set(server.disk.files)
    if not here:
        assert all(action.side is not Side.REMOTE for action in world.plan().actions)
    if not there:
        assert all(action.side is not Side.LOCAL for action in world.plan().actions)
    new = (
        {item.content for tree in (world.here, world.there) for item in tree.values()}
        - base
        - world.replaced
    )
    made = world.plan()
    world.run(made, random.Random(seed))
    assert made.waiting == ()
    assert world.paths(Side.LOCAL) == world.paths(Side.REMOTE)
    assert new <= contents(world)
    assert world.plan().stages == ()
