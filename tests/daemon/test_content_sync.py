"""When contents are brought to the disk: as late as is safe, and no more of them than is needed."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from reconciler.model import ROOT, NodeId
from syncin_mount.app.runtime.content_sync import FEW, REST, ContentSync
from syncin_mount.store import Content, Replica
from tests.store.support import make, open_replica


class Disk:
    """What is synced of a replica, by injected calls."""

    def __init__(self, replica: Replica, monkeypatch: pytest.MonkeyPatch) -> None:
        self.everything = 0
        self.each: list[int] = []
        self.fails = False
        monkeypatch.setattr(replica.committer, "_sync_disk", self._sync_everything)

        def sync_content(content: Content) -> None:
            if self.fails:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            self.each.append(os.fstat(content.fd).st_ino)

        monkeypatch.setattr(Content, "sync", sync_content)

    def _sync_everything(self, _folder: Path) -> None:
        self.everything += 1


class Ground:
    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.replica = open_replica(folder)
        self.disk = Disk(self.replica, monkeypatch)
        self.now = 100.0
        self.sync = ContentSync(self.replica, lambda: self.now)

    async def second(self) -> int:
        """One turn of the committer, a second later."""
        self.now += 1
        until = await self.sync.run()
        self.replica.commit(effects_until=until)
        return until

    def save(self, name: str, data: bytes) -> None:
        """As an editor does: another file takes the document's name."""
        make(self.replica, name + ".tmp", data=data)
        self.replica.rename(ROOT, (name + ".tmp").encode(), ROOT, name.encode())

    def contents(self) -> int:
        return sum(len(files) for _, _, files in os.walk(self.replica.folder / "objects"))


@pytest.fixture
def ground(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ground:
    return Ground(tmp_path / "replica", monkeypatch)


async def test_what_replaced_nothing_is_left_to_the_kernel_and_synced_once_it_has_rested(
    ground: Ground,
):
    make(ground.replica, "big", data=b"x" * 100_000)
    for _ in range(int(REST)):
        await ground.second()
    assert (ground.disk.everything, ground.disk.each) == (0, [])
    assert ground.replica.durability.unsynced_contents()
    await ground.second()
    assert ground.disk.everything == 1
    assert ground.replica.durability.unsynced_contents() == []
    for _ in range(int(2 * REST)):
        await ground.second()
    assert ground.disk.everything == 1, "nothing is left to be synced"


async def test_contents_that_come_all_the_time_do_not_put_the_sync_off(ground: Ground):
    for second in range(int(3 * REST)):
        make(ground.replica, f"file{second}", data=b"x")
        await ground.second()
    assert ground.disk.everything == 2


async def test_a_save_syncs_its_own_content_alone_and_the_former_one_goes(ground: Ground):
    make(ground.replica, "thesis", data=b"months of work")
    await ground.second()
    make(ground.replica, "film", data=b"y" * 100_000)
    ground.save("thesis", b"and today's")
    assert ground.contents() == 3
    await ground.second()
    assert ground.disk.everything == 0
    assert len(ground.disk.each) == 1
    assert ground.contents() == 2
    film = ground.replica.lookup(ROOT, b"film")
    assert [node for node, _ in ground.replica.durability.unsynced_contents()] == [film]


async def test_a_save_that_is_still_being_written_is_synced_as_far_as_it_came(ground: Ground):
    make(ground.replica, "thesis", data=b"months of work")
    await ground.second()
    ground.save("thesis", b"and today's")
    node = ground.replica.lookup(ROOT, b"thesis")
    assert node is not None
    ground.replica.begin_write(node)
    await ground.second()
    assert len(ground.disk.each) == 1
    assert ground.contents() == 1
    ground.replica.written(node, size=11, mtime_ns=1)
    assert [each for each, _ in ground.replica.durability.unsynced_contents()] == [node]


async def test_a_deletion_waits_for_no_sync(ground: Ground):
    make(ground.replica, "old", data=b"x")
    await ground.second()
    ground.replica.unlink(ROOT, b"old")
    await ground.second()
    assert (ground.disk.everything, ground.disk.each) == (0, [])
    assert ground.contents() == 0


async def test_many_saves_are_one_sync_of_the_file_system(ground: Ground):
    for number in range(FEW + 1):
        make(ground.replica, f"document{number}", data=b"x")
    await ground.second()
    for number in range(FEW + 1):
        ground.save(f"document{number}", b"yz")
    await ground.second()
    assert (ground.disk.everything, ground.disk.each) == (1, [])
    assert ground.contents() == FEW + 1


async def test_what_goes_to_the_bin_has_all_names_synced(ground: Ground):
    node = make(ground.replica, "loser", data=b"x")
    await ground.second()
    ground.replica.delete_local(node, keep=True, why="it lost")
    await ground.second()
    await ground.second()
    assert ground.disk.everything >= 1
    await ground.second()
    assert [entry.name for entry in ground.replica.bin.durable_entries()] == [b"loser"]


def _begin_copy(ground: Ground) -> NodeId:
    """Somebody copies a film into the drive, and is not done."""
    film = make(ground.replica, "film", data=b"y")
    ground.replica.begin_write(film)
    return film


async def test_beside_a_copy_many_saves_are_synced_one_by_one(ground: Ground):
    for number in range(FEW + 1):
        make(ground.replica, f"document{number}", data=b"x")
    await ground.second()
    _begin_copy(ground)
    for number in range(FEW + 1):
        ground.save(f"document{number}", b"yz")
    await ground.second()
    assert (ground.disk.everything, len(ground.disk.each)) == (0, FEW + 1)
    assert ground.contents() == FEW + 2


@pytest.mark.parametrize("ends", [True, False])
async def test_what_goes_to_the_bin_waits_for_the_end_of_a_copy(ground: Ground, ends: bool):
    node = make(ground.replica, "loser", data=b"x")
    await ground.second()
    film = _begin_copy(ground)
    ground.replica.delete_local(node, keep=True, why="it lost")
    make(ground.replica, "thesis", data=b"months of work")
    ground.save("thesis", b"and today's")
    for _ in range(int(REST)):
        await ground.second()
    assert ground.disk.everything == 0
    assert len(ground.disk.each) == 1, "what a save replaced it with is synced all the same"
    assert ground.contents() == 4, "nothing goes before the disk has what replaced it"
    if ends:
        ground.replica.written(film, size=1, mtime_ns=1)
    for _ in range(3):
        await ground.second()
    assert ground.disk.everything >= 1, "no copy puts it off for good"
    assert [entry.name for entry in ground.replica.bin.durable_entries()] == [b"loser"]
    assert ground.contents() == 2


async def test_no_sync_of_everything_meets_a_copy_for_what_has_rested(ground: Ground):
    make(ground.replica, "small", data=b"x")
    await ground.second()
    film = _begin_copy(ground)
    for _ in range(int(1.5 * REST)):
        await ground.second()
    assert ground.disk.everything == 0
    ground.replica.written(film, size=1, mtime_ns=1)
    await ground.second()
    assert ground.disk.everything == 1


async def test_a_content_whose_sync_fails_keeps_what_it_replaced(ground: Ground):
    make(ground.replica, "thesis", data=b"months of work")
    await ground.second()
    ground.save("thesis", b"and today's")
    ground.disk.fails = True
    with pytest.raises(OSError, match="Input/output"):
        await ground.sync.run()
    node = ground.replica.lookup(ROOT, b"thesis")
    assert list(ground.replica.durability.failed_contents()) == [node]
    ground.disk.fails = False
    assert ground.contents() == 2
    await ground.second()
    assert ground.replica.durability.failed_contents() == {}
    assert ground.disk.everything == 1, "written again, with all else"
    assert ground.contents() == 1
