"""Questions about the local tree that take more than one look-up."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator

from syncin_mount.store.index.tables.lmdb_tables import ROOT
from syncin_mount.store.index.tables.lookups import Lookups
from syncin_mount.store.records import FOLDER, Node


def require_node(index: Lookups, node: int) -> Node:
    """Return the node's record. Raises FileNotFoundError when the node is not in the tree."""
    record = index.node(node)
    if record is None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
    return record


def is_within(index: Lookups, node: int, top: int) -> bool:
    """Whether the node is ``top`` or below it. Raises FileNotFoundError when the node or a folder
    above it is not in the tree."""
    while node not in {top, ROOT}:
        node = require_node(index, node).parent
    return node == top


def contains(index: Lookups, top: int, node: int) -> bool:
    """As `is_within`, of a node that need not be in the tree: False then."""
    try:
        return is_within(index, node, top)
    except FileNotFoundError:
        return False


def below(index: Lookups, node: int, record: Node) -> Iterator[int]:
    """Yield the node and all that is in it, parents first."""
    todo = [(node, record)]
    for at, found in todo:
        yield at
        if found.kind == FOLDER:
            todo += [(child, require_node(index, child)) for _, child in index.children(at)]
