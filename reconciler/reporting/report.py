"""What a run did, and what the engine is doing: plain data for the terminal, the JSON output and
the status."""

from __future__ import annotations

from dataclasses import dataclass, field

from reconciler.model import NodeId, Outcome, Result
from reconciler.planner.guards import Halt


@dataclass(frozen=True, slots=True)
class State:
    """What a file or folder is like on one side, or was when both agreed. ``mtime`` is whole
    seconds; a folder has no size and mtime of interest."""

    kind: str
    path: str
    size: int
    mtime: int


@dataclass(frozen=True, slots=True)
class Step:
    """One planned action in words: ``path`` is where the node is, ``new_path`` where a move leads.
    The states are those that the action rests on."""

    op: str
    side: str
    path: str
    new_path: str | None
    size: int
    reason: str
    base: State | None = None
    local: State | None = None
    remote: State | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """A file or folder that could not be settled. ``lasting`` problems need somebody to do
    something."""

    node: NodeId
    path: str
    why: str
    lasting: bool


@dataclass(frozen=True, slots=True)
class Explained:
    """A node that is at the path asked for, on one side at least. ``known`` tells whether the
    server's state is; ``why`` says why nothing is done, where there are no ``steps``."""

    path: str
    base: State | None
    local: State | None
    remote: State | None
    known: bool
    why: str
    steps: tuple[Step, ...] = ()


@dataclass(slots=True)
class Report:
    """How a run ended. ``halted`` is what a guard found; ``offline`` why the server could not be
    reached. ``patient``: somebody waits for it, and wants all to be done. ``plan`` is the identity
    of what a dry run found, ``explained`` what it found at the path ``subject``."""

    steps: list[Step] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    conflicting: set[NodeId] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)
    halted: Halt | None = None
    offline: str | None = None
    refused: str | None = None
    dry_run: bool = False
    patient: bool = False
    plan: str | None = None
    subject: str | None = None
    explained: list[Explained] | None = None
    entries: int = 0
    seconds: float = 0.0

    def count(self, result: Result) -> int:
        return sum(1 for outcome in self.outcomes if outcome.result is result)

    @property
    def conflicts(self) -> int:
        """What both sides had changed differently, each once, however often it was planned for."""
        return len(self.conflicting)

    @property
    def complete(self) -> bool:
        """Everything that differed is settled."""
        return not (self.problems or self.halted or self.offline or self.refused)


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """A moment's view. Times are wall time in ns; ``next_try_seconds`` counts from now.
    ``next_run_ns`` is when the schedule starts a run, None without one; ``waits_for_turn``: it is
    due and waits for another drive's run. ``failed`` is why the last run came to no end, where the
    server is there and lets this computer in. ``offline_seconds`` is how long it has been away,
    None while it is there or was never asked."""

    online: bool | None
    offline_why: str
    running: str
    waiting: int
    last_run_ns: int | None
    next_try_seconds: float | None
    halted: Halt | None
    refused: str | None
    problems: tuple[Problem, ...]
    conflicts: int
    next_run_ns: int | None = None
    waits_for_turn: bool = False
    failed: str | None = None
    offline_seconds: float | None = None
