"""Names by a key that several may have. That they are those of the entries, whatever happens, the
state machine shows (test_machine.py)."""

from __future__ import annotations

import errno
import os

import pytest

from reconciler.model import ROOT, Base, Kind, NodeId, Place
from syncin_mount.store import NodeType, Replica
from syncin_mount.store.index.tables import name_keys
from syncin_mount.store.index.tables.name_keys import NameKeys


def key_of(name: bytes) -> str:
    return name.decode().upper()


def create(replica: Replica, name: bytes, kind: NodeType = NodeType.FILE) -> NodeId:
    return replica.create(ROOT, name, kind, mode=0o644, uid=1, gid=1).node


def test_the_name_that_was_first_comes_first(replica: Replica) -> None:
    find = replica.use_name_keys(key_of)
    assert find(ROOT, "B") == []
    first, second = create(replica, b"b"), create(replica, b"B")
    assert find(ROOT, "B") == [(b"b", first), (b"B", second)]
    replica.unlink(ROOT, b"b")
    third = create(replica, b"b")
    assert find(ROOT, "B") == [(b"B", second), (b"b", third)]


def test_after_a_start_the_oldest_node_comes_first(replica: Replica) -> None:
    young, old = replica.new_id(), replica.new_id()
    young, old = max(young, old), min(young, old)
    for node, name in ((young, "a"), (old, "A")):
        replica.place_file(node, Base(Kind.FILE, ROOT, name, 0, 1, 0, 0))
    find = replica.use_name_keys(key_of)
    assert find(ROOT, "A") == [(b"A", old), (b"a", young)]


def test_a_name_that_goes_elsewhere_takes_its_key_along(replica: Replica) -> None:
    find = replica.use_name_keys(key_of)
    folder = create(replica, b"folder", NodeType.FOLDER)
    node = create(replica, b"name")
    assert find(folder, "NAME") == []
    replica.rename(ROOT, b"name", folder, b"Name")
    assert find(ROOT, "NAME") == []
    assert find(folder, "NAME") == [(b"Name", node)]
    replica.move_local(node, Place(ROOT, "NAME"), None)
    assert find(folder, "NAME") == []
    assert find(ROOT, "NAME") == [(b"NAME", node)]
    assert find(node, "NAME") == []


def test_what_could_not_be_recorded_has_no_key(
    replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = replica.use_name_keys(key_of)
    node = create(replica, b"there")
    assert find(ROOT, "THERE") == [(b"there", node)]

    def refuse(*_args: object, **_options: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(replica._journal, "append", refuse)
        for act in (lambda: create(replica, b"new"), lambda: replica.unlink(ROOT, b"there")):
            with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
                act()
    assert find(ROOT, "NEW") == []
    assert find(ROOT, "THERE") == [(b"there", node)]


def test_large_folders_are_forgotten_when_others_are_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(name_keys, "MAX_NAMES", 10)
    asked: list[int] = []

    def children(parent: int) -> list[tuple[bytes, int]]:
        asked.append(parent)
        return [(b"%d" % number, number) for number in range(parent)]

    keys = NameKeys(children, key_of)
    for parent in (4, 5, 4, 3, 4, 20, 20):
        assert keys.find(parent, "1") == [(b"1", 1)]
    assert asked == [4, 5, 3, 20]  # 5 went for 3, and 20 is remembered although it is larger
    assert keys.remembered_names() == 20
    keys.put(20, b"more", 99)
    keys.put(7, b"not asked for", 99)
    assert keys.remembered_names() == 21
    keys.put(20, b"more", 98)
    assert keys.find(20, "MORE") == [(b"more", 98)]
    for _ in range(2):
        keys.drop(20, b"more")
    assert keys.remembered_names() == 20
    assert keys.find(20, "MORE") == []
