"""No folder is ever there twice: some short runs of ``./dev sim twice`` with every test, which runs
long ones."""

from __future__ import annotations

import pytest

from tests.sim.twice import attempt

OPERATIONS = 60
"""A side."""


@pytest.mark.parametrize(
    "seed", [1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 11))]
)
def test_no_folder_is_there_twice(seed: int) -> None:
    outcome = attempt(seed, OPERATIONS)
    assert outcome.failure is None, (
        f"look with ./dev sim twice --runs 1 --seed {seed} --operations 60 --log 2000"
    )


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 11])
def test_what_came_back_goes_after_the_last_listing_of_a_run_too(seed: int) -> None:
    """Steps of a request that take up to 3 s have every run make all the rounds that it may."""
    outcome = attempt(seed, OPERATIONS, pace=3.0)
    assert outcome.failure is None, outcome.failure
