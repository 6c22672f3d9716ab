"""How slowly an answer may come. What counts is progress in a span of time: a byte now and then is
none."""

from __future__ import annotations

WINDOW = 60.0
"""Seconds of waiting."""

LEAST = 4096
"""Bytes that must come meanwhile: 68 a second, less than a sixteenth of the slowest line that
anybody has."""


class Patience:
    """Pure. Each ``least`` bytes, the last ones too, must come within ``window`` seconds of
    *waiting* for them: what the reader takes for itself, as where somebody has set a limit, does
    not count."""

    def __init__(self, window: float = WINDOW, least: int = LEAST) -> None:
        self._window = window
        self._least = least
        self._waited = 0.0
        self._got = 0

    @property
    def left(self) -> float:
        """Seconds that the next bytes may take at most."""
        return max(self._window - self._waited, 0.0)

    def took(self, seconds: float, size: int) -> None:
        """So many bytes came after so much waiting."""
        self._waited += seconds
        self.credit(size)

    def credit(self, size: int) -> None:
        """Something came that is worth so many bytes."""
        self._got += size
        if self._got >= self._least:
            self._waited, self._got = 0.0, 0
