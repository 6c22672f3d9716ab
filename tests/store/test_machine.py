"""Random operations of the user and the reconciler, kills and restarts, against a naive model in
memory.

The model knows nothing of events, versions and tables: it is a tree of plain objects, where a
content is known by a token, and the rules of identity are written down once more, in its own words.

This file is long because the model and what is compared with it are one state machine of
hypothesis, and a class stands in one file.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from reconciler.errors import LocalChanged
from reconciler.model import ROOT, Base, Kind, NodeId, Place
from syncin_mount.store import CannotUndo, NodeType, Replica, Status, check
from tests.effort import examples
from tests.store.support import SECOND, base_of, kill, open_replica, read, write

# The bin keeps things under their names, and Windows has no files with the last one.
NAMES = st.sampled_from(
    [b"a", b"b", b"B", b"c", b"doc", b"doc~", *([b"\xff"] if os.name == "posix" else [])]
)
BYTES = st.binary(max_size=12)
MTIMES = st.integers(0, 3).map(lambda seconds: seconds * SECOND + 7)


@dataclass(eq=False)
class Thing:
    """A node of the model. ``data`` is None when it is not here; ``token`` changes with every
    change of content. ``file`` is the same object for all names of one file."""

    kind: NodeType
    parent: int
    name: bytes
    data: bytes | None = b""
    token: object = field(default_factory=object)
    mtime_ns: int = 0
    size: int = 0
    xattrs: dict[bytes, bytes] = field(default_factory=dict)
    file: object = field(default_factory=object)


@dataclass
class Agreed:
    parent: int
    name: bytes
    token: object
    mtime: int
    size: int
    is_file: bool


def key_of(name: bytes) -> str:
    return name.decode(errors="surrogateescape").lower()


class Store(RuleBasedStateMachine):
    @initialize()
    def start(self) -> None:
        self.top = Path(tempfile.mkdtemp(prefix="syncin-test-"))
        self.replica: Replica = open_replica(
            self.top / "replica", map_size=1 << 19, segment_bytes=2000
        )
        self.find = self.replica.use_name_keys(key_of)
        self.things: dict[int, Thing] = {ROOT: Thing(NodeType.FOLDER, 0, b"")}
        self.agreed: dict[int, Agreed] = {}
        self.held: set[int] = set()

    def teardown(self) -> None:
        self.replica.close()
        shutil.rmtree(self.top)

    # the model's look-ups -------------------------------------------------------------------------

    def child(self, parent: int, name: bytes) -> int | None:
        found = [
            node
            for node, one in self.things.items()
            if node != ROOT and (one.parent, one.name) == (parent, name)
        ]
        assert len(found) <= 1
        return found[0] if found else None

    def below(self, node: int) -> list[int]:
        found = [node]
        for one in found:
            found += [child for child, thing in self.things.items() if thing.parent == one]
        return found

    def choose(self, data: st.DataObject, *kinds: NodeType) -> NodeId | None:
        # The latest first: what hypothesis prefers should not always be the root.
        fitting = [node for node, one in self.things.items() if (not kinds or one.kind in kinds)]
        return (
            NodeId(data.draw(st.sampled_from(sorted(fitting, reverse=True)))) if fitting else None
        )

    def names(self, node: int) -> list[int]:
        """All names of the node's file, itself included."""
        return sorted(
            each for each, one in self.things.items() if one.file is self.things[node].file
        )

    def change(self, node: int, **changes: object) -> None:
        """What changes of a file changes of all its names."""
        for each in self.names(node):
            for name, value in changes.items():
                setattr(self.things[each], name, value)

    def part(self, node: int) -> None:
        """The node is a file of its own from now on."""
        thing = self.things[node]
        thing.file, thing.xattrs = object(), dict(thing.xattrs)

    def differs(self, node: int) -> bool:
        thing, agreed = self.things.get(node), self.agreed.get(node)
        if thing is None or agreed is None:
            return (
                thing is not None and thing.kind in {NodeType.FILE, NodeType.FOLDER}
            ) or agreed is not None
        if (thing.parent, thing.name) != (agreed.parent, agreed.name):
            return True
        same = thing.token is agreed.token and max(thing.mtime_ns // SECOND, 1) == max(
            agreed.mtime, 1
        )
        return thing.kind is NodeType.FILE and not same

    def expect(self, errnos: set[int], act: object) -> bool:
        """Runs the act; True when the model says that it must succeed."""
        assert callable(act)
        failure = None
        try:
            act()
        except OSError as error:
            failure = error.errno
        assert (failure in errnos) if errnos else (failure is None)
        return failure is None

    def gone(self, node: int) -> None:
        """The local part ends; a file that holds the base's place inherits the base, or else
        another name of it."""
        twins = [each for each in self.names(node) if each != node and each not in self.agreed]
        del self.things[node]
        agreed = self.agreed.get(node)
        if agreed is None or not agreed.is_file:
            return
        heir = self.child(agreed.parent, agreed.name)
        if heir is None or heir in self.agreed or self.things[heir].kind is not NodeType.FILE:
            heir = twins[0] if twins else None
        if heir is not None and heir not in self.agreed and self.things[heir].kind is NodeType.FILE:
            self.agreed[heir] = self.agreed.pop(node)
            if node in self.held:
                self.held.add(heir)

    # what the user does ---------------------------------------------------------------------------

    @rule(
        data=st.data(),
        name=NAMES,
        kind=st.sampled_from([NodeType.FILE] * 3 + [NodeType.FOLDER] * 2 + [NodeType.SYMLINK]),
    )
    def create(self, data: st.DataObject, name: bytes, kind: NodeType) -> None:
        parent = self.choose(data)
        assert parent is not None
        errnos = set()
        if self.things[parent].kind is not NodeType.FOLDER:
            errnos.add(errno.ENOTDIR)
        elif self.child(parent, name) is not None:
            errnos.add(errno.EEXIST)
        target = b"target" if kind is NodeType.SYMLINK else b""

        def act() -> None:
            found = self.replica.create(parent, name, kind, mode=0o600, uid=0, gid=0, target=target)
            assert found.node not in self.things
            assert found.ino == found.node
            self.things[found.node] = Thing(kind, parent, name, mtime_ns=found.mtime_ns)

        self.expect(errnos, act)

    @rule(data=st.data(), content=BYTES, mtime_ns=MTIMES)
    def write(self, data: st.DataObject, content: bytes, mtime_ns: int) -> None:
        node = self.choose(data, NodeType.FILE)
        if node is None:
            return
        write(self.replica, node, content, mtime_ns)
        self.change(node, data=content, size=len(content), mtime_ns=mtime_ns, token=object())

    @rule(data=st.data())
    def link_what_can_be(self, data: st.DataObject) -> None:
        files = [
            node
            for node, one in self.things.items()
            if one.kind is NodeType.FILE and one.data is not None
        ]
        names = [
            name for name in (b"a", b"b", b"c", b"doc", b"doc~") if self.child(ROOT, name) is None
        ]
        if files and names:
            self._link(
                data.draw(st.sampled_from(sorted(files))), ROOT, data.draw(st.sampled_from(names))
            )

    @rule(data=st.data(), name=NAMES)
    def link(self, data: st.DataObject, name: bytes) -> None:
        node, parent = self.choose(data), self.choose(data, NodeType.FOLDER)
        assert node is not None
        assert parent is not None
        self._link(node, parent, name)

    def _link(self, node: int, parent: int, name: bytes) -> None:
        thing, errnos = self.things[node], set()
        if thing.kind is NodeType.FOLDER:
            errnos.add(errno.EPERM)
        if self.child(parent, name) is not None:
            errnos.add(errno.EEXIST)
        if not errnos and thing.data is None:
            errnos.add(errno.EIO)

        def act() -> None:
            found = self.replica.link(NodeId(node), NodeId(parent), name)
            assert found.node not in self.things
            self.things[found.node] = replace(thing, parent=parent, name=name)

        self.expect(errnos, act)

    @rule(data=st.data(), content=BYTES)
    def write_and_die(self, data: st.DataObject, content: bytes) -> None:
        node = self.choose(data, NodeType.FILE)
        if node is None or self.things[node].data is None:
            return
        content_file = self.replica.open_content(node)
        self.replica.begin_write(node)
        assert self.replica.local(node).busy  # type: ignore[union-attr]
        with open(content_file.fd, "wb", closefd=False) as file:
            file.truncate(0)
            file.write(content)
        content_file.close()
        self.die()
        local = self.replica.local(node)
        assert local is not None
        assert (local.size, local.busy) == (len(content), False)
        self.change(node, data=content, size=len(content), token=object(), mtime_ns=local.mtime_ns)

    @rule(data=st.data(), mtime_ns=MTIMES)
    def set_mtime(self, data: st.DataObject, mtime_ns: int) -> None:
        node = self.choose(data, NodeType.FILE)
        if node is not None:
            self.replica.set_attr(node, mtime_ns=mtime_ns, mode=0o611)
            self.change(node, mtime_ns=mtime_ns)

    @rule(data=st.data(), name=st.sampled_from([b"user.a", b"user.b"]), value=BYTES)
    def set_xattr(self, data: st.DataObject, name: bytes, value: bytes) -> None:
        node = self.choose(data)
        assert node is not None
        self.replica.set_xattr(node, name, value)
        self.things[node].xattrs[name] = value

    @rule(data=st.data(), name=st.sampled_from([b"user.a", b"user.b"]))
    def remove_xattr(self, data: st.DataObject, name: bytes) -> None:
        node = self.choose(data)
        assert node is not None
        there = name in self.things[node].xattrs
        if self.expect(
            set() if there else {errno.ENODATA}, lambda: self.replica.remove_xattr(node, name)
        ):
            del self.things[node].xattrs[name]

    @rule(data=st.data(), new_name=NAMES, flags=st.sampled_from(["", "", "exchange", "no_replace"]))
    def rename(self, data: st.DataObject, new_name: bytes, flags: str) -> None:
        node, new_parent = self.choose(data), self.choose(data, NodeType.FOLDER)
        assert node is not None
        assert new_parent is not None
        if node == ROOT:
            return
        thing = self.things[node]
        other = self.child(new_parent, new_name)
        errnos = self.rename_errors(node, new_parent, other, flags)
        parent, name = NodeId(thing.parent), thing.name

        def act() -> None:
            self.replica.rename(
                parent,
                name,
                new_parent,
                new_name,
                exchange=flags == "exchange",
                no_replace=flags == "no_replace",
            )

        if not self.expect(errnos, act) or other in self.names(node):
            return
        if other is None:
            thing.parent, thing.name = new_parent, new_name
        elif flags == "exchange":
            second = self.things[other]
            thing.parent, thing.name, second.parent, second.name = (
                new_parent,
                new_name,
                parent,
                name,
            )
        elif self.is_save(node, other):
            document = self.things[other]
            del self.things[node]
            thing.parent, thing.name = document.parent, document.name
            self.things[other] = thing
            if node in self.held:
                self.held.add(other)
        else:
            self.things[other].parent = -1  # its entry goes first
            thing.parent, thing.name = new_parent, new_name
            self.gone(other)

    def is_save(self, node: int, other: int) -> bool:
        files = self.things[node].kind is NodeType.FILE and self.things[other].kind is NodeType.FILE
        return files and node not in self.agreed and other in self.agreed

    def rename_errors(self, node: int, new_parent: int, other: int | None, flags: str) -> set[int]:
        errnos = set()
        thing = self.things[node]
        if new_parent in self.below(node):
            errnos.add(errno.EINVAL)
        if other is None:
            return errnos | ({errno.ENOENT} if flags == "exchange" else set())
        if flags == "no_replace":
            return errnos | {errno.EEXIST}
        if flags == "exchange":
            return errnos | (
                {errno.EINVAL} if node != other and thing.parent in self.below(other) else set()
            )
        if other in self.names(node):
            return errnos
        to_folder, folder = (
            self.things[other].kind is NodeType.FOLDER,
            thing.kind is NodeType.FOLDER,
        )
        if to_folder and not folder:
            errnos.add(errno.EISDIR)
        if folder and not to_folder:
            errnos.add(errno.ENOTDIR)
        if folder and to_folder and len(self.below(other)) > 1:
            errnos.add(errno.ENOTEMPTY)
        return errnos

    @rule(data=st.data(), as_folder=st.booleans())
    def remove(self, data: st.DataObject, as_folder: bool) -> None:
        node = self.choose(data)
        if node in {None, ROOT}:
            return
        assert node is not None
        thing = self.things[node]
        errnos = set()
        if as_folder and thing.kind is not NodeType.FOLDER:
            errnos.add(errno.ENOTDIR)
        if not as_folder and thing.kind is NodeType.FOLDER:
            errnos.add(errno.EISDIR)
        if as_folder and len(self.below(node)) > 1:
            errnos.add(errno.ENOTEMPTY)
        act = self.replica.rmdir if as_folder else self.replica.unlink
        if self.expect(errnos, lambda: act(NodeId(thing.parent), thing.name)):
            thing.parent = -1
            self.gone(node)

    # what the reconciler does ---------------------------------------------------------------------

    def agree(self, node: int) -> None:
        thing = self.things[node]
        is_file = thing.kind is NodeType.FILE
        # 0 would mean "now" to the server
        mtime = max(thing.mtime_ns // SECOND, 1) if is_file else 0
        self.agreed[node] = Agreed(
            thing.parent, thing.name, thing.token, mtime, thing.size if is_file else 0, is_file
        )

    @rule(data=st.data())
    def sent(self, data: st.DataObject) -> None:
        dirty = sorted(node for node in {*self.things, *self.agreed} - {ROOT} if self.differs(node))
        if not dirty:
            return
        node = NodeId(data.draw(st.sampled_from(dirty)))
        if node in self.things:
            self.agree(node)
            self.replica.set_base(node, base_of(self.replica, node))
        else:
            self.agreed.pop(node)
            self.replica.set_base(node, None)

    @rule(data=st.data(), name=NAMES, size=st.sampled_from([0, 5, 5000]), folder=st.booleans())
    def place(self, data: st.DataObject, name: bytes, size: int, folder: bool) -> None:
        parent = self.choose(data, NodeType.FOLDER)
        if parent is None or name == b"\xff":
            return
        tombs = sorted(node for node in self.agreed if node not in self.things)
        fresh = not tombs or data.draw(st.booleans())
        node = self.replica.new_id() if fresh else NodeId(data.draw(st.sampled_from(tombs)))
        taken = self.child(parent, name) is not None
        text = name.decode()
        base = Base(
            Kind.FOLDER if folder else Kind.FILE, parent, text, 0 if folder else size, 2, 77, 0
        )
        act = self.replica.place_folder if folder else self.replica.place_file
        if not self.expect({errno.EEXIST} if taken else set(), lambda: act(node, base)):
            return
        kind = NodeType.FOLDER if folder else NodeType.FILE
        here = None if size and not folder else b""
        self.things[node] = Thing(
            kind, parent, name, here, object(), 2 * SECOND, 0 if folder else size
        )
        self.agreed[node] = Agreed(
            parent, name, self.things[node].token, 2, 0 if folder else size, not folder
        )

    @rule(
        data=st.data(),
        size=st.sampled_from([0, 5, 5000]),
        mtime=st.integers(0, 3),
        keep=st.booleans(),
    )
    def fetch(self, data: st.DataObject, size: int, mtime: int, keep: bool) -> None:
        node = self.choose(data, NodeType.FILE)
        agreed = None if node is None else self.agreed.get(node)
        if node is None or agreed is None:
            return
        thing = self.things[node]
        if thing.data is None and data.draw(st.booleans()):
            size, mtime = agreed.size, agreed.mtime
        content = bytes(index % 251 for index in range(size))
        before = self.replica.attr(node)
        local = self.replica.local(node)
        assert before is not None
        assert local is not None
        base = Base(Kind.FILE, NodeId(thing.parent), local.name, size, mtime, 88, 0)
        incoming = self.replica.incoming(node, size, mtime)
        incoming.write(0, content)
        try:
            self.replica.install_content(node, incoming, base, local.version + 1, keep=keep, why="")
        except LocalChanged:
            pass
        else:
            raise AssertionError("a version that is not the expected one was replaced")
        self.replica.install_content(node, incoming, base, local.version, keep=keep, why="test")
        incoming.close()
        after = self.replica.attr(node)
        assert after is not None
        arrived = thing.data is None and (size, mtime) == (agreed.size, agreed.mtime)
        assert (after.ino == before.ino, after.version == before.version) == (arrived, arrived)
        thing.data = content
        if not arrived:
            self.part(node)
            thing.token, thing.mtime_ns, thing.size = object(), mtime * SECOND, size
        self.agreed[node] = Agreed(thing.parent, thing.name, thing.token, mtime, size, is_file=True)

    @rule(data=st.data(), name=NAMES, with_base=st.booleans())
    def move(self, data: st.DataObject, name: bytes, with_base: bool) -> None:
        node, parent = self.choose(data), self.choose(data, NodeType.FOLDER)
        if node in {None, ROOT} or parent is None or self.things[node].kind is NodeType.SYMLINK:
            return
        assert node is not None
        errnos = set()
        other = self.child(parent, name)
        if other not in {None, node}:
            errnos.add(errno.EEXIST)
        if parent in self.below(node):
            errnos.add(errno.ENOENT)
        target = Place(parent, name.decode(errors="surrogateescape"))
        now = base_of(self.replica, node)
        base = (
            Base(now.kind, parent, target.name, now.size, now.mtime, now.inode, now.version)
            if with_base
            else None
        )
        if self.expect(errnos, lambda: self.replica.move_local(node, target, base)):
            self.things[node].parent, self.things[node].name = parent, name
            if with_base:
                self.agree(node)

    @rule(data=st.data(), mtime=st.integers(0, 3))
    def touch(self, data: st.DataObject, mtime: int) -> None:
        node = self.choose(data, NodeType.FILE)
        if node is None:
            return
        self.replica.touch_local(node, mtime * SECOND, None)
        self.part(node)
        self.things[node].mtime_ns = mtime * SECOND

    @rule(data=st.data(), keep=st.booleans())
    def delete(self, data: st.DataObject, keep: bool) -> None:
        node = self.choose(data)
        if node in {None, ROOT}:
            return
        assert node is not None
        kept = {
            self.things[one].data
            for one in self.below(node)
            if self.things[one].kind is NodeType.FILE
            and self.things[one].data is not None
            and (
                keep
                or one not in self.agreed
                or self.agreed[one].token is not self.things[one].token
            )
        }
        self.replica.delete_local(node, keep=keep, why="test")
        assert kept <= self.binned()
        self.forget(node)

    def binned(self) -> set[bytes | None]:
        """The contents of all files in the bin."""
        self.replica.committer.commit_all()
        files = [
            path
            for path in (self.replica.folder / "bin").rglob("*")
            if path.is_file() and not path.is_symlink()
        ]
        return {path.read_bytes() for path in files}

    def forget(self, node: int) -> None:
        """The node and all below it goes from both trees."""
        below = self.below(node)
        tombs = [one for one in self.agreed if one not in self.things]
        for one in below:
            del self.things[one]
            self.agreed.pop(one, None)
        changed = True
        dead = set(below)
        while changed:  # tombstones below what was deleted
            below_dead = {
                one for one in tombs if one in self.agreed and self.agreed[one].parent in dead
            }
            changed = bool(below_dead)
            dead |= below_dead
            for one in below_dead:
                del self.agreed[one]

    # what the user stops and undoes ---------------------------------------------------------------

    @rule(data=st.data(), held=st.booleans())
    def hold(self, data: st.DataObject, held: bool) -> None:
        node = data.draw(st.sampled_from(sorted({*self.things, *self.agreed})))
        if node == ROOT:
            return
        self.replica.local_changes.hold([NodeId(node)], held=held)
        if held and self.differs(node):
            self.held.add(node)
        else:
            self.held.discard(node)

    @rule(data=st.data())
    def discard(self, data: st.DataObject) -> None:
        dirty = sorted(node for node in {*self.things, *self.agreed} - {ROOT} if self.differs(node))
        if not dirty:
            return
        node = NodeId(data.draw(st.sampled_from(dirty)))
        before = self.replica.sequence()
        try:
            done = self.replica.local_changes.discard(node)
        except CannotUndo:
            assert self.replica.sequence() == before
            return
        assert done.gone == (node not in self.agreed)
        if node in self.agreed:
            whole = node not in self.things
            for each in [
                *self.gone_above(node),
                node,
                *(self.deleted_below(node) if whole else ()),
            ]:
                self.undone(each)
            return
        inside = self.below(node)
        for each in inside:
            for above in self.gone_above(each) if each in self.agreed else ():
                self.undone(above)
            if (
                each != node
                and each in self.agreed
                and each in self.things
                and node in self.above(each)
            ):
                self.undone(each, content=False)
        kept = {
            self.things[one].data
            for one in self.below(node)
            if self.things[one].kind is NodeType.FILE
        }
        assert kept - {None, b""} <= self.binned()
        self.forget(node)

    def above(self, node: int) -> list[int]:
        found = []
        while node != ROOT:
            node = self.things[node].parent
            found.append(node)
        return found

    def gone_above(self, node: int) -> list[int]:
        """Folders that the base has above the node and that are deleted here, topmost first."""
        found: list[int] = []
        parent = self.agreed[node].parent
        while parent not in self.things:
            found.insert(0, parent)
            parent = self.agreed[parent].parent
        return found

    def deleted_below(self, node: int) -> list[int]:
        found = [node]
        for one in found:
            found += [
                each
                for each, its in self.agreed.items()
                if its.parent == one and each not in self.things
            ]
        return found[1:]

    def undone(self, node: int, *, content: bool = True) -> None:
        """The node is as its base says, where that place is free; what it was is in the bin."""
        agreed, thing = self.agreed[node], self.things.get(node)
        self.held.discard(node)
        # None where that place was in a folder that went then
        local = self.replica.local(NodeId(node))
        name = agreed.name if local is None else local.name.encode(errors="surrogateescape")
        assert local is None or local.parent == agreed.parent
        assert name == agreed.name or b" (restored 20" in name
        here = b"" if agreed.size == 0 else None
        if thing is None:
            kind = NodeType.FILE if agreed.is_file else NodeType.FOLDER
            data = here if agreed.is_file else b""
            self.things[node] = Thing(
                kind, agreed.parent, name, data, agreed.token, agreed.mtime * SECOND, agreed.size
            )
            return
        if content and thing.kind is NodeType.FILE:
            if thing.token is not agreed.token:
                assert not thing.data or thing.data in self.binned()
                thing.data, thing.token, thing.size = here, agreed.token, agreed.size
                thing.mtime_ns = agreed.mtime * SECOND
                self.part(node)
            elif max(thing.mtime_ns // SECOND, 1) != max(agreed.mtime, 1):
                thing.mtime_ns = agreed.mtime * SECOND
                # the others keep the content, and this one is fetched
                if len(self.names(node)) > 1:
                    thing.data, thing.size = here, agreed.size
                self.part(node)
        thing.parent, thing.name = agreed.parent, name

    # restarts -------------------------------------------------------------------------------------

    @rule()
    def commit(self) -> None:
        self.replica.commit()

    @rule()
    def sync(self) -> None:
        contents = self.replica.durability.unsynced_contents()
        self.replica.durability.mark_synced(contents)
        assert self.replica.durability.unsynced_contents() == []

    @rule()
    def restart(self) -> None:
        self.replica.close()
        self.replica = open_replica(self.top / "replica", segment_bytes=2000)
        self.find = self.replica.use_name_keys(key_of)

    @rule()
    def die(self) -> None:
        kill(self.replica)
        self.replica = open_replica(self.top / "replica", segment_bytes=2000)
        self.find = self.replica.use_name_keys(key_of)

    # what always holds ----------------------------------------------------------------------------

    @invariant()
    def same_tree(self) -> None:
        replica = self.replica
        for node, thing in self.things.items():
            attr = replica.attr(NodeId(node))
            assert attr is not None
            assert attr.kind is thing.kind
            assert replica.by_ino(attr.ino) in self.names(node)
            assert len({replica.attr(NodeId(each)).ino for each in self.names(node)}) == 1  # type: ignore[union-attr]
            assert sorted(replica.list_xattrs(NodeId(node))) == sorted(thing.xattrs)
            assert all(
                replica.get_xattr(NodeId(node), name) == value
                for name, value in thing.xattrs.items()
            )
            if thing.kind is NodeType.FILE:
                assert attr.present == (thing.data is not None)
                assert (attr.size, attr.mtime_ns) == (thing.size, thing.mtime_ns)
                assert thing.data is None or read(replica, NodeId(node)) == thing.data
            if thing.kind is NodeType.FOLDER:
                below = [
                    (one.name, child) for child, one in self.things.items() if one.parent == node
                ]
                assert replica.children(NodeId(node), None, 100) == sorted(below)
                folders = sum(self.things[child].kind is NodeType.FOLDER for _, child in below)
                assert attr.nlink == 2 + folders
            else:
                assert attr.nlink == len(self.names(node))

    @invariant()
    def same_names_by_key(self) -> None:
        for node in self.things:
            below = [(one.name, child) for child, one in self.things.items() if one.parent == node]
            for key in ("a", "b", "doc", "\udcff"):
                assert sorted(self.find(NodeId(node), key)) == sorted(
                    each for each in below if key_of(each[0]) == key
                )

    @invariant()
    def same_differences(self) -> None:
        dirty = {node for node in {*self.things, *self.agreed} - {ROOT} if self.differs(node)}
        assert {one.node for one in self.replica.dirty()} == dirty
        assert set(self.replica.base_nodes()) == set(self.agreed)
        assert {one.node for one in self.replica.local_changes.pending()} <= dirty
        for node in dirty & self.things.keys():
            known = self.replica.status(NodeId(node))
            assert known in {Status.CHANGED, Status.LOCAL_ONLY}

    @invariant()
    def same_holds(self) -> None:
        self.held = {node for node in self.held if self.differs(node)}
        assert set(self.replica.local_changes.held_nodes()) == self.held

    @invariant()
    def sound(self) -> None:
        assert check(self.replica) == []
        # several may claim a place while the reconciler is half through
        for agreed in self.agreed.values():
            name = agreed.name.decode(errors="surrogateescape")
            entry = self.replica.base_entry(NodeId(agreed.parent), name)
            assert entry is not None
            found = self.agreed[entry.node]
            assert (found.parent, found.name) == (agreed.parent, agreed.name)
            assert (entry.size, entry.mtime) == (found.size, found.mtime)


TestStore = Store.TestCase
TestStore.settings = settings(
    max_examples=examples(60),
    stateful_step_count=40,
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.target],
)
