"""What differs and is not settled, and why: what failed and waits out a pause, and what a plan
leaves waiting."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping

import trio

from reconciler.filters import Filter
from reconciler.hydration.hydrator import Hydrator
from reconciler.lookups import Dirty
from reconciler.model import NodeId, Op, Outcome, Plan, Result
from reconciler.phrases import Phrase
from reconciler.ports import Replica
from reconciler.reporting.describe import GONE, PlanDescriber, first_path
from reconciler.reporting.report import Problem
from reconciler.requests.backoff import Backoff, Retry
from reconciler.trees.remote_tree import RemoteTree

NODES_PER_YIELD = 500
"""Nodes between two looks at the loop, where all that differ are gone through; more of them count
as many."""


def _behind(path: str, op: Op) -> Phrase:
    """What waits until that was done with the folder at ``path``."""
    match op:
        case Op.MAKE:
            return Phrase("it waits for '{path}' to be made first", path=path)
        case Op.MOVE:
            return Phrase("it waits for '{path}' to be moved first", path=path)
        case Op.DELETE:
            return Phrase("it waits for '{path}' to be deleted first", path=path)
        case _:
            return Phrase("it waits for '{path}' to be synchronized first", path=path)


STILL = Phrase(
    "Much is being deleted just now: it is deleted on the other side when that has come to rest"
)


class Backlog:
    """Kept from one run to the next, in memory: a new process finds the reasons anew."""

    def __init__(self, replica: Replica, hydrator: Hydrator) -> None:
        self._replica = replica
        self._hydrator = hydrator
        self.backoff = Backoff()
        self.needs_listing: set[NodeId] = set()
        """What a push found different on the server: it is not tried again before a listing."""
        self.withheld: frozenset[NodeId] = frozenset()
        """What is not deleted before a guard has judged it, or somebody has said so."""
        self._withheld_why: str | None = None
        self._waiting: dict[NodeId, str] = {}
        self._there: dict[NodeId, str] = {}
        """Where on the server something is that is a problem and was never here."""

    # what is found out ----------------------------------------------------------------------------
    def note_plan(self, made: Plan) -> None:
        """What a plan has waiting, beside what is known to."""
        self._waiting.update(
            {each.node: each.why for each in made.waiting if each.node not in self.withheld}
        )

    def note_full_plan(self, made: Plan, touched: Container[NodeId]) -> None:
        """What the plan of a full run has waiting is all that does; ``touched`` is all that differs
        at all."""
        self._waiting = {}
        self.note_plan(made)
        self.backoff.retain(touched)
        self.backoff.wait(self._waiting_here())

    def note_push(self, due: Iterable[Dirty], outcomes: Iterable[Outcome], filters: Filter) -> bool:
        """What a push did nothing for, or waits, is not looked at again at once. Whether a listing
        has to tell more."""
        acted: dict[NodeId, Op] = {}
        stale = set()
        for outcome in outcomes:
            acted[outcome.action.node] = outcome.action.op
            if outcome.result is Result.STALE:
                stale.add(outcome.action.node)
        for each in due:
            if each.node in acted or self.backoff.is_put_off(each.node):
                continue
            if self.is_filtered(each.node, filters):
                self.backoff.filter(each)
            elif self._replica.changed_ns(each.node):  # else it went with its folder
                why = self._waiting.get(each.node) or self._behind(each.node, acted)
                self.backoff.delay(each, why, trio.current_time())
        self.needs_listing |= stale
        return bool(self.needs_listing)

    def _behind(self, node: NodeId, acted: Mapping[NodeId, Op]) -> str:
        """Which change it waits for, of those that were just tried: that of a folder above it."""
        todo, seen = [node], {node}
        for each in todo:
            for state in (self._replica.local(each), self._replica.base(each)):
                if state is None or state.parent in seen:
                    continue
                if state.parent in acted:
                    return _behind(self.path(state.parent), acted[state.parent])
                seen.add(state.parent)
                todo.append(state.parent)
        return Phrase("the next listing tells what it waits for")

    def note_done(self, outcome: Outcome) -> None:
        """The action was carried out."""
        node = outcome.action.node
        self.backoff.clear(node)
        self._waiting.pop(node, None)
        if outcome.action.op is Op.MAKE:  # what was to go into it waited for it
            for retry, _ in self.backoff.failures():
                local = self._replica.local(retry)
                if local is not None and local.parent == node:
                    self.backoff.clear(retry)

    def note_failed(self, outcome: Outcome, *, lasting: bool) -> bool:
        """The node waits out a pause before anything is tried again for it. Whether that failure is
        news."""
        node = outcome.action.node
        dirty = Dirty(node, self._replica.changed_ns(node))
        return self.backoff.delay(dirty, outcome.why, trio.current_time(), lasting=lasting)

    def withhold(self, nodes: frozenset[NodeId], why: str | None) -> None:
        """These alone are withheld now. Without a reason, that is told of all of them at once,
        elsewhere."""
        self.withheld, self._withheld_why = nodes, why

    def put_off(self, node: NodeId, why: str, seconds: float) -> None:
        """Nothing is tried for the node for so long, as others fail in the same way."""
        dirty = Dirty(node, self._replica.changed_ns(node))
        self.backoff.put_off(dirty, why, trio.current_time() + seconds)

    def note_stale(self, outcomes: Iterable[Outcome]) -> None:
        """What did not fit however often it was planned for waits, and is shown: it may be no
        change that is behind it, but a server that answers so for ever."""
        for outcome in outcomes:
            if outcome.result is Result.STALE:
                self.note_failed(outcome, lasting=False)

    def remember_paths(self, tree: RemoteTree) -> None:
        """Remembers where on the server those problems are that were never here."""
        telling = PlanDescriber(self._replica, tree)
        nodes = {*self._waiting, *(node for node, _ in self.backoff.failures())}
        self._there = {
            node: path
            for node in nodes
            if self._replica.local(node) is None and (path := telling.path(node)) != GONE
        }

    def _waiting_here(self) -> Iterator[tuple[Dirty, str]]:
        """What was changed here, a deletion included, and waits for more than that somebody closes
        it."""
        for node, why in self._waiting.items():
            local, changed = self._replica.local(node), self._replica.changed_ns(node)
            if changed and not (local is not None and local.busy):
                yield Dirty(node, changed), why

    # what is asked --------------------------------------------------------------------------------
    def why(self, node: NodeId) -> str | None:
        """Why the plan left the node waiting, if it did."""
        return self._waiting.get(node)

    def delay(self, dirty: Dirty) -> Retry | None:
        """The delay that is on for the node as it is here now."""
        retry = self.backoff.get(dirty)
        return retry if retry is not None and trio.current_time() < retry.until else None

    def is_filtered(self, node: NodeId, filters: Filter) -> bool:
        return filters.left_out(self.path(node))

    def is_skipped(self, dirty: Dirty, filters: Filter) -> bool:
        """Whether nothing is done about the node for now: a pause, somebody's hold, or a filter."""
        if dirty.node in self.withheld or self._replica.is_held(dirty.node):
            return True
        if self.backoff.is_delayed(dirty, trio.current_time()):
            return True
        return self.is_filtered(dirty.node, filters)

    def is_left_for_good(self, dirty: Dirty, filters: Filter) -> bool:
        """As ``is_skipped``, but for what waits only until no more is deleted: that goes, or is
        judged, then."""
        retry = self.delay(dirty)
        is_still = (
            self._withheld_why
            if dirty.node in self.withheld
            else retry.why
            if retry is not None
            else None
        )
        return is_still != STILL and self.is_skipped(dirty, filters)

    def count(self, filters: Filter) -> int:
        """Nodes that differ, without what a filter leaves out; when there are many, without what is
        known of it."""
        many = self._replica.dirty_count()
        if many > NODES_PER_YIELD:
            return max(many - self.backoff.filtered_count(), 0)
        return sum(not self.is_filtered(dirty.node, filters) for dirty in self._replica.dirty())

    def problems(self) -> Iterator[Problem]:
        """Everything that is left over, with its reason: what is held back or waits, as long as it
        differs."""
        failures = dict(self.backoff.failures())
        for node in sorted({*failures, *self._waiting} - self.withheld):
            if self._is_gone(node):
                continue
            changed, failed = self._replica.changed_ns(node), failures.get(node)
            # One that is not changed here has failed for what is on the server; one that changed
            # since is tried again.
            retry = self.backoff.get(Dirty(node, changed)) if changed else failed
            if retry is not None:
                if not retry.filtered:
                    yield Problem(node, self.path(node), retry.why, retry.lasting)
            elif node in self._waiting:
                yield Problem(node, self.path(node), self._waiting[node], False)
        if self._withheld_why is not None:
            for node in sorted(self.withheld):
                yield Problem(node, self.path(node), self._withheld_why, False)
        for node, why, lasting in self._hydrator.problems():
            yield Problem(node, self.path(node), why, lasting)

    def lasting(self) -> Iterator[NodeId]:
        """The nodes of those problems that need somebody to do something."""
        for node, retry in self.backoff.failures():
            if retry.lasting and self._replica.changed_ns(node) in {0, retry.changed_ns}:
                yield node
        yield from (node for node, _, lasting in self._hydrator.problems() if lasting)

    def _is_gone(self, node: NodeId) -> bool:
        """Whether nobody knows anything of it any more: it went, with a folder perhaps."""
        sides = self._replica.local(node), self._replica.base(node)
        return not any(sides) and node not in self._there

    def path(self, node: NodeId) -> str:
        """Where the node is, or was, here or on the server."""
        return first_path(
            node, self._replica.local_path, self._replica.base_path, self._there.__getitem__
        )
