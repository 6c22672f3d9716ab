"""Tickets, tokens and peers: values and a clock."""

from __future__ import annotations

import os
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from syncin_mount.web import peers
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


# --- peers ----------------------------------------------------------------------------------------

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid inode"


def line(local: str, remote: str, uid: int, inode: int = 77) -> str:
    return f"   1: {local} {remote} 01 00000000:00000000 00:00000000 00000000 {uid:5} 0 {inode} 1"


CLIENT, SERVER = ("127.0.0.1", 0x1234), ("127.0.0.1", 0x8765)
NEAR, FAR = "0100007F:1234", "0100007F:8765"


@pytest.mark.parametrize(
    ("lines", "uid"),
    [
        ([line(NEAR, FAR, 1000)], 1000),
        ([line(FAR, NEAR, 0), line(NEAR, FAR, 1000)], 1000),  # our own end is not who connected
        ([line(NEAR, "0100007F:8766", 1000)], None),
        ([line(NEAR, FAR, 0, inode=0)], None),  # closed: whose it was, the kernel does not say
        ([line("0000000000000000FFFF0000" + NEAR, "0000000000000000FFFF0000" + FAR, 7)], 7),
        ([], None),
    ],
)
def test_whose_a_connection_is_stands_in_the_kernel_s_table(lines: list[str], uid: int | None):
    assert peers.find([HEAD, *lines], CLIENT, SERVER) == uid


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_the_kernel_knows_this_process(family: socket.AddressFamily):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.socket(family) as client:
            client.connect(("::ffff:127.0.0.1" if family is socket.AF_INET6 else "127.0.0.1", port))
            connection, (host, there) = server.accept()
            with connection:
                assert peers.uid_of((host, there), ("127.0.0.1", port)) == os.getuid()
                assert peers.is_ours((host, there), ("127.0.0.1", port))
    assert peers.uid_of((host, there), ("127.0.0.1", port)) is None


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
