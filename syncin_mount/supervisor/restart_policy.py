"""Which drives are to be started and stopped, and when: the supervisor's table. It decides and does
nothing.

    WAITING --Start--> STARTING --started--> UP --ended by itself--> WAITING, after a growing pause
       ^                   | refused ---------------------------------^
       |                                      UP --ended in order---> DOWN, until wanted
       +-- release ------- DOWN               UP --not enabled------> STOPPING --> gone

Times are seconds of a clock that only goes forward, given with every call.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from syncin_mount.control.supervision import Phase

if TYPE_CHECKING:
    from collections.abc import Iterable

FIRST_BACKOFF_S = 2.0
LONGEST_BACKOFF_S = 300.0
"""Seconds before a drive that failed is started again: doubled from the first to the longest."""

LONG_ENOUGH = LONGEST_BACKOFF_S
"""Seconds that a drive must have lived for its next failure to count as the first."""

BUSY_RETRY_S = 5.0
"""Seconds before a drive that is in use is asked again to go."""

AT_ONCE = 4
"""Drives that start at the same time: each start is some hundred milliseconds of one core."""


@dataclass(frozen=True, slots=True)
class Start:
    """Mount it."""

    name: str
    manual: bool


@dataclass(frozen=True, slots=True)
class Stop:
    """Unmount it when nothing is open in it."""

    name: str


@dataclass(frozen=True, slots=True)
class Drive:
    """``due`` is when something is to be done (WAITING: a start, UP and not ``enabled``: a stop),
    ``since`` when it came up. ``why`` (what the sentence about it is made of) and ``status`` say
    what became of the last try; ``failures`` counts since it last lived long enough."""

    name: str
    phase: Phase = Phase.WAITING
    enabled: bool = True
    manual: bool = False
    due: float = 0.0
    since: float = 0.0
    failures: int = 0
    why: object = None
    status: int | None = None


def backoff_after(failures: int) -> float:
    """How long a drive rests after that many failures in a row, in seconds."""
    return min(LONGEST_BACKOFF_S, FIRST_BACKOFF_S * 2.0 ** min(failures - 1, 30))


class RestartPolicy:
    """What holds: nothing is both started and up; a name that is neither enabled nor running is not
    in the table; a drive is started at most once in ``backoff_after`` its failures; at most AT_ONCE
    start at the same time."""

    def __init__(self) -> None:
        self.drives: dict[str, Drive] = {}
        self._ending = False

    # what was seen --------------------------------------------------------------------------------
    def configured(self, now: float, enabled: Iterable[str]) -> None:
        """These and no others are to be up."""
        wanted = dict.fromkeys(enabled)
        for name in wanted:
            if name not in self.drives:
                self.drives[name] = Drive(name, due=now)
        for drive in list(self.drives.values()):
            on = drive.name in wanted
            if on or drive.phase in {Phase.UP, Phase.STARTING, Phase.STOPPING}:
                if on is not drive.enabled:
                    self._put(drive, enabled=on, due=now, why=None, status=None)
            else:
                del self.drives[drive.name]

    def running(self, now: float, name: str) -> None:
        """Its daemon is there, whoever started it."""
        drive = self.drives.get(name)
        if drive is not None and drive.phase is not Phase.UP:
            self._put(drive, phase=Phase.UP, since=now, due=now, why=None, status=None)

    def refused(self, now: float, name: str, status: int, why: object) -> None:
        """Its daemon did not come up."""
        self._failed(now, name, status, why)

    def ended(
        self, now: float, name: str, *, in_order: bool, why: object = "", status: int | None = None
    ) -> None:
        """Its daemon is gone: in order because somebody unmounted it, or on its own."""
        drive = self.drives.get(name)
        if drive is None:
            return
        if not drive.enabled:
            del self.drives[name]
        elif drive.phase is Phase.STOPPING:  # it was enabled again meanwhile
            self._put(drive, phase=Phase.WAITING, due=now)
        elif in_order:
            self._put(drive, phase=Phase.DOWN, failures=0, why=None, status=None)
        else:
            self._failed(now, name, status, why)

    def busy(self, now: float, name: str, why: object) -> None:
        """It could not be stopped yet. Enabled again meanwhile, it need not be."""
        drive = self.drives.get(name)
        if drive is not None:
            said = None if drive.enabled else why
            self._put(drive, phase=Phase.UP, due=now + BUSY_RETRY_S, why=said)

    # what people want -----------------------------------------------------------------------------
    def release(self, now: float, name: str | None = None, *, manual: bool = False) -> None:
        """It (every one, without a name) is to be up, and failed ones are tried anew at once."""
        for drive in self._named(name):
            if drive.phase in {Phase.DOWN, Phase.WAITING}:
                self._put(drive, phase=Phase.WAITING, due=now, failures=0, manual=manual)

    def hold(self, name: str | None = None) -> None:
        """It (every one, without a name) stays down, when it is not up."""
        for drive in self._named(name):
            if drive.phase is Phase.WAITING:
                self._put(drive, phase=Phase.DOWN, failures=0, why=None, status=None)

    def end(self) -> None:
        """From now on nothing is started or stopped."""
        self._ending = True

    # what follows ---------------------------------------------------------------------------------
    def decide(self, now: float) -> list[Start | Stop]:
        """What is to be done now; it counts as begun."""
        acts: list[Start | Stop] = []
        if self._ending:
            return acts
        starting = sum(drive.phase is Phase.STARTING for drive in self.drives.values())
        for drive in list(self.drives.values()):
            if drive.due > now:
                continue
            if drive.phase is Phase.WAITING and drive.enabled and starting < AT_ONCE:
                starting += 1
                self._put(drive, phase=Phase.STARTING)
                acts.append(Start(drive.name, drive.manual))
            elif drive.phase is Phase.UP and not drive.enabled:
                self._put(drive, phase=Phase.STOPPING)
                acts.append(Stop(drive.name))
        return acts

    def next_due(self, now: float) -> float | None:
        """Seconds until `decide` has something, if nothing else happens; None when it never has."""
        times = [
            drive.due - now
            for drive in self.drives.values()
            if self._has_due(drive) and drive.due > now
        ]
        return None if self._ending or not times else min(times)

    def is_stable(self, now: float, name: str | None = None) -> bool:
        """Whether it (every one, without a name) is what it is to be, or was tried and rests."""
        return not any(
            drive.phase in {Phase.STARTING, Phase.STOPPING}
            or (self._has_due(drive) and drive.due <= now)
            for drive in self._named(name)
        )

    @staticmethod
    def _has_due(drive: Drive) -> bool:
        return drive.phase is Phase.WAITING or (drive.phase is Phase.UP and not drive.enabled)

    def _named(self, name: str | None) -> list[Drive]:
        return [drive for drive in self.drives.values() if name in {None, drive.name}]

    def _put(self, drive: Drive, **changes: object) -> None:
        self.drives[drive.name] = replace(drive, **changes)  # type: ignore[arg-type]  # mypy cannot see the names

    def _failed(self, now: float, name: str, status: int | None, why: object) -> None:
        drive = self.drives.get(name)
        if drive is None:
            return
        if not drive.enabled:
            del self.drives[name]
            return
        lived = drive.phase is Phase.UP and now - drive.since >= LONG_ENOUGH
        failures = 1 if lived else drive.failures + 1
        due = now + backoff_after(failures)
        self._put(drive, phase=Phase.WAITING, due=due, failures=failures, why=why, status=status)
