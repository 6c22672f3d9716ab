"""Reasons that were kept on a disk (history, conflicts, bin): English texts, known by their words.

Nothing of another language is kept there: whoever reads it later may read another one. The texts
that are said again are those that `reconciler.planner.reasons` and the store put there."""

from __future__ import annotations

import functools
import re

from reconciler.planner.reasons import AS_KEPT
from syncin_mount.language import ENGLISH, current, t


def reason(text: str) -> str:
    """The kept ``text`` in the reader's language; what is not known stays English."""
    if not text or current() == ENGLISH:
        return text
    for template, pattern in _patterns():
        found = pattern.fullmatch(text)
        if found is not None:
            return t(template, **found.groupdict())
    return t(text)


@functools.cache
def _patterns() -> list[tuple[str, re.Pattern[str]]]:
    return [(each, _pattern(each)) for each in AS_KEPT]


def _pattern(template: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)\}", template)
    return re.compile(
        "".join(f"(?P<{part}>.*)" if at % 2 else re.escape(part) for at, part in enumerate(parts))
    )
