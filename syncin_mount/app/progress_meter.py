"""How far the work is: the reconciler's progress port, kept as one small state that any number of
views may read."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.model import NodeId, Op, Outcome, Result, Side
from reconciler.requests.throughput import Rate
from syncin_mount.control.messages import Progress, Running

if TYPE_CHECKING:
    from reconciler.hydration.hydrator import DownloadProgress
    from reconciler.model import Action

_SHOWN = 8


@dataclass(slots=True)
class _Current:
    """An action under way; ``done`` and ``size`` are bytes."""

    op: Op
    side: Side
    path: str
    size: int
    rate: Rate
    done: int = 0


class Meter:
    """A ``reconciler.ports.Progress``. Memory does not grow with the run. ``now`` is a clock that
    only goes forward."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._current: dict[NodeId, _Current] = {}
        self.reset()

    def reset(self) -> None:
        """A run begins: counts start from zero. What is under way stays."""
        self._phase = "starting"
        self._entries = 0
        self._compared = self._to_compare = 0
        self._actions = self._actions_done = 0
        self._bytes = self._bytes_done = 0
        self._fetched = 0

    # reconciler.ports.Progress --------------------------------------------------------------------
    def listing(self, entries: int) -> None:
        self._phase = "listing"
        self._entries = entries

    def comparing(self, done: int, of: int, *, there: bool = False) -> None:
        self._phase = "checksums" if there else "comparing"
        self._compared, self._to_compare = done, of

    def planned(self, actions: int, size: int) -> None:
        self._phase = "carrying"
        self._actions += actions
        self._bytes += size

    def started(self, action: Action, path: str) -> None:
        self._current[action.node] = _Current(
            action.op, action.side, path, _size(action), Rate(self._now())
        )

    def advanced(self, action: Action, size: int) -> None:
        self._bytes_done += size
        running = self._current.get(action.node)
        if running is not None:
            running.done += size
            running.rate.add(self._now(), size)

    def ended(self, outcome: Outcome, path: str) -> None:
        running = self._current.pop(outcome.action.node, None)
        if running is None:
            # The hydrator reports contents only when they are whole.
            self._fetched += 1
            return
        self._actions_done += 1
        if outcome.result is Result.DONE and outcome.action.op in (Op.SEND, Op.FETCH):
            self._bytes_done += running.size - running.done

    # views ----------------------------------------------------------------------------------------
    def running(self, arriving: Iterable[DownloadProgress] = ()) -> tuple[Running, ...]:
        """The transfers under way. ``arriving`` is what the hydrator receives, for a run's action
        or in its stead."""
        coming = {each.node: each for each in arriving}
        now = self._now()
        found = []
        for node, each in self._current.items():
            fetch = coming.pop(node, None)
            done, speed = (
                (each.done, each.rate.speed(now)) if fetch is None else (fetch.done, fetch.speed)
            )
            found.append(_running(each.op, each.side, each.path, done, each.size, speed))
        return (
            *found,
            *(
                _running(Op.FETCH, Side.LOCAL, each.path, each.done, each.size, each.speed)
                for each in coming.values()
            ),
        )

    def fetching(self) -> None:
        """The run itself is over; contents are still coming."""
        self._phase = "fetching"

    def progress(self, to_fetch: int) -> Progress:
        """This moment's state; ``to_fetch`` is how many contents are still to come."""
        return Progress(
            phase=self._phase,
            entries=self._entries,
            actions=self._actions,
            actions_done=self._actions_done,
            bytes=self._bytes,
            bytes_done=self._bytes_done,
            fetched=self._fetched,
            to_fetch=to_fetch,
            compared=self._compared,
            to_compare=self._to_compare,
            current=tuple(running.path for running in list(self._current.values())[:_SHOWN]),
        )


def _size(action: Action) -> int:
    state = action.local if action.op is Op.SEND else action.remote
    return state.size if state is not None and action.op in (Op.SEND, Op.FETCH) else 0


def _running(op: Op, side: Side, path: str, done: int, size: int, speed: float | None) -> Running:
    left = (size - done) / speed if speed and size > done else None
    return Running(op.value, side.value, path, done, size, speed if size else None, left)
