from __future__ import annotations

from reconciler.hydration.hydrator import DownloadProgress, Downloads
from reconciler.model import Action, Kind, Local, NodeId, Op, Outcome, Remote, Result, Side
from syncin_mount.app.progress_meter import Meter
from syncin_mount.cli.ui.progress_bars import detail, part, share


def send(node: int, size: int) -> Action:
    local = Local(Kind.FILE, NodeId(1), f"{node}", size, 0, 1)
    return Action(Op.SEND, Side.REMOTE, NodeId(node), None, local, None)


def fetch(node: int, size: int) -> Action:
    return Action(
        Op.FETCH,
        Side.LOCAL,
        NodeId(node),
        None,
        None,
        Remote(Kind.FILE, NodeId(1), "x", size, 0, 0),
    )


def test_a_run_is_followed_from_listing_to_end():
    meter = Meter()
    assert meter.progress().phase == "starting"
    meter.listing(1000)
    assert (meter.progress().phase, meter.progress().entries) == ("listing", 1000)
    one, two = send(2, 100), send(3, 50)
    meter.planned([one, two])
    meter.started(one, "a")
    meter.advanced(one, 40)
    meter.started(two, "b")
    now = meter.progress(Downloads(waiting=7))
    assert (now.phase, now.actions, now.actions_done, now.bytes, now.bytes_done) == (
        "carrying",
        2,
        0,
        150,
        40,
    )
    assert now.current == ("a", "b")
    assert (now.files, now.files_done) == (9, 0)
    assert now.to_fetch == 7
    assert [(each.path, each.done, each.size) for each in meter.running()] == [
        ("a", 40, 100),
        ("b", 0, 50),
    ]
    meter.ended(Outcome(one, Result.DONE), "a")
    meter.ended(Outcome(two, Result.FAILED), "b")
    now = meter.progress()
    assert (now.actions_done, now.bytes_done, now.current) == (2, 100, ())


def test_what_was_equal_already_counts_as_carried():
    meter = Meter()
    one = send(2, 100)
    meter.planned([one])
    meter.started(one, "a")
    meter.ended(Outcome(one, Result.DONE), "a")
    assert meter.progress().bytes_done == 100


def test_contents_that_the_hydrator_brings_are_counted_apart():
    meter = Meter()
    meter.fetching()
    meter.ended(Outcome(fetch(2, 10), Result.DONE), "a")
    now = meter.progress(Downloads(waiting=3))
    assert (now.phase, now.fetched, now.to_fetch, now.actions_done) == ("fetching", 1, 3, 0)


def test_a_new_run_counts_from_zero_and_forgets_nothing_under_way():
    meter = Meter()
    meter.planned([send(2, 100), send(3, 400)])
    meter.started(send(2, 100), "a")
    meter.advanced(send(2, 100), 30)
    meter.reset()
    now = meter.progress()
    assert (now.actions, now.bytes, now.bytes_done, now.current) == (1, 70, 0, ("a",))


def test_speed_and_time_left_of_what_is_under_way():
    seconds = [0.0]
    meter = Meter(lambda: seconds[0])
    one = send(2, 1000)
    meter.started(one, "a")
    meter.advanced(one, 100)
    assert (meter.running()[0].speed, meter.running()[0].left) == (None, None)
    seconds[0] = 1.0
    meter.advanced(one, 100)
    [running] = meter.running()
    assert (running.done, running.speed, running.left) == (200, 200.0, 4.0)


def test_what_the_hydrator_receives_is_shown_once():
    meter = Meter(lambda: 0.0)
    meter.started(fetch(2, 100), "a")
    arriving = (
        DownloadProgress(NodeId(2), "a", 50, 100, 10.0),
        DownloadProgress(NodeId(3), "b", 1, 2, None),
    )
    found = meter.running(Downloads(2, 51, arriving))
    assert [(each.path, each.done, each.speed, each.left) for each in found] == [
        ("a", 50, 10.0, 5.0),
        ("b", 1, None, None),
    ]


def test_contents_that_are_compared_are_counted():
    """`sync` once said only that it lists, for minutes after an import."""
    meter = Meter()
    meter.comparing(2000, 20_000, there=True)
    assert detail(meter.progress()) == "the server counts checksums, 2000 of 20000"
    meter.comparing(7, 20_000)
    assert detail(meter.progress()) == "comparing contents, 7 of 20000"
    assert share(meter.progress()) == (7, 20_000)
    assert part(meter.progress()) == 0.0  # of the whole run nobody knows it
