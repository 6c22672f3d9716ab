"""What a run leaves behind in memory: nothing that only a garbage collection would find."""

from __future__ import annotations

import gc
import weakref

import pytest

from reconciler.engine import plan_worker
from reconciler.executor.execute import Executor
from reconciler.trees.remote_tree import RemoteTree
from tests.engine.world import World


def _of_plans() -> list[Executor | RemoteTree]:
    return [each for each in gc.get_objects() if isinstance(each, Executor | RemoteTree)]


@pytest.mark.slow
async def test_a_plans_trees_go_with_the_run(world: World) -> None:
    """They are as large as the plan, and a collection that finds them stops the drive for as long
    as it looks."""
    device = await world.device()
    world.put("theirs.txt", b"from the server")
    device.write("ours.txt", b"from here")
    gc.collect()
    gc.disable()
    others = _of_plans()  # of other tests: held, so none of these is taken for one of them
    try:
        report = await device.sync()
        left = [
            type(each).__name__
            for each in _of_plans()
            if not any(each is other for other in others)
        ]
    finally:
        gc.enable()
    assert len(report.outcomes) >= 2
    assert not left


class Node:
    """Something that refers to itself."""

    def __init__(self) -> None:
        self.itself = self


@pytest.mark.slow
async def test_what_a_large_plan_froze_is_collected_with_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan_worker, "PLAN_IN_THREAD_FROM_NODES", 1)
    monkeypatch.setattr(plan_worker, "MANY_OBJECTS", 0)
    device = await world.device()
    device.write("ours.txt", b"from here")
    garbage = weakref.ref(Node())
    assert garbage() is not None
    frozen: list[int] = []
    unfreeze = gc.unfreeze

    def watched() -> None:
        frozen.append(gc.get_freeze_count())
        unfreeze()

    monkeypatch.setattr(gc, "unfreeze", watched)
    gc.disable()
    try:
        await device.sync()
        assert frozen, "it was never frozen"
        assert garbage() is None
    finally:
        gc.enable()
        unfreeze()
