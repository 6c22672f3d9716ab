"""The number of requests at once follows what the server answers best."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
import trio
import trio.testing

from reconciler.requests.concurrency import LEAST, MOST, START, Concurrency
from reconciler.requests.request_slots import Slots

Server = Callable[[int, float], float]
"""Requests a second that a server answers, by how many there are at once and the time."""


def distant(at_once: int, _now: float) -> float:
    """The line takes its time, the server none."""
    return 10.0 * at_once


def busy(at_once: int, _now: float) -> float:
    """It gets on with three; more only disturb each other."""
    return 30.0 * min(at_once, 3) / (1 + max(0, at_once - 3) * 0.2)


def flat(_at_once: int, _now: float) -> float:
    """As behind a limit."""
    return 50.0


def run(
    server: Server, seconds: float, *, noise: float = 0.0, value: int = START, size: int = 0
) -> list[int]:
    """The numbers that were in force, one for each request that ended."""
    concurrency, now, drawn, seen = Concurrency(value), 0.0, random.Random(1), []
    concurrency.begin(now)
    while now < seconds:
        now += 1 / (server(concurrency.value, now) * drawn.uniform(1 - noise, 1 + noise))
        concurrency.ended(now, size)
        seen.append(concurrency.value)
    return seen


def mostly(seen: list[int]) -> float:
    late = seen[len(seen) // 2 :]
    return sum(late) / len(late)


@pytest.mark.parametrize("size", [0, 4096, 10 << 20])
@pytest.mark.parametrize("noise", [0.0, 0.3])
@pytest.mark.parametrize(
    ("server", "least", "most"), [(distant, 8.5, 10), (busy, 2, 4.5), (flat, 2, 3)]
)
def test_it_finds_the_number_that_a_server_answers_best(
    server: Server, least: float, most: float, noise: float, size: int
) -> None:
    assert least <= mostly(run(server, 120, noise=noise, size=size)) <= most


def test_it_follows_a_server_that_becomes_busy() -> None:
    def changes(at_once: int, now: float) -> float:
        return distant(at_once, now) if now < 60 else busy(at_once, now)

    seen = run(changes, 240)
    assert max(seen) == MOST
    assert mostly(seen) < 5


@pytest.mark.parametrize("value", range(LEAST, MOST + 1))
def test_it_stays_within_its_bounds_whatever_happens(value: int) -> None:
    drawn = random.Random(value)
    seen = run(lambda _at_once, _now: drawn.uniform(0.5, 500), 300, value=value)
    assert min(seen) >= LEAST
    assert max(seen) <= MOST


def test_few_requests_change_nothing() -> None:
    concurrency = Concurrency()
    concurrency.begin(0.0)
    for number in range(10):
        concurrency.ended(number * 1.0, 0)
    assert concurrency.value == START


def test_a_time_without_requests_is_not_taken_for_slowness() -> None:
    concurrency = Concurrency(4)
    now = 0.0
    for burst in range(5):
        now += 3600 * burst
        concurrency.begin(now)
        # 40 a second, 40 in all: one window each, which has nothing to be compared with
        for _ in range(40):
            now += 1 / 40
            concurrency.ended(now, 0)
    assert 4 <= concurrency.value <= MOST


async def test_slots_let_in_as_many_as_the_rule_says_and_each_gives_its_own_back(
    autojump_clock: trio.testing.MockClock,
) -> None:
    slots = Slots(MOST)
    inside, most = 0, 0

    async def request() -> None:
        nonlocal inside, most
        async with slots:
            inside += 1
            most = max(most, inside)
            await trio.sleep(0.1)  # what a distant server takes, whatever else is asked
            inside -= 1
        slots.ended(0)

    async def client() -> None:
        for _ in range(200):
            await request()

    async with trio.open_nursery() as nursery:
        for _ in range(MOST):
            nursery.start_soon(client)
    assert inside == 0
    assert most == MOST
    assert slots.value >= MOST - 1


async def test_a_cancelled_wait_for_a_slot_leaves_the_slots_whole(
    autojump_clock: trio.testing.MockClock,
) -> None:
    slots = Slots(1)
    let_go = trio.Event()

    async def hold() -> None:
        async with slots:
            await let_go.wait()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(hold)
        await trio.testing.wait_all_tasks_blocked()
        with trio.move_on_after(1) as scope:
            async with slots:
                raise AssertionError("there was no slot")
        let_go.set()
    assert scope.cancelled_caught
    with trio.fail_after(1):
        async with slots:
            pass
