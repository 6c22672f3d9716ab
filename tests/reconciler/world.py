"""Both sides in memory, with an executor that refuses whatever a real one could not do.

`World` holds the local tree, the server's tree and the base by node. `run` carries a plan out, each
stage in a given order, and asserts before every action that it is possible at that moment, that the
paths it uses have not changed since its stage began, and that no content goes that only this side
knows.

This file is long because the executor and what it asserts need the same three trees at each step.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from reconciler.model import (
    ROOT,
    Action,
    Base,
    Kind,
    Local,
    Mode,
    NodeId,
    Op,
    Place,
    Plan,
    Remote,
    Settings,
    Side,
)
from reconciler.names import swap_name
from reconciler.planner.conflict_rules import stays_of_equals
from reconciler.planner.guards import kept_below
from reconciler.planner.plan import plan

STAMP = "2026-01-02"


@dataclass(frozen=True, slots=True)
class Item:
    """A node on one side. `content` tells one content from every other; a folder's is ""."""

    kind: Kind
    parent: NodeId
    name: str
    content: str = ""
    size: int = 0
    mtime: int = 0
    version: int = 0

    @property
    def place(self) -> Place:
        return Place(self.parent, self.name)


class Snapshot:
    """A View of a world. It is made anew for each plan."""

    def __init__(self, world: World, nodes: Iterable[NodeId]) -> None:
        self._world = world
        self._nodes = list(nodes)

    @cached_property
    def _here(self) -> dict[tuple[NodeId, str], NodeId]:
        return _by_place(self._world.here)

    @cached_property
    def _there(self) -> dict[tuple[NodeId, str], NodeId]:
        return _by_place(self._world.there)

    def touched(self) -> list[NodeId]:
        return self._nodes

    def base(self, node: NodeId) -> Base | None:
        return self._world.base.get(node)

    def local(self, node: NodeId) -> Local | None:
        item = self._world.here.get(node)
        if item is None:
            return None
        return Local(
            item.kind,
            item.parent,
            item.name,
            item.size,
            item.mtime * 1_000_000_000 + 7,
            item.version,
            node not in self._world.not_here,
            node in self._world.busy,
            checksum=self._counted(node, item),
        )

    def _counted(self, node: NodeId, item: Item) -> str | None:
        """As ``local_checksums`` counts: contents that are not the base's, where there is one to
        compare with."""
        base = self._world.base.get(node)
        if node in self._world.not_here or node in self._world.busy:
            return None
        if base.version == item.version if base is not None else node not in self._world.there:
            return None
        return self._world.checksum(item, node)

    def remote(self, node: NodeId) -> Remote | None:
        item = self._world.there.get(node)
        if item is None:
            return None
        checksum = self._world.checksum(item, node)
        doubtful = node in self._world.doubtful
        return Remote(
            item.kind, item.parent, item.name, item.size, item.mtime, 0, checksum, doubtful=doubtful
        )

    def unknown(self, node: NodeId) -> str | None:
        """As a listing tells it: below an unknown folder all is unknown that was not seen
        elsewhere."""
        while node != ROOT:
            if node in self._world.unknown:
                return self._world.unknown[node]
            base = self._world.base.get(node)
            if base is None:
                return None
            there = self._world.there.get(node)
            if there is not None and there.place != base.place:
                return None
            node = base.parent
        return None

    def held(self, node: NodeId) -> bool:
        return node in self._world.held

    def base_children(self, node: NodeId) -> Iterator[tuple[str, NodeId]]:
        return ((base.name, each) for each, base in self._world.base.items() if base.parent == node)

    def local_children(self, node: NodeId) -> Iterator[tuple[str, NodeId]]:
        return iter([(name, each) for (parent, name), each in self._here.items() if parent == node])

    def remote_children(self, node: NodeId) -> Iterator[tuple[str, NodeId]]:
        return iter(
            [(name, each) for (parent, name), each in self._there.items() if parent == node]
        )

    def local_child(self, parent: NodeId, name: str) -> NodeId | None:
        return self._here.get((parent, name))

    def remote_child(self, parent: NodeId, name: str) -> NodeId | None:
        return self._there.get((parent, name))

    def hides(self, node: NodeId) -> bool:
        return False


def _by_place(tree: dict[NodeId, Item]) -> dict[tuple[NodeId, str], NodeId]:
    found = {(item.parent, item.name): node for node, item in tree.items()}
    assert len(found) == len(tree), "two nodes at one place"
    return found


class World:
    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or Settings(host="box")
        self.here: dict[NodeId, Item] = {}
        self.there: dict[NodeId, Item] = {}
        self.base: dict[NodeId, Base] = {}
        self.agreed: dict[NodeId, str] = {}  # contents when all was agreed on
        self.bins: dict[Side, set[str]] = {Side.LOCAL: set(), Side.REMOTE: set()}
        self.not_here: set[NodeId] = set()
        self.busy: set[NodeId] = set()
        self.held: set[NodeId] = set()
        self.proved: set[NodeId] = set()
        self.doubtful: set[NodeId] = set()
        self.unknown: dict[NodeId, str] = {}
        self.replaced: set[str] = set()  # contents that a user of the same side wrote over
        self.last_id = 1
        self.last_version = 0
        self.done: list[Action] = []
        self.stale = False  # something was not as the plan took it to be
        self._union = False  # nothing was agreed on when the plan began

    # making it ------------------------------------------------------------------------------------

    def new_id(self) -> NodeId:
        self.last_id += 1
        return NodeId(self.last_id)

    def new_version(self) -> int:
        self.last_version += 1
        return self.last_version

    def tree(self, side: Side) -> dict[NodeId, Item]:
        return self.here if side is Side.LOCAL else self.there

    def agree_all(self) -> None:
        """What is here now is what both sides agreed on."""
        self.there = dict(self.here)
        self.agreed = {node: item.content for node, item in self.here.items()}
        self.base = {node: self._base_of(item, item.version) for node, item in self.here.items()}

    def prove(self, node: NodeId) -> None:
        """Size and second of another file on the server are the base's, so the contents are
        compared."""
        self.proved.add(node)
        base = self.base.get(node)
        if base is not None:
            self.base[node] = replace(base, checksum=self.agreed[node])

    def checksum(self, item: Item, node: NodeId = ROOT) -> str | None:
        """What mode `secure` knows of a content, and mode `fast` of one that was in doubt."""
        known = self.settings.mode is Mode.SECURE or node in self.proved
        return item.content if known and item.kind is Kind.FILE else None

    def _base_of(self, there: Item, version: int) -> Base:
        return Base(
            there.kind,
            there.parent,
            there.name,
            there.size,
            there.mtime,
            0,
            version,
            checksum=self.checksum(there),
        )

    def looks(self, item: Item) -> tuple[str | int, int]:
        """What the mode sees of a content: in `fast` two of the same size and second are the
        same."""
        return (item.size if self.settings.mode is Mode.FAST else item.content), item.mtime

    def merge_twins(self) -> None:
        """What an observation does: a node made at the same path on both sides, of the same kind,
        is one node. One that was taken for that before, is not agreed on, and lies elsewhere by now
        is two: nothing tells that they were one."""
        for node in [each for each in self.there if each in self.here and each not in self.base]:
            if self.here[node].place != self.there[node].place:
                self._rename_there(node, self.new_id())
        pending = [ROOT]
        while pending:
            parent = pending.pop()
            here = {item.name: node for node, item in self.here.items() if item.parent == parent}
            for node, item in list(self.there.items()):
                if item.parent != parent:
                    continue
                twin = here.get(item.name)
                if (
                    node not in self.base
                    and twin is not None
                    and twin != node
                    and twin not in self.base
                    and twin not in self.there
                    and self.here[twin].kind is item.kind
                ):
                    self._rename_there(node, twin)
                    pending.append(twin)
                else:
                    pending.append(node)

    def _rename_there(self, node: NodeId, name: NodeId) -> None:
        """The node has another number on the server's side."""
        self.there = {
            name if each == node else each: replace(it, parent=name) if it.parent == node else it
            for each, it in self.there.items()
        }

    # looking at it --------------------------------------------------------------------------------

    def path(self, side: Side, node: NodeId) -> str:
        names: list[str] = []
        while node != ROOT:
            item = self.tree(side)[node]
            names.append(item.name)
            node = item.parent
            assert len(names) < 1000, "a circle"
        return "/".join(reversed(names))

    def paths(self, side: Side) -> dict[str, tuple[Kind, str, int]]:
        """The tree as a user sees it: kinds, contents, and the times of files."""
        return {
            self.path(side, node): (
                item.kind,
                item.content,
                item.mtime if item.kind is Kind.FILE else 0,
            )
            for node, item in self.tree(side).items()
            if item.kind is not Kind.OTHER
        }

    def below(self, side: Side, node: NodeId) -> list[NodeId]:
        found = [node]
        for each in found:
            found += [child for child, item in self.tree(side).items() if item.parent == each]
        return found

    def touched(self) -> list[NodeId]:
        return [node for node in {*self.here, *self.there, *self.base} if self._differs(node)]

    def _differs(self, node: NodeId) -> bool:
        here, there, base = self.here.get(node), self.there.get(node), self.base.get(node)
        if here is not None and here.kind is Kind.OTHER:
            return False
        if node in self.unknown or here is None or there is None or base is None:
            return True
        if here.place != base.place or there.place != base.place:
            return True
        if here.kind is Kind.FOLDER:
            return False
        local = (here.version, here.mtime) == (base.version, base.mtime)
        told = self.checksum(there, node)
        if base.checksum != told and (told is not None or self.settings.mode is Mode.SECURE):
            return True
        return not local or (there.size, there.mtime) != (base.size, base.mtime)

    def view(
        self, rng: random.Random | None = None, nodes: Iterable[NodeId] | None = None
    ) -> Snapshot:
        touched = self.touched() if nodes is None else list(nodes)
        if rng is not None:
            rng.shuffle(touched)
        return Snapshot(self, touched)

    def plan(self, rng: random.Random | None = None, nodes: Iterable[NodeId] | None = None) -> Plan:
        return plan(self.view(rng, nodes), self.settings, stamp=STAMP)

    # carrying a plan out --------------------------------------------------------------------------

    def run_badly(self, made: Plan, rng: random.Random) -> None:
        """The plan, but some actions fail. Others go on unless they find that what they need is not
        so."""
        for action in made.actions:
            if rng.random() < 0.3:
                continue
            if (
                action.op is Op.DELETE
                and kept_below(Snapshot(self, ()), action.side, action.node) is not None
            ):
                continue
            if action.op is Op.FORGET and any(
                base.parent == action.node for base in self.base.values()
            ):
                continue
            before = self.here, self.there, self.base, self.bins, self.not_here
            self.here, self.there, self.base = dict(self.here), dict(self.there), dict(self.base)
            self.bins, self.not_here = (
                {side: set(found) for side, found in self.bins.items()},
                set(self.not_here),
            )
            try:
                _APPLY[action.op](self, action)
            except (AssertionError, KeyError):
                self.here, self.there, self.base, self.bins, self.not_here = before
                if action.op is Op.DELETE:
                    raise

    def run(self, made: Plan, rng: random.Random | None = None, limit: int | None = None) -> None:
        """All of the plan, or its first `limit` actions; each stage in the order of `rng`."""
        count = 0
        self._union = not self.base
        for stage in made.stages:
            actions = list(stage)
            if rng is not None and not any(action.side is Side.BASE for action in actions):
                rng.shuffle(actions)
            paths = [self._used_paths(action) for action in actions]
            for action, before in zip(actions, paths, strict=True):
                if count == limit:
                    return
                count += 1
                assert self._used_paths(action) == before, f"a path changed under {action}"
                self._expect(action)
                _APPLY[action.op](self, action)
                self.done.append(action)

    def _expect(self, action: Action) -> None:
        """What an action says of both sides is so when its turn comes. (A move may follow one to a
        temporary name; the other side's move may be in the same stage.)"""
        if action.op in (Op.SEND, Op.FETCH, Op.TOUCH):
            view = Snapshot(self, ())
            assert (action.local, action.remote) == (
                view.local(action.node),
                view.remote(action.node),
            )

    def _used_paths(self, action: Action) -> list[str]:
        used: list[str] = []
        for side in (Side.LOCAL, Side.REMOTE):
            tree = self.tree(side)
            if action.side is side or action.op in (Op.SEND, Op.FETCH):
                if action.node in tree:
                    used.append(self.path(side, tree[action.node].parent))
                if action.target is not None and (
                    action.target.parent in tree or action.target.parent == ROOT
                ):
                    used.append(self.path(side, action.target.parent))
        return used

    def _target(self, action: Action, *, free: bool) -> Place:
        place = action.target
        assert place is not None, action
        tree = self.tree(action.side)
        if place.parent != ROOT:
            assert place.parent in tree, f"no parent for {action}"
            assert tree[place.parent].kind is Kind.FOLDER, action
        holders = [node for node, item in tree.items() if item.place == place]
        if free:
            assert not holders, f"{holders} is at the place of {action}"
        else:
            assert holders == [action.node], f"{action} is not where it should be"
        return place

    def _settle(self, node: NodeId, place: Place) -> None:
        here, there = self.here[node], self.there[node]
        assert here.place == there.place == place
        assert here.kind is there.kind
        assert here.kind is Kind.FOLDER or self.looks(here) == self.looks(there)
        self.base[node] = self._base_of(there, here.version)

    def make(self, action: Action) -> None:
        place = self._target(action, free=True)
        tree, other = (
            (self.here, self.there) if action.side is Side.LOCAL else (self.there, self.here)
        )
        assert action.node not in tree
        source = other[action.node]
        assert source.kind is Kind.FOLDER
        tree[action.node] = Item(Kind.FOLDER, place.parent, place.name)
        # The other side's move to this place may be another action of the same stage.
        self.base[action.node] = Base(Kind.FOLDER, place.parent, place.name, 0, 0, 0, 0)

    def send(self, action: Action) -> None:
        assert action.side is Side.REMOTE
        node, source = action.node, self.here[action.node]
        assert node not in self.not_here, f"{action} has nothing to send"
        assert node not in self.busy
        replaced = self.there.get(node)
        place = self._target(action, free=replaced is None)
        if replaced is not None:
            if action.keep:
                self.bins[Side.REMOTE].add(replaced.content)
            else:
                base = self.base[node]
                same = (replaced.size, replaced.mtime) == (base.size, base.mtime)
                if base.checksum is not None:
                    same = base.checksum == replaced.content
                assert same, f"{action} overwrites"
        self.there[node] = replace(source, parent=place.parent, name=place.name)
        self._settle(node, place)

    def fetch(self, action: Action) -> None:
        assert action.side is Side.LOCAL
        node, source = action.node, self.there[action.node]
        replaced = self.here.get(node)
        place = self._target(action, free=replaced is None)
        if replaced is not None:
            assert node not in self.busy
            if action.keep:
                self.bins[Side.LOCAL].add(replaced.content)
            else:
                base = self.base[node]
                same = replaced.version == base.version or base.checksum == replaced.content
                assert node in self.not_here or same, f"{action} overwrites"
        self.here[node] = replace(
            source, parent=place.parent, name=place.name, version=self.new_version()
        )
        self.not_here.discard(node)
        self._settle(node, place)

    def move(self, action: Action) -> None:
        tree = self.tree(action.side)
        node, place = action.node, action.target
        assert place is not None
        if tree[node].place != place:
            self._target(action, free=True)
        assert place.parent not in self.below(action.side, node), f"{action} leads below itself"
        tree[node] = replace(tree[node], parent=place.parent, name=place.name)
        other = self.tree(Side.REMOTE if action.side is Side.LOCAL else Side.LOCAL).get(node)
        if node in self.base and other is not None and other.place == place:
            self.base[node] = replace(self.base[node], parent=place.parent, name=place.name)

    def touch(self, action: Action) -> None:
        node = action.node
        if action.side is Side.REMOTE:
            self.there[node] = replace(self.there[node], mtime=self.here[node].mtime)
        else:
            self.here[node] = replace(self.here[node], mtime=self.there[node].mtime)
        self._settle(node, self._target(action, free=False))

    def delete(self, action: Action) -> None:
        side = action.side
        tree, other = (self.here, self.there) if side is Side.LOCAL else (self.there, self.here)
        for node in self.below(side, action.node):
            item = tree[node]
            left_out = "__pycache__" in self.path(side, node)
            if item.kind is not Kind.OTHER and not left_out:
                assert node not in other, f"{action} takes {node} along, which the other side has"
                assert node not in self.unknown
                assert node not in self.busy
            base = self.base.get(node)
            if side is Side.REMOTE or action.keep:
                self.bins[side].add(item.content)
            elif item.kind is Kind.FILE and node not in self.not_here and not left_out:
                assert base is not None, f"{action} takes along what is new here"
                assert base.version == item.version, f"{action} drops an edit"
        for node in self.below(side, action.node):
            del tree[node]
            self.base.pop(node, None)
            self.not_here.discard(node)

    def agree(self, action: Action) -> None:
        node, here, there = action.node, self.here[action.node], self.there[action.node]
        assert action.target is not None
        assert action.remote is not None
        assert action.remote.place == action.target
        assert here.kind is there.kind
        assert here.kind is Kind.FOLDER or self.looks(here) == self.looks(there)
        place = action.target
        assert place.parent == ROOT or place.parent in self.base, f"{action} before its folder"
        if here.content != there.content and self._is_news(action):
            self._differ_after_all(action)
        else:
            self.base[node] = replace(
                self._base_of(there, here.version), parent=place.parent, name=place.name
            )

    def _is_news(self, action: Action) -> bool:
        """As the executor: what both sides wrote is compared by content before it is agreed on."""
        base, here, there = (
            self.base.get(action.node),
            self.here[action.node],
            self.there[action.node],
        )
        if base is None:
            return not self._union
        return here.version != base.version and (base.size, base.mtime) != (there.size, there.mtime)

    def _differ_after_all(self, action: Action) -> None:
        node, place = action.node, action.target
        here, there = self.here[node], self.there[node]
        assert place is not None
        # the executor finds it elsewhere, and plans again when it is moved
        if there.place != place:
            self.stale = True
            return
        if stays_of_equals(self.settings) is Side.REMOTE:
            self.bins[Side.LOCAL].add(here.content)
            here = replace(here, content=there.content, version=self.new_version())
        else:
            self.bins[Side.REMOTE].add(there.content)
            there = replace(there, content=here.content)
        self.here[node], self.there[node] = here, there
        self.base[node] = replace(
            self._base_of(there, here.version), parent=place.parent, name=place.name
        )

    def forget(self, action: Action) -> None:
        assert action.node not in self.here
        assert action.node not in self.there
        below = [node for node, base in self.base.items() if base.parent == action.node]
        assert not below, f"{action} leaves bases {below} without a folder"
        del self.base[action.node]


_APPLY: dict[Op, Callable[[World, Action], None]] = {
    Op.MAKE: World.make,
    Op.SEND: World.send,
    Op.FETCH: World.fetch,
    Op.MOVE: World.move,
    Op.TOUCH: World.touch,
    Op.DELETE: World.delete,
    Op.AGREE: World.agree,
    Op.FORGET: World.forget,
}


# what users do ------------------------------------------------------------------------------------


class User:
    """Somebody who works on one side. Impossible wishes are dropped, as a file system would refuse
    them."""

    def __init__(self, world: World, side: Side, others: bool = False) -> None:
        self.world = world
        self.side = side

    @property
    def tree(self) -> dict[NodeId, Item]:
        return self.world.tree(self.side)

    def _free(self, place: Place) -> bool:
        parent = self.tree.get(place.parent)
        if place.parent != ROOT and (parent is None or parent.kind is not Kind.FOLDER):
            return False
        return all(item.place != place for item in self.tree.values())

    def make(
        self, place: Place, content: str = "", mtime: int = 0, kind: Kind = Kind.FILE
    ) -> NodeId | None:
        if not self._free(place):
            return None
        node = self.world.new_id()
        size = 0 if kind is not Kind.FILE else size_of(content)
        version = self.world.new_version() if kind is Kind.FILE else 0
        self.tree[node] = Item(kind, place.parent, place.name, content, size, mtime, version)
        return node

    def edit(self, node: NodeId, content: str, mtime: int) -> None:
        item = self.tree.get(node)
        if item is not None and item.kind is Kind.FILE:
            version = self.world.new_version() if self.side is Side.LOCAL else 0
            self.world.replaced.add(item.content)
            self.tree[node] = replace(
                item, content=content, size=size_of(content), mtime=mtime, version=version
            )
            if self.side is Side.LOCAL:
                self.world.not_here.discard(node)

    def touch(self, node: NodeId, mtime: int) -> None:
        item = self.tree.get(node)
        if item is not None and item.kind is Kind.FILE:
            self.tree[node] = replace(item, mtime=mtime)

    def move(self, node: NodeId, place: Place) -> None:
        if (
            node in self.tree
            and self._free(place)
            and place.parent not in self.world.below(self.side, node)
        ):
            self.tree[node] = replace(self.tree[node], parent=place.parent, name=place.name)

    def swap(self, one: NodeId, two: NodeId) -> None:
        tree = self.tree
        if one not in tree or two not in tree:
            return
        if one in self.world.below(self.side, two) or two in self.world.below(self.side, one):
            return
        first, second = tree[one], tree[two]
        tree[one] = replace(first, parent=second.parent, name=second.name)
        tree[two] = replace(second, parent=first.parent, name=first.name)

    def delete(self, node: NodeId) -> None:
        if node in self.tree:
            for each in self.world.below(self.side, node):
                self.world.bins[self.side].add(self.tree.pop(each).content)
                if self.side is Side.LOCAL:
                    self.world.not_here.discard(each)


def size_of(content: str) -> int:
    """Another content, another size: what mode ``fast`` cannot see is no matter of these tests."""
    return int.from_bytes(content.encode()) if content else 0


__all__ = ["STAMP", "Item", "Snapshot", "User", "World", "size_of", "swap_name"]
