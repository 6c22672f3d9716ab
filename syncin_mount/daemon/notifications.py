"""What is worth a notice on the desktop: decided from a drive's successive states. Pure.

Conflicts, halts, what the server refuses until somebody does something (an expired log-in among
it), and a server that is away for a day. Nothing else, and nothing twice.
"""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass

from syncin_mount.app.messages import sentence
from syncin_mount.app.messages.notices import lost_is_in_the_bin
from syncin_mount.app.messages.quantities import conflicts
from syncin_mount.language import ENGLISH, speaking, t

HOUR = 3600.0
"""Seconds before somebody is told once more of a file that is not here."""

LONG = 24 * 3600.0
"""Seconds that the server must have been away to be told of, and before the same sentence is told
once more."""


@dataclass(frozen=True, slots=True)
class State:
    """A drive at one moment. ``conflicts`` counts since it was mounted; ``halted`` and ``refused``
    are what sentences are made of; ``online`` is None while nobody has asked. ``offline_reads``
    counts since the mount how often a content was asked for that is not here, while the server was
    away."""

    conflicts: int = 0
    halted: object = None
    refused: object = None
    online: bool | None = None
    offline_reads: int = 0


class Action(enum.Enum):
    """What somebody can do about a notice."""

    OPEN = "open"
    HALT = "halt"
    LOG_IN = "log-in"
    CONFLICTS = "conflicts"


@dataclass(frozen=True, slots=True)
class Notice:
    """A line, a sentence or two below it, and what can be done about it: what matters most comes
    first."""

    title: str
    text: str
    actions: tuple[Action, ...] = ()


class Notices:
    """Of the drive ``name``. Times are seconds of one clock; memory does not grow."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._conflicts = 0
        self._said: dict[str, float] = {}
        self._away_since: float | None = None
        self._away_said = False
        self._reads = 0
        self._unread_said = -math.inf

    def follow(self, now: float, state: State) -> list[Notice]:
        """What is new and has to be told."""
        self._said = {sentence: when for sentence, when in self._said.items() if now - when < LONG}
        found: list[Notice] = []
        fresh, self._conflicts = state.conflicts - self._conflicts, state.conflicts
        if fresh > 0:
            found.append(
                Notice(
                    f"{self._name}: {conflicts(fresh)}",
                    lost_is_in_the_bin(self._name),
                    (Action.CONFLICTS, Action.OPEN),
                )
            )
        for title, value, actions in (
            (t("stopped"), state.halted, (Action.HALT, Action.OPEN)),
            (t("the server refuses"), state.refused, (Action.LOG_IN,)),
        ):
            if not value:
                continue
            with speaking(ENGLISH):  # another language is not another event
                known = sentence(value, self._name)
            if known not in self._said:
                text = sentence(value, self._name)
                found.append(Notice(f"{self._name}: {title}", text, actions))
            self._said[known] = now
        return found + self._unread(now, state) + self._offline(now, state)

    def _unread(self, now: float, state: State) -> list[Notice]:
        """Somebody opened what is not here: once while the server is away, and once an hour."""
        fresh, self._reads = state.offline_reads > self._reads, state.offline_reads
        if not fresh or now - self._unread_said < HOUR:
            return []
        self._unread_said = now
        return [
            Notice(
                t("{drive}: a file is not on this computer yet", drive=self._name),
                t("It cannot be opened while the server cannot be reached."),
            )
        ]

    def _offline(self, now: float, state: State) -> list[Notice]:
        if state.online is not False:
            self._away_since, self._away_said = None, False
            return []
        if self._away_since is None:
            self._away_since = now
        if self._away_said or now - self._away_since < LONG:
            return []
        self._away_said = True
        return [
            Notice(
                t("{drive}: the server is away for a day", drive=self._name),
                t("Changes are kept and sent when it is back."),
                (Action.OPEN,),
            )
        ]
