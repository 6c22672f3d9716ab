"""Patience with who reads along: on Windows virus scanners and indexers open a file the moment it
is made or closed, some of them without letting others open, rename or remove it. They let go after
some milliseconds."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

Outcome = TypeVar("Outcome")

SHARING_VIOLATION: Final = 32
ACCESS_DENIED: Final = 5
"""What Windows answers instead where the file is to be replaced or removed."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a scanner is waited for (seconds), on which clock."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    limit_s: float = 1.0
    first_wait_s: float = 0.002


def despite_scanners(
    act: Callable[[], Outcome],
    refusals: frozenset[int] = frozenset({SHARING_VIOLATION}),
    patience: Patience = Patience(),
) -> Outcome:
    """What ``act`` returns. While Windows refuses it with one of these codes, it is tried again,
    with waits that double, until ``patience`` ends. Blocks. Raises the last OSError, and every
    other at once."""
    until = patience.now() + patience.limit_s
    wait = patience.first_wait_s
    while True:
        try:
            return act()
        except OSError as error:
            left = until - patience.now()
            if getattr(error, "winerror", None) not in refusals or left <= 0:
                raise
        patience.sleep(min(wait, left))
        wait *= 2
