from __future__ import annotations

import pytest

from reconciler.requests.throughput import WINDOW, Rate


def test_too_little_to_tell():
    rate = Rate(10.0)
    rate.add(10.1, 1000)
    assert rate.speed(10.2) is None


def test_the_mean_since_the_beginning_then_of_the_last_seconds():
    rate = Rate(0.0)
    for tenth in range(1, 11):
        rate.add(tenth / 10, 100)
    assert rate.speed(1.0) == pytest.approx(1000)
    assert rate.speed(2.0) == pytest.approx(500)
    assert rate.speed(1.0 + WINDOW) == 0


def test_memory_does_not_grow_with_the_bytes():
    rate = Rate(0.0)
    for number in range(100_000):
        rate.add(number / 1000, 1)
    assert len(rate._samples) < 30
    assert rate.speed(99.999) == pytest.approx(1000, rel=0.06)
