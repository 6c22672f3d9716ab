"""The states of many files at once, and what of them changes: over the control socket of a drive
whose server is away."""

from __future__ import annotations

import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio

from reconciler.model import NodeId, Place
from reconciler.reporting.conflict import Lost, ResolvedConflict
from syncin_mount.app.runtime.runtime import Runtime
from syncin_mount.app.states import file_states, folder_sums
from syncin_mount.control.client import Client
from syncin_mount.control.messages import ChangeRequest
from syncin_mount.control.state_messages import StateChange, States, StatesRequest
from syncin_mount.control.watching import follow_states
from syncin_mount.store.types import NodeType
from tests.app.test_drive import Computer
from tests.store.support import arrive, at, base, base_of, far, make, settle


@pytest.fixture
def computer(tmp_path: Path) -> Computer:
    return Computer(tmp_path)


async def states(computer: Computer, folder: str, *names: str) -> list[str | None]:
    async with Client(computer.folders.socket("docs")) as client:
        found = await client.states(StatesRequest(folder, names))
    return [None if each is None else each.value for each in found.states]


class Watcher:
    """What is told, as the state that each path was last told to have."""

    def __init__(self, changes: AsyncIterator[StateChange]) -> None:
        self._changes = changes
        self.told: dict[str, str] = {}
        self.everything = 0

    async def until(self, path: str, state: str) -> None:
        with trio.fail_after(10):
            while self.told.get(path) != state:
                await self.one()

    async def one(self) -> StateChange:
        change = await anext(self._changes)
        self.everything += change.everything
        for name, state in zip(change.names, change.states, strict=True):
            self.told[f"{change.folder}/{name}".lstrip("/")] = state.value
        return change


@asynccontextmanager
async def watched(computer: Computer) -> AsyncIterator[Watcher]:
    async with follow_states(computer.folders.socket("docs")) as changes:
        watcher = Watcher(changes)
        assert (await watcher.one()).everything
        yield watcher


async def test_each_state_has_its_word(computer: Computer):
    async with computer.mounted() as runtime:
        replica = runtime.replica
        make(replica, "d", NodeType.FOLDER)
        settle(replica, at(replica, "d"))
        make(replica, "d/waits", data=b"x")
        settle(replica, make(replica, "d/same", data=b"x"))
        far(replica, "absent")
        make(replica, "d/link", NodeType.SYMLINK)
        make(replica, "d/.~lock.x#")
        replica.local_changes.hold([make(replica, "d/held", data=b"x")], held=True)
        names = ("waits", "same", "link", ".~lock.x#", "held", "none", "")
        expected = ["waiting", "synced", "local", "local", "held", None, "waiting"]
        assert await states(computer, "d", *names) == expected
        assert await states(computer, "", "d", "absent") == ["waiting", "absent"]
        assert await states(computer, "none", "x") == [None]


async def test_what_changes_is_told_with_the_folders_above(computer: Computer):
    async with computer.mounted() as runtime, watched(computer) as watcher:
        replica = runtime.replica
        make(replica, "d", NodeType.FOLDER)
        make(replica, "d/e", NodeType.FOLDER)
        settle(replica, at(replica, "d"), at(replica, "d/e"))
        await watcher.until("d/e", "synced")
        node = make(replica, "d/e/a", data=b"x")
        await watcher.until("d/e/a", "waiting")
        await watcher.until("d/e", "waiting")
        await watcher.until("d", "waiting")
        replica.local_changes.hold([node], held=True)
        await watcher.until("d/e/a", "held")
        settle(replica, node)
        await watcher.until("d/e/a", "synced")
        await watcher.until("d", "synced")


async def test_a_folder_that_moves_takes_what_waits_along(computer: Computer):
    async with computer.mounted() as runtime, watched(computer) as watcher:
        replica = runtime.replica
        for folder in ("from", "to", "from/f"):
            make(replica, folder, NodeType.FOLDER)
            settle(replica, at(replica, folder))
        make(replica, "from/f/a", data=b"x")
        await watcher.until("from", "waiting")
        node = at(replica, "from/f")
        replica.rename(at(replica, "from"), b"f", at(replica, "to"), b"f")
        settle(replica, node)
        await watcher.until("to", "waiting")
        await watcher.until("from", "synced")


async def test_folders_that_change_places_keep_what_waits_in_them(computer: Computer):
    async with computer.mounted() as runtime, watched(computer) as watcher:
        replica = runtime.replica
        make(replica, "outer", NodeType.FOLDER)
        make(replica, "outer/inner", NodeType.FOLDER)
        outer, inner = at(replica, "outer"), at(replica, "outer/inner")
        settle(replica, outer)
        settle(replica, inner)
        make(replica, "outer/inner/a", data=b"x")
        await watcher.until("outer/inner", "waiting")
        root = NodeId(1)
        replica.rename(outer, b"inner", root, b"inner")
        replica.rename(root, b"outer", inner, b"outer")
        settle(replica, inner)
        settle(replica, outer)
        with trio.fail_after(10):
            while await states(computer, "", "", "inner") != ["waiting", "waiting"]:
                await watcher.one()
        assert await states(computer, "inner", "outer", "a") == ["synced", "waiting"]


async def test_a_content_that_arrives_is_told(computer: Computer):
    async with computer.mounted() as runtime, watched(computer) as watcher:
        replica = runtime.replica
        node = far(replica)
        await watcher.until("far", "absent")
        arrive(replica, node, base(), b"12345")
        await watcher.until("far", "synced")


async def test_what_the_reconciler_does_is_told(computer: Computer):
    async with computer.mounted() as runtime, watched(computer) as watcher:
        replica = runtime.replica
        node = make(replica, "a", data=b"x")
        settle(replica, node)
        await watcher.until("a", "synced")
        replica.touch_local(node, 12 * 10**9, None)
        await watcher.until("a", "waiting")
        replica.move_local(node, Place(node.__class__(1), "b"), None)
        await watcher.until("b", "waiting")
        base_of(replica, node)


async def test_very_much_at_once_is_one_word(computer: Computer, monkeypatch):
    monkeypatch.setattr(file_states, "MOST_NOTED", 20)
    async with computer.mounted() as runtime, watched(computer) as watcher:
        for number in range(60):
            make(runtime.replica, f"{number}")
        change = await watcher.one()
        assert change == StateChange(everything=True)
        make(runtime.replica, "one")
        await watcher.until("one", "waiting")
        assert len(watcher.told) <= 3


async def test_beyond_what_is_remembered_folders_begin_anew(computer: Computer, monkeypatch):
    monkeypatch.setattr(folder_sums, "MOST", 4)
    async with computer.mounted() as runtime, watched(computer) as watcher:
        replica = runtime.replica
        make(replica, "d", NodeType.FOLDER)
        settle(replica, at(replica, "d"))
        nodes = [make(replica, f"{number}") for number in range(9)]
        while not (await watcher.one()).everything:
            pass
        last = make(replica, "d/last")
        assert await states(computer, "d", "last") == ["waiting"]
        settle(replica, *nodes)
        with trio.fail_after(10):
            while await states(computer, "", "d") != ["waiting"]:
                await watcher.one()
            settle(replica, last)
            while await states(computer, "", "d") != ["synced"]:
                await watcher.one()


async def test_a_hold_of_a_folder_and_other_settings_have_everything_looked_at(computer: Computer):
    async with computer.mounted() as runtime, watched(computer) as watcher:
        replica = runtime.replica
        make(replica, "d", NodeType.FOLDER)
        make(replica, "d/a", data=b"x")
        await watcher.until("d/a", "waiting")
        [number] = [each.sequence for each in replica.local_changes.pending() if each.path == "d"]
        async with Client(computer.folders.socket("docs")) as client:
            await client.change(ChangeRequest("hold", (number,)))
        while not (await watcher.one()).everything:
            pass
        assert await states(computer, "d", "a") == ["held"]
        for told in runtime.registration.on_change:
            told()
        while not (await watcher.one()).everything:
            pass


async def test_an_open_conflict_is_a_state(computer: Computer):
    async with computer.mounted() as runtime, watched(computer) as watcher:
        settle(runtime.replica, make(runtime.replica, "a", data=b"x"))
        await watcher.until("a", "synced")
        runtime.conflicts.note(ResolvedConflict(NodeId(1), "a", Lost.LOCAL, "both changed it"))
        while not (await watcher.one()).everything:
            pass
        assert await states(computer, "", "a") == ["conflict"]
        runtime.conflicts.acknowledge([1])
        assert await states(computer, "", "a") == ["synced"]


async def test_nobody_is_told_once_nobody_watches(computer: Computer):
    async with computer.mounted() as runtime:
        async with watched(computer):
            assert is_watched(runtime)
        with trio.fail_after(5):
            while is_watched(runtime):  # noqa: ASYNC110 (the server notices)
                await trio.sleep(0.01)
        make(runtime.replica, "a", data=b"x")
        assert await states(computer, "", "a", "") == ["waiting", "waiting"]


async def test_who_reads_nothing_costs_the_drive_nothing(computer: Computer, monkeypatch):
    """Its socket fills; from then on only so many numbers are noted for it."""
    monkeypatch.setattr(file_states, "REST_S", 0.001)
    async with computer.mounted() as runtime:
        with socket.socket(socket.AF_UNIX) as deaf:
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            deaf.connect(str(computer.folders.socket("docs")))
            deaf.sendall(b"POST /states/follow HTTP/1.1\r\nHost: d\r\nContent-Length: 0\r\n\r\n")
            async with watched(computer) as watcher:
                [slow, _] = await two_watchers(runtime)
                for number in range(3000):
                    make(runtime.replica, f"{number:0200}")
                    if number % 50 == 0:
                        await trio.sleep(0.002)
                assert slow.everything
                assert not slow.nodes
                await watcher.one()
                assert await states(computer, "", "0" * 200) == ["waiting"]


def is_watched(runtime: Runtime) -> bool:
    hooks = (runtime.replica._ix.touched, runtime.meter.on_transfer, runtime.conflicts.on_note)
    assert len({each is None for each in hooks}) == 1
    return hooks[0] is not None


async def two_watchers(runtime: Runtime) -> list[Any]:
    touched = runtime.replica._ix.touched
    assert touched is not None
    owner: Any = touched
    owner = owner.__self__
    with trio.fail_after(5):
        while len(owner._watchers) < 2:  # noqa: ASYNC110 (the server takes it in)
            await trio.sleep(0.01)
    return list(owner._watchers)


@pytest.mark.slow
async def test_ten_thousand_names_take_some_milliseconds_and_let_others_run(computer: Computer):
    """Measured in processor time, which other work on the machine does not change."""
    async with computer.mounted() as runtime, watched(computer):
        replica = runtime.replica
        nodes = [make(replica, f"{number}") for number in range(10_000)]
        settle(replica, *nodes[:-10])
        path = computer.folders.socket("docs")
        names = tuple(f"{number}" for number in range(10_000))
        longest = took = 0.0
        async with Client(path) as client, trio.open_nursery() as nursery:

            async def tick() -> None:
                nonlocal longest
                while True:
                    began = time.process_time()
                    await trio.lowlevel.checkpoint()
                    longest = max(longest, time.process_time() - began)

            await client.status()
            nursery.start_soon(tick)
            began = time.process_time()
            found: list[States] = []
            for start in range(0, len(names), 2500):
                request = StatesRequest("", names[start : start + 2500])
                assert len(msgspec.json.encode(request)) < 64 * 1024
                found.append(await client.states(request))
            took = time.process_time() - began
            nursery.cancel_scope.cancel()
        all_states = [each for part in found for each in part.states]
        assert sum(each is not None and each.value == "waiting" for each in all_states) == 10
        print(f"10,000 names: {took * 1000:.0f} ms; longest pause {longest * 1000:.1f} ms")
        assert took < 2
        assert longest < 0.1


async def test_who_only_asks_has_it_summed_once(computer: Computer, monkeypatch):
    """A file manager without the stream, and `status PATH`: what changed since is all that is
    looked at."""
    monkeypatch.setattr(file_states, "MOST_NOTED", 5)
    async with computer.mounted() as runtime:
        replica, summed = runtime.replica, list[int]()
        unsettled = replica.states.unsettled

        def counted() -> Any:
            summed.append(1)
            return unsettled()

        monkeypatch.setattr(replica.states, "unsettled", counted)
        for folder in ("d", "e"):
            make(replica, folder, NodeType.FOLDER)
            settle(replica, at(replica, folder))
        node = make(replica, "d/a", data=b"x")
        for _ in range(3):
            assert await states(computer, "", "d", "e") == ["waiting", "synced"]
        settle(replica, node)
        make(replica, "e/a", data=b"x")
        assert await states(computer, "", "d", "e") == ["synced", "waiting"]
        assert len(summed) == 1
        for number in range(20):
            make(replica, f"d/{number}", data=b"x")
        assert not is_watched(runtime), "nobody asks any more: nothing is noted"
        assert await states(computer, "", "d", "e") == ["waiting", "waiting"]
        assert await states(computer, "", "d", "e") == ["waiting", "waiting"]
        assert len(summed) == 2
