"""Nodes that are left alone for now: refused until they change here, waiting out a growing delay or
for the next listing, or filtered."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass

from reconciler.lookups import Dirty
from reconciler.model import NodeId

FIRST_DELAY_SECONDS = 2.0
LONGEST_DELAY_SECONDS = 600.0
REFUSED_DELAY_SECONDS = 3600.0
"""Seconds before something that was refused for good is tried again all the same: rights and quotas
change."""


@dataclass(slots=True)
class Retry:
    """One node's delay. ``until`` is trio's clock in seconds; ``changed_ns`` is the local change
    that it is about.

    ``lasting`` ones need somebody to do something. ``filtered`` ones are as they should be.
    ``listed`` ones were found to wait by a full run: it takes a listing to know better, so the next
    full run looks at them, and no push before. ``put_off`` ones did not fail: others of their kind
    did, one after the other.
    """

    why: str
    until: float
    delay: float
    changed_ns: int
    lasting: bool = False
    filtered: bool = False
    listed: bool = False
    put_off: bool = False


class Backoff:
    """Grows a node's pause with every failure in a row, and forgets it when it succeeds or changes
    here."""

    def __init__(self) -> None:
        self._nodes: dict[NodeId, Retry] = {}

    def delay(self, dirty: Dirty, why: str, now: float, *, lasting: bool = False) -> bool:
        """After a failure. Whether it is news: the same change did not fail for the same reason
        before."""
        former = self._nodes.get(dirty.node)
        delay = REFUSED_DELAY_SECONDS if lasting else FIRST_DELAY_SECONDS
        again = former is not None and former.changed_ns == dirty.changed_ns and bool(former.delay)
        if former is not None and again:
            delay = min(former.delay * 2, max(LONGEST_DELAY_SECONDS, delay))
        self._nodes[dirty.node] = Retry(why, now + delay, delay, dirty.changed_ns, lasting=lasting)
        return former is None or not again or (former.why, former.lasting) != (why, lasting)

    def put_off(self, dirty: Dirty, why: str, until: float) -> None:
        """It is not tried before that time, as others of its kind fail."""
        self._nodes[dirty.node] = Retry(why, until, 0.0, dirty.changed_ns, put_off=True)

    def clear_put_off(self) -> None:
        """The others do not fail any more."""
        self._nodes = {node: retry for node, retry in self._nodes.items() if not retry.put_off}

    def is_put_off(self, node: NodeId) -> bool:
        retry = self._nodes.get(node)
        return retry is not None and retry.put_off

    def has_failed(self, node: NodeId) -> bool:
        """Whether it was tried in vain the last time, delay or not."""
        retry = self._nodes.get(node)
        return retry is not None and bool(retry.delay)

    def filter(self, dirty: Dirty) -> None:
        """The node is left out of the synchronization, as long as it is not touched."""
        self._nodes[dirty.node] = Retry("", float("inf"), 0.0, dirty.changed_ns, filtered=True)

    def wait(self, waiting: Iterable[tuple[Dirty, str]]) -> None:
        """A full run found that these wait, and why; what former ones found is void."""
        self._nodes = {node: retry for node, retry in self._nodes.items() if not retry.listed}
        for dirty, why in waiting:
            self._nodes.setdefault(
                dirty.node, Retry(why, float("inf"), 0.0, dirty.changed_ns, listed=True)
            )

    def clear(self, node: NodeId) -> None:
        self._nodes.pop(node, None)

    def retain(self, nodes: Container[NodeId]) -> None:
        """What nothing is to be done about any more is forgotten."""
        self._nodes = {node: retry for node, retry in self._nodes.items() if node in nodes}

    def filtered_count(self) -> int:
        """How many nodes a filter is known to leave out."""
        return sum(retry.filtered for retry in self._nodes.values())

    def failures(self) -> Iterator[tuple[NodeId, Retry]]:
        """All that failed, whether it was changed here or on the server."""
        return ((node, retry) for node, retry in list(self._nodes.items()) if not retry.filtered)

    def clear_all(self) -> None:
        """Somebody asked for it: everything is tried again."""
        self._nodes.clear()

    def get(self, dirty: Dirty) -> Retry | None:
        """What holds the node, if it has not changed here since."""
        retry = self._nodes.get(dirty.node)
        if retry is not None and retry.changed_ns != dirty.changed_ns:
            del self._nodes[dirty.node]
            return None
        return retry

    def is_delayed(self, dirty: Dirty, now: float) -> bool:
        retry = self.get(dirty)
        return retry is not None and now < retry.until

    def is_failing(self, node: NodeId, now: float) -> bool:
        """Whether a failure's pause is on for this node, whatever happened to it here."""
        retry = self._nodes.get(node)
        return retry is not None and bool(retry.delay) and now < retry.until
