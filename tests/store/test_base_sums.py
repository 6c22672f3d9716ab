"""The sums over what both sides have: counted a few at a time while the replica goes on."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from reconciler.model import ROOT, Kind
from syncin_mount.store import Replica
from syncin_mount.store.types import NodeType
from tests.store.support import make, open_replica, settle, write


def brute(replica: Replica) -> tuple[int, int]:
    """Files and bytes, one by one."""
    bases = [replica.base(node) for node in replica.base_nodes()]
    sizes = [each.size for each in bases if each is not None and each.kind is Kind.FILE]
    return len(sizes), sum(sizes)


def counted(replica: Replica) -> tuple[int, int] | None:
    while not replica.count_bases(7):
        pass
    return replica.base_sums()


@pytest.mark.parametrize("seed", range(10))
def test_they_are_right_whatever_happens_while_they_are_counted(tmp_path: Path, seed: int):
    chance = random.Random(seed)
    replica = open_replica(tmp_path / "replica")
    nodes = []
    for number in range(40):
        nodes.append(make(replica, f"f{number}", data=b"x" * chance.randrange(100)))
        settle(replica, nodes[-1])
    settle(replica, make(replica, "folder", kind=NodeType.FOLDER))
    assert replica.base_sums() is None
    for step in range(120):
        if step % 3 == 0:
            whole = replica.count_bases(1)
            assert (replica.base_sums() is not None) == whole
        node = chance.choice(nodes)
        what = chance.randrange(4)
        if what == 0:
            nodes.append(make(replica, f"n{step}", data=b"y" * chance.randrange(100)))
            settle(replica, nodes[-1])
        elif what == 1 and replica.local(node) is not None:
            write(replica, node, b"z" * chance.randrange(200))
            settle(replica, node)
        elif what == 2:
            replica.set_base(node, None)
        elif replica.base_sums() is not None:
            assert replica.base_sums() == brute(replica)
        if step % 30 == 29:
            replica.commit()
    assert counted(replica) == brute(replica) != (0, 0)
    replica.close()
    again = Replica.open(tmp_path / "replica")
    assert again.base_sums() is None
    assert counted(again) == brute(again)
    again.close()


def test_an_empty_folder_has_nothing(tmp_path: Path):
    replica = open_replica(tmp_path / "replica")
    assert counted(replica) == (0, 0)
    assert replica.local(ROOT) is not None
    replica.close()
