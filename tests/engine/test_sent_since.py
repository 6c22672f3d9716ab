"""What proves nothing of a backup that was put back: what was sent since the last listing."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.engine.run_plan import SentSince
from reconciler.model import ROOT, Base, Kind, NodeId
from syncin_mount.store import Replica

FETCHED = Base(Kind.FILE, ROOT, "fetched", 5, 9, 7, 0)
SENT = Base(Kind.FILE, ROOT, "sent", 5, 9, 8, 0, ms=0)
FOLDER = Base(Kind.FOLDER, ROOT, "folder", 0, 9, 9, 0)


@pytest.fixture
def nodes(tmp_path: Path):
    replica = Replica.open(tmp_path / "replica")
    found = {}
    for base in (FETCHED, SENT, FOLDER):
        found[base.name] = node = replica.new_id()
        place = replica.place_folder if base.kind is Kind.FOLDER else replica.place_file
        place(node, base)
        replica.set_base(node, base)
    yield replica, found
    replica.close()


def test_before_the_first_listing_of_a_process_all_that_was_sent_counts(
    nodes: tuple[Replica, dict[str, NodeId]],
) -> None:
    """The former process may have sent it just before it ended (simulation, seed 20044660)."""
    replica, found = nodes
    since = SentSince(replica)
    assert {name for name, node in found.items() if node in since} == {"sent", "folder"}
    assert NodeId(999) not in since


def test_afterwards_only_what_was_sent_since(nodes: tuple[Replica, dict[str, NodeId]]) -> None:
    replica, found = nodes
    since = SentSince(replica)
    since.judged()
    assert not [name for name, node in found.items() if node in since]
    since.add(found["fetched"])
    assert [name for name, node in found.items() if node in since] == ["fetched"]
    since.judged()
    assert not [name for name, node in found.items() if node in since]
