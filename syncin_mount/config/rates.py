"""Bandwidth limits as people write them: ``500K``, ``2M``, ``1.5M``, ``off``. A K is 1024 bytes a
second."""

from __future__ import annotations

import re

from reconciler.phrases import Phrase

_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
_RATE = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,3})?)\s*([kmg]?)(?:i?b)?(?:/s)?")

LEAST = 1 << 10
"""Bytes a second: below it, nothing would arrive before a server gives up."""


def parse_rate(text: str) -> int | None:
    """Bytes a second; None for ``off``. Raises ValueError that says what is expected."""
    plain = text.strip().lower()
    if plain == "off":
        return None
    match = _RATE.fullmatch(plain)
    rate = int(float(match[1]) * _UNITS[match[2]]) if match else 0
    if rate < LEAST:
        raise ValueError(Phrase("bytes a second, from 1K on, as 500K, 2M or 1.5M; or off"))
    return rate


def rate_text(rate: int | None) -> str:
    """The shortest text that says exactly this."""
    if rate is None:
        return "off"
    for letter in "GMK":
        unit = _UNITS[letter.lower()]
        if rate % unit == 0:
            return f"{rate // unit}{letter}"
    return str(rate)
