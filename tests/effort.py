"""How much a property tries: as much as hypothesis's profile says (tests/conftest.py)."""

from __future__ import annotations

import hypothesis


def examples(in_ci: int) -> int:
    """The number of examples for a property that CI tries ``in_ci`` times: a tenth of it in profile
    `dev`."""
    profile = hypothesis.settings.default
    assert profile is not None
    return max(10, in_ci * profile.max_examples // 100)
