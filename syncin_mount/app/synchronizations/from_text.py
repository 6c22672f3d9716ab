"""Settings of a synchronization as people give them: text becomes values, or a sentence says why it
cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.phrases import Phrase
from syncin_mount.app.errors import InvalidRequest
from syncin_mount.config import Scheduler
from syncin_mount.config.filters import entered
from syncin_mount.config.model import parse_schedule
from syncin_mount.config.values import check_remote
from syncin_mount.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterable


def remote_from_text(text: str) -> str:
    """The path of a remote folder, tidied. Raises InvalidRequest where none can be there that is
    synchronized."""
    try:
        return check_remote(text)
    except ValueError as error:
        raise InvalidRequest(
            Phrase("'{text}' cannot be synchronized: {error}", text=printable(text), error=error)
        ) from error


def schedule_from_text(text: str | None) -> Scheduler:
    """15m, 2h, 1d or off; None is off. Raises InvalidRequest."""
    found = Scheduler() if text is None else parse_schedule(text)
    if found is None:
        raise InvalidRequest(
            Phrase("'{text}' is no time; give it as 15m, 2h, 1d or off", text=text)
        )
    return found


def filters_from_text(rules: Iterable[str]) -> tuple[str, ...]:
    """The patterns that the server stores for these rules. Raises FilterError."""
    return tuple(entered(rule).pattern for rule in rules)
