"""Damage of the index that shows while it is in use is told with the way out; limits and
descriptors."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import lmdb
import pytest
import trio

from reconciler.model import ROOT
from syncin_mount.app.runtime.runtime import _commit_regularly
from syncin_mount.store.errors import IndexDamaged
from syncin_mount.store.records import key
from tests.store.support import make, open_replica

WAY_OUT = "'syncin-mount check docs --repair' puts it right"


@pytest.mark.expected_log("the index of the local copy is damaged")
async def test_an_index_that_cannot_be_committed_is_told_with_the_way_out(
    tmp_path: Path, autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    replica = open_replica(tmp_path / "docs")
    told: list[str | None] = []

    def corrupt() -> None:
        replica._ix.abort()
        raise lmdb.CorruptedError("mdb_txn_commit: MDB_CORRUPTED: Located page was wrong type")

    make(replica, "f", data=b"words")
    with monkeypatch.context() as patch, trio.move_on_after(3):
        patch.setattr(replica._ix, "commit", corrupt)
        await _commit_regularly(replica, told.append)
    assert told
    assert told[-1] is not None
    assert WAY_OUT in told[-1]
    assert "nothing is lost" in told[-1]
    make(replica, "g")  # the journal has it
    replica.close()


def test_a_record_that_cannot_be_read_is_damage_and_no_error_of_the_program(tmp_path: Path) -> None:
    replica = open_replica(tmp_path / "docs")
    node = make(replica, "f", data=b"words")
    replica.commit()
    replica._ix.txn.put(key(node), b"\x93\x01garbage", db=replica._ix.nodes)
    replica._ix.node_table.forget()
    with pytest.raises(IndexDamaged, match="the record of node"):
        replica.attr(node)
    with pytest.raises(IndexDamaged):
        replica.unlink(ROOT, b"f")
    replica.abandon()


@pytest.mark.skipif(sys.platform != "linux", reason="/proc")
def test_children_inherit_nothing_of_the_index(tmp_path: Path) -> None:
    replica = open_replica(tmp_path / "docs")
    inherited = [
        os.readlink(f"/proc/self/fd/{name}")
        for name in os.listdir("/proc/self/fd")
        if os.path.exists(f"/proc/self/fd/{name}") and os.get_inheritable(int(name))
    ]
    assert not [path for path in inherited if str(tmp_path) in path]
    replica.close()


LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (int(sys.argv[1]), int(sys.argv[2])))
from syncin_mount.app.runtime.descriptor_limit import enough_descriptors
from syncin_mount.errors import DaemonError
try:
    enough_descriptors()
    print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
except DaemonError as error:
    print(error)
"""


TOO_FEW = "this process may have 64 files open at once, and a drive needs 128"


@pytest.mark.skipif(sys.platform == "win32", reason="RLIMIT_NOFILE")
@pytest.mark.parametrize(
    ("soft", "hard", "said"), [(64, 64, TOO_FEW), (64, 2000, "2000"), (500, 500, "500")]
)
def test_too_few_files_are_a_sentence_and_a_limit_is_raised_first(
    soft: int, hard: int, said: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(soft), str(hard)],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout.startswith(said)
