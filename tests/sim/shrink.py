"""Makes a failing scenario smaller for as long as it still fails."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tests.sim.device import DeviceSpec
from tests.sim.scenario import Scenario, Step
from tests.sim.world import Outcome, run

TRIES = 400


def shrink(scenario: Scenario, outcome: Outcome) -> tuple[Scenario, Outcome]:
    """The smallest that was found, and how it fails (any failure will do)."""
    tries = 0
    again = True
    while again and tries < TRIES:
        again = False
        for candidate in _smaller(scenario):
            tries += 1
            found = run(candidate)
            if found.failure is not None and _kind(found) == _kind(outcome):
                scenario, outcome, again = candidate, found, True
                break
            if tries >= TRIES:
                break
    return scenario, outcome


def _kind(outcome: Outcome) -> str:
    return (outcome.failure or "").split(" ")[0]


def _smaller(scenario: Scenario) -> Iterator[Scenario]:
    if scenario.fault_rate:
        yield replace(scenario, fault_rate=0.0)
    yield from _plainer(scenario)
    for device in scenario.devices[1:]:
        rest = tuple(each for each in scenario.devices if each is not device)
        start = tuple(step for step in scenario.start if step.actor != device.name)
        steps = tuple(step for step in scenario.steps if step.actor != device.name)
        yield replace(scenario, devices=rest, start=start, steps=steps)
    for shorter in _shorter(scenario.steps):
        yield replace(scenario, steps=shorter)
    for shorter in _shorter(scenario.start):
        yield replace(scenario, start=shorter)


def _plainer(scenario: Scenario) -> Iterator[Scenario]:
    """With one setting of one device as it is by default."""
    default = DeviceSpec("")
    for number, device in enumerate(scenario.devices):
        for setting in ("direction", "mode", "conflict", "rule"):
            change = {setting: getattr(default, setting)}
            plain = replace(device, **change)
            if plain != device:
                devices = (*scenario.devices[:number], plain, *scenario.devices[number + 1 :])
                yield replace(scenario, devices=devices)


def _shorter(steps: tuple[Step, ...]) -> Iterator[tuple[Step, ...]]:
    """Without a half, a quarter … of the steps, at last without one."""
    size = (len(steps) + 1) // 2
    while size:
        for begin in range(0, len(steps), size):
            yield steps[:begin] + steps[begin + size :]
        size //= 2
