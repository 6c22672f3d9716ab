"""What the supervisor decides: a table, no process."""

from __future__ import annotations

import hypothesis
import hypothesis.strategies as st
import pytest

from syncin_mount.control.supervision import Phase
from syncin_mount.supervisor.restart_policy import (
    AT_ONCE,
    BUSY_RETRY_S,
    FIRST_BACKOFF_S,
    LONG_ENOUGH,
    LONGEST_BACKOFF_S,
    RestartPolicy,
    Start,
    Stop,
    backoff_after,
)

DOCS = Start("docs", manual=False)


def up(now: float = 0.0) -> RestartPolicy:
    """A table with ``docs`` mounted."""
    table = RestartPolicy()
    table.configured(now, ["docs"])
    assert table.decide(now) == [DOCS]
    table.running(now, "docs")
    return table


@pytest.mark.parametrize(
    ("failures", "pause"),
    [(1, 2.0), (2, 4.0), (3, 8.0), (7, 128.0), (8, 256.0), (9, 300.0), (10_000, 300.0)],
)
def test_pauses_grow_from_two_seconds_to_five_minutes(failures: int, pause: float):
    assert backoff_after(failures) == pause


def test_what_is_enabled_is_started_once():
    table = RestartPolicy()
    table.configured(0.0, ["docs"])
    assert not table.is_stable(0.0)
    assert table.decide(0.0) == [DOCS]
    assert table.decide(100.0) == []
    assert not table.is_stable(100.0)
    table.running(101.0, "docs")
    assert table.decide(1000.0) == []
    assert table.is_stable(1000.0)


def test_no_more_than_some_start_at_the_same_time():
    table = RestartPolicy()
    names = [f"n{i}" for i in range(AT_ONCE + 2)]
    table.configured(0.0, names)
    assert len(table.decide(0.0)) == AT_ONCE
    table.running(1.0, "n0")
    table.refused(1.0, "n1", 1, "no")
    assert table.decide(1.0) == [Start("n4", manual=False), Start("n5", manual=False)]


def test_a_killed_one_is_started_again_after_the_pause_and_tells_why():
    table = up()
    table.ended(10.0, "docs", in_order=False, why="it was killed", status=1)
    drive = table.drives["docs"]
    assert (drive.phase, drive.why, drive.failures) == (Phase.WAITING, "it was killed", 1)
    assert table.is_stable(10.0)
    assert table.decide(10.0 + FIRST_BACKOFF_S - 0.1) == []
    assert table.next_due(10.0) == FIRST_BACKOFF_S
    assert table.decide(10.0 + FIRST_BACKOFF_S) == [DOCS]
    table.running(13.0, "docs")
    assert table.drives["docs"].why is None


@pytest.mark.parametrize(("lived", "failures"), [(LONG_ENOUGH - 1, 4), (LONG_ENOUGH, 1)])
def test_only_a_long_enough_life_makes_pauses_short_again(lived: float, failures: int):
    table = RestartPolicy()
    table.configured(0.0, ["docs"])
    now = 0.0
    for _ in range(3):
        table.decide(now)
        table.refused(now, "docs", 5, "no")
        now = table.drives["docs"].due
    table.decide(now)
    table.running(now, "docs")
    table.ended(now + lived, "docs", in_order=False, why="killed", status=1)
    assert table.drives["docs"].failures == failures
    assert table.drives["docs"].due == now + lived + backoff_after(failures)


def test_what_was_unmounted_stays_down_until_it_is_wanted_back():
    table = up()
    table.ended(10.0, "docs", in_order=True)
    assert table.drives["docs"].phase is Phase.DOWN
    assert (table.decide(10_000.0), table.next_due(10.0), table.is_stable(10.0)) == ([], None, True)
    table.configured(20.0, ["docs", "pics"])
    assert table.decide(20.0) == [Start("pics", manual=False)]
    table.release(30.0, "docs", manual=True)
    assert table.decide(30.0) == [Start("docs", manual=True)]


def test_what_was_unmounted_and_mounted_by_hand_is_looked_after_again():
    table = up()
    table.ended(10.0, "docs", in_order=True)
    table.running(20.0, "docs")
    table.ended(30.0, "docs", in_order=False, why="killed", status=1)
    assert table.drives["docs"].phase is Phase.WAITING


def test_holding_what_waits_leaves_it_down_and_what_is_up_alone():
    table = up()
    table.configured(0.0, ["docs", "pics"])
    table.hold()
    assert table.drives["pics"].phase is Phase.DOWN
    assert table.drives["docs"].phase is Phase.UP
    assert table.decide(1000.0) == []


def test_up_again_tries_failed_ones_at_once_and_from_the_shortest_pause():
    table = RestartPolicy()
    table.configured(0.0, ["docs"])
    for now in (0.0, 100.0, 1000.0):
        table.decide(now)
        table.refused(now, "docs", 5, "no")
    assert table.decide(1001.0) == []
    table.release(1001.0)
    assert not table.is_stable(1001.0)
    assert table.decide(1001.0) == [DOCS]
    table.refused(1001.0, "docs", 5, "no")
    assert table.drives["docs"].due == 1001.0 + FIRST_BACKOFF_S


class TestNotEnabledAnyMore:
    def test_it_is_stopped_and_forgotten(self):
        table = up()
        table.configured(5.0, [])
        assert table.decide(5.0) == [Stop("docs")]
        assert not table.is_stable(5.0)
        table.ended(6.0, "docs", in_order=True)
        assert table.drives == {}

    def test_in_use_it_is_asked_again(self):
        table = up()
        table.configured(5.0, [])
        table.decide(5.0)
        table.busy(5.0, "docs", "files are open")
        assert (table.is_stable(5.0), table.drives["docs"].why) == (True, "files are open")
        assert table.decide(5.0 + BUSY_RETRY_S - 0.1) == []
        assert table.decide(5.0 + BUSY_RETRY_S) == [Stop("docs")]

    def test_while_it_starts_it_is_stopped_when_it_is_up(self):
        table = RestartPolicy()
        table.configured(0.0, ["docs"])
        table.decide(0.0)
        table.configured(1.0, [])
        assert table.decide(1.0) == []
        table.running(2.0, "docs")
        assert table.decide(2.0) == [Stop("docs")]

    @pytest.mark.parametrize("enabled_again", [True, False])
    def test_killed_it_does_not_come_back_unless_it_is_enabled_again(self, enabled_again: bool):
        table = up()
        table.configured(5.0, [])
        table.decide(5.0)
        if enabled_again:
            table.configured(5.5, ["docs"])
        table.ended(6.0, "docs", in_order=not enabled_again, why="killed", status=1)
        assert table.decide(6.0) == ([DOCS] if enabled_again else [])

    def test_while_it_waits_it_is_forgotten_at_once(self):
        table = RestartPolicy()
        table.configured(0.0, ["docs"])
        table.decide(0.0)
        table.refused(0.0, "docs", 1, "no")
        table.configured(1.0, [])
        assert table.drives == {}
        table.configured(2.0, ["docs"])
        assert table.decide(2.0) == [DOCS]


def test_at_the_end_nothing_is_started_or_stopped_any_more():
    table = up()
    table.end()
    table.ended(1.0, "docs", in_order=False, why="killed", status=1)
    table.configured(2.0, ["pics"])
    assert table.decide(1000.0) == []
    assert table.next_due(1000.0) is None


_STEP = st.tuples(
    st.sampled_from(
        ["configured", "running", "refused", "ended", "in order", "busy", "release", "hold"]
    ),
    st.sampled_from(["a", "b"]),
    st.booleans(),
    st.floats(0.0, 400.0),
)


class World:
    """What there really is: ``alive`` has a daemon from Start until it refuses or ends, ``rests``
    failed and waits until then."""

    def __init__(self) -> None:
        self.table = RestartPolicy()
        self.now = 0.0
        self.enabled: set[str] = set()
        self.alive: set[str] = set()
        self.rests: dict[str, float] = {}

    def people(self, what: str, name: str, flag: bool) -> None:
        if what == "configured":
            self.enabled = self.enabled | {name} if flag else self.enabled - {name}
            self.table.configured(self.now, self.enabled)
            if not flag:
                self.rests.pop(name, None)
            return
        if what == "release":
            self.table.release(self.now, name if flag else None)
        else:
            self.table.hold(name if flag else None)
        self.rests = {each: due for each, due in self.rests.items() if flag and each != name}

    def daemon(self, what: str, name: str) -> None:
        phase = self.table.drives[name].phase
        if what == "running" and phase is Phase.STARTING:
            self.table.running(self.now, name)
        elif what == "busy" and phase is Phase.STOPPING:
            self.table.busy(self.now, name, "in use")
        elif what == "refused" and phase is Phase.STARTING:
            self.alive.discard(name)
            self.table.refused(self.now, name, 1, "no")
            self.rests[name] = self.now + FIRST_BACKOFF_S
        elif what in {"ended", "in order"} and phase in {Phase.UP, Phase.STOPPING}:
            self.alive.discard(name)
            self.table.ended(self.now, name, in_order=what == "in order", why="killed", status=1)
            if what == "ended" and phase is Phase.UP:
                self.rests[name] = self.now + FIRST_BACKOFF_S

    def act(self) -> None:
        for act in self.table.decide(self.now):
            if isinstance(act, Start):
                assert act.name in self.enabled - self.alive
                assert self.rests.pop(act.name, self.now) <= self.now
                self.alive.add(act.name)
            else:
                assert act.name in self.alive - self.enabled


@hypothesis.given(st.lists(_STEP, max_size=40))
def test_whatever_happens_no_drive_is_started_twice_or_in_a_loop(
    steps: list[tuple[str, str, bool, float]],
):
    world = World()
    for what, name, flag, passed in steps:
        world.now += passed
        if what in {"configured", "release", "hold"}:
            world.people(what, name, flag)
        elif name in world.alive:
            world.daemon(what, name)
        world.act()
        assert world.alive | world.enabled == world.table.drives.keys()
        assert all(
            drive.due <= world.now + LONGEST_BACKOFF_S for drive in world.table.drives.values()
        )
