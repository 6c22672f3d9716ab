"""Names of a drive are UTF-8, whatever encoding the system has for the computer's own files."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import trio

from reconciler.model import ROOT, NodeId
from syncin_mount.app.conflicts.places import Places
from syncin_mount.app.drives.local_bin import LocalBin
from syncin_mount.app.drives.trash_handover import item_of
from syncin_mount.app.states.file_states import FileStates
from syncin_mount.config import Synchronization
from syncin_mount.control.state_messages import StatesRequest
from syncin_mount.store import NodeType, Replica
from syncin_mount.store.name_texts import to_bytes
from tests.app.test_drive import Computer
from tests.store.support import open_replica

ROOT_FOLDER = Path(__file__).parents[2]
FOLDER, NAME = "Größe", "naïve \U0001f600.txt"
DOCS = Synchronization(
    "docs", "cloud", "personal/docs", Path("/docs"), path_id=1, permissions="a:d:m"
)


def fill(replica: Replica) -> NodeId:
    folder = replica.create(ROOT, to_bytes(FOLDER), NodeType.FOLDER, mode=0o755, uid=0, gid=0).node
    return replica.create(folder, to_bytes(NAME), NodeType.FILE, mode=0o644, uid=0, gid=0).node


@pytest.fixture
def replica(tmp_path: Path) -> Iterator[Replica]:
    replica = open_replica(tmp_path / "replica")
    yield replica
    replica.close()


def test_a_conflict_is_found_at_its_place(replica: Replica) -> None:
    node = fill(replica)
    places = Places(replica, lambda _: False)
    assert places.look(f"{FOLDER}/{NAME}") == node
    assert places.place(f"{FOLDER}/{NAME}") == (
        replica.lookup(ROOT, b"Gr\xc3\xb6\xc3\x9fe"),
        to_bytes(NAME),
    )
    assert places.free_at(f"{FOLDER}/{NAME}") != f"{FOLDER}/{NAME}"


async def test_the_bin_gives_back_under_the_name_that_was(replica: Replica) -> None:
    node = fill(replica)
    replica.delete_local(node, keep=True, why="test")
    [entry] = replica.bin.entries()
    assert item_of(entry, b"/mnt/d\xff").path == b"/mnt/d\xff/" + to_bytes(f"{FOLDER}/{NAME}")
    replica.rmdir(ROOT, to_bytes(FOLDER))
    own = LocalBin(replica, DOCS, None)
    assert await own.restore(str(entry.sequence), None) == f"{FOLDER}/{NAME}"
    again = replica.lookup(ROOT, to_bytes(FOLDER))
    assert again is not None
    assert replica.lookup(again, to_bytes(NAME)) is not None


async def test_the_states_are_those_of_the_names_that_are_asked_for(tmp_path: Path) -> None:
    async with Computer(tmp_path).mounted() as runtime:
        fill(runtime.replica)
        found = await FileStates(runtime, trio.Event()).states(StatesRequest(FOLDER, (NAME,)))
    assert [each and each.value for each in found.states] == ["waiting"]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has UTF-8 for all")
def test_it_is_so_where_the_system_has_another_encoding() -> None:
    """C, as services and old systems have it: `os.fsencode` then knows ASCII alone."""
    done = subprocess.run(
        [sys.executable, "-X", "utf8=0", "-m", "pytest", "-q", "-m", "not slow", __file__],
        cwd=ROOT_FOLDER,
        env={**os.environ, "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        timeout=100,
    )
    assert done.returncode == 0, done.stdout.decode()
