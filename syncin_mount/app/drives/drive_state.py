"""What a synchronization does at one moment, in one word. Pure."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from syncin_mount.control.messages import Status


class DriveState(enum.Enum):
    """Each looks different, and is said in words. The first that holds, in this order."""

    PAUSED = "paused"
    HALTED = "halted"
    REFUSED = "refused"
    UNMOUNTED = "unmounted"
    OFFLINE = "offline"
    WAITS_FOR_TURN = "waits_for_turn"
    SYNCING = "syncing"
    DOWNLOADING = "downloading"
    FAILED = "failed"
    PROBLEMS = "problems"
    WAITING = "waiting"
    IDLE = "idle"


def state_of(status: Status) -> DriveState:
    """A run that works while nothing is mounted is ``syncing``, too. ``downloading`` is what
    follows a run: contents of files whose names are here. ``waiting`` is what is tried again by
    itself, ``problems`` are what needs somebody."""
    found = {
        DriveState.PAUSED: status.paused,
        DriveState.HALTED: status.halted is not None,
        DriveState.REFUSED: status.refused is not None,
        DriveState.UNMOUNTED: not (status.mounted or status.running),
        DriveState.OFFLINE: status.online is False,
        DriveState.WAITS_FOR_TURN: status.waits_for_turn,
        DriveState.SYNCING: bool(status.running),
        DriveState.DOWNLOADING: status.work is not None and status.work.to_fetch > 0,
        DriveState.FAILED: status.failed is not None,
        DriveState.PROBLEMS: any(each.lasting for each in status.problems),
        DriveState.WAITING: bool(status.problems),
    }
    return next((state for state, holds in found.items() if holds), DriveState.IDLE)


def with_state(status: Status) -> Status:
    """The same, with its state."""
    return msgspec.structs.replace(status, state=state_of(status).value)
