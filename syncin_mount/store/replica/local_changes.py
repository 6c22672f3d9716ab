"""Local changes that wait to be sent, and that the user stops, lets go, or undoes before that.

Owns: the holds (the index's table ``held``), and how a node becomes again what its base says.

*Held* is a node: what was changed of it, and is changed of it from then on, is left alone on both
sides until it is released, undone, or does not differ any more. With a folder all that is in it is
left alone. An editor's save hands the hold on with the document.

*Discarding* undoes all that was changed of a node. Each node is one event, so a kill leaves it as
it was or as it is to be; of a folder with much in it, some may be undone and the rest still wait.

* A changed content goes to the bin, and the file stands for the server's version, to be fetched.
* What was moved goes back, what was deleted comes back (a folder with all that was deleted in it),
  folders above it that were deleted first. Where another has the place by now, it gets a free name
  beside it: nothing is replaced.
* What was made goes to the bin, a folder as one entry with all that was made in it; what was moved
  into it goes back first.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from reconciler.model import NodeId
from reconciler.names import free_names
from reconciler.phrases import Phrase
from syncin_mount import system
from syncin_mount.store.changes import AttrChanged
from syncin_mount.store.content.objects import Objects
from syncin_mount.store.conversions import to_operation
from syncin_mount.store.durability.event_writer import EventWriter
from syncin_mount.store.errors import CannotUndo
from syncin_mount.store.index.index import Index
from syncin_mount.store.index.tables.lmdb_tables import ROOT
from syncin_mount.store.index.tree_walk import below, contains, is_within, require_node
from syncin_mount.store.journal import events
from syncin_mount.store.name_texts import to_bytes, to_text
from syncin_mount.store.records import FILE, FOLDER, U64, BaseRecord, Node, decode_pending, key
from syncin_mount.store.replica.change_notifier import ChangeNotifier
from syncin_mount.store.replica.open_writers import OpenWriters
from syncin_mount.store.replica.sync_tree import FILE_MODE, FOLDER_MODE, SyncTree
from syncin_mount.store.replica.tree_reader import PAGE, TreeReader
from syncin_mount.store.replica.upload_log import UploadLog
from syncin_mount.store.types import Operation

DISCARDED = Phrase("you discarded it before it was sent")


@dataclass(frozen=True, slots=True)
class Undone:
    """What discarding did: ``path`` is where the node is, or (``gone``) was. ``binned`` says that
    something went to the bin, ``fetch`` has the files whose content is to be fetched from the
    server."""

    path: str
    gone: bool
    binned: bool
    fetch: tuple[NodeId, ...] = ()


class LocalChanges:
    """Each method that changes something is one event, ``discard`` one a node."""

    def __init__(
        self,
        index: Index,
        objects: Objects,
        writer: EventWriter,
        reader: TreeReader,
        writers: OpenWriters,
        notifier: ChangeNotifier,
        sync_tree: SyncTree,
        uploads: UploadLog,
    ) -> None:
        self._ix = index
        self._objects = objects
        self._writer = writer
        self._now = writer.now_ns
        self._reader = reader
        self._writers = writers
        self._notifier = notifier
        self._sync_tree = sync_tree
        self._uploads = uploads

    # what waits -----------------------------------------------------------------------------------

    def pending(self) -> Iterator[Operation]:
        """The journal of operations that the server does not have yet, oldest first. Safe across
        changes."""
        after = b""
        while True:
            page = self._ix.page("pending", after, PAGE)
            for place, raw in page:
                yield to_operation(U64.unpack(place)[0], decode_pending(raw))
            if len(page) < PAGE:
                return
            after = page[-1][0] + b"\0"

    def pending_count(self) -> int:
        return self._ix.count(self._ix.pending)

    def pending_node(self, sequence: int) -> NodeId | None:
        """The node of a waiting operation; None when nothing of that number waits."""
        raw = (
            self._ix.txn.get(key(sequence), db=self._ix.pending)
            if 0 <= sequence < 1 << 63
            else None
        )
        return None if raw is None else NodeId(decode_pending(raw).node)

    # holding --------------------------------------------------------------------------------------

    def hold(self, nodes: Iterable[NodeId], *, held: bool) -> None:
        """Has what was changed of the nodes left alone from now on, or (False) sent again. Of nodes
        that do not differ nothing is held."""
        self._writer.record_local(events.Held(self._now(), [int(node) for node in nodes], held))

    def held_by(self, node: NodeId) -> NodeId | None:
        """Whose hold holds the node: its own, or that of a folder above it; None when it is not
        held."""
        if not self._reader.is_held(node):
            return None
        at: int = node
        while not self._ix.is_held(at):
            record = self._ix.node(at) or self._ix.base(at)
            assert record is not None
            at = record.parent
        return NodeId(at)

    def held_nodes(self) -> list[NodeId]:
        """The nodes that are held themselves."""
        return [NodeId(U64.unpack(place)[0]) for place, _ in self._ix.items("held")]

    # discarding -----------------------------------------------------------------------------------

    def discard(self, node: NodeId, busy: Callable[[NodeId], bool] = lambda _node: False) -> Undone:
        """Undoes all that was changed of the node and was not sent. ``busy`` tells what is just
        being carried across.

        Raises CannotUndo, and then nothing is done; OSError (ENOSPC): what is done stays so, the
        rest waits as before.
        """
        record, base = self._ix.node(node), self._ix.base(node)
        if not self._ix.is_dirty(node) or (record is None and base is None):
            raise CannotUndo(Phrase("nothing of it waits any more"))
        concerned = list(self._concerned(node, record, base))
        self._check_free_to_undo(concerned, busy)
        if base is None:
            return self._unmake(node, concerned)
        fetch: list[NodeId] = []
        binned = record is not None and record.kind == FILE and record.present and record.size > 0
        binned = binned and record is not None and record.version != base.version
        for each in concerned:
            self._undo(each, fetch)
        return Undone(self._reader.local_path(node), gone=False, binned=binned, fetch=tuple(fetch))

    def _concerned(self, node: int, record: Node | None, base: BaseRecord | None) -> Iterator[int]:
        """The nodes that discarding this one touches, folders before what is in them."""
        if base is None:
            assert record is not None
            for each in below(self._ix, node, record):
                inside = self._ix.base(each)
                yield from self._gone_above(inside.parent) if inside is not None else ()
                yield each
            return
        yield from self._gone_above(base.parent)
        todo = [node]
        for at in todo:
            yield at
            if record is None:  # with all that was deleted in it
                todo += [
                    child
                    for child in self._ix.base_table.nodes_below(at)
                    if self._ix.node(child) is None
                ]

    def _gone_above(self, folder: int) -> list[int]:
        """The folders that were deleted here and have to come back before what was in them, topmost
        first."""
        gone: list[int] = []
        while folder != ROOT and self._ix.node(folder) is None:
            base = self._ix.base(folder)
            if base is None or folder in gone:
                raise CannotUndo(
                    Phrase(
                        "the folder that it was in is not known any more; the next listing tells"
                    )
                )
            gone.insert(0, folder)
            folder = base.parent
        return gone

    def _check_free_to_undo(self, nodes: Iterable[int], busy: Callable[[NodeId], bool]) -> None:
        being_written = set(self._reader.being_written())
        unsure = {
            each.unconfirmed.node
            for each in self._uploads.leftovers()
            if each.unconfirmed is not None
        }
        for node in nodes:
            name = self._called(node)
            if busy(NodeId(node)):
                raise CannotUndo(Phrase("{name} is just being sent", name=name))
            if node in being_written:
                raise CannotUndo(Phrase("{name} is open for writing; close it first", name=name))
            if node in unsure:
                raise CannotUndo(
                    Phrase("{name} may be on the server already; the next run finds out", name=name)
                )
            if self._would_contain_itself(node):
                raise CannotUndo(
                    Phrase(
                        "the folder that {name} was in lies in it now; discard that one first",
                        name=name,
                    )
                )

    def _would_contain_itself(self, node: int) -> bool:
        record, base = self._ix.node(node), self._ix.base(node)
        if record is None or base is None or record.kind != FOLDER:
            return False
        home = base.parent
        while self._ix.node(home) is None:  # it comes back with the folders that it was in
            above = self._ix.base(home)
            assert above is not None
            home = above.parent
        return is_within(self._ix, home, node)

    def _called(self, node: int) -> str:
        record = self._ix.node(node) or self._ix.base(node)
        return (
            "it"
            if record is None
            else f"“{to_text(record.name)}”".encode("utf-8", "backslashreplace").decode()
        )

    def _unmake(self, node: NodeId, concerned: list[int]) -> Undone:
        """What was made here goes to the bin."""
        path = self._reader.local_path(node)
        for each in concerned:  # what is in a folder that goes back goes along
            base, record = self._ix.base(each), self._ix.node(each)
            if (
                each != node
                and base is not None
                and record is not None
                and contains(self._ix, node, each)
            ):
                self._move_back(each, record, base)
        self._sync_tree.delete_local(node, keep=True, why=DISCARDED)
        return Undone(path, gone=True, binned=True)

    def _move_back(self, node: int, record: Node, base: BaseRecord) -> None:
        for above in self._gone_above(base.parent):
            self._undo(above, [])
        self._discard_at(node, record, base, content=False)

    def _undo(self, node: int, fetch: list[NodeId]) -> None:
        """One event: the node is as its base says."""
        record, base = self._ix.node(node), self._ix.base(node)
        assert base is not None
        changed = record is None or (
            record.kind == FILE
            and (
                record.version != base.version
                or max(record.mtime // 10**9, 1) != max(base.mtime, 1)
            )
        )
        self._discard_at(node, record, base, content=changed)
        now = require_node(self._ix, node)
        if now.kind == FILE and not now.present:
            fetch.append(NodeId(node))

    def _discard_at(
        self, node: int, record: Node | None, base: BaseRecord, *, content: bool
    ) -> None:
        name = self._free(base.parent, base.name, node)
        mode = FOLDER_MODE if base.kind == FOLDER else FILE_MODE
        ino = record.ino if record is not None and not content else int(self._writer.new_id())
        event = events.Discarded(
            self._now(), node, base.parent, name, ino, content, mode, *system.OWNER, DISCARDED
        )
        with self._notifier.unnaming([node] if content else []):
            self._writer.record_local(event)
        if content:
            self._objects.drop_incoming(node)
        self._writers.forget(node)
        if record is not None:
            self._notifier.notify_entry(record.parent, record.name)
            self._notifier.notify(AttrChanged(record.ino))
        self._notifier.notify_entry(base.parent, name)
        self._notify_undone(node, record, base.parent, name)

    def _notify_undone(self, node: int, record: Node | None, parent: int, name: bytes) -> None:
        """What became of the name that the node has again, and of the one that it had."""
        if record is None:
            self._notifier.notify_name(parent, name, None)
            return
        if (record.parent, record.name) != (parent, name):
            self._notifier.notify_moved(record, parent, name)
        if record.ino != require_node(self._ix, node).ino:
            self._notifier.notify_name(parent, name, (node, record))

    def _free(self, parent: int, name: bytes, node: int) -> bytes:
        """The name, or a free one beside it."""
        date = dt.datetime.fromtimestamp(self._now() / 1e9).astimezone().strftime("%Y-%m-%d")
        names = (to_bytes(each) for each in free_names(to_text(name), date))
        return next(each for each in names if self._ix.entry(parent, each) in {None, node})
