"""Fault injection: which requests go wrong, and how.

A rule says which requests it is for (method, path, the n-th match, how many times, with what
probability) and what happens to them. Every matching `Delay` applies, and then the first matching
rule of any other kind.
"""

from __future__ import annotations

import fnmatch
import random
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum


class Moment(StrEnum):
    """BEFORE the server has done anything; DURING the answer; AFTER the work is done, in place of
    its answer."""

    BEFORE = "before"
    DURING = "during"
    AFTER = "after"


@dataclass(frozen=True, slots=True)
class Delay:
    """Waits `seconds`: before the work, before every piece of the answer, or between work and
    answer."""

    seconds: float
    moment: Moment = Moment.BEFORE


@dataclass(frozen=True, slots=True)
class Reply:
    """Answers with this instead: before the work (nothing is done) or after it (done, but the
    client cannot know).

    Without a body it is the server's usual JSON for that status.
    """

    status: int
    body: str | None = None
    content_type: str = "application/json; charset=utf-8"
    moment: Moment = Moment.BEFORE


@dataclass(frozen=True, slots=True)
class CutResponse:
    """Cuts the connection when the work is done, after this many bytes of the answer's body; with 0
    not even a status line is sent."""

    after_bytes: int = 0


@dataclass(frozen=True, slots=True)
class CutRequest:
    """Cuts the connection when this many bytes of the request's body have arrived: the server sees
    a broken upload."""

    after_bytes: int = 0


@dataclass(frozen=True, slots=True)
class StopListing:
    """Ends a listing properly on the wire, but after this many lines and without `done`."""

    after_lines: int = 0


@dataclass(frozen=True, slots=True)
class Stall:
    """Never answers, until the client gives up; DURING stalls after `after_bytes` of the answer's
    body."""

    moment: Moment = Moment.BEFORE
    after_bytes: int = 0


Effect = Delay | Reply | CutResponse | CutRequest | StopListing | Stall


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """`path` is a glob over the decoded path (`*` matches slashes too), `pattern` a regexp searched
    in it.

    The rule begins with its `nth` matching request (1 is the first), and acts `count` times (None:
    always), each time with `probability`.
    """

    effect: Effect
    method: str | None = None
    path: str | None = None
    pattern: str | None = None
    nth: int = 1
    count: int | None = None
    probability: float = 1.0

    def __post_init__(self) -> None:
        """Raises ValueError for a rule that makes no sense."""
        if self.nth < 1:
            raise ValueError("nth counts from 1")
        if not 0.0 <= self.probability <= 1.0:
            raise ValueError("probability lies between 0 and 1")
        if self.pattern is not None:
            try:
                re.compile(self.pattern)
            except re.error as error:
                raise ValueError(f"pattern is no regular expression: {error}") from error

    def concerns(self, method: str, path: str) -> bool:
        if self.method is not None and self.method.upper() != method:
            return False
        if self.path is not None and not fnmatch.fnmatchcase(path, self.path):
            return False
        return self.pattern is None or re.search(self.pattern, path) is not None


@dataclass(slots=True)
class _Tally:
    seen: int = 0
    acted: int = 0


@dataclass(slots=True)
class Faults:
    """The rules in force, and how often each has matched. Probabilities are drawn from `rng`."""

    rules: list[Rule] = field(default_factory=list)
    rng: random.Random = field(default_factory=lambda: random.Random(0))  # noqa: S311  # repeatable
    _tallies: dict[Rule, _Tally] = field(default_factory=dict)

    def add(self, *rules: Rule) -> None:
        self.rules.extend(rules)

    def remove(self, rule: Rule) -> None:
        self.rules.remove(rule)
        self._tallies.pop(rule, None)

    def replace(self, rules: Iterable[Rule]) -> None:
        self.rules = list(rules)
        self._tallies.clear()

    def clear(self) -> None:
        self.replace(())

    def acted(self, rule: Rule) -> int:
        """How many requests the rule has acted on."""
        return self._tallies[rule].acted if rule in self._tallies else 0

    def effects_for(self, method: str, path: str) -> list[Effect]:
        """What happens to this request; counts it."""
        effects: list[Effect] = []
        decided = False
        for rule in self.rules:
            if not rule.concerns(method, path):
                continue
            tally = self._tallies.setdefault(rule, _Tally())
            tally.seen += 1
            if tally.seen < rule.nth or (rule.count is not None and tally.acted >= rule.count):
                continue
            if decided and not isinstance(rule.effect, Delay):
                continue
            if rule.probability < 1.0 and self.rng.random() >= rule.probability:
                continue
            tally.acted += 1
            decided |= not isinstance(rule.effect, Delay)
            effects.append(rule.effect)
        return effects
