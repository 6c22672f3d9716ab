"""What the moment asks of the engine, and when it looks again: a pure function of a state record.

The engine fills in the record, asks, does the one step, and asks again. Times are seconds of one
clock that only goes forward. `Step.SURVEY` asks for the part of the record that costs something:
the pending changes have to be gone through for it.
"""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass

MIN_LOOK_SECONDS = 0.05
"""Seconds between two looks at the least, where something is due already."""

WALL_CLOCK_LOOK_SECONDS = 60.0
"""Seconds after which the wall's clock is looked at again, at the latest: a scheduled run may be
due by it, while the clock that only goes forward stands still in sleep."""

MAX_DEBOUNCE_SECONDS = 10.0
"""Seconds that a due listing waits for local changes to rest, so that names that come and go are
not sent; and that what is due waits while very many other files are being changed."""


class Step(enum.Enum):
    """What the engine does next."""

    REST = "rest"
    """Nothing, until it is woken or the time has passed."""

    SURVEY = "survey"
    """Go through the pending changes, and ask again with what was found."""

    PROBE = "probe"
    """Ask the server for its greeting: contents may be on their way still."""

    RUN = "run"
    """List the server, and do all that follows."""

    SCHEDULED_RUN = "scheduled run"
    """The same, in this drive's turn."""

    PUSH = "push"
    """Upload the pending changes that are due, without a listing."""

    LOOK = "look"
    """Look into one folder of the server in which somebody is at work."""


class Halting(enum.Enum):
    """How much a guard has stopped."""

    NOTHING = "nothing"
    DELETIONS = "deletions"
    EVERYTHING = "everything"


@dataclass(frozen=True, slots=True)
class PendingChanges:
    """What a survey found: ``any_due`` changes could be pushed, ``any_recent`` changed within the
    debounce time, and at ``next_due`` there may be (more) to push; infinite for never."""

    any_due: bool = False
    any_recent: bool = False
    next_due: float = math.inf


@dataclass(frozen=True, slots=True)
class EngineMoment:
    """All that decides. ``online`` is None while nobody knows; ``retry_at`` is when a server that
    is away may be asked again (infinite in a pause). ``is_running``: somebody's run is under way.
    ``run_in`` is the schedule's: seconds until its next run, negative when that is overdue; None
    without a schedule. A log-in was refused, or a run failed, until the times that say so."""

    now: float
    debounce: float = 2.0
    manual: bool = False
    is_running: bool = False
    online: bool | None = True
    retry_at: float = -math.inf
    refused_until: float = -math.inf
    failed_until: float = -math.inf
    halting: Halting = Halting.NOTHING
    listing_due: float = math.inf
    run_in: float | None = None
    look_due: float = math.inf
    pending: PendingChanges | None = None


@dataclass(frozen=True, slots=True)
class NextStep:
    """``seconds`` until the engine looks again if nothing wakes it, counted from now, or from the
    end of a step that changed nothing."""

    step: Step
    seconds: float


def next_step(state: EngineMoment) -> NextStep:
    """What is to be done now. Never asks for a survey that was made."""
    step = _step(state)
    if step is Step.REST and state.pending is None and _pushes_by_itself(state):
        step = Step.SURVEY
    return NextStep(step, 0.0 if step is Step.SURVEY else _seconds(state))


def _pushes_by_itself(state: EngineMoment) -> bool:
    """Whether the pending changes decide when the engine looks again."""
    stands = state.manual or state.now < state.refused_until or state.online is False
    return not stands and state.run_in is None


def _step(state: EngineMoment) -> Step:
    is_in_backoff = state.online is False and state.now < state.retry_at
    if state.manual or state.is_running or is_in_backoff or state.now < state.refused_until:
        return Step.REST
    if state.run_in is not None:
        return _scheduled(state, state.run_in)
    if state.online is False:
        return Step.RUN
    overdue = state.now - state.listing_due
    if overdue >= MAX_DEBOUNCE_SECONDS:
        return Step.RUN
    if state.pending is None:
        return Step.SURVEY
    if overdue >= 0 and not state.pending.any_recent:
        return Step.RUN
    if state.pending.any_due and state.halting is not Halting.EVERYTHING:
        return Step.PUSH
    if _looks(state) and state.look_due <= state.now:
        return Step.LOOK
    return Step.REST


def _looks(state: EngineMoment) -> bool:
    """Whether a look into a folder may be made."""
    return state.online is not False and state.halting is not Halting.EVERYTHING


def _scheduled(state: EngineMoment, run_in: float) -> Step:
    if run_in > 0:
        return Step.REST if state.online is True else Step.PROBE
    if state.now < state.failed_until:
        return Step.REST
    if -run_in >= MAX_DEBOUNCE_SECONDS:
        return Step.SCHEDULED_RUN
    if state.pending is None:
        return Step.SURVEY
    return Step.REST if state.pending.any_recent else Step.SCHEDULED_RUN


def _seconds(state: EngineMoment) -> float:
    if state.manual:
        return math.inf
    if state.now < state.refused_until:
        return state.refused_until - state.now
    if state.online is False:
        return max(state.retry_at - state.now, MIN_LOOK_SECONDS)
    if state.run_in is not None:
        left = max(state.run_in, state.failed_until - state.now)
        if left > 0:
            return min(left, WALL_CLOCK_LOOK_SECONDS)
        return state.debounce or MIN_LOOK_SECONDS
    next_due = math.inf if state.pending is None else state.pending.next_due
    due = min(next_due, state.listing_due, state.look_due if _looks(state) else math.inf)
    return max(due - state.now, MIN_LOOK_SECONDS)
