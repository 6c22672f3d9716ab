"""Nodes that are left alone for now: refused for good until they change here, or waiting out a growing pause."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.model import Local, NodeId

FIRST_PAUSE = 2.0
LONGEST_PAUSE = 600.0


def fingerprint(local: Local | None) -> tuple[object, ...]:
    """What has to change here for a refused node to be worth another try."""
    if local is None:
        return ()
    return (local.parent, local.name, local.version, local.mtime_ns)


@dataclass(slots=True)
class Held:
    """One node's pause. ``until`` is trio's clock in seconds, infinity when only a change here can help."""

    why: str
    until: float
    pause: float
    state: tuple[object, ...]

    @property
    def lasting(self) -> bool:
        return self.until == float("inf")


class HeldNodes:
    """Grows a node's pause with every failure in a row and forgets it when it succeeds or changes here."""

    def __init__(self) -> None:
        self._nodes: dict[NodeId, Held] = {}

    def hold(self, node: NodeId, local: Local | None, why: str, now: float, *, lasting: bool) -> None:
        state = fingerprint(local)
        former = self._nodes.get(node)
        pause = FIRST_PAUSE
        if former is not None and former.state == state:
            pause = min(former.pause * 2, LONGEST_PAUSE)
        self._nodes[node] = Held(why, float("inf") if lasting else now + pause, pause, state)

    def release(self, node: NodeId) -> None:
        self._nodes.pop(node, None)

    def release_pauses(self) -> None:
        """Somebody asked for it: pauses are over, lasting refusals are tried again too."""
        for held in self._nodes.values():
            held.until = 0.0

    def holds(self, node: NodeId, local: Local | None, now: float) -> bool:
        held = self._nodes.get(node)
        if held is None:
            return False
        if held.state != fingerprint(local):
            del self._nodes[node]
            return False
        return now < held.until

    def next_end(self, now: float) -> float | None:
        """When the next pause ends (trio's clock, seconds)."""
        ends = [held.until for held in self._nodes.values() if now < held.until < float("inf")]
        return min(ends, default=None)

    def items(self) -> list[tuple[NodeId, Held]]:
        return list(self._nodes.items())
