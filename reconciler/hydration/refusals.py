"""Contents that could not be fetched: why, until when each is left alone, and what is logged."""

from __future__ import annotations

import logging
import math
from collections.abc import Container, Iterator
from dataclasses import dataclass

import trio

from reconciler.hydration.download import failed_hydration
from reconciler.model import Base, NodeId
from reconciler.ports import Replica
from reconciler.reporting.describe import first_path
from reconciler.requests.backoff import FIRST_DELAY_SECONDS, LONGEST_DELAY_SECONDS

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Refusal:
    """A content that could not be fetched, and why. ``until`` is when it is tried again (trio's
    clock, in seconds), ``base`` and ``arrived`` what it was and how many bytes of it were here
    then. ``lasting`` ones need somebody."""

    why: str
    lasting: bool
    delay: float
    until: float
    base: Base | None
    arrived: int


class Refusals:
    """At most one a node. ``changed`` is set when one is new, or ends earlier than it did."""

    def __init__(self, replica: Replica) -> None:
        self._replica = replica
        self._refusals: dict[NodeId, Refusal] = {}
        self._recorded: dict[NodeId, str] = {}
        """Refusals that the history has: the same one of the same content is tried again and
        again."""
        self._outdated: dict[NodeId, str] = {}
        """Contents that a listing has to tell more of, and what the server said."""
        self._denied: dict[NodeId, Base] = {}
        """The version that each of these was listed as, and that the server denied when it was
        asked for it."""
        self.changed = trio.Event()

    def __contains__(self, node: object) -> bool:
        return node in self._refusals

    def note(self, node: NodeId, why: str, *, lasting: bool, arrived: int) -> None:
        """It is tried again after a pause, which grows as long as nothing more of it arrives:
        ``arrived`` is how many bytes are here."""
        base, now, before = self._replica.base(node), trio.current_time(), self._refusals.get(node)
        delay = FIRST_DELAY_SECONDS
        if before is not None and before.base == base and arrived <= before.arrived:
            delay = min(max(before.delay * 2, FIRST_DELAY_SECONDS), LONGEST_DELAY_SECONDS)
        self._refusals[node] = Refusal(why, lasting, delay, now + delay, base, arrived)
        self.changed.set()
        news = before is None or before.why != why
        level = logging.DEBUG if not news else logging.WARNING if lasting else logging.INFO
        name = name_of(self._replica, node)
        log.log(level, "the content of %s cannot be fetched: %s", name, why)
        if base is not None and self._recorded.get(node) != why:
            self._recorded[node] = why
            self._replica.record(failed_hydration(node, base, why), name, None)

    def note_waiting(self, node: NodeId, why: str) -> None:
        """It waits for something else than time."""
        self._refusals[node] = Refusal(why, True, 0.0, math.inf, self._replica.base(node), 0)

    def note_outdated(self, node: NodeId, why: str) -> bool:
        """The server's file is not the base version: a listing tells what it is now. False when
        that has told the same version once more: another one tells nothing new."""
        base = self._replica.base(node)
        if base is not None and self._denied.get(node) == base:
            return False
        self._outdated[node] = why
        if base is not None:
            self._denied[node] = base
        return True

    @property
    def has_outdated(self) -> bool:
        """Whether a listing is to tell more of some contents."""
        return bool(self._outdated)

    def take_outdated(self) -> list[NodeId]:
        """A listing has told of these."""
        outdated, self._outdated = self._outdated, {}
        return [*outdated]

    def clear(self, node: NodeId) -> None:
        """Nothing is known any more that stands against fetching it."""
        self._refusals.pop(node, None)

    def note_given(self, node: NodeId) -> None:
        """The server has given the content."""
        self._denied.pop(node, None)

    def note_installed(self, node: NodeId) -> None:
        """The content is present: another failure of it is news."""
        self._recorded.pop(node, None)

    def end_delays(self, but: Container[NodeId]) -> None:
        """Somebody asked for it: no pause counts any more, but for these."""
        now = trio.current_time()
        for node, each in self._refusals.items():
            if node not in but:
                each.delay, each.until = 0.0, now

    def due(self, now: float, *, lasting: bool) -> list[NodeId]:
        """Those whose pause is over; with ``lasting`` those, too, that need somebody."""
        found = self._refusals.items()
        return [node for node, each in found if each.until <= now and (lasting or not each.lasting)]

    def next_due(self, now: float) -> float:
        """When the next pause ends that needs nobody (trio's clock); infinite for never."""
        later = (
            each.until for each in self._refusals.values() if each.until > now and not each.lasting
        )
        return min(later, default=math.inf)

    def problems(self) -> Iterator[tuple[NodeId, str, bool]]:
        """Each node, why its content could not be fetched, and whether it needs somebody."""
        for node, each in self._refusals.items():
            yield node, each.why, each.lasting
        for node, why in self._outdated.items():
            if node not in self._refusals:
                yield node, why, False


def name_of(replica: Replica, node: NodeId) -> str:
    """The node's path here, else where both sides had it last, for messages."""
    return first_path(node, replica.local_path, replica.base_path)
