"""What `check` finds has a name, also where the tree is damaged."""

from __future__ import annotations

from pathlib import Path

from reconciler.model import ROOT
from syncin_mount import system
from syncin_mount.store import NodeType, Replica
from syncin_mount.store.maintenance.check import check
from syncin_mount.store.recovery.consistency import Problem


def test_a_lost_content_is_told_by_its_path(tmp_path: Path):
    replica = Replica.open(tmp_path / "replica")
    try:
        folder = replica.create(ROOT, b"d", NodeType.FOLDER, mode=0o755, uid=0, gid=0).node
        node = replica.create(folder, b"a.txt", NodeType.FILE, mode=0o644, uid=0, gid=0).node
        replica.begin_write(node, discard=True)
        content = replica.open_content(node)
        system.pwrite(content.fd, b"text", 0)
        content.close()
        replica.written(node, size=4, mtime_ns=10**18)
        assert check(replica) == []
        for path in (tmp_path / "replica/objects").rglob("*"):
            if path.is_file():
                path.unlink()
        found = [str(each) for each in check(replica)]
    finally:
        replica.close()
    assert len(found) == 1
    assert found[0].startswith("'d/a.txt': ")


def test_what_has_no_name_is_told_by_its_number():
    assert str(Problem(9, "it is lost")) == "something without a name (number 9): it is lost"
    assert str(Problem(0, "the journal is torn")) == "the journal is torn"
