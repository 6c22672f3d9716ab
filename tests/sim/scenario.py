"""What happens in a run: made from a seed alone, as data, so that a failing one can be made
smaller."""

from __future__ import annotations

import enum
import random
from dataclasses import dataclass

from reconciler.model import Conflict, Direction, Mode
from tests.sim.device import RULES, DeviceSpec
from tests.sim.people import DEVICE_OPERATIONS
from tests.sim.somebody import SERVER_OPERATIONS

SERVER = "server"


class Style(enum.Enum):
    """Who touches what: everybody everything; each a folder of their own; or everything, but one
    after another, with all sides brought together in between."""

    MIXED = "mixed"
    APART = "apart"
    TURNS = "turns"


@dataclass(frozen=True, slots=True)
class Step:
    """``delay`` seconds after the step before, ``actor`` does ``op``; ``salt`` is the seed of its
    choices."""

    delay: float
    actor: str
    op: str
    salt: int

    def __str__(self) -> str:
        return f"{self.delay:g} {self.actor} {self.op} {self.salt}"


@dataclass(frozen=True, slots=True)
class Scenario:
    """One run. ``start`` is done before any engine runs."""

    seed: int
    style: Style
    devices: tuple[DeviceSpec, ...]
    fault_rate: float
    pace: float
    start: tuple[Step, ...]
    steps: tuple[Step, ...]
    filters_stay: bool = False
    """Filters are still in force when everything is compared, not taken away before."""

    @property
    def calm(self) -> bool:
        """Nothing goes wrong on the way, so nothing may be sent twice."""
        return not self.fault_rate and not any(
            step.op in ("kill", "offline", "restart") for step in self.steps
        )


def make(seed: int) -> Scenario:
    """The scenario of a seed."""
    rng = random.Random(seed)
    style = rng.choices(list(Style), (6, 2, 2))[0]
    devices = tuple(_device(rng, name, style) for name in "abc"[: rng.choice((1, 2, 2, 2, 3))])
    restless = style is Style.MIXED and rng.random() < 0.4  # settings change on the way
    fault_rate = rng.choice((0.0, 0.0, 0.02, 0.1, 0.25))
    kills = rng.random() < 0.5
    start = [_step(rng, SERVER, SERVER_OPERATIONS) for _ in range(rng.randrange(12))]
    for device in devices:
        if rng.random() < 0.4 and style is Style.MIXED:
            start.append(Step(0.0, device.name, "bring", rng.getrandbits(32)))
        if style is not Style.TURNS:
            start += [
                _step(rng, device.name, DEVICE_OPERATIONS) for _ in range(rng.choice((0, 0, 3, 6)))
            ]
    steps: list[Step] = []
    count = rng.choice((5, 15, 30, 50))
    while len(steps) < count:
        steps += _turn(
            rng, style, [device.name for device in devices], kills, faults=fault_rate > 0
        )
        if restless and rng.random() < 0.3:
            steps.append(
                Step(
                    rng.choice((0.0, 1.0, 10.0)),
                    rng.choice(devices).name,
                    "settings",
                    rng.getrandbits(32),
                )
            )
    if style is Style.MIXED and rng.random() < 0.2:
        _restore(rng, steps)
    pace = rng.choice((0.0, 0.05, 0.5, 3.0))
    return Scenario(
        seed, style, devices, fault_rate, pace, tuple(start), tuple(steps), rng.random() < 0.5
    )


def _device(rng: random.Random, name: str, style: Style) -> DeviceSpec:
    return DeviceSpec(
        name,
        direction=draw_direction(rng, name, style),
        mode=rng.choices(list(Mode), (3, 2))[0],
        rule=draw_rule(rng) if style is Style.MIXED else None,
        conflict=rng.choices(list(Conflict), (3, 1, 1))[0],
        manual=rng.random() < 0.3,
        settle=rng.choice((0.0, 0.5, 2.0)),
        listing=rng.choice((10.0, 30.0, 100.0)),
        skew=rng.choice((0.0, 0.0, 0.0, -7200.0, 3600.0)),
        commit=rng.choice((1.0, 7.0, 1000.0)),
    )


def draw_direction(rng: random.Random, name: str, style: Style) -> Direction:
    """Two that make the server like themselves would never agree; and where everybody has a folder
    of their own, or one follows the other, nobody undoes what others did."""
    up = 1 if name == "a" and style is Style.MIXED else 0
    down = 1 if style is Style.MIXED or name != "a" else 0
    return rng.choices((Direction.BOTH, Direction.UPLOAD, Direction.DOWNLOAD), (6, up, down))[0]


def draw_rule(rng: random.Random) -> str | None:
    """The name of a filter's rule (see ``tests.sim.device``), mostly none."""
    return rng.choice((None, None, None, None, *RULES))


def _restore(rng: random.Random, steps: list[Step]) -> None:
    """A backup is made at some moment, and put back at a later one."""
    restored = rng.randrange(len(steps) + 1)
    op = rng.choice(("restore", "restore", "restore", "restore_part"))
    steps.insert(restored, Step(rng.choice((0.0, 1.0, 60.0)), SERVER, op, rng.getrandbits(32)))
    steps.insert(rng.randrange(restored + 1), Step(0.0, SERVER, "backup", 0))


def _step(rng: random.Random, actor: str, operations: dict[str, float], delay: float = 0.0) -> Step:
    return Step(
        delay,
        actor,
        rng.choices(list(operations), list(operations.values()))[0],
        rng.getrandbits(32),
    )


def _turn(
    rng: random.Random, style: Style, names: list[str], kills: bool, faults: bool
) -> list[Step]:
    """What somebody does in one go, or what happens to a device."""
    actor = rng.choice([*names, *names, SERVER])
    delay = rng.choice((0.0, 0.0, 0.1, 1.0, 3.0, 10.0, 60.0))
    event = rng.random()
    if event < 0.15 and actor != SERVER:
        return [Step(delay, actor, "sync", rng.getrandbits(32))]
    if event < 0.22 and kills and actor != SERVER:
        return [Step(delay, actor, "kill", rng.getrandbits(32))]
    if event < 0.25 and actor != SERVER:
        return [Step(delay, actor, "restart", rng.getrandbits(32))]
    if event < 0.30 and faults and actor != SERVER:
        return [
            Step(delay, actor, rng.choice(("offline", "online", "online")), rng.getrandbits(32))
        ]
    operations = SERVER_OPERATIONS if actor == SERVER else DEVICE_OPERATIONS
    burst = rng.choice((1, 1, 1, 2, 5))
    found = [
        _step(rng, actor, operations, delay if number == 0 else 0.0) for number in range(burst)
    ]
    if style is Style.TURNS:
        found.append(Step(0.0, SERVER, "settle", rng.getrandbits(32)))
    return found
