"""Where the next kill is to come, and what is done until then: a seed decides."""

from __future__ import annotations

import random
from dataclasses import dataclass

from tests.crash.points import AT_END, AT_START, POINTS, Kill
from tests.crash.scenes import ANYTHING, SCENES, Scene

WORKS = 0.8
"""Seconds of work before a kill at any moment, at most."""

PASSES_WITHIN = 5.0
"""Seconds in which a named point is passed, even on a busy computer. Else the kill is one at any
moment."""

ONCE = ("recovery", "strays", "segment", "segments_renewed", "interrupted_writes", "file_stated")
"""A start passes it once."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One kill. ``kill`` is None for one at any moment: ``after`` seconds of work. ``syncs``: one
    run after the other is asked for, else they come as the drive sees fit; ``hurry``: sooner."""

    kill: Kill | None
    after: float
    steps: int
    seed: int
    hurry: bool = False
    syncs: bool = True
    scene: Scene = ANYTHING

    def text(self) -> str:
        where = (
            f"after {self.after:.2f} s"
            if self.kill is None
            else f"at {self.kill.point}, passage {self.kill.count}"
        )
        return (
            f"{where}{' of the start' if self.kill and self.kill.at_start else ''}, {self.steps}"
            " steps"
        )


def plan(chance: random.Random, points: list[str]) -> Plan:
    """A kill at one of these points, drawn by their weights; without any, at any moment."""
    seed, steps = chance.randrange(1 << 40), chance.randrange(5, 120)
    hurry, syncs = chance.random() < 0.75, chance.random() < 0.6
    if not points:
        return Plan(None, chance.random() * WORKS, steps, seed, hurry, syncs)
    point = chance.choices(points, [POINTS[each] for each in points])[0]
    name = point.split("/")[0]
    scene = SCENES.get(name, ANYTHING)
    at_start = name in AT_START or (name in {"append", "commit"} and chance.random() < 0.2)
    count = chance.choice((1, 1, 1, 2, 3))
    if name in AT_END or name in ONCE:
        count = 1
    elif scene.busy and not at_start:
        count, steps = min(int(chance.expovariate(0.3)) + 1, 20), chance.randrange(60, 120)
    wanted = Kill(point, count, seed, at_start)
    return Plan(
        wanted, PASSES_WITHIN, steps, seed, hurry or scene.syncs, syncs or scene.syncs, scene
    )
