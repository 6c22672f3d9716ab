"""Seeds of the simulation that run with every test, and that a seed says everything about its
run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sim.scenario import make
from tests.sim.world import run

RUNS = 2000
PARTS = 20
REPLAYED = 7


@pytest.mark.parametrize(
    "part", [0, *(pytest.param(part, marks=pytest.mark.slow) for part in range(1, PARTS))]
)
def test_nothing_is_lost_and_all_sides_agree(part: int) -> None:
    failed = {
        seed: outcome.failure
        for seed in range(part, RUNS, PARTS)
        if (outcome := run(make(seed))).failure
    }
    assert not failed, "look with ./dev sim --runs 1 --seed SEED --shrink --log 60"


def digests(environment: dict[str, str]) -> list[str]:
    code = (
        "from tests.sim.scenario import make; from tests.sim.world import run\n"
        f"for seed in range({REPLAYED}): print(run(make(seed)).digest)"
    )
    top = Path(__file__).parents[2]
    command = [sys.executable, "-c", code]
    environment = os.environ | {"PYTHONPATH": str(top)} | environment
    return subprocess.run(
        command, cwd=top, env=environment, capture_output=True, text=True, check=True, timeout=100
    ).stdout.split()


@pytest.mark.slow
def test_a_seed_replays_exactly() -> None:
    """In this process, after whatever ran before, and in others that hash differently."""
    here = [run(make(seed)).digest for seed in range(REPLAYED)]
    assert len(set(here)) == REPLAYED
    assert digests({"PYTHONHASHSEED": "1"}) == here
    assert digests({"PYTHONHASHSEED": "2"}) == here
