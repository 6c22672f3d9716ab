"""A push: uploads pending changes that are due, without a listing.

It takes the server to be as the base says. Each action proves the assumption; what cannot be proved
asks for a run.
"""

from __future__ import annotations

import logging

import trio

from reconciler.engine.backlog import STILL
from reconciler.engine.parts import EngineParts
from reconciler.engine.plan_worker import PlanRequest, unfreeze_gc
from reconciler.errors import RemoteError
from reconciler.lookups import Dirty
from reconciler.model import Op, Plan, Side
from reconciler.phrases import Phrase
from reconciler.planner.guards import Halted
from reconciler.trees.remote_tree import RemoteTree

log = logging.getLogger(__name__)


class Push:
    """Pushes of one engine, one after the other."""

    def __init__(self, parts: EngineParts) -> None:
        self._parts = parts
        self._condition = parts.condition
        self._backlog = parts.backlog

    async def run(self, due_nodes: list[Dirty]) -> None:
        """Never raises for what the server or the disk did. Cancelling it leaves both sides as
        after the last finished action."""
        due_nodes = await self._without_bursts(due_nodes)
        if not due_nodes or not await self._may_push(due_nodes):
            return
        parts, condition = self._parts, self._condition
        parts.replica.begin_run()
        condition.activity = Phrase("sending")
        tree = RemoteTree.assumed(parts.replica)
        tree.unproved = parts.prover.waiting
        if parts.settings.mode.uses_checksums:
            await parts.sums.compare(tree, [each.node for each in due_nodes])
        try:
            asked = PlanRequest(past=parts.guarding.past(), withheld=self._backlog.withheld)
            draft = await parts.planning.push(tree, due_nodes, parts.settings, parts.stamp(), asked)
            if draft is None or draft.stop is not None:
                condition.list_soon()  # the run looks again and halts with the whole picture
                return
            made = draft.made
            self._backlog.note_plan(made)
            if _needs_root(made) and not await parts.remote.is_there():
                condition.list_soon()  # the run finds the folder gone, and halts
                return
            outcomes = await parts.runner.run(made, tree, parts.settings, listed=False)
            parts.guarding.note(outcomes, draft.going)
        except OSError as error:
            log.error("the local disk refused it: %s", error.strerror)
            return
        except RemoteError as error:
            await self._failed(error, due_nodes)
            return
        finally:
            condition.activity = ""
            unfreeze_gc()
        condition.last_run_ns = parts.clock.now_ns()
        if (
            self._backlog.note_push(due_nodes, outcomes, parts.settings.filters)
            or not parts.runner.folders_stayed
        ):
            condition.list_soon()

    async def _without_bursts(self, due_nodes: list[Dirty]) -> list[Dirty]:
        """Deletions that are many wait until they have come to rest, and then for a full run."""
        found = await self._parts.guarding.sort(due_nodes)
        for each in found.later:
            if found.seconds > 0:
                self._backlog.put_off(each.node, STILL, found.seconds)
            else:
                self._backlog.needs_listing.add(each.node)
        if found.later and found.seconds <= 0:
            self._condition.list_soon()
        return list(found.now)

    async def _may_push(self, due_nodes: list[Dirty]) -> bool:
        """Whether the settings could be agreed on. Where not, the link, a pause or a halt keeps it
        from being tried again at once."""
        try:
            await self._parts.follow_settings()
        except Halted as error:
            self._condition.halt(error.halt)
        except RemoteError as error:
            await self._failed(error, due_nodes)
        else:
            if not self._parts.settings.restricted:
                return True
            self._condition.list_soon()  # the run halts, as what waits may not be sent any more
        finally:
            self._condition.activity = ""
        return False

    async def _failed(self, error: RemoteError, due_nodes: list[Dirty]) -> None:
        """Nothing could be sent. Where the server is there and lets us in, what was to go waits out
        a pause."""
        if await self._condition.stops_push(error):
            return
        for each in due_nodes:
            self._backlog.backoff.delay(each, str(error), trio.current_time())


def _needs_root(made: Plan) -> bool:
    """Whether the plan makes something on the server: with a missing folder, that would make the
    folder anew."""
    return any(
        action.side is Side.REMOTE and action.remote is None and action.op in (Op.MAKE, Op.SEND)
        for action in made.actions
    )
