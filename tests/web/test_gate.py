"""Tickets and tokens: values and a clock."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from syncin_mount.web.asgi import BODY_S, Unanswerable, read_body
from syncin_mount.web.routes import OneDrive
from syncin_mount.web.tickets import IDLE_S, MOST_TICKETS, MOST_TOKENS, TICKET_S, Gate


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def token(gate: Gate) -> str:
    found = gate.exchange(gate.ticket())
    assert found is not None
    return found


@pytest.mark.parametrize(("age", "good"), [(TICKET_S - 0.1, True), (TICKET_S, False)])
def test_a_ticket_is_good_for_thirty_seconds(clock: Clock, age: float, good: bool):
    gate = Gate(clock)
    ticket = gate.ticket()
    clock.now += age
    assert (gate.exchange(ticket) is not None) == good


@pytest.mark.parametrize(("idle", "good"), [(IDLE_S - 0.1, True), (IDLE_S, False)])
def test_a_token_ends_when_nobody_uses_it(clock: Clock, idle: float, good: bool):
    gate = Gate(clock)
    mine = token(gate)
    for _ in range(3):  # each use is a new while
        clock.now += IDLE_S / 2
        assert gate.admits(mine)
    clock.now += idle
    assert gate.admits(mine) == good


def test_a_ticket_seen_twice_ends_its_token_and_no_other(clock: Clock):
    gate = Gate(clock)
    ticket, other = gate.ticket(), token(gate)
    mine = gate.exchange(ticket)
    assert mine is not None
    assert gate.exchange(ticket) is None
    assert (gate.admits(mine), gate.admits(other)) == (False, True)


def test_tickets_and_tokens_are_of_a_number(clock: Clock):
    gate = Gate(clock)
    tickets = [gate.ticket() for _ in range(MOST_TICKETS + 1)]
    assert gate.exchange(tickets[0]) is None
    assert gate.exchange(tickets[1]) is not None
    tokens = [token(gate) for _ in range(MOST_TOKENS + 1)]
    assert [gate.admits(each) for each in (tokens[0], tokens[1], tokens[-1])] == [
        *(False, True, True)
    ]


def test_no_two_are_the_same(clock: Clock):
    gate = Gate(clock)
    assert len({gate.ticket() for _ in range(100)} | {token(gate) for _ in range(100)}) == 200


# --- bodies ---------------------------------------------------------------------------------------


async def test_a_body_that_does_not_come_is_not_waited_for(autojump_clock: MockClock):
    async def silent() -> dict[str, Any]:
        await trio.sleep_forever()
        raise AssertionError

    receive: Callable[[], Awaitable[dict[str, Any]]] = silent
    with pytest.raises(Unanswerable) as refused:
        await read_body(receive, OneDrive)
    assert refused.value.status == 408
    assert trio.current_time() == pytest.approx(BODY_S)
