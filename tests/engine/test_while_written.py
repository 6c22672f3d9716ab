"""Files that are written while they are sent or replaced, and files with nothing in them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import trio

from reconciler.engine.full_run import ROUNDS
from reconciler.model import Action, NodeId, Op, Result
from tests.engine.world import Device, World

OLD, EARLIER, LATER = 1_600_000_000, 1_650_000_000, 1_700_000_000
PIECE = 512 * 1024


def whole(letter: bytes) -> bytes:
    """Many pieces: what was mixed of two of these is neither."""
    return letter * (4 * PIECE)


class Restless:
    """Writes the file anew whenever a piece of it goes to the server, as often as it is told."""

    def __init__(self, device: Device, path: str, times: int) -> None:
        self._device = device
        self._path = path
        self._left = times
        self.written = 0
        self._advanced: Callable[[Action, int], None] = device.progress.advanced
        device.progress.advanced = self.advanced  # type: ignore[method-assign]

    def advanced(self, action: Action, size: int) -> None:
        self._advanced(action, size)
        if action.op is Op.SEND and self.written < self._left:
            self.written += 1
            letter = b"%d" % (self.written % 10)
            self._device.write(self._path, whole(letter), mtime=LATER + self.written)


@pytest.mark.parametrize("before", [None, b"agreed on"])
async def test_a_file_that_keeps_changing_while_it_is_sent(
    world: World, before: bytes | None
) -> None:
    """Never a mixture on the server: the version of before stays, until one is sent that did not
    change meanwhile."""
    device = await world.device()
    world.put("other.txt", b"other", mtime=OLD)
    if before is not None:
        world.put("log.txt", before, mtime=OLD)
    await device.sync()
    there = world.on_disk()
    device.write("log.txt", whole(b"x"), mtime=LATER)
    restless = Restless(device, "log.txt", times=1000)
    report = await device.sync()
    assert restless.written == ROUNDS, (
        "it was not tried again, or more than one piece went of what had changed"
    )
    assert world.on_disk() == there
    assert {each.result for each in report.outcomes} == {Result.STALE}
    assert not report.complete
    assert [problem.path for problem in report.problems] == ["log.txt"]
    restless._left = 0
    report = await device.sync()
    assert report.complete, report.problems
    last = whole(b"%d" % (restless.written % 10))
    assert device.tree() == world.on_disk() == {"other.txt": b"other", "log.txt": last}
    assert not world.trashed()


async def test_a_file_that_changes_once_while_it_is_sent_goes_in_the_same_run(world: World) -> None:
    device = await world.device()
    device.write("log.txt", whole(b"x"), mtime=EARLIER)
    Restless(device, "log.txt", times=1)
    report = await device.sync()
    assert report.complete, report.problems
    assert device.tree() == world.on_disk() == {"log.txt": whole(b"1")}


def begin(device: Device, path: str) -> NodeId:
    """Somebody has written, and has neither closed the file nor paused."""
    node = device.node(path)
    device.replica.opened_for_write(node)
    device.replica.begin_write(node)
    return node


@pytest.mark.parametrize("there", ["unchanged", "edited", "deleted"])
async def test_a_file_that_is_being_written_waits(world: World, there: str) -> None:
    device = await world.device()
    for path in ("a.txt", "other.txt"):
        world.put(path, b"old", mtime=OLD)
    await device.sync()
    node = begin(device, "a.txt")
    if there == "edited":
        world.put("a.txt", b"edited there", mtime=EARLIER)
    elif there == "deleted":
        (world.disk / "a.txt").unlink()
    on_server = world.on_disk()
    report = await device.sync()
    [problem] = report.problems
    assert problem.path == "a.txt"
    assert "is being written" in problem.why
    assert not report.outcomes, "something was tried"
    assert world.on_disk() == on_server
    assert device.read("a.txt") == b"old"
    device.write("a.txt", b"written here", mtime=LATER)
    device.replica.closed_for_write(node)
    report = await device.sync()
    assert report.complete, report.problems
    assert device.tree() == world.on_disk() == {"a.txt": b"written here", "other.txt": b"old"}
    assert list(world.trashed().values()) == ([b"edited there"] if there == "edited" else [])


async def test_empty_files_cross_without_make(world: World) -> None:
    """MAKE would empty a file that somebody put there meanwhile."""
    world.put("theirs", b"", mtime=OLD)
    world.put("emptied here", b"full", mtime=OLD)
    world.put("emptied there", b"full", mtime=OLD)
    device = await world.device()
    device.write("ours", b"", mtime=OLD)
    report = await device.sync()
    assert report.complete, report.problems
    device.write("emptied here", b"", mtime=LATER)
    world.put("emptied there", b"", mtime=LATER)
    report = await device.sync()
    assert report.complete, report.problems
    expected = dict.fromkeys(("theirs", "ours", "emptied here", "emptied there"), b"")
    assert device.tree() == world.on_disk() == expected
    assert world.requests("POST", "/make/") == 0
    assert world.requests("POST", "Docs/ours") == 1
    device.write("ours", b"no more", mtime=LATER)
    await device.sync()
    assert device.tree() == world.on_disk() == expected | {"ours": b"no more"}


async def test_an_empty_new_file_overwrites_nothing(world: World) -> None:
    """A push finds a file of that name where it expected none."""
    world.put("other", b"other", mtime=OLD)
    device = await world.device(debounce=0.05, manual=False)
    await world.settled(device)
    world.put("a.txt", b"made there", mtime=LATER)
    device.write("a.txt", b"", mtime=EARLIER)
    await world.settled(device)
    assert device.tree() == world.on_disk() == {"other": b"other", "a.txt": b"made there"}


async def test_a_save_with_a_backup_while_a_time_is_on_its_way(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The document is another node here by then: that one is agreed on (simulation, seed
    404219)."""
    world.put("a.txt", b"old", mtime=1_600_000_000)
    device = await world.device()
    await device.sync()
    touch = device.folder.touch

    async def then_save(path: str, mtime: int) -> None:
        await touch(path, mtime)
        device.rename("a.txt", "a.txt~")
        device.write("a.txt", b"saved", mtime=1_700_000_000)
        device.unlink("a.txt~")

    monkeypatch.setattr(device.folder, "touch", then_save)
    device.replica.set_attr(device.node("a.txt"), mtime_ns=1_650_000_000 * 10**9)
    await device.sync()
    monkeypatch.undo()
    assert (await device.sync()).complete
    assert device.tree() == world.on_disk() == {"a.txt": b"saved"}
    assert (world.requests("PUT", "/a.txt"), world.requests("DELETE", "/a.txt")) == (1, 0)
    assert device.engine.status().conflicts == 0


async def test_a_save_with_a_backup_while_its_first_rename_is_on_its_way(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server's file lies under the backup's name then, and is the document's former version: it
    goes back."""
    world.put("a.txt", b"old", mtime=1_600_000_000)
    device = await world.device()
    await device.sync()
    move = device.folder.move

    async def then_save(source: str, target: str, **options: bool) -> None:
        await move(source, target, **options)
        device.write("a.txt", b"saved", mtime=1_700_000_000)
        device.unlink("a.txt~")

    monkeypatch.setattr(device.folder, "move", then_save)
    device.rename("a.txt", "a.txt~")
    await device.sync()
    monkeypatch.undo()
    assert (await device.sync()).complete
    assert device.tree() == world.on_disk() == {"a.txt": b"saved"}
    assert device.engine.status().conflicts == 0


@pytest.mark.slow
@pytest.mark.parametrize("moment", range(4))
@pytest.mark.parametrize("before", [1, 2])
@pytest.mark.parametrize("edited", [False, True])
async def test_a_save_with_a_backup_at_any_moment_of_a_run(
    world: World, monkeypatch: pytest.MonkeyPatch, moment: int, before: int, *, edited: bool
) -> None:
    """Some of its steps are done before the run, the others before or after one of the run's
    requests."""
    world.put("a.txt", b"old", mtime=1_600_000_000)
    device = await world.device()
    await device.sync()
    if edited:
        device.write("a.txt", b"edited", mtime=1_650_000_000)
    steps: list[Callable[[], object]] = [
        lambda: device.rename("a.txt", "a.txt~"),
        lambda: device.write("a.txt", b"saved", mtime=1_700_000_000),
        lambda: device.unlink("a.txt~"),
    ]
    for step in steps[:before]:
        step()
    passed = 0

    def tick() -> None:
        nonlocal passed
        for late in steps[before:] if passed == moment else ():
            late()
        passed += 1

    def watched(real: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def request(*arguments: Any, **named: Any) -> Any:
            tick()
            answer = await real(*arguments, **named)
            tick()
            return answer

        return request

    for name in ("find", "move", "upload", "touch", "delete"):
        monkeypatch.setattr(device.folder, name, watched(getattr(device.folder, name)))
    await device.sync()
    monkeypatch.undo()
    assert passed > moment
    assert (await device.sync()).complete
    assert device.tree() == world.on_disk() == {"a.txt": b"saved"}
    assert device.engine.status().conflicts == 0


@pytest.mark.parametrize("first", ["a.txt", "a.new"])
async def test_a_new_document_is_saved_again_while_both_files_are_on_their_way(
    world: World, monkeypatch: pytest.MonkeyPatch, first: str
) -> None:
    """Whichever arrives first: the server has the document under its name, and nothing else."""
    device = await world.device()
    await device.sync()
    device.write("a.txt", b"first", mtime=1_700_000_000)
    device.write("a.new", b"second one", mtime=1_700_000_000)
    upload = device.folder.upload
    under_way, recorded = set(), trio.Event()

    async def held_up(path: str, *arguments: Any, **named: Any) -> int:
        inode = await upload(path, *arguments, **named)
        under_way.add(path)
        if len(under_way) == 2:
            device.rename("a.new", "a.txt")
        if path.endswith(first):
            while len(under_way) < 2:  # noqa: ASYNC110 - the other one
                await trio.sleep(0.01)
        else:
            await recorded.wait()
        return inode

    set_base = device.replica.set_base

    def told(*arguments: Any) -> None:
        set_base(*arguments)
        recorded.set()

    monkeypatch.setattr(device.folder, "upload", held_up)
    monkeypatch.setattr(device.replica, "set_base", told)
    with trio.fail_after(20):
        await device.sync()
    monkeypatch.undo()
    assert (await device.sync()).complete
    assert device.tree() == world.on_disk() == {"a.txt": b"second one"}
    assert device.engine.status().conflicts == 0
