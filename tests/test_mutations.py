"""The deliberate faults of the mutation lists still have the texts that they replace."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.crash import mutations as crash
from tests.sim import mutations as sim

TOP = Path(__file__).parents[1]


@pytest.mark.parametrize("mutation", [*sim.MUTATIONS, *crash.MUTATIONS], ids=lambda each: each.what)
def test_the_text_that_a_fault_replaces_is_there(mutation: sim.Mutation | crash.Mutation) -> None:
    source = (TOP / mutation.file).read_text()
    assert mutation.old in source
    compile(source.replace(mutation.old, mutation.new), mutation.file, "exec")
