"""A disk that refuses writes and syncs (EIO), and a process that gets no more address space.

What holds: the caller is told, nothing that was acknowledged is lost, nothing counts as being on
the disk that is not, and once the disk takes it again everything goes on without a new start.
"""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lmdb
import pytest

from reconciler.model import ROOT
from syncin_mount import system
from syncin_mount.store import Replica, check
from syncin_mount.store.index.tree_walk import require_node
from tests.store.support import at, kill, make, open_replica, read, sound, tree, write

BROKEN = OSError(errno.EIO, os.strerror(errno.EIO))


def fails(*_arguments: object, **_named: object) -> Any:
    raise BROKEN


def test_an_append_that_cannot_be_cut_back_is_cut_back_before_the_next(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replica = open_replica(folder)
    make(replica, "first")
    real = os.write
    with monkeypatch.context() as patch:
        patch.setattr(
            "syncin_mount.store.journal.log.os.write", lambda fd, data: real(fd, data[:10])
        )
        patch.setattr("syncin_mount.store.journal.log.os.ftruncate", fails)
        for _ in range(2):
            with pytest.raises(OSError, match=os.strerror(errno.EIO)):
                make(replica, "second")
    make(replica, "third")
    kill(replica)
    again = sound(open_replica(folder))
    assert dict(tree(again)) == {"first": b"", "third": b""}
    again.close()


def test_an_event_that_cannot_be_taken_back_at_once_did_not_happen(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A part of it is in the journal, which cannot be cut for now."""
    real = os.write
    replica = open_replica(folder)
    make(replica, "first")
    with monkeypatch.context() as patch:
        patch.setattr(
            "syncin_mount.store.journal.log.os.write", lambda fd, data: real(fd, data[:10])
        )
        patch.setattr("syncin_mount.store.journal.log.os.ftruncate", fails)
        with pytest.raises(OSError, match=os.strerror(errno.EIO)):
            make(replica, "second")
    with monkeypatch.context() as patch:
        patch.setattr("syncin_mount.store.journal.log.os.ftruncate", fails)
        with pytest.raises(OSError, match=os.strerror(errno.EIO)):
            make(replica, "second")
        with pytest.raises(OSError, match=os.strerror(errno.EIO)):
            replica.commit()
    make(replica, "third")
    assert dict(tree(sound(replica))) == {"first": b"", "third": b""}
    kill(replica)
    again = sound(open_replica(folder))
    assert dict(tree(again)) == {"first": b"", "third": b""}
    again.close()


def test_a_journal_whose_sync_failed_is_not_taken_as_synced_until_the_index_has_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel tells it once: the next fdatasync(2) succeeds though what it did not write is not
    there."""
    replica = open_replica(folder)
    make(replica, "first")
    with monkeypatch.context() as patch:
        patch.setattr(system, "sync_data", fails)
        with pytest.raises(OSError, match=os.strerror(errno.EIO)):
            replica.sync_journal()
    with pytest.raises(OSError, match="could not be brought to the disk"):
        replica.sync_journal()
    (doubtful,) = (folder / "journal").iterdir()
    replica.commit()
    assert not doubtful.exists()
    replica.sync_journal()
    make(replica, "second")
    replica.sync_journal()
    kill(replica)
    again = sound(open_replica(folder, boot_id="boot 2"))
    assert dict(tree(again)) == {"first": b"", "second": b""}
    again.close()


def test_a_journal_sync_that_fails_when_everything_is_in_the_index(
    replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(replica, "first")
    replica.commit()
    with monkeypatch.context() as patch:
        patch.setattr(system, "sync_data", fails)
        with pytest.raises(OSError, match=os.strerror(errno.EIO)):
            replica.sync_journal()
    replica.commit()
    replica.sync_journal()


class Env:
    """LMDB's environment, of which the next commits fail in a chosen way."""

    def __init__(self, env: Any, error: Exception, count: int) -> None:
        self._env, self._error, self._left = env, error, count

    def begin(self, **how: Any) -> Any:
        txn = self._env.begin(**how)
        return Txn(txn, self) if how.get("write") else txn

    def failure(self) -> Exception | None:
        self._left -= 1
        return self._error if self._left >= 0 else None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._env, name)


class Txn:
    def __init__(self, txn: Any, env: Env) -> None:
        self._txn, self._env_of = txn, env

    def commit(self) -> None:
        failure = self._env_of.failure()
        if failure is None:
            self._txn.commit()
            return
        self._txn.abort()  # as LMDB does
        raise failure

    def __getattr__(self, name: str) -> Any:
        return getattr(self._txn, name)


@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC])
def test_a_commit_that_fails_costs_nothing(folder: Path, code: int) -> None:
    replica = open_replica(folder)
    make(replica, "first", data=b"words")
    ix: Any = replica._ix
    lmdb_of: Any = replica._ix.environment
    lmdb_of._env = Env(lmdb_of._env, lmdb.Error(f"mdb_txn_commit: {os.strerror(code)}"), 3)
    ix.abort()
    ix.begin()
    replica.writer.replay()
    make(replica, "second")
    with pytest.raises(OSError, match=os.strerror(code)) as told:
        replica.commit()
    assert told.value.errno == code
    assert replica._reserve.whole == (code == errno.EIO), (
        "the space kept back helps a full disk alone"
    )
    assert dict(tree(sound(replica))) == {"first": b"words", "second": b""}
    replica.unlink(ROOT, b"second")
    while lmdb_of._env._left > 0:
        with pytest.raises(OSError, match=os.strerror(code)):
            replica.commit()
    replica.commit()
    make(replica, "third")
    kill(replica)
    again = sound(open_replica(folder))
    assert dict(tree(again)) == {"first": b"words", "third": b""}
    again.close()


def test_an_environment_that_lmdb_gave_up_is_opened_anew(folder: Path) -> None:
    """As after a meta page that could not be written: every transaction is refused."""
    replica = open_replica(folder)
    make(replica, "first")

    class GivenUp(Env):
        def begin(self, **how: Any) -> Any:
            if self._left < 1:
                raise lmdb.PanicError("mdb_txn_begin: MDB_PANIC: Update of meta page failed")
            return super().begin(**how)

    ix: Any = replica._ix
    lmdb_of: Any = replica._ix.environment
    lmdb_of._env = GivenUp(lmdb_of._env, lmdb.Error(f"mdb_txn_commit: {os.strerror(errno.EIO)}"), 1)
    ix.abort()
    ix.begin()
    replica.writer.replay()
    with pytest.raises(OSError, match=os.strerror(errno.EIO)):
        replica.commit()
    assert dict(tree(sound(replica))) == {"first": b""}
    make(replica, "second")
    replica.commit()
    kill(replica)
    again = sound(open_replica(folder))
    assert dict(tree(again)) == {"first": b"", "second": b""}
    again.close()


NO_MAP = """
import errno, resource, sys
from pathlib import Path
from syncin_mount.store.index.environment import Environment
from tests.store.support import at, kill, make, open_replica, sound, tree
folder = Path(sys.argv[1])
replica = open_replica(folder, map_size=1 << 20)
made, names = [], (f"{number} {'x' * 200}" for number in range(100_000))
make(replica, "kept", data=b"words")
limit = resource.getrlimit(resource.RLIMIT_AS)
grow = Environment.grow
def grow_without_room(environment):
    there = int(Path("/proc/self/statm").read_text().split()[0]) * 4096
    resource.setrlimit(resource.RLIMIT_AS, (there + (1 << 16), limit[1]))
    try:  # for this alone: elsewhere it would be chance which allocation fails first, Python's own among them
        grow(environment)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limit)
Environment.grow = grow_without_room
refused = None
for name in names:
    try:
        make(replica, name)
    except OSError as error:
        refused = error
        break
    made.append(name)
    if len(made) % 500 == 0:
        replica.commit()
assert refused is not None and refused.errno == errno.ENOMEM, refused
assert all(at(replica, name) for name in ("kept", *made))
assert replica.lookup(1, name.encode()) is None
replica.rename(1, b"kept", 1, b"renamed")
try:
    replica.commit()
except OSError as error:
    assert error.errno == errno.ENOMEM, error
Environment.grow = grow
make(replica, "there is room")
replica.commit()
assert set(dict(tree(sound(replica)))) == {"renamed", "there is room", *made}
kill(replica)
again = sound(open_replica(folder))
assert set(dict(tree(again))) == {"renamed", "there is room", *made}
print(len(made))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_AS")
def test_a_map_that_cannot_grow(folder: Path) -> None:
    """In a process of its own: the limit holds for all of it."""
    done = subprocess.run(
        [sys.executable, "-c", NO_MAP, str(folder)],
        cwd=Path(__file__).parents[2],
        check=False,
        capture_output=True,
        text=True,
        timeout=90,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert int(done.stdout) > 100


def test_contents_of_which_a_sync_failed_count_as_synced_only_when_they_were_written_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replica = open_replica(folder)
    data = os.urandom(3 << 20)
    node, sparse = make(replica, "file", data=data), make(replica, "sparse", data=b"x")
    os.truncate(replica._objects.path(sparse, require_node(replica._ix, sparse).number), 1)
    replica.commit()
    times = os.stat(replica._objects.path(node, require_node(replica._ix, node).number)).st_mtime_ns
    contents = replica.durability.unsynced_contents()
    monkeypatch.setattr(replica.committer, "_sync_disk", fails)
    with pytest.raises(OSError, match=os.strerror(errno.EIO)):
        replica.committer.sync_files()
    replica.durability.sync_failed(node for node, _ in contents)
    assert (folder / "running").read_text() == "a sync failed\n"
    monkeypatch.setattr(replica.committer, "_sync_disk", lambda _folder: None)
    replica.committer.sync_files()  # as the kernel has it now
    replica.durability.mark_synced(contents)
    assert {node for node, _ in replica.durability.unsynced_contents()} == {
        node,
        sparse,
    }, "it was not written again"
    failed = replica.durability.failed_contents()
    written: list[int] = []
    real = system.pwrite

    def counted(fd: int, piece: bytes, offset: int) -> int:
        written.append(len(piece))
        return real(fd, piece, offset)

    with monkeypatch.context() as patch:
        patch.setattr(system, "pwrite", counted)
        for each in failed:
            for _ in replica.durability.rewrite_content(each):
                pass
    assert sum(written) == len(data) + 1
    assert (
        os.stat(replica._objects.path(node, require_node(replica._ix, node).number)).st_mtime_ns
        == times
    )
    replica.committer.sync_files()
    replica.durability.sync_failed([sparse])  # again, meanwhile
    replica.durability.resolved(failed)
    replica.durability.mark_synced(contents)
    assert {node for node, _ in replica.durability.unsynced_contents()} == {sparse}
    assert (folder / "running").read_text() == "a sync failed\n"
    replica.durability.resolved(replica.durability.failed_contents())
    assert (folder / "running").read_text() == "boot 1\n"
    assert (
        Path(replica._objects.path(node, require_node(replica._ix, node).number)).read_bytes()
        == data
    )
    assert check(replica) == []


@pytest.mark.parametrize("end", [kill, Replica.close])
def test_a_start_after_a_failed_sync_looks_at_contents_as_after_a_power_cut(
    folder: Path, end: Callable[[Replica], None]
) -> None:
    replica = open_replica(folder)
    node = make(replica, "file", data=b"words")
    replica.durability.sync_failed([node])
    end(replica)
    again = sound(open_replica(folder))
    assert require_node(again._ix, node).doubtful
    assert read(again, at(again, "file")) == b"words"
    write(again, node, b"others")
    again.close()
    assert not (folder / "running").exists()
