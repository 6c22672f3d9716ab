"""Limits: the bucket by itself, tasks that share it on a mocked clock, and the figure against a
real server."""

from __future__ import annotations

import contextlib
import math
import time

import pytest
import trio
from trio.testing import MockClock

from syncin_mount.remote.http.rate_limit import BURST, Bucket, Limits, Throttle
from tests.server.support import World, get, put

RATE = 100_000.0


@pytest.mark.parametrize(
    ("sizes", "waits"),
    [
        pytest.param([10_000], [0.0], id="a burst goes at once"),
        pytest.param(
            [10_000, 10_000, 5_000], [0.0, 0.1, 0.15], id="what comes behind it waits in its turn"
        ),
        pytest.param([110_000], [1.0], id="more than a burst"),
    ],
)
def test_what_waits(sizes: list[int], waits: list[float]) -> None:
    bucket = Bucket(RATE)
    places = [bucket.take(size, 5.0) for size in sizes]
    assert [bucket.wait(place, 5.0) for place in places] == pytest.approx(waits)


def test_rest_saves_no_more_than_a_burst() -> None:
    bucket = Bucket(RATE)
    bucket.take(10_000, 0.0)
    place = bucket.take(30_000, 3600.0)
    assert bucket.wait(place, 3600.0) == pytest.approx(0.3 - BURST)


def test_a_new_rate_finds_everybody_in_their_place() -> None:
    bucket = Bucket(RATE)
    place = bucket.take(110_000, 0.0)
    bucket.set_rate(10 * RATE, 0.5)
    assert bucket.wait(place, 0.5) == pytest.approx(0.05)
    bucket.set_rate(math.inf, 0.5)
    assert bucket.wait(place, 0.5) == 0.0
    bucket.set_rate(RATE, 1.0)
    assert bucket.wait(bucket.take(20_000, 1.0), 1.0) == pytest.approx(0.2), (
        "nothing was saved without a limit"
    )


@pytest.mark.slow
@pytest.mark.parametrize("rate", [20_000.0, 2_000_000.0, 50_000_000.0])
async def test_ten_seconds_of_several_transfers(rate: float, autojump_clock: MockClock) -> None:
    throttle = Throttle(rate)
    crossed = [0] * 6

    class Endless:
        def __aiter__(self) -> Endless:
            return self

        async def __anext__(self) -> bytes:
            return bytes(512 * 1024)

    async def transfer(number: int) -> None:
        async with contextlib.aclosing(throttle.slices(Endless())) as slices:
            async for piece in slices:
                crossed[number] += len(piece)
                await trio.sleep(0.0001)

    with trio.move_on_after(10.0):
        async with trio.open_nursery() as nursery:
            for number in range(len(crossed)):
                nursery.start_soon(transfer, number)
    assert sum(crossed) == pytest.approx(10 * rate, rel=0.05)
    assert min(crossed) > 0.8 * max(crossed), "each has its share"


async def test_small_requests_wait_for_nobody_and_are_paid_for(autojump_clock: MockClock) -> None:
    throttle = Throttle(RATE)
    await throttle.pay(10_000)
    began = trio.current_time()
    throttle.count(50_000)
    assert trio.current_time() == began
    await throttle.pay(10_000)
    assert trio.current_time() - began == pytest.approx(0.6)


async def test_whoever_waits_goes_on_at_a_new_rate(autojump_clock: MockClock) -> None:
    throttle = Throttle(1.0)
    began = trio.current_time()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(throttle.pay, 1_000_000)
        await trio.sleep(5)
        throttle.rate = None
    assert trio.current_time() - began == pytest.approx(5)


@pytest.mark.slow
@pytest.mark.parametrize("way", ["up", "down"])
async def test_a_real_transfer_is_never_faster(world: World, way: str) -> None:
    """In real time. That it is not slower either is shown with a clock of the test's own: how fast
    a busy machine is proves nothing."""
    rate, seconds = 4_000_000.0, 4.0
    size = int(rate * seconds)
    data = bytes(size)
    limits: Limits = world.session.wire.limits
    if way == "down":
        await put(world.folder, "big", data)
        limits.change(None, rate)
    else:
        limits.change(rate, None)
    began = time.monotonic()
    if way == "down":
        assert len(await get(world.folder, "big")) == size
    else:
        await put(world.folder, "big", data)
    assert size / (time.monotonic() - began) < 1.1 * rate
