"""Moments that people give: some time ago, or a date."""

from __future__ import annotations

import datetime as dt
import re

from syncin_mount.cli.exit_status import CommandError, Exit
from syncin_mount.config.model import Unit, parse_schedule
from syncin_mount.language import mark, t

_SECONDS = {Unit.MINUTE: 60, Unit.HOUR: 3600, Unit.DAY: 86400}
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}|\d{8}")
_EXAMPLES = mark("give it as 15m, 2h, 3d (ago), 2026-01-31 or 2026-01-31T13:00")


def age(text: str) -> float:
    """Seconds of ``15m``, ``2h``, ``30d``. Raises CommandError."""
    found = parse_schedule(text)
    if found is None or found.unit not in _SECONDS:
        raise CommandError(
            t("'{text}' is no length of time; give it as 15m, 2h or 30d", text=text), Exit.USAGE
        )
    return float(found.value * _SECONDS[found.unit])


def moment(text: str, now: float, *, ends: bool = False) -> float:
    """Seconds since the epoch of ``15m`` (before ``now``), or of an ISO date or time, local unless
    it says otherwise. A date alone is its first moment, and with ``ends`` its last. Raises
    CommandError."""
    ago = parse_schedule(text)
    if ago is not None and ago.unit in _SECONDS:
        return now - ago.value * _SECONDS[ago.unit]
    try:
        found = dt.datetime.fromisoformat(text)
        if ends and _DATE.fullmatch(text):
            found += dt.timedelta(days=1)
        return found.astimezone().timestamp()
    except (ValueError, OverflowError) as error:
        raise CommandError(
            t("'{text}' is no time; {examples}", text=text, examples=t(_EXAMPLES)), Exit.USAGE
        ) from error
