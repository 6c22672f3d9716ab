"""From the states of drives to the rows that are shown, and told with an exit status."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncin_mount.cli.exit_status import exit_for
from syncin_mount.cli.ui.status_table import StatusRow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syncin_mount.app.runs.status_poller import DriveState, StatusPoller
    from syncin_mount.config import Configuration, Synchronization


async def look(
    poller: StatusPoller,
    configuration: Configuration,
    chosen: Sequence[Synchronization],
    now: float,
) -> list[StatusRow]:
    """How the chosen drives are, in their order. ``now`` is in seconds since the epoch."""
    return [_row(each) for each in await poller.look(configuration, chosen, now)]


def _row(state: DriveState) -> StatusRow:
    status, text = (0, None) if state.error is None else exit_for(state.error)
    return StatusRow(
        state.configured, state.status, state.supervised, text, status, state.unverified
    )
