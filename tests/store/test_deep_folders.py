"""A chain of folders costs each of its folders the same, however deep."""

from __future__ import annotations

import pytest

from reconciler.model import ROOT, Base, Kind, NodeId
from syncin_mount.store import NodeType, Replica
from syncin_mount.store.index.tables import node_table
from syncin_mount.store.index.tables.folder_paths import PATH_BYTES
from syncin_mount.store.index.tables.lmdb_tables import Tables
from syncin_mount.store.maintenance.check import check
from tests.store.support import open_replica

DEPTH = 600


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Counts the records that are read from the table of nodes."""
    count = [0]
    read = node_table.stored_node

    def counted(tables: Tables, node: int):
        count[0] += 1
        return read(tables, node)

    monkeypatch.setattr(node_table, "stored_node", counted)
    return count


def _chain(replica: Replica, *, known: bool) -> list[NodeId]:
    """Folders, each in the one before; ``known``: to the server."""
    chain = [ROOT]
    for _ in range(DEPTH):
        attr = replica.create(chain[-1], b"a folder", NodeType.FOLDER, mode=0o755, uid=1, gid=1)
        if known:
            replica.set_base(attr.node, Base(Kind.FOLDER, chain[-1], "a folder", 0, 0, 0, 0))
        chain.append(attr.node)
    return chain


@pytest.mark.parametrize("known", [False, True])
def test_removing_a_chain_from_its_end(folder, looks, known):
    replica = open_replica(folder)
    chain = _chain(replica, known=known)
    replica.close()
    replica = open_replica(folder)
    looks[0] = 0
    for above in reversed(chain[:-1]):
        replica.rmdir(above, b"a folder")
    assert looks[0] < 20 * DEPTH  # it was about DEPTH * DEPTH / 2
    assert check(replica) == []
    operations = list(replica.local_changes.pending())
    assert len(operations) == (DEPTH if known else 0)
    if known:
        assert operations[0].path == "/".join(["a folder"] * DEPTH)
        assert operations[-1].path == "a folder"
    replica.close()


@pytest.mark.slow
def test_renaming_the_folders_of_a_chain_from_its_end(folder, looks):
    replica = open_replica(folder)
    chain = _chain(replica, known=False)
    looks[0] = 0
    for above in reversed(chain[:-1]):
        replica.rename(above, b"a folder", above, b"another")
    assert looks[0] < 20 * DEPTH
    assert replica.local_path(chain[-1]) == "/".join(["another"] * DEPTH)
    assert check(replica) == []
    replica.close()


def test_paths_that_are_remembered_are_true_and_take_little(folder):
    replica = open_replica(folder)
    chain = _chain(replica, known=False)
    index = replica._ix
    for node in chain[1:]:
        assert len(replica.local_path(node)) == 9 * chain.index(node) - 1
    assert index.paths.remembered_bytes <= PATH_BYTES + 9 * DEPTH
    replica.rename(chain[1], b"a folder", chain[1], b"b")  # the second of them
    assert replica.local_path(chain[3]) == "a folder/b/a folder"
    deepest = replica.create(chain[-1], b"x", NodeType.FOLDER, mode=0o755, uid=1, gid=1)
    replica.rename(chain[-1], b"x", ROOT, b"y")  # has no folder in it: nothing else is forgotten
    assert replica.local_path(deepest.node) == "y"
    assert replica.local_path(chain[4]) == "a folder/b/a folder/a folder"
    replica.rename(ROOT, b"y", chain[2], b"z")
    assert replica.local_path(deepest.node) == "a folder/b/z"
    replica.close()
