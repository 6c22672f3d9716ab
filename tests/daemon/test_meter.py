from __future__ import annotations

from reconciler.hydration.download import DownloadProgress, Downloads
from reconciler.model import Action, Kind, Local, NodeId, Op, Outcome, Remote, Result, Side
from syncin_mount.app.runs.progress_meter import Meter
from syncin_mount.cli.ui.progress_text import amounts, doing, line, part, percent, share


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
    assert line(meter.progress()) == "the server counts checksums: 2000 of 20000, 10 %"
    meter.comparing(7, 20_000)
    assert line(meter.progress()) == "comparing contents: 7 of 20000, 0 %"
    meter.read(32 << 20)
    meter.comparing(8, 20_000)
    assert amounts(meter.progress()) == "8 of 20000, 32.0 MiB read"
    meter.comparing(8, 20_000)
    assert share(meter.progress()) == (8, 20_000)
    assert part(meter.progress()) == 0.0  # of the whole run nobody knows it


def test_a_file_that_is_hashed_before_it_is_sent_says_so_with_its_bytes():
    """`sync` once said "0 B/s" for as long as that took."""
    seconds = [0.0]
    meter = Meter(lambda: seconds[0])
    one = send(2, 4 << 30)
    meter.planned([one])
    meter.started(one, "a.iso")
    for _ in range(4):
        seconds[0] += 1.0
        meter.preparing(one, 256 << 20)
    [running] = meter.running()
    assert (running.phase, running.done, running.speed) == ("preparing", 1 << 30, float(256 << 20))
    assert running.left == 12.0
    now = meter.progress()
    assert (now.bytes_done, doing(now)) == (0, "preparing")
    meter.resumes(one, 0)
    meter.advanced(one, 1 << 30)
    [running] = meter.running()
    assert (running.phase, running.done) == ("transferring", 1 << 30)
    meter.advanced(one, 3 << 30)
    assert meter.running()[0].phase == "finishing"


def test_an_upload_that_goes_on_where_it_broke_off_counts_what_is_there():
    meter = Meter(lambda: 0.0)
    one = send(2, 100)
    meter.planned([one])
    meter.started(one, "a")
    meter.resumes(one, 60)
    meter.advanced(one, 10)
    assert (meter.progress().bytes_done, meter.running()[0].done) == (70, 70)
    meter.resumes(one, 0)  # the server had something else: all of it is sent once more
    meter.advanced(one, 50)
    assert (meter.progress().bytes, meter.progress().bytes_done) == (100, 50)


def test_totals_hold_what_comes_after_the_run():
    """5,000 new files on the server: the names come first, and the contents by themselves."""
    meter = Meter(lambda: 0.0)
    some = [fetch(node, 10) for node in range(2, 5002)]
    meter.planned(some)
    assert (meter.progress().files, meter.progress().bytes) == (5000, 50_000)
    for action in some:
        meter.started(action, "a")
        meter.ended(Outcome(action, Result.DONE), "a")
    coming = Downloads(waiting=5000, bytes=50_000)
    now = meter.progress(coming)
    assert (now.files, now.files_done, now.bytes, now.bytes_done) == (5000, 0, 50_000, 0)
    for action in some[:1250]:
        meter.ended(Outcome(action, Result.DONE), "a")
    now = meter.progress(Downloads(waiting=3750, bytes=37_500))
    assert (amounts(now), percent(now)) == ("1250 of 5000 files, 12.2 KiB of 48.8 KiB", "25 %")


def test_a_second_plan_counts_what_is_left_of_the_first_once():
    meter = Meter(lambda: 0.0)
    one, two = send(2, 100), send(3, 50)
    meter.reset()
    meter.planned([one, two])
    for action, result in ((one, Result.DONE), (two, Result.STALE)):
        meter.started(action, "a")
        meter.ended(Outcome(action, result), "a")
    meter.planned([two])
    now = meter.progress()
    assert (now.actions, now.actions_done, now.bytes, now.bytes_done) == (3, 2, 150, 100)


def test_what_a_drive_does_by_itself_is_counted_anew_for_each_plan():
    meter = Meter(lambda: 0.0)
    for node in (2, 3):
        one = send(node, 100)
        meter.planned([one])
        assert (meter.progress().actions, meter.progress().bytes) == (1, 100)
        meter.started(one, "a")
        meter.ended(Outcome(one, Result.DONE), "a")


def test_the_rest_of_many_small_files_is_told_by_their_number():
    seconds = [0.0]
    meter = Meter(lambda: seconds[0])
    some = [send(node, 1000) for node in range(2, 102)]
    meter.planned(some)
    for action in some[:20]:
        seconds[0] += 0.1
        meter.started(action, "a")
        meter.advanced(action, 1000)
        meter.ended(Outcome(action, Result.DONE), "a")
    now = meter.progress()
    assert now.speed is not None
    assert now.left is not None
    assert (round(now.speed), round(now.left)) == (10_000, 8)
