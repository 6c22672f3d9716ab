"""What is known of nodes in the local store: look-ups that read, in the replica or in a snapshot of
it. As `ports`, all is used from one thread unless it says otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import NamedTuple, Protocol, Self

from reconciler.model import Base, Kind, Local, NodeId


class BaseEntry(NamedTuple):
    """What the comparison of a listing needs of a node's base, in one look-up. (A tuple: each entry
    makes one.)"""

    node: NodeId
    kind: Kind
    size: int
    mtime: int
    inode: int


@dataclass(frozen=True, slots=True)
class Dirty:
    """A node whose local state differs from its base, and when it was last changed (ns since the
    epoch)."""

    node: NodeId
    changed_ns: int


class Lookups(Protocol):
    """What is known of nodes, in the replica or in a snapshot of it."""

    def base(self, node: NodeId) -> Base | None: ...
    def local(self, node: NodeId) -> Local | None: ...
    def base_entry(self, parent: NodeId, name: str) -> BaseEntry | None: ...
    def base_by_inode(self, inode: int) -> NodeId | None:
        """The node whose base has this server inode (the latest one to claim it), or None."""
        ...

    def base_children(self, node: NodeId) -> Iterator[tuple[str, NodeId]]: ...
    def local_child(self, parent: NodeId, name: str) -> NodeId | None: ...
    def local_children(self, node: NodeId) -> Iterator[tuple[str, NodeId]]: ...
    def base_path(self, node: NodeId) -> str:
        """Names from the root in the base tree, joined by ``/``; the root is ``""``. KeyError
        without a base."""
        ...

    def local_path(self, node: NodeId) -> str: ...
    def dirty(self) -> Iterator[Dirty]:
        """Nodes whose local state differs from their base, ``OTHER`` ones left out. Safe to change
        the replica meanwhile; what changes before its turn may be among them or not."""
        ...

    def is_held(self, node: NodeId) -> bool:
        """Whether somebody stopped what was changed of it, or of a folder above it: it is left
        alone on both sides."""
        ...

    def being_written(self) -> list[NodeId]:
        """Files that are ``busy``, ``open_for_writing`` or ``pinned``."""
        ...

    def changed_ns(self, node: NodeId) -> int:
        """When the dirty node was last changed here (ns since the epoch); 0 for one that is not
        dirty."""
        ...

    def base_nodes(self) -> Iterator[NodeId]:
        """Every node with a base but the root, in no special order. Must not be held across a
        change."""
        ...

    def base_count(self) -> int: ...
    def dirty_count(self) -> int: ...
    def new_id(self) -> NodeId:
        """A fresh id; one that ends unused is lost."""
        ...


class Snapshot(Lookups, Protocol):
    """The replica as it was at one moment, to be read by any one thread while the replica goes on.

    A context manager around all reading. Every look-up raises SnapshotEnded after ``end``, and when
    the replica has to commit, which waits for the reader to leave.
    """

    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...
    def end(self) -> None:
        """The reader is to stop. Callable from any thread."""
        ...
