"""Checksums of contents: which version's are known, and what becomes of them when nodes and bases
change places."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path

import pytest

from reconciler.model import ROOT, NodeId
from syncin_mount.store import Replica, check
from syncin_mount.store.journal.events import Rotted
from tests.store.support import (
    arrive,
    at,
    attr,
    base_of,
    kill,
    make,
    open_replica,
    place,
    settle,
    write,
)


def sum_of(data: bytes) -> str:
    return hashlib.new("sha512_256", data).hexdigest()


def version(replica: Replica, node: NodeId) -> int:
    return attr(replica, node).version


def count(replica: Replica, node: NodeId, data: bytes) -> int:
    """Counts the content, and returns its version."""
    now = version(replica, node)
    replica.counted([(node, now, sum_of(data))])
    return now


@pytest.fixture
def synced(replica: Replica) -> tuple[Replica, NodeId, int]:
    """A replica, a file that both sides have, its version, counted."""
    node = make(replica, "f", data=b"one")
    settle(replica)
    return replica, node, count(replica, node, b"one")


def test_the_present_version_and_the_base_s_are_known(synced: tuple[Replica, NodeId, int]) -> None:
    replica, node, first = synced
    assert replica.checksum_of(node, first) == sum_of(b"one")
    write(replica, node, b"two")
    assert replica.checksum_of(node, version(replica, node)) is None
    second = count(replica, node, b"two")
    write(replica, node, b"three")
    third = count(replica, node, b"three")
    known = [replica.checksum_of(node, each) for each in (first, second, third)]
    assert known == [sum_of(b"one"), None, sum_of(b"three")]


def test_a_version_that_is_over_is_not_kept(synced: tuple[Replica, NodeId, int]) -> None:
    replica, node, first = synced
    replica.counted([(node, first - 1, sum_of(b"zero")), (NodeId(999), 5, sum_of(b"nobody"))])
    assert replica.checksum_of(node, first - 1) is None
    assert replica.checksum_of(node, first) == sum_of(b"one")


def test_the_base_s_own_checksum_counts(replica: Replica) -> None:
    node = make(replica, "f", data=b"one")
    replica.set_base(node, dataclasses.replace(base_of(replica, node), checksum=sum_of(b"one")))
    assert replica.checksum_of(node, version(replica, node)) == sum_of(b"one")


def test_it_goes_with_its_content_when_an_editor_saves_by_rename(
    synced: tuple[Replica, NodeId, int],
) -> None:
    replica, node, first = synced
    new = make(replica, "f.new", data=b"saved")
    saved = count(replica, new, b"saved")
    replica.rename(ROOT, b"f.new", ROOT, b"f")
    assert at(replica, "f") == node
    assert replica.checksum_of(node, saved) == sum_of(b"saved")
    assert replica.checksum_of(node, first) == sum_of(b"one")
    assert replica.checksum_of(new, saved) is None


def test_it_goes_with_the_base_when_an_editor_keeps_a_backup(
    synced: tuple[Replica, NodeId, int],
) -> None:
    replica, _, first = synced
    replica.rename(ROOT, b"f", ROOT, b"f~")
    heir = make(replica, "f", data=b"saved")
    replica.unlink(*place(replica, "f~"))
    assert replica.checksum_of(heir, first) == sum_of(b"one")


def test_that_of_the_base_ends_with_the_base_and_every_other_with_its_node(
    synced: tuple[Replica, NodeId, int],
) -> None:
    """Before the server's file is deleted it is compared with what was known here."""
    replica, node, first = synced
    write(replica, node, b"two")
    second = count(replica, node, b"two")
    replica.unlink(*place(replica, "f"))
    assert replica.checksum_of(node, first) == sum_of(b"one")
    assert replica.checksum_of(node, second) is None
    settle(replica)
    assert replica.checksum_of(node, first) is None
    assert check(replica) == []


def test_it_ends_with_a_node_that_has_no_base(replica: Replica) -> None:
    node = make(replica, "f", data=b"one")
    first = count(replica, node, b"one")
    replica.unlink(*place(replica, "f"))
    assert replica.checksum_of(node, first) is None


def test_a_content_in_doubt_has_none(synced: tuple[Replica, NodeId, int]) -> None:
    replica, node, _ = synced
    write(replica, node, b"two")
    second = count(replica, node, b"two")
    replica.doubt(node)
    assert replica.checksum_of(node, second) is None


def test_rot_makes_the_content_absent_and_keeps_what_there_was(folder: Path) -> None:
    replica = open_replica(folder)
    node = make(replica, "f", data=b"one")
    settle(replica)
    first = count(replica, node, b"one")
    ino = attr(replica, node).ino
    replica.writer.record(Rotted(replica.writer.now_ns(), node, replica.new_id(), 3, "rot"))
    kill(replica)
    replica = open_replica(folder)
    found = attr(replica, node)
    assert (found.present, found.size, found.ino == ino) == (False, 3, False)
    assert not list(replica.dirty())
    assert replica.checksum_of(node, found.version) == sum_of(b"one")
    assert replica.checksum_of(node, first) is None
    [entry] = replica.bin.entries()
    assert (entry.path, entry.why) == ("f", "rot")
    assert check(replica) == []
    replica.close()


def test_a_content_that_came_anew_is_counted_anew(synced: tuple[Replica, NodeId, int]) -> None:
    """It may be another of the same size and second, and would pass for one that changed on the
    disk by itself."""
    replica, node, _ = synced
    write(replica, node, b"edited")
    replica.local_changes.discard(node)
    absent = version(replica, node)
    assert replica.checksum_of(node, absent) == sum_of(b"one")
    base = replica.base(node)
    assert base is not None
    arrive(replica, node, base, b"two")
    assert version(replica, node) == absent
    assert replica.checksum_of(node, absent) is None


def test_what_is_agreed_on_already_is_no_event(synced: tuple[Replica, NodeId, int]) -> None:
    replica, node, _ = synced
    other = make(replica, "g", data=b"two")
    before = replica.sequence()
    replica.set_bases([(node, replica.base(node))])
    assert replica.sequence() == before
    replica.set_bases([(node, replica.base(node)), (other, base_of(replica, other))])
    assert replica.sequence() == before + 1
    assert replica.base(other) == base_of(replica, other)
