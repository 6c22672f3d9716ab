"""When sending gives way to what programs do."""

from __future__ import annotations

import pytest

from reconciler.engine.debounce import CROWD, WINDOW, BurstDetector


@pytest.mark.parametrize(
    ("looks", "last"),
    [
        pytest.param(
            [(100_000, 0.0)], False, id="what waited when the drive was mounted is no crowd"
        ),
        pytest.param([(0, 0.0), (100, 1.0)], True, id="an archive is unpacked"),
        pytest.param([(0, 0.0), (20, 1.0)], False, id="somebody works"),
        pytest.param([(0, 0.0), (100, 1.0), (100, 1.5)], True, id="not yet known to be over"),
        pytest.param([(0, 0.0), (100, 1.0), (100, 2.0)], False, id="over"),
        pytest.param([(0, 0.0), (1000, 0.9)], False, id="too soon to tell"),
        pytest.param([(0, 0.0), (100, 3600.0)], False, id="in an hour"),
        pytest.param([(500, 0.0), (100, 1.0)], False, id="sent meanwhile"),
    ],
)
def test_a_crowd(looks: list[tuple[int, float]], last: bool) -> None:
    pace = BurstDetector()
    assert [pace.is_burst(*look) for look in looks][-1] is last


def test_the_borders() -> None:
    for count, crowded in ((int(CROWD * WINDOW), True), (int(CROWD * WINDOW) - 1, False)):
        pace = BurstDetector()
        pace.is_burst(0, 0.0)
        assert pace.is_burst(count, WINDOW) is crowded
