"""How far the work is: the reconciler's progress port, kept as one small state that any number of views may read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.model import NodeId, Op, Outcome, Result
from syncin_mount.control.messages import Progress, Running

if TYPE_CHECKING:
    from reconciler.model import Action

_SHOWN = 8


class Meter:
    """A ``reconciler.ports.Progress``. Memory does not grow with the run."""

    def __init__(self) -> None:
        self._current: dict[NodeId, Running] = {}
        self.reset()

    def reset(self) -> None:
        """A run begins: counts start from zero. What is under way stays."""
        self._phase = "starting"
        self._entries = 0
        self._actions = self._actions_done = 0
        self._bytes = self._bytes_done = 0
        self._fetched = 0

    # reconciler.ports.Progress -------------------------------------------------------------------------------------
    def listing(self, entries: int) -> None:
        self._phase = "listing"
        self._entries = entries

    def planned(self, actions: int, size: int) -> None:
        self._phase = "carrying"
        self._actions += actions
        self._bytes += size

    def started(self, action: Action, path: str) -> None:
        self._current[action.node] = Running(action.op.value, action.side.value, path, 0, _size(action))

    def advanced(self, action: Action, size: int) -> None:
        self._bytes_done += size
        running = self._current.get(action.node)
        if running is not None:
            done = running.done + size
            self._current[action.node] = Running(running.op, running.side, running.path, done, running.size)

    def ended(self, outcome: Outcome, path: str) -> None:
        running = self._current.pop(outcome.action.node, None)
        if running is None:
            # The hydrator reports contents only when they are whole.
            self._fetched += 1
            return
        self._actions_done += 1
        if outcome.result is Result.DONE and outcome.action.op in (Op.SEND, Op.FETCH):
            self._bytes_done += running.size - running.done

    # views -----------------------------------------------------------------------------------------------------------
    def running(self) -> tuple[Running, ...]:
        """The transfers under way."""
        return tuple(self._current.values())

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
            current=tuple(running.path for running in list(self._current.values())[:_SHOWN]),
        )


def _size(action: Action) -> int:
    state = action.local if action.op is Op.SEND else action.remote
    return state.size if state is not None and action.op in (Op.SEND, Op.FETCH) else 0
