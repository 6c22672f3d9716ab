"""Waiting for a virus scanner, on a clock of the test's own."""

from __future__ import annotations

import errno

import pytest

from syncin_mount.system.scanners import (
    ACCESS_DENIED,
    SHARING_VIOLATION,
    Patience,
    despite_scanners,
)


class Clock:
    """Seconds that pass when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0
        self.pauses: list[float] = []

    def patience(self, limit_s: float = 1.0) -> Patience:
        return Patience(now=lambda: self.now, sleep=self.sleep, limit_s=limit_s)

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


class Refused(PermissionError):
    """As Windows' errors are: with the system's own number."""

    def __init__(self, winerror: int) -> None:
        super().__init__(errno.EACCES, "refused")
        self.winerror = winerror


class File:
    """Refuses until a time, and counts who tries."""

    def __init__(self, clock: Clock, free_at: float, code: int = SHARING_VIOLATION) -> None:
        self._clock = clock
        self._free_at = free_at
        self._code = code
        self.tries = 0

    def open(self) -> str:
        self.tries += 1
        if self._clock.now < self._free_at:
            raise Refused(self._code)
        return "opened"


def test_what_is_free_is_taken_at_once() -> None:
    clock = Clock()
    assert despite_scanners(File(clock, 0).open, patience=clock.patience()) == "opened"
    assert clock.pauses == []


@pytest.mark.parametrize("seconds", [0.001, 0.1, 0.9])
def test_a_scanner_that_lets_go_within_a_second_is_waited_for(seconds: float) -> None:
    clock = Clock()
    file = File(clock, clock.now + seconds)
    assert despite_scanners(file.open, patience=clock.patience()) == "opened"
    assert file.tries <= 11, "the pauses grow"
    assert clock.now - 100 < 2 * seconds + 0.002


def test_after_a_second_the_refusal_is_told() -> None:
    clock = Clock()
    with pytest.raises(PermissionError, match="refused"):
        despite_scanners(File(clock, 1e9).open, patience=clock.patience())
    assert sum(clock.pauses) == pytest.approx(1.0)


def test_other_refusals_are_told_at_once() -> None:
    clock = Clock()
    with pytest.raises(PermissionError):
        despite_scanners(File(clock, 1e9, ACCESS_DENIED).open, patience=clock.patience())
    assert clock.pauses == []


def test_who_replaces_waits_for_what_windows_says_then_too() -> None:
    clock = Clock()
    file = File(clock, clock.now + 0.5, ACCESS_DENIED)
    codes = frozenset({ACCESS_DENIED, SHARING_VIOLATION})
    assert despite_scanners(file.open, codes, clock.patience()) == "opened"


def test_errors_without_a_number_of_windows_are_told_at_once() -> None:
    def fail() -> None:
        raise FileNotFoundError(errno.ENOENT, "gone")

    clock = Clock()
    with pytest.raises(FileNotFoundError):
        despite_scanners(fail, patience=clock.patience())
    assert clock.pauses == []
