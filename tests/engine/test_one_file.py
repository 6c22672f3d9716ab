"""What fails for one file while the server answers others is that file's: the rest goes on.

In the background, as a drive works: each of these once had the whole drive offline, or had no end
of requests."""

from __future__ import annotations

import pytest
import trio

from reconciler.errors import NoConnection, Unreachable
from reconciler.executor.outgoing import STAGE_FROM_BYTES
from reconciler.reporting.report import Report
from reconciler.requests.circuit_breaker import (
    FIRST_DELAY_SECONDS,
    IN_A_ROW,
    LONGEST_DELAY_SECONDS,
    Fuse,
)
from reconciler.requests.connectivity import Connectivity
from reconciler.requests.reachability import Reach
from syncin_mount.devserver import CutRequest, CutResponse, Moment, Reply, Rule
from syncin_mount.devserver.faults import Effect
from syncin_mount.remote.http.transport import Timeouts
from tests.engine import world as worlds
from tests.engine.test_faults import HTML, HTML_TYPE, begun
from tests.engine.world import Device, World, until

REFUSALS: dict[str, Effect] = {
    "HTML 403": Reply(403, HTML, HTML_TYPE),
    "HTML 200": Reply(200, HTML, HTML_TYPE),
    "401": Reply(401),
    "408": Reply(408, HTML, HTML_TYPE),
    "302": Reply(302, HTML, HTML_TYPE),
    "502": Reply(502, HTML, HTML_TYPE),
    "504 after": Reply(504, HTML, HTML_TYPE, Moment.AFTER),
    "520": Reply(520, HTML, HTML_TYPE),
    "cut before": CutRequest(0),
    "cut after": CutResponse(0),
    "no JSON": Reply(500, "{", "application/json"),
}
METHODS = ("POST", "PUT", "HEAD", "MOVE", "DELETE", "GET")
CASES = [(method, "HTML 403") for method in METHODS]
CASES += [
    (METHODS[number % 5], refusal)
    for number, refusal in enumerate(REFUSALS)
    if refusal != "HTML 403"
]
NOISE = "send|fetch|move|touch|delete|make|cannot be fetched"


async def at_work(world: World) -> Device:
    """A drive in the background, with some files that both sides have."""
    for number in range(4):
        world.put(f"old{number}.txt", b"old %d" % number, mtime=1_600_000_000 + number)
    world.put("folder/inside.txt", b"inside", mtime=1_600_000_100)
    device = await world.device(debounce=0.05, manual=False)
    await world.settled(device)
    return device


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing stalls here, and a busy machine is no fault."""
    monkeypatch.setattr(worlds, "QUICK", Timeouts(connect=20.0, idle=20.0, slow=20.0, hashing=20.0))


@pytest.mark.slow
@pytest.mark.expected_log(NOISE, required=False)
@pytest.mark.parametrize(("method", "refusal"), CASES)
async def test_the_rest_goes_on(world: World, refusal: str, method: str) -> None:
    device = await at_work(world)
    name = "new.txt" if method == "POST" else "old0.txt"
    rule = Rule(effect=REFUSALS[refusal], method=method, path=f"*/{name}")
    world.faults.add(rule)
    if method in ("POST", "PUT", "HEAD"):
        device.write(name, b"the file that is refused")
    elif method == "MOVE":
        device.rename(name, "renamed.txt")
    elif method == "DELETE":
        device.unlink(name)
    else:
        world.put(name, b"refused to be fetched")
        device.engine.list_soon()
    await until(lambda: world.faults.acted(rule) > 0, 60)
    device.write("old1.txt", b"edited here")
    device.write("other.txt", b"new here")
    device.rename("old2.txt", "moved.txt")
    device.unlink("folder/inside.txt")
    device.rmdir("folder")
    world.put("there.txt", b"made there")
    device.engine.list_soon()
    await until(
        lambda: "folder" not in world.on_disk() and world.on_disk().get("other.txt") == b"new here",
        60,
    )
    await until(
        lambda: world.on_disk()["old1.txt"] == b"edited here" and "moved.txt" in world.on_disk(), 60
    )
    await until(lambda: "there.txt" in device.tree_of_names() and not device.hydrator.waiting, 60)
    assert device.link.online is True
    assert world.faults.acted(rule) <= 12, "it is tried again and again"
    world.faults.clear()
    assert (await device.sync()).complete
    await world.settled(device)
    assert device.tree() == world.on_disk()


@pytest.mark.slow
@pytest.mark.expected_log(NOISE, required=False)
async def test_a_proxy_that_lets_no_upload_pass(world: World) -> None:
    """Some of them are tried, and the deletions go all the same. When it lets them pass, all go
    soon."""
    device = await at_work(world)
    rule = Rule(effect=Reply(403, HTML, HTML_TYPE), method="POST", path="*/many*")
    world.faults.add(rule)
    for number in range(60):
        device.write(f"many{number}.txt", b"many %d" % number)
    device.unlink("old0.txt")
    await until(lambda: "old0.txt" not in world.on_disk(), 60)
    await until(lambda: len(device.engine.status().problems) == 60, 60)
    tried = {
        each.path for each in world.server.requests if each.method == "POST" and "many" in each.path
    }
    assert len(tried) < 40, "some try for all"
    assert device.link.online is True
    await until(lambda: device.engine.status().waiting == 60, 60)  # its answer may be on its way
    world.faults.clear()
    assert (await device.sync()).complete
    assert len(world.on_disk()) == 4 + 60 + 1


@pytest.mark.slow
@pytest.mark.expected_log(NOISE, required=False)
async def test_a_proxy_that_lets_no_download_pass(world: World) -> None:
    rule = Rule(effect=Reply(403, HTML, HTML_TYPE), method="GET", path="*/many*")
    world.faults.add(rule)
    for number in range(60):
        world.put(f"many{number}.txt", b"many %d" % number)
    device = await world.device()
    report = await device.sync()
    assert not report.offline
    assert len(device.engine.status().problems) == 60
    tried = {
        each.path for each in world.server.requests if each.method == "GET" and "many" in each.path
    }
    assert len(tried) < 40, "some try for all"
    world.faults.clear()
    await device.sync()
    assert not device.engine.status().problems
    assert device.tree() == world.on_disk()


async def test_a_server_that_is_away_is_offline(world: World) -> None:
    """The greeting is not answered either: nothing is a problem of a file."""
    device = await begun(world)
    for effect in (
        Reply(502, HTML, HTML_TYPE),
        Reply(200, HTML, HTML_TYPE),
        CutRequest(0),
        CutResponse(0),
    ):
        device.write("new.txt", b"new here")
        world.faults.add(Rule(effect=effect))
        report = await device.engine.sync()
        assert report.offline
        status = device.engine.status()
        assert status.online is False
        assert not status.problems
        world.faults.clear()


@pytest.mark.expected_log(NOISE, required=False)
async def test_a_conflict_that_cannot_be_settled_is_counted_once(world: World) -> None:
    device = await begun(world)
    device.write("edit.txt", b"edited here, later", mtime=1_700_000_100)
    world.put("edit.txt", b"edited there", mtime=1_700_000_000)
    world.faults.add(Rule(effect=Reply(403, HTML, HTML_TYPE), method="PUT"))
    for _ in range(4):
        assert (await device.sync()).conflicts == 1
    assert device.engine.status().conflicts == 1
    device.write("edit.txt", b"edited here, and once more", mtime=1_700_000_200)
    await device.sync()
    assert device.engine.status().conflicts == 2
    world.faults.clear()
    assert (await device.sync()).complete


@pytest.mark.expected_log(NOISE, required=False)
async def test_the_history_has_a_refusal_once(world: World) -> None:
    """What is tried again and again, and refused for the same reason."""
    device = await begun(world)
    device.write("edit.txt", b"edited here")
    world.faults.add(Rule(effect=Reply(500), method="PUT"))
    for _ in range(3):
        await device.engine._full(Report())
        device.engine._parts.backlog.backoff._nodes[device.node("edit.txt")].until = 0.0
    failed = [
        each for each in device.replica.history.query() if each.path == "edit.txt" and each.why
    ]
    assert len(failed) == 1


class Greeter:
    """A server that only greets. ``error`` is what becomes of it."""

    error: Exception | None = None
    asked = 0

    async def greet(self) -> None:
        self.asked += 1
        await trio.sleep(1)
        if self.error is not None:
            raise self.error


async def test_one_greeting_answers_all_who_wait_for_it(
    autojump_clock: trio.testing.MockClock,
) -> None:
    server, link = Greeter(), Connectivity()
    reach = Reach(server, link)  # type: ignore[arg-type]  # as much of a server as it asks
    found: list[bool] = []

    async def meet() -> None:
        found.append(await reach.is_away(Unreachable("cut")))

    for error, away in ((None, False), (Unreachable("no answer"), True)):
        server.error, server.asked = error, 0
        found.clear()
        async with trio.open_nursery() as nursery:
            for _ in range(6):
                nursery.start_soon(meet)
        assert found == [away] * 6
        assert server.asked <= 2
        assert link.online is not away
    assert await reach.is_away(NoConnection("refused"))
    assert link.why == "refused"


def test_a_fuse_lets_one_try_for_all_with_growing_rests() -> None:
    fuse, now = Fuse(), 0.0
    for _ in range(IN_A_ROW - 1):
        fuse.failed(now, "no")
    assert fuse.wait(now) == 0
    fuse.passed()
    for _ in range(IN_A_ROW + 5):  # those that are on their way count once
        fuse.begin(now)
        fuse.failed(now, "no")
    assert fuse.wait(now) > 0
    rests = []
    for _ in range(20):
        rests.append(fuse.wait(now))
        now += fuse.wait(now)
        assert fuse.wait(now) == 0
        fuse.begin(now)
        assert fuse.wait(now) > 0, "one at a time"
        fuse.failed(now, "no")
    assert rests == sorted(rests)
    assert rests[0] >= FIRST_DELAY_SECONDS
    assert rests[-1] == LONGEST_DELAY_SECONDS
    assert fuse.passed()
    assert fuse.wait(now) == 0
    assert not fuse.passed()


@pytest.mark.slow
async def test_a_lost_lock_on_a_name_of_ours_has_another_taken_at_once(world: World) -> None:
    """A server that was killed leaves it for 8 hours: tried under the same name again, the file
    waited for so long."""
    device = await world.device()
    big = b"content" * (STAGE_FROM_BYTES // 4)
    device.write("big", big)
    rule = Rule(effect=Reply(423), method="PUT", pattern=r"/\.sync-in\.mount\.[^/]*$")
    world.faults.add(rule)
    assert (await device.sync()).complete
    assert world.on_disk() == {"big": big}
    assert world.faults.acted(rule) == 2, (
        "once more after a moment, in which a broken upload's lock goes"
    )
    assert not list(world.disk.rglob(".sync-in.*"))


@pytest.mark.slow
@pytest.mark.expected_log("send", required=False)
async def test_where_every_name_is_locked_a_few_are_tried(world: World) -> None:
    device = await world.device()
    device.write("big", b"content" * (STAGE_FROM_BYTES // 4))
    rule = Rule(effect=Reply(423), method="PUT")
    world.faults.add(rule)
    assert not (await device.sync()).complete
    assert world.faults.acted(rule) <= 5
    world.faults.clear()
    assert (await device.sync()).complete


@pytest.mark.expected_log(NOISE, required=False)
async def test_a_file_for_which_the_log_in_is_refused_after_its_answer_was_lost(
    world: World,
) -> None:
    """It is asked for before the next listing, whether it arrived: that fails for it alone."""
    device = await world.device()
    lost = Rule(effect=CutResponse(0), method="POST", path="*/lost.txt")
    world.faults.add(lost)
    world.faults.add(Rule(effect=Reply(401), method="HEAD", path="*/lost.txt"))
    device.write("lost.txt", b"its answer is lost")
    await device.sync()
    assert world.faults.acted(lost)
    device.write("other.txt", b"goes on")
    report = await device.sync()
    assert report.refused is None
    assert world.on_disk()["other.txt"] == b"goes on"
    world.faults.clear()
    assert (await device.sync()).complete
    assert device.tree() == world.on_disk()
