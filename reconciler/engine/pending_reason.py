"""Why a local change is not on the server yet, in words. Pure."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from reconciler.model import Direction, Local
from reconciler.requests.backoff import Retry

HELD = "You hold it; “journal release” lets it go."
FOLDER_HELD = "You hold a folder that it is in; “journal release” lets it go."


class PendingState(enum.Enum):
    """Where a change is on its way, for programs; ``Wait.why`` says it for people."""

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
    """Why one change waits. ``seconds`` is how long from now it is left alone, where that is
    known."""

    state: PendingState
    why: str
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class EngineState:
    """What holds for every change at this moment."""

    direction: Direction
    manual: bool
    halted: str | None
    refused: str | None
    offline: str | None
    debounce: float
    paused: bool = False


def pending_reason(
    local: Local | None,
    now: EngineState,
    *,
    held: str | None,
    acting: bool,
    pause: Retry | None,
    seconds: float,
    waits: str | None,
    listing: bool,
    age: float,
) -> PendingReason:
    """Why this one waits: ``held`` says whose hold it is, ``acting`` that it is just being carried
    across, ``pause`` what a failure left and ``seconds`` its rest, ``waits`` what a plan found,
    ``listing`` that it takes a listing to know more. ``age`` is how long ago it was changed, in
    seconds."""
    if acting:
        return PendingReason(PendingState.SENDING, "it is just being sent")
    if held is not None:
        return PendingReason(PendingState.HELD, held)
    if local is not None and local.busy:
        return PendingReason(PendingState.WRITING, "it is being written")
    if pause is not None and pause.lasting:
        return PendingReason(PendingState.REFUSED, f"refused: {pause.why}", seconds)
    stopped = _stopped(now)
    if stopped is not None:
        return stopped
    if pause is not None and not pause.filtered:
        later = pause.pause > 0
        return PendingReason(
            PendingState.LATER if later else PendingState.WAITS,
            pause.why,
            seconds if later else None,
        )
    if waits is not None:
        return PendingReason(PendingState.WAITS, waits)
    if listing:
        return PendingReason(
            PendingState.WAITS,
            "the server has it otherwise than expected; the next listing tells more",
        )
    if 0 <= age < now.debounce and not now.manual:
        return PendingReason(
            PendingState.SETTLING,
            "it was just changed, and goes when it is left alone for a moment",
        )
    return (
        PendingReason(PendingState.MANUAL, "it waits for “sync”")
        if now.manual
        else PendingReason(PendingState.NEXT, "it goes next")
    )


def _stopped(now: EngineState) -> PendingReason | None:
    """What keeps everything from being sent."""
    if now.paused:
        return PendingReason(PendingState.PAUSED, "nothing is carried until “resume”")
    if not now.direction.changes_server:
        return PendingReason(
            PendingState.FOLLOWS, "nothing is sent: this drive only follows the server"
        )
    if now.halted is not None:
        return PendingReason(PendingState.HALTED, f"halted: {now.halted}")
    if now.refused is not None:
        return PendingReason(PendingState.REFUSED, f"refused: {now.refused}")
    if now.offline is not None:
        return PendingReason(PendingState.OFFLINE, f"offline: {now.offline}")
    return None
