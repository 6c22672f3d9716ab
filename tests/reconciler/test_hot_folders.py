"""Which folder of the server is looked into next, and when."""

from __future__ import annotations

import itertools

import pytest

from reconciler.engine.looks.hot_folders import (
    FAILED_REST,
    LONGEST_REST,
    MOST,
    SHARE,
    SHORTEST_REST,
    WALK,
    HotFolders,
)
from reconciler.model import ROOT, NodeId

A, B = NodeId(7), NodeId(8)


def looks(hot: HotFolders, start: float, stop: float, seconds: float = 0.002) -> list[float]:
    """When looks are made from ``start`` to ``stop``, each of which takes so long."""
    found, now = [], start
    while (due := hot.next_due(now)) is not None and due[1] <= stop:
        now = max(now, due[1])
        found.append(now)
        now += seconds
        hot.looked(due[0], now, seconds)
    return found


def test_nobody_looks_anywhere() -> None:
    assert HotFolders().next_due(0.0) is None


def test_a_visited_folder_is_looked_into_at_once_and_then_ever_more_seldom() -> None:
    hot = HotFolders()
    assert hot.visit(A, 0.0)
    found = looks(hot, 0.0, 10_000.0)
    assert found[0] == 0.0
    pauses = [round(after - before, 3) for before, after in itertools.pairwise(found)]
    assert pauses == sorted(pauses)
    assert pauses[0] == pytest.approx(2.0, abs=0.1)
    assert pauses[-1] == pytest.approx(30.0, abs=0.1)
    assert found[-1] < 3700, "an hour after the last visit nobody waits any more"
    assert hot.next_due(10_000.0) is None


def test_an_open_folder_stays_hot() -> None:
    hot = HotFolders()
    for second in range(0, 20_000, 50):
        hot.keep_open([A], float(second))
    [last] = looks(hot, 19_951.0, 19_952.0)
    assert last == 19_951.0


def test_a_visit_wakes_only_where_it_is_news() -> None:
    hot = HotFolders()
    assert hot.visit(A, 0.0)
    assert not hot.visit(A, 1.0)
    assert hot.visit(A, 4.0)


def test_looks_take_a_small_share_of_the_time() -> None:
    hot = HotFolders()
    for folder in range(WALK):
        hot.visit(NodeId(folder + 2), 0.0)
    found = looks(hot, 0.0, 55.0, seconds=0.05)
    assert 0.05 * len(found) < 55.0 / SHARE * 1.5


def test_costly_looks_do_not_end_for_ever() -> None:
    hot = HotFolders()
    hot.visit(A, 0.0)
    hot.looked(A, 0.0, 500.0)
    assert hot.next_due(0.0) == (A, LONGEST_REST)
    hot = HotFolders()
    hot.visit(A, 0.0)
    hot.visit(B, 0.0)
    hot.looked(A, 0.0, 0.0)
    assert hot.next_due(0.0) == (B, SHORTEST_REST)


def test_after_a_failed_look_there_is_a_rest() -> None:
    hot = HotFolders()
    hot.visit(A, 0.0)
    hot.failed(A, 1.0)
    assert hot.next_due(1.0) == (A, 1.0 + FAILED_REST)


def test_one_folder_that_cannot_be_read_does_not_end_the_looks_into_others() -> None:
    hot = HotFolders()
    hot.visit(A, 0.0)
    hot.visit(B, 0.0)
    now, seen = 0.0, []
    for _ in range(20):
        folder, due = due_at(hot, now)
        now = max(now, due)
        seen.append(folder)
        if folder == A:
            hot.failed(A, now)
        else:
            hot.looked(folder, now, 0.002)
    assert seen.count(B) >= 18
    assert now < 60.0


def test_a_server_that_refuses_every_look_is_asked_ever_more_seldom() -> None:
    hot = HotFolders()
    for number in range(200):
        hot.visit(NodeId(number + 2), 2.0 * number)
    now, asked = 400.0, 0
    while now < 1000.0:
        folder, due = due_at(hot, now)
        now = max(now, due)
        hot.failed(folder, now)
        asked += 1
    assert asked < 20


def test_an_open_folder_is_not_kept_waiting_by_many_that_were_visited_once() -> None:
    """A search that went through 250 folders half an hour ago: they would take all looks."""
    hot = HotFolders()
    for number in range(250):
        hot.visit(NodeId(number + 100), 1.1 * number)
    looks(hot, 300.0, 1800.0, seconds=0.01)
    assert len(in_turn(hot, 1800.0, 2400.0, seconds=0.01)) > 100
    assert len(hot._visited) > 200, "they are looked into, too"


def test_the_newest_folder_is_first_when_others_send_all_the_time() -> None:
    """Each call makes all folders due: the lowest numbers would take all looks."""
    hot = HotFolders()
    for number in range(30):
        hot.visit(NodeId(number + 100), 2.0 * number)
    assert len(in_turn(hot, 61.0, 361.0, seconds=0.01, called=3.0)) > 30


def due_at(hot: HotFolders, now: float) -> tuple[NodeId, float]:
    found = hot.next_due(now)
    assert found is not None
    return found


def in_turn(
    hot: HotFolders, start: float, stop: float, *, seconds: float, called: float = 1e9
) -> list[float]:
    """When an open folder with a high number is looked into, where each look takes so long and
    others send something every ``called`` seconds."""
    opened, found, now, call = NodeId(5000), [], start, start + called
    while now < stop:
        hot.keep_open([opened], now)
        if now >= call:
            hot.look_now(now)
            call = now + called
        folder, due = due_at(hot, now)
        if due > now:
            now = min(due, now + 1.0)
            continue
        now += seconds
        hot.looked(folder, now, seconds)
        if folder == opened:
            found.append(now)
    return found


def test_somebody_else_sent_something() -> None:
    hot = HotFolders()
    hot.visit(A, 0.0)
    hot.looked(A, 0.0, 0.001)
    hot.look_now(0.5)
    due = hot.next_due(0.5)
    assert due is not None
    assert due[1] <= 0.5


def test_several_have_their_turns() -> None:
    hot = HotFolders()
    hot.visit(A, 0.0)
    hot.visit(B, 0.0)
    seen = []
    now = 0.0
    for _ in range(6):
        due = hot.next_due(now)
        assert due is not None
        now = max(now, due[1])
        seen.append(due[0])
        hot.looked(due[0], now, 0.001)
    assert seen == [A, B] * 3


def test_who_walks_through_a_tree_makes_no_crowd_of_it() -> None:
    hot = HotFolders()
    hot.visit(ROOT, 0.0)
    for number in range(10_000):
        hot.visit(NodeId(100 + number), 1.0 + number / 10_000)
    assert len(hot._visited) <= WALK + 3
    assert ROOT in hot._visited
    assert hot.visit(ROOT, 3.5), "who is there already stays"


def test_memory_does_not_grow() -> None:
    hot = HotFolders()
    for number in range(5 * MOST):
        hot.visit(NodeId(number + 2), 2.0 * number)
        hot.looked(NodeId(number + 2), 2.0 * number, 0.001)
    assert len(hot._visited) <= MOST
    assert len(hot._looked) <= MOST


def test_after_a_listing_all_are_as_if_looked_into() -> None:
    hot = HotFolders()
    hot.visit(A, 0.0)
    hot.listed(1.0)
    assert hot.next_due(1.0) == (A, 3.0)


def test_one_that_is_gone_is_forgotten() -> None:
    hot = HotFolders()
    hot.visit(A, 0.0)
    hot.forget(A)
    assert hot.next_due(0.0) is None
