"""What the moment asks of the engine: a table, no loop, no clock, no server."""

from __future__ import annotations

import ast
import math
from pathlib import Path
from typing import Any

import hypothesis
import hypothesis.strategies as st
import pytest

from reconciler.engine.next_step import (
    MAX_DEBOUNCE_SECONDS,
    MIN_LOOK_SECONDS,
    WALL_CLOCK_LOOK_SECONDS,
    EngineMoment,
    Halting,
    PendingChanges,
    Step,
    next_step,
)

NOW = 1000.0
SOON, LATER = NOW + 1.0, NOW + 15.0
INF = math.inf
NOTHING = PendingChanges()
RECENT = PendingChanges(any_recent=True, next_due=NOW + 1.5)
DUE = PendingChanges(any_due=True, next_due=NOW + 2.0)
BOTH = PendingChanges(any_due=True, any_recent=True, next_due=NOW + 0.5)
AT_ONCE = MIN_LOOK_SECONDS

# what is otherwise than at rest, the step, and the seconds until the next look
ROWS: dict[str, tuple[dict[str, Any], Step, float]] = {
    # --- without a schedule
    "nobody has looked": ({"pending": None}, Step.SURVEY, 0),
    "nothing differs": ({}, Step.REST, 15),
    "a change is too young": ({"pending": RECENT}, Step.REST, 1.5),
    "a change is due": ({"pending": DUE}, Step.PUSH, 2),
    "a change is due, another is young": ({"pending": BOTH}, Step.PUSH, 0.5),
    "a folder is to be looked into": ({"look_due": NOW}, Step.LOOK, AT_ONCE),
    "a folder is to be looked into soon": ({"look_due": SOON}, Step.REST, 1),
    "a look waits for the survey": ({"look_due": NOW, "pending": None}, Step.SURVEY, 0),
    "a look does not wait for what changes": (
        {"look_due": NOW, "pending": RECENT},
        Step.LOOK,
        AT_ONCE,
    ),
    "a push comes before a look": ({"look_due": NOW, "pending": DUE}, Step.PUSH, AT_ONCE),
    "a listing comes before a look": ({"look_due": NOW, "listing_due": NOW}, Step.RUN, AT_ONCE),
    "deletions wait, a look does not": (
        {"look_due": NOW, "halting": Halting.DELETIONS},
        Step.LOOK,
        AT_ONCE,
    ),
    "all is halted, looks too": ({"look_due": NOW, "halting": Halting.EVERYTHING}, Step.REST, 15),
    "nobody knows the server yet": ({"look_due": NOW, "online": None}, Step.LOOK, AT_ONCE),
    "no look while the server is away": (
        {"look_due": NOW, "online": False, "retry_at": NOW + 7},
        Step.REST,
        7,
    ),
    "no look where runs have a schedule": ({"look_due": NOW, "run_in": 50.0}, Step.REST, 50),
    "no look while the log-in is refused": (
        {"look_due": NOW, "refused_until": NOW + 9},
        Step.REST,
        9,
    ),
    "a listing is due": ({"listing_due": NOW}, Step.RUN, AT_ONCE),
    "a listing is due, nobody has looked": (
        {"listing_due": NOW - 9, "pending": None},
        Step.SURVEY,
        0,
    ),
    "a listing and a change are due": ({"listing_due": NOW, "pending": DUE}, Step.RUN, AT_ONCE),
    "a listing waits for what changes": (
        {"listing_due": NOW - 9.9, "pending": RECENT},
        Step.REST,
        AT_ONCE,
    ),
    "a listing waits, what is due does not": (
        {"listing_due": NOW - 9.9, "pending": BOTH},
        Step.PUSH,
        AT_ONCE,
    ),
    "a listing waits no longer": (
        {"listing_due": NOW - MAX_DEBOUNCE_SECONDS, "pending": BOTH},
        Step.RUN,
        AT_ONCE,
    ),
    "a listing waits no longer, unseen": (
        {"listing_due": NOW - MAX_DEBOUNCE_SECONDS, "pending": None},
        Step.RUN,
        AT_ONCE,
    ),
    "mounted just now": ({"listing_due": -INF, "online": None}, Step.RUN, AT_ONCE),
    "the next listing comes before the next change": (
        {"listing_due": SOON, "pending": RECENT},
        Step.REST,
        1,
    ),
    # --- guards
    "halted, and a change is due": (
        {"halting": Halting.EVERYTHING, "pending": DUE},
        Step.REST,
        2,
    ),
    "halted, and a listing is due": (
        {"halting": Halting.EVERYTHING, "listing_due": NOW},
        Step.RUN,
        AT_ONCE,
    ),
    "deletions are halted, a change is due": (
        {"halting": Halting.DELETIONS, "pending": DUE},
        Step.PUSH,
        2,
    ),
    # --- the server
    "away, and not to be asked yet": (
        {"online": False, "retry_at": SOON, "pending": None, "listing_due": NOW - 20},
        Step.REST,
        1,
    ),
    "away, and may be asked": ({"online": False, "retry_at": NOW}, Step.RUN, AT_ONCE),
    "away, may be asked, something changes": (
        {"online": False, "retry_at": NOW - 5, "pending": RECENT},
        Step.RUN,
        AT_ONCE,
    ),
    "there again, with an old time to retry": (
        {"retry_at": SOON, "pending": DUE},
        Step.PUSH,
        2,
    ),
    "paused": (
        {"online": False, "retry_at": INF, "listing_due": NOW, "pending": None},
        Step.REST,
        INF,
    ),
    "the log-in was refused": (
        {"refused_until": SOON, "listing_due": NOW, "pending": None},
        Step.REST,
        1,
    ),
    "the log-in was refused, away besides": (
        {"refused_until": SOON, "online": False, "retry_at": NOW},
        Step.REST,
        1,
    ),
    "the refusal is old": ({"refused_until": NOW, "listing_due": NOW}, Step.RUN, AT_ONCE),
    "a failed run without a schedule": (
        {"failed_until": SOON, "listing_due": NOW},
        Step.RUN,
        AT_ONCE,
    ),
    # --- somebody's sync
    "a run is under way": (
        {"is_running": True, "listing_due": NOW - 20, "pending": DUE},
        Step.REST,
        AT_ONCE,
    ),
    "a run is under way, nobody has looked": (
        {"is_running": True, "pending": None},
        Step.SURVEY,
        0,
    ),
    "a run is under way after an old refusal, nobody has looked": (
        {"is_running": True, "refused_until": NOW, "pending": None},
        Step.SURVEY,
        0,
    ),
    "a run is under way, with a schedule": (
        {"is_running": True, "run_in": -1.0},
        Step.REST,
        2,
    ),
    "by hand alone": (
        {"manual": True, "listing_due": NOW - 20, "pending": None},
        Step.REST,
        INF,
    ),
    "by hand alone, refused": ({"manual": True, "refused_until": SOON}, Step.REST, INF),
    # --- with a schedule
    "scheduled for later": ({"run_in": 15.0, "pending": None}, Step.REST, 15),
    "scheduled for later, changes and a listing due": (
        {"run_in": 15.0, "listing_due": NOW - 20, "pending": DUE},
        Step.REST,
        15,
    ),
    "scheduled for tomorrow": (
        {"run_in": 86400.0, "pending": None},
        Step.REST,
        WALL_CLOCK_LOOK_SECONDS,
    ),
    "runs are off": ({"run_in": INF, "pending": None}, Step.REST, WALL_CLOCK_LOOK_SECONDS),
    "scheduled for later, server unknown": (
        {"run_in": 15.0, "online": None, "pending": None},
        Step.PROBE,
        15,
    ),
    "scheduled for later, server lost": (
        {"run_in": 15.0, "online": False, "retry_at": NOW, "pending": None},
        Step.PROBE,
        AT_ONCE,
    ),
    "scheduled for later, server lost just now": (
        {"run_in": 15.0, "online": False, "retry_at": SOON, "pending": None},
        Step.REST,
        1,
    ),
    "due now, nobody has looked": ({"run_in": 0.0, "pending": None}, Step.SURVEY, 0),
    "due now": ({"run_in": 0.0}, Step.SCHEDULED_RUN, 2),
    "due now, without a debounce": (
        {"run_in": 0.0, "debounce": 0.0},
        Step.SCHEDULED_RUN,
        AT_ONCE,
    ),
    "due, server lost, may be asked": (
        {"run_in": -1.0, "online": False, "retry_at": NOW},
        Step.SCHEDULED_RUN,
        AT_ONCE,
    ),
    "due, something changes": ({"run_in": -9.9, "pending": RECENT}, Step.REST, 2),
    "due, a change is due": ({"run_in": -1.0, "pending": DUE}, Step.SCHEDULED_RUN, 2),
    "due for long": (
        {"run_in": -MAX_DEBOUNCE_SECONDS, "pending": BOTH},
        Step.SCHEDULED_RUN,
        2,
    ),
    "due for long, unseen": (
        {"run_in": -INF, "pending": None},
        Step.SCHEDULED_RUN,
        2,
    ),
    "due, and failed just now": (
        {"run_in": -20.0, "failed_until": SOON, "pending": None},
        Step.REST,
        1,
    ),
    "due, and failed for long": (
        {"run_in": -20.0, "failed_until": NOW + 600, "pending": None},
        Step.REST,
        WALL_CLOCK_LOOK_SECONDS,
    ),
    "due, failed once": ({"run_in": -20.0, "failed_until": NOW}, Step.SCHEDULED_RUN, 2),
    "due, refused": ({"run_in": -20.0, "refused_until": SOON}, Step.REST, 1),
    "due, paused": ({"run_in": -20.0, "online": False, "retry_at": INF}, Step.REST, INF),
    "due, by hand alone": ({"run_in": -20.0, "manual": True}, Step.REST, INF),
    "due, halted": ({"run_in": -20.0, "halting": Halting.EVERYTHING}, Step.SCHEDULED_RUN, 2),
}


@pytest.mark.parametrize("row", ROWS)
def test_next_step(row: str) -> None:
    differs, step, seconds = ROWS[row]
    rest: dict[str, Any] = {"now": NOW, "listing_due": LATER, "pending": NOTHING}
    found = next_step(EngineMoment(**rest | differs))
    assert found.step is step
    assert found.seconds == pytest.approx(seconds)


def test_every_step_is_some_rows() -> None:
    assert {step for _, step, _ in ROWS.values()} == set(Step)


def test_it_imports_no_loop_and_nothing_that_acts() -> None:
    source = ast.parse(Path(next_step.__code__.co_filename).read_text())
    names = {
        alias.name if isinstance(node, ast.Import) else node.module
        for node in ast.walk(source)
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for alias in node.names
    }
    assert names == {"__future__", "dataclasses", "enum", "math"}


TIMES = st.sampled_from([-INF, NOW - 100, NOW - 10, NOW - 1, NOW, NOW + 1, NOW + 100, INF])
MOMENTS = st.builds(
    EngineMoment,
    now=st.just(NOW),
    debounce=st.sampled_from([0.0, 2.0]),
    manual=st.booleans(),
    is_running=st.booleans(),
    online=st.sampled_from([None, False, True]),
    retry_at=TIMES,
    refused_until=TIMES,
    failed_until=TIMES,
    halting=st.sampled_from(Halting),
    listing_due=TIMES,
    run_in=st.sampled_from([None, -INF, -10.0, -1.0, 0.0, 1.0, 100.0, INF]),
    pending=st.sampled_from([None, NOTHING, RECENT, DUE, BOTH]),
)


@hypothesis.given(MOMENTS)
@hypothesis.settings(max_examples=300, deadline=None)
def test_what_holds_at_every_moment(moment: EngineMoment) -> None:
    found = next_step(moment)
    acts = found.step not in {Step.REST, Step.SURVEY}
    is_away = moment.online is False and moment.retry_at > NOW
    stands = moment.manual or moment.is_running or is_away or moment.refused_until > NOW
    assert not (acts and stands), "nothing is asked of a server that is not to be asked"
    assert (found.step is Step.SURVEY) <= (moment.pending is None), "one survey a moment"
    assert found.step is Step.SURVEY or found.seconds >= MIN_LOOK_SECONDS / 2, "no busy loop"
    with_schedule = {Step.SCHEDULED_RUN, Step.PROBE}
    without = {Step.RUN, Step.PUSH}
    assert found.step not in (without if moment.run_in is not None else with_schedule)
    waits_for_ever = moment.manual or moment.refused_until == INF or is_away
    assert found.seconds < INF or waits_for_ever or moment.listing_due == INF
