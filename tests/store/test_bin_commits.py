"""When what goes to the bin, or comes from it, counts as done."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from reconciler.model import ROOT
from syncin_mount.store import (
    Replica,
)
from syncin_mount.store.durability.event_writer import EventWriter
from tests.store.support import (
    at,
    kill,
    make,
    open_replica,
    sound,
    tree,
)


def test_what_went_to_the_bin_counts_as_done_only_when_that_is_on_the_disk(
    replica: Replica,
) -> None:
    """A power cut may undo the rename. If the loser counted as done then, nothing would name it."""
    make(replica, "lost", data=b"words")
    replica.delete_local(at(replica, "lost"), keep=True, why="test")
    make(replica, "gone", data=b"more")
    replica.unlink(ROOT, b"gone")
    until = replica.sequence()
    replica.commit(effects_until=until)
    assert [path.name for path in (replica.folder / "bin").glob("*/*")] == ["lost"]
    replica.commit(effects_until=until)
    assert replica.committer.effects_wait()
    assert replica.bin.durable_entries() == []
    replica.committer.sync_files()
    replica.commit(effects_until=until)
    assert not replica.committer.effects_wait()
    assert [entry.name for entry in replica.bin.durable_entries()] == [b"lost"]
    assert replica._ix.applied == replica._ix.committed


def test_what_only_makes_room_waits_for_no_sync(replica: Replica) -> None:
    make(replica, "gone", data=b"words")
    replica.unlink(ROOT, b"gone")
    replica.commit(effects_until=replica.sequence())
    assert not replica.committer.effects_wait()


def test_what_came_back_from_the_bin_and_went_again_keeps_nobody_from_starting(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk was full when it came back; then all is done at once, and the process killed before
    it says so."""
    replica = open_replica(folder)
    make(replica, "file", data=b"words")
    replica.delete_local(at(replica, "file"), keep=True, why="test")
    (entry,) = replica.bin.entries()
    replica.commit()

    def full(_self: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(EventWriter, "commit_index", full)
        with pytest.raises(OSError, match="No space left"):
            replica.bin.restore(entry.sequence, ROOT, b"back")
    replica.unlink(ROOT, b"back")
    replica.commit(effects_until=replica.sequence())
    kill(replica)
    again = sound(open_replica(folder))
    assert dict(tree(again)) == {}
    assert list((folder / "bin").iterdir()) == []
    again.close()
