"""pytest's plugin inside Wine: skips what the selection leaves out, and says why."""

from __future__ import annotations

import os

import pytest

from tests.wine.selection import RUN_THEM, reason_for


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    reasons = {item: reason_for(item.nodeid.replace("\\", "/")) for item in items}
    if os.environ.get(RUN_THEM):
        config.hook.pytest_deselected(items=[item for item in items if reasons[item] is None])
        items[:] = [item for item in items if reasons[item] is not None]
        return
    for item, reason in reasons.items():
        if reason is not None:
            item.add_marker(pytest.mark.skip(reason=reason))
