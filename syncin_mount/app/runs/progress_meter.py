"""How far the work is: the reconciler's progress port, kept as one small state that any number of
views may read."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from reconciler.hydration.download import Downloads
from reconciler.model import Action, NodeId, Op, Outcome, Result, Side
from reconciler.requests.throughput import Rate
from syncin_mount.control.messages import Progress, Running

if TYPE_CHECKING:
    from reconciler.hydration.download import DownloadProgress

_SHOWN = 8
"""Actions and transfers that one message names, at most."""

_NOTHING = Downloads()


@dataclass(slots=True)
class _Current:
    """An action under way; ``done``, ``prepared`` and ``size`` are bytes."""

    op: Op
    side: Side
    path: str
    size: int
    rate: Rate
    done: int = 0
    prepared: int = 0

    @property
    def phase(self) -> str:
        if self.prepared and not self.done:
            return "preparing"
        return "finishing" if self.size and self.done >= self.size else "transferring"


class Meter:
    """A ``reconciler.ports.Progress``. Memory does not grow with the run. ``now`` is a clock that
    only goes forward."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self.on_transfer: Callable[[NodeId], None] | None = None
        """Is told of each node for which an action begins or ends."""
        self._current: dict[NodeId, _Current] = {}
        self.reset()
        self.release()

    def reset(self) -> None:
        """Somebody's run begins: counts start from zero. What is under way stays."""
        self._is_run = True
        self._phase = "starting"
        self._entries = 0
        self._compared = self._to_compare = self._read = 0
        self._begin_counts()

    def release(self) -> None:
        """Somebody's run is over: from now on each plan that begins alone is counted by itself."""
        self._is_run = False

    def _begin_counts(self) -> None:
        self._actions = self._actions_done = 0
        self._files = self._files_done = self._bytes = self._bytes_done = 0
        self._later = self._later_bytes = 0  # planned to be fetched, and not in the queue yet
        self._fetched = self._fetched_bytes = 0
        self._sent_rate, self._file_rate = Rate(self._now()), Rate(self._now())
        self._count_current()

    def _count_current(self) -> None:
        """What is under way counts as planned, with what is left of it."""
        for each in self._current.values():
            self._actions += 1
            if each.op in (Op.SEND, Op.FETCH):
                self._files, self._bytes = self._files + 1, self._bytes + each.size - each.done

    # reconciler.ports.Progress --------------------------------------------------------------------
    def listing(self, entries: int) -> None:
        self._phase = "listing"
        self._entries = entries

    def comparing(self, done: int, of: int, *, there: bool = False) -> None:
        phase = "checksums" if there else "comparing"
        if done == 0 or phase != self._phase:
            self._read = 0
        self._phase = phase
        self._compared, self._to_compare = done, of

    def read(self, size: int) -> None:
        self._read += size

    def planned(self, actions: Sequence[Action]) -> None:
        if not self._is_run and not self._current:
            self._begin_counts()
        self._phase = "carrying"
        # What an earlier plan left undone is planned again, or waits.
        self._actions, self._later, self._later_bytes = self._actions_done, 0, 0
        self._files, self._bytes = self._files_done, self._bytes_done
        self._count_current()
        for action in actions:
            self._actions += 1
            if _comes_later(action):
                self._later, self._later_bytes = self._later + 1, self._later_bytes + _size(action)
            elif action.op in (Op.SEND, Op.FETCH):
                self._files, self._bytes = self._files + 1, self._bytes + _size(action)

    def started(self, action: Action, path: str) -> None:
        size = 0 if _comes_later(action) else _size(action)
        self._current[action.node] = _Current(action.op, action.side, path, size, Rate(self._now()))
        self._tell(action.node)

    def preparing(self, action: Action, size: int) -> None:
        running = self._current.get(action.node)
        if running is not None:
            running.prepared += size
            running.rate.add(self._now(), size)

    def resumes(self, action: Action, at: int) -> None:
        running = self._current.get(action.node)
        if running is not None:
            self._bytes_done += at - running.done
            running.done, running.prepared, running.rate = at, 0, Rate(self._now())

    def advanced(self, action: Action, size: int) -> None:
        now = self._now()
        self._bytes_done += size
        self._sent_rate.add(now, size)
        running = self._current.get(action.node)
        if running is not None:
            running.done += size
            running.rate.add(now, size)

    def ended(self, outcome: Outcome, path: str) -> None:
        action, now = outcome.action, self._now()
        running = self._current.pop(action.node, None)
        self._tell(action.node)
        if running is None:
            # The hydrator reports contents only when they are whole.
            self._fetched, self._fetched_bytes = (
                self._fetched + 1,
                self._fetched_bytes + _size(action),
            )
            self._file_rate.add(now, 1)
            return
        self._actions_done += 1
        if _comes_later(action):
            self._later = max(self._later - 1, 0)
            self._later_bytes = max(self._later_bytes - _size(action), 0)
        elif action.op in (Op.SEND, Op.FETCH):
            self._files_done += 1
            self._file_rate.add(now, 1)
            left = running.size - running.done
            if outcome.result is Result.DONE:
                self._bytes_done += left
            else:  # it is not carried in this plan any more
                self._bytes -= left

    def broke_off(self, action: Action) -> None:
        running = self._current.pop(action.node, None)
        if running is not None:
            self._bytes -= running.size - running.done
        self._tell(action.node)

    def _tell(self, node: NodeId) -> None:
        if self.on_transfer is not None:
            self.on_transfer(node)

    # views ----------------------------------------------------------------------------------------
    def running(self, downloads: Downloads = _NOTHING) -> tuple[Running, ...]:
        """The transfers under way; what the hydrator receives may be for an action, or in its
        stead."""
        coming = {each.node: each for each in downloads.arriving}
        now = self._now()
        found = []
        for node, each in self._current.items():
            fetch = coming.pop(node, None)
            if fetch is not None:
                found.append(_arriving(fetch))
            elif each.size:
                done = each.prepared if each.phase == "preparing" else each.done
                running = _running(each.op, each.side, each.path, done, each.size, each.phase)
                found.append(_at_speed(running, each.rate.speed(now)))
            else:
                found.append(_running(each.op, each.side, each.path, 0, 0, each.phase))
        return (*found, *map(_arriving, coming.values()))

    @property
    def to_download(self) -> tuple[int, int]:
        """Files, and their bytes, that a plan under way hands to the hydrator, and has not yet."""
        return self._later, self._later_bytes

    def fetching(self) -> None:
        """The run itself is over; contents are still coming."""
        self._phase = "fetching"

    def progress(self, downloads: Downloads = _NOTHING) -> Progress:
        """This moment's state, with what the hydrator has still to fetch."""
        now = self._now()
        partly = sum(each.done for each in downloads.arriving if each.node in self._current)
        size = self._bytes + self._later_bytes + self._fetched_bytes + downloads.bytes
        done = self._bytes_done + self._fetched_bytes + partly
        for each in downloads.arriving:
            if each.node not in self._current:
                size, done = size + each.done, done + each.done
        files = self._files + self._later + self._fetched + downloads.waiting
        files_done = self._files_done + self._fetched
        speeds = (self._sent_rate.speed(now), downloads.speed)
        transfers = self.running(downloads)
        speed: float | None = sum(each for each in speeds if each)
        if not speed and not any(
            each.speed is not None and each.phase == "transferring" for each in transfers
        ):
            speed = None
        # A mounted drive lists now and then, while contents come for hours.
        lists = not self._is_run and self._phase != "carrying"
        phase = "fetching" if downloads.waiting and lists else self._phase
        return Progress(
            phase=phase,
            entries=self._entries,
            actions=self._actions,
            actions_done=self._actions_done,
            bytes=size,
            bytes_done=min(done, size),
            fetched=self._fetched,
            to_fetch=downloads.waiting,
            compared=self._compared,
            to_compare=self._to_compare,
            current=tuple(each.path for each in transfers[:_SHOWN]),
            files=files,
            files_done=files_done,
            speed=speed,
            left=_left(size - done, speed, files - files_done, self._file_rate.speed(now)),
            transfers=transfers[:_SHOWN],
            read=self._read,
        )


def _comes_later(action: Action) -> bool:
    """Whether the action brings only the name, and the hydrator the content."""
    return action.op is Op.FETCH and action.local is None and _size(action) > 0


def _size(action: Action) -> int:
    state = action.local if action.op is Op.SEND else action.remote
    return state.size if state is not None and action.op in (Op.SEND, Op.FETCH) else 0


def _left(size: int, speed: float | None, files: int, files_a_second: float | None) -> float | None:
    """Seconds that the rest takes: by its bytes, or, where many small files take their time one by
    one, by their number."""
    found = []
    if speed and size > 0:
        found.append(size / speed)
    if files_a_second and files > 0:
        found.append(files / files_a_second)
    return max(found, default=None)


def _arriving(each: DownloadProgress) -> Running:
    whole = each.size and each.done >= each.size
    phase = "finishing" if each.proving or whole else "transferring"
    running = _running(Op.FETCH, Side.LOCAL, each.path, each.done, each.size, phase)
    return _at_speed(running, each.speed)


def _running(op: Op, side: Side, path: str, done: int, size: int, phase: str) -> Running:
    return Running(op.value, side.value, path, min(done, size), size, phase=phase)


def _at_speed(running: Running, speed: float | None) -> Running:
    if running.phase == "finishing" or speed is None:
        return running
    left = (running.size - running.done) / speed if speed and running.size > running.done else None
    return msgspec.structs.replace(running, speed=speed, left=left)
