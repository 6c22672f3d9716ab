"""No folder is ever there twice: some short runs of ``./dev sim twice`` with every test, which runs long ones."""

from __future__ import annotations

import pytest

from tests.sim.twice import attempt

OPERATIONS = 60
"""A side."""


@pytest.mark.parametrize("seed", range(1, 11))
def test_no_folder_is_there_twice(seed: int) -> None:
    outcome = attempt(seed, OPERATIONS)
    assert outcome.failure is None, f"look with ./dev sim twice --runs 1 --seed {seed} --operations 60 --log 2000"
