"""Where a plan is made: in the loop, or, when there is much to plan, in a thread on a snapshot of
the replica.

Planning is pure, so what it needs is three trees that stand still. The loop, and with it every
request of the mount, goes on meanwhile. That a plan is some moments old is nothing new to the
executor: the last action of a plan is always older than its first by all that was done between, so
each is proved just before it is done.
"""

from __future__ import annotations

import contextlib
import gc
import logging
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

import trio

from reconciler.errors import SnapshotEnded
from reconciler.lookups import Dirty, Lookups
from reconciler.model import ROOT, NodeId, Plan, Settings, Side
from reconciler.planner.deletion_history import Going, Past
from reconciler.planner.filter_borders import crossings
from reconciler.planner.guards import Halt, going, halt
from reconciler.planner.plan import plan
from reconciler.ports import Replica
from reconciler.reporting.describe import PlanDescriber
from reconciler.reporting.report import Explained, Step
from reconciler.trees.local_checksums import Sums
from reconciler.trees.remote_tree import RemoteTree
from reconciler.trees.tree_view import Trees, closure

log = logging.getLogger(__name__)

PLAN_IN_THREAD_FROM_NODES = 500
"""Nodes from which on a thread is worth it: some 20 ms in the loop."""

SWITCH_INTERVAL_SECONDS = 0.001
"""Seconds that a planning thread has the interpreter at most while the loop wants it (Python's own:
5 ms). The loop asks for it several times a request."""

MANY_OBJECTS = 20_000
"""What a job leaves of these is kept from the garbage collector: looking through more takes several
ms."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """What is wanted besides the plan: its id (``with_id``), its ``steps`` in words, what it does
    at a path (``subject``). ``past`` is what went already, for the guards; ``withheld`` what is to
    be left alone."""

    with_id: bool = False
    steps: bool = False
    subject: str | None = None
    past: Past = field(default_factory=Past)
    withheld: frozenset[NodeId] = frozenset()


@dataclass(frozen=True, slots=True)
class Draft:
    """What came of planning for the ``touched`` nodes. ``stop`` is what a guard says to it,
    ``going`` what it deletes on each side."""

    touched: frozenset[NodeId]
    made: Plan
    stop: Halt | None
    plan_id: str | None = None
    steps: Sequence[Step] = ()
    explained: Sequence[Explained] | None = None
    going: Mapping[Side, Going] = field(default_factory=dict)


async def run_on_snapshot(
    replica: Replica, size: int, job: Callable[[Lookups], T], *, ids: int = 0
) -> T:
    """``job`` with the replica, or with a snapshot of it in a thread when ``size`` nodes are many.
    ``ids`` is how many new ids it may ask for then. Raises SnapshotEnded, and what the job raises;
    cancelled, it leaves the thread to end by itself, which the closing of the replica waits for."""
    if size < PLAN_IN_THREAD_FROM_NODES:
        return job(replica)
    try:
        snapshot = replica.snapshot(ids)
    # a full disk takes no commit; what waits to be sent must go all the same
    except OSError as error:
        log.warning(
            "a large plan is made without a snapshot, and the drive stands still for it: %s", error
        )
        return job(replica)

    def work() -> T:
        with snapshot, low_latency_gc():
            return job(snapshot)

    try:
        return await trio.to_thread.run_sync(work, abandon_on_cancel=True)
    finally:
        snapshot.end()


@contextlib.contextmanager
def low_latency_gc() -> Iterator[None]:
    """What a thread that computes in Python does to the loop is kept small. Collections would stop
    everything for a second or so, to find that none of a plan's million objects is garbage: they
    are left out until ``unfreeze_gc``."""
    collects, interval = gc.isenabled(), sys.getswitchinterval()
    gc.disable()
    sys.setswitchinterval(min(SWITCH_INTERVAL_SECONDS, interval))
    try:
        yield
    finally:
        sys.setswitchinterval(interval)
        if gc.get_count()[0] > MANY_OBJECTS:
            _Frozen.plan = True
            gc.freeze()
        if collects:
            gc.enable()


class _Frozen:
    """What the garbage collector does not look through, process-wide as that is."""

    plan = False


def freeze_gc_baseline() -> None:
    """What is alive now stays: no collection looks through it any more. For when a program has
    started."""
    gc.collect()
    gc.freeze()


def unfreeze_gc() -> None:
    """A plan is not needed any more. What of it is no garbage yet by the count of references is
    collected."""
    if _Frozen.plan:
        _Frozen.plan = False
        gc.unfreeze()
        freeze_gc_baseline()


class Planning:
    """Makes drafts over the replica and what the server's side is, or is assumed to be."""

    def __init__(self, replica: Replica, sums: Sums) -> None:
        self._replica = replica
        self._sums = sums

    async def full(
        self, tree: RemoteTree, settings: Settings, stamp: str, asked: PlanRequest
    ) -> Draft | None:
        """For all that differs. None when bases had to end at a filter's border, or the snapshot
        had to: then the run begins anew."""
        size = self._replica.dirty_count() + tree.size()
        return await self._draft(
            tree, size, partial(_all_that_differs, tree), settings, stamp, asked
        )

    async def push(
        self,
        tree: RemoteTree,
        due: Sequence[Dirty],
        settings: Settings,
        stamp: str,
        asked: PlanRequest,
    ) -> Draft | None:
        """For these changed nodes and those that go with them. None as ``full``."""
        nodes = [each.node for each in due]
        return await self._draft(
            tree, len(nodes), partial(closure, nodes=nodes), settings, stamp, asked
        )

    async def _draft(
        self,
        tree: RemoteTree,
        size: int,
        nodes: Callable[[Lookups], list[NodeId]],
        settings: Settings,
        stamp: str,
        asked: PlanRequest,
    ) -> Draft | None:
        replica, sums = self._replica, self._sums

        def job(known: Lookups) -> Draft | list[NodeId]:
            with tree.beside(known):
                view = Trees(known, tree, nodes(known), sums, withheld=asked.withheld)
                return _drafted(view, PlanDescriber(known, tree), settings, stamp, asked)

        try:
            found = await run_on_snapshot(replica, size, job)
        except SnapshotEnded:
            return None
        if isinstance(found, list):
            # Who is who is to be seen anew then. It changes what is agreed on, and nothing on
            # either side: a dry run does it too. A moment has passed, so it is decided on the nodes
            # as they are now.
            replica.set_bases(crossings(Trees(replica, tree, (), sums), settings.filters, found))
            return None
        return found


def _all_that_differs(tree: RemoteTree, known: Lookups) -> list[NodeId]:
    return [*(each.node for each in known.dirty()), *tree.changed()]


def _drafted(
    view: Trees, telling: PlanDescriber, settings: Settings, stamp: str, asked: PlanRequest
) -> Draft | list[NodeId]:
    """Pure. The draft; or nodes whose bases have to end first."""
    touched, filters = frozenset(view.touched()), settings.filters
    ended = crossings(view, filters, view.touched())
    if ended:
        return _with_folders(view, [node for node, _ in ended])
    made = plan(view, settings, stamp=stamp, filters=filters)
    stop = halt(view, made, view.base_count(), asked.past)
    lost = {side: going(view, made, side) for side in (Side.LOCAL, Side.REMOTE)}
    name = None
    if asked.with_id:  # the date in the names of conflict copies is no part of it
        dated = any(
            action.target is not None and stamp in action.target.name for action in made.actions
        )
        name = telling.plan_id(plan(view, settings, stamp="", filters=filters) if dated else made)
    steps = tuple(telling.steps(made.actions)) if asked.steps else ()
    explained = (
        telling.explained(asked.subject, made, filters) if asked.subject is not None else None
    )
    return Draft(touched, made, stop, name, steps, explained, lost)


def _with_folders(view: Trees, nodes: Iterable[NodeId]) -> list[NodeId]:
    """The nodes, each behind the folders in which the bases have it: what crosses a border with its
    folder is known by that, also when the folder's own base stays for another one in it."""
    found: dict[NodeId, None] = {}
    for node in nodes:
        path = [node]
        base = view.base(node)
        while base is not None and base.parent != ROOT:
            path.append(base.parent)
            base = view.base(base.parent)
        found.update(dict.fromkeys(reversed(path)))
    return list(found)
