"""Why a local change is not on the server yet, as a value. Pure."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from reconciler.model import Direction, Local
from reconciler.planner.guards import Halt
from reconciler.requests.backoff import Retry


class Hold(enum.Enum):
    """What the user holds."""

    NODE = "node"
    FOLDER = "folder"
    """A folder that the node is in."""


class StaysLocal(enum.Enum):
    """Why something is never uploaded."""

    LEFT_OUT = "left out"
    """By a filter, or by its name."""
    NOT_UTF8 = "not UTF-8"
    """Its path; the server can hold no other."""


class PendingState(enum.Enum):
    """Where a change is on its way. The values are those of the control API."""

    HELD = "held"
    SENDING = "sending"
    WRITING = "writing"
    FOLLOWS = "follows"
    HALTED = "halted"
    REFUSED = "refused"
    OFFLINE = "offline"
    PAUSED = "paused"
    LATER = "later"
    WAITS = "waits"
    SETTLING = "settling"
    MANUAL = "manual"
    NEXT = "next"
    RESTING = "resting"
    LOCAL = "local"


@dataclass(frozen=True, slots=True)
class PendingReason:
    """Why one change is pending. ``cause`` is the halt, the hold, or the text of a refusal or of
    what a plan found; None where the state says it all. ``seconds`` is how long from now it is left
    alone, where that is known."""

    state: PendingState
    cause: Hold | StaysLocal | Halt | str | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class EngineState:
    """What holds for every change at this moment."""

    direction: Direction
    manual: bool
    halted: Halt | None
    refused: str | None
    offline: str | None
    debounce: float
    paused: bool = False


def pending_reason(
    local: Local | None,
    now: EngineState,
    *,
    held: Hold | None,
    acting: bool,
    retry: Retry | None,
    seconds: float,
    wait_reason: str | None,
    listing: bool,
    age: float,
) -> PendingReason:
    """Why this one waits: ``held`` says whose hold it is, ``acting`` that it is just being carried
    across, ``retry`` what a failure left and ``seconds`` its rest, ``wait_reason`` what a plan
    found, ``listing`` that it takes a listing to know more. ``age`` is how long ago it was changed,
    in seconds."""
    if acting:
        return PendingReason(PendingState.SENDING)
    if held is not None:
        return PendingReason(PendingState.HELD, held)
    if local is not None and local.busy:
        return PendingReason(PendingState.WRITING)
    if retry is not None and retry.lasting:
        return PendingReason(PendingState.REFUSED, retry.why, seconds)
    stopped = _stopped(now)
    if stopped is not None:
        return stopped
    if retry is not None and not retry.filtered:
        if retry.delay > 0:
            return PendingReason(PendingState.LATER, retry.why, seconds)
        return PendingReason(PendingState.WAITS, retry.why)
    if wait_reason is not None:
        return PendingReason(PendingState.WAITS, wait_reason)
    if listing:
        return PendingReason(PendingState.WAITS)
    if now.manual:
        return PendingReason(PendingState.MANUAL)
    return PendingReason(PendingState.SETTLING if 0 <= age < now.debounce else PendingState.NEXT)


def _stopped(now: EngineState) -> PendingReason | None:
    """What keeps everything from being sent."""
    if now.paused:
        return PendingReason(PendingState.PAUSED)
    if not now.direction.changes_server:
        return PendingReason(PendingState.FOLLOWS)
    if now.halted is not None:
        return PendingReason(PendingState.HALTED, now.halted)
    if now.refused is not None:
        return PendingReason(PendingState.REFUSED, now.refused)
    if now.offline is not None:
        return PendingReason(PendingState.OFFLINE, now.offline)
    return None
