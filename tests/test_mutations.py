"""The deliberate faults of the mutation lists still have the texts that they replace."""

from __future__ import annotations

import pytest

from tests.crash import mutations as crash
from tests.mutated_sources import TOP, Mutation
from tests.sim import mutations as sim


@pytest.mark.parametrize(
    "mutation", [*sim.MUTATIONS, *sim.ELSEWHERE, *crash.MUTATIONS], ids=lambda each: each.what
)
def test_the_text_that_a_fault_replaces_is_there(mutation: Mutation) -> None:
    source = (TOP / mutation.file).read_text()
    assert mutation.old in source
    compile(source.replace(mutation.old, mutation.new), mutation.file, "exec")
