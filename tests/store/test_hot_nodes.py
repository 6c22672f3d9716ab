"""The records of nodes that are kept decoded: the same as in the table, whatever happens in
between."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.model import ROOT, NodeId
from syncin_mount.store import NodeType, Replica
from syncin_mount.store.index.tables.node_table import HOT
from syncin_mount.store.index.tree_walk import require_node
from syncin_mount.store.maintenance.check import check
from syncin_mount.store.records import decode_node, key


def make(replica: Replica, count: int) -> list[NodeId]:
    return [
        replica.create(ROOT, b"%05d" % number, NodeType.FILE, mode=0o644, uid=0, gid=0).node
        for number in range(count)
    ]


def mode(replica: Replica, node: NodeId) -> int | None:
    attr = replica.attr(node)
    return None if attr is None else attr.mode


def test_a_record_is_the_callers_own(tmp_path: Path) -> None:
    replica = Replica.open(tmp_path)
    [node] = make(replica, 1)
    record = replica._ix.node(node)
    assert record is not None
    record.size = 77
    assert require_node(replica._ix, node).size == 0
    record.size = 5
    replica._ix.put_node(node, record)
    record.size = 6
    assert require_node(replica._ix, node).size == 5
    replica.close()


def test_the_table_has_what_was_changed_once_it_is_looked_through(tmp_path: Path) -> None:
    replica = Replica.open(tmp_path)
    nodes = make(replica, 3)
    replica.set_attr(nodes[1], mode=0o600)
    table = {place: decode_node(raw).mode for place, raw in replica._ix.items("nodes")}
    assert [table[key(node)] for node in nodes] == [0o644, 0o600, 0o644]
    replica.close()


def test_more_nodes_than_are_kept(tmp_path: Path) -> None:
    """Some are written as others come, some by the commit, some only by the replay."""
    replica = Replica.open(tmp_path)
    nodes = make(replica, 2 * HOT + 10)
    for node in nodes:
        replica.set_attr(node, mode=0o600)
    replica.commit()
    for node in nodes[::3]:
        replica.set_attr(node, mode=0o640)
    wanted = {node: 0o640 if position % 3 == 0 else 0o600 for position, node in enumerate(nodes)}
    assert {node: mode(replica, node) for node in nodes} == wanted
    assert check(replica) == []
    replica.abandon()  # as if killed: no commit
    replica = Replica.open(tmp_path)
    assert {node: mode(replica, node) for node in nodes} == wanted
    assert check(replica) == []
    replica.close()


def test_a_removed_node_is_gone_from_both(tmp_path: Path) -> None:
    replica = Replica.open(tmp_path)
    node, _ = make(replica, 2)
    replica.commit()
    replica.set_attr(node, mode=0o600)
    replica.unlink(ROOT, b"00000")
    assert replica.attr(node) is None
    assert key(node) not in dict(replica._ix.items("nodes"))
    replica.close()


def test_an_event_that_fails_leaves_the_records_as_they_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replica = Replica.open(tmp_path)
    [node] = make(replica, 1)
    replica.commit()
    replica.set_attr(node, mode=0o600)

    def broken(*_args: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(replica._ix.change_table, "put_dirty", broken)
    with pytest.raises(ZeroDivisionError):
        replica.begin_write(node)
    monkeypatch.undo()
    assert not require_node(replica._ix, node).writing
    assert mode(replica, node) == 0o600
    assert check(replica) == []
    replica.close()
