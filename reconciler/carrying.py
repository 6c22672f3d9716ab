"""Carries out a plan, stage by stage, several actions at once, and keeps what became of each where it matters."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

import trio

from reconciler.confirming import Recall
from reconciler.errors import RemoteError, Unauthorized, Unreachable
from reconciler.executor import JUST_SENT, Executor
from reconciler.hydrator import Hydrator
from reconciler.model import Action, Mode, NodeId, Op, Outcome, Plan, Result, Settings, Side
from reconciler.outstanding import Outstanding
from reconciler.ports import Progress, RemoteFolder, Replica
from reconciler.remote_tree import RemoteTree
from reconciler.sums import Copies
from reconciler.telling import Telling, content_bytes

log = logging.getLogger(__name__)


class Carrier:
    """Remembers, in memory, what is just being carried and what was sent lately. ``copies`` knows the contents that the
    server has, for mode ``secure``; ``transfers`` is how many requests there are at once; ``tell`` is told what is
    being done."""

    def __init__(
        self,
        replica: Replica,
        remote: RemoteFolder,
        hydrator: Hydrator,
        progress: Progress,
        outstanding: Outstanding,
        *,
        copies: Copies,
        transfers: int,
        tell: Callable[[str], None],
    ) -> None:
        self._replica = replica
        self._remote = remote
        self._hydrator = hydrator
        self._progress = progress
        self._outstanding = outstanding
        self._copies = copies
        self._transfers = transfers
        self._tell = tell
        self._acting: dict[NodeId, int] = {}
        """What is just being carried across, either way, and how many actions it is part of."""
        self._attempted: dict[NodeId, int] = {}
        self._recall = Recall(replica, remote, self._attempted)
        self._sent: dict[NodeId, float] = {}

    def is_acting(self, node: NodeId) -> bool:
        """Whether the node is just being carried across, either way."""
        return node in self._acting

    async def recall(self) -> None:
        """Finds out of all that was sent without an answer whether it arrived. Raises Unreachable and Unauthorized."""
        self._sent |= dict.fromkeys(await self._recall.run(), trio.current_time())

    def forget_old(self) -> None:
        """What was sent a while ago is not "just sent" any more."""
        oldest = trio.current_time() - JUST_SENT
        self._sent = {node: when for node, when in self._sent.items() if when > oldest}

    async def carry(self, made: Plan, tree: RemoteTree, settings: Settings, *, listed: bool) -> list[Outcome]:
        """How each action ended. ``listed`` says that the tree comes from a listing, not from an assumption.

        Raises Unreachable and Unauthorized: then nothing else of the plan can be done either. Cancelling leaves both
        sides as after the last finished action.
        """
        now = trio.current_time()
        telling = Telling(self._replica, tree)
        executor = Executor(
            self._replica,
            self._remote,
            tree,
            self._hydrator,
            self._progress,
            listed=listed,
            settings=settings,
            copies=self._copies if settings.mode is Mode.SECURE else None,
            attempted=self._attempted,
            sent=self._sent,
        )
        self._progress.planned(len(made.actions), sum(content_bytes(action) for action in made.actions))
        outcomes: list[Outcome] = []
        fatal: list[RemoteError] = []

        async def work(todo: Iterator[Action], scope: trio.CancelScope) -> None:
            for action in todo:
                if self._replica.is_held(action.node):  # since this was planned
                    await trio.lowlevel.checkpoint()
                    continue
                path, new_path = telling.paths(action)
                try:
                    outcome = await self._act(executor, action, path)
                except (Unreachable, Unauthorized) as error:
                    fatal.append(error)
                    scope.cancel()
                    return
                await trio.lowlevel.checkpoint()
                outcomes.append(outcome)
                self._conclude(outcome, path, new_path)

        for stage in made.stages:
            todo = iter([each for each in stage if not self._outstanding.pauses.paused(each.node, now)])
            async with trio.open_nursery() as nursery:
                # What only records an agreement has to be done in its order.
                workers = 1 if any(each.side is Side.BASE for each in stage) else min(self._transfers, len(stage))
                for _ in range(workers):
                    nursery.start_soon(work, todo, nursery.cancel_scope)
            if fatal:
                raise fatal[0]
        return outcomes

    async def _act(self, executor: Executor, action: Action, path: str) -> Outcome:
        self._tell(f"{action.op.value} {path}")
        self._progress.started(action, path)
        self._acting[action.node] = self._acting.get(action.node, 0) + 1
        try:
            return await executor.execute(action)
        finally:
            self._acting[action.node] -= 1
            if not self._acting[action.node]:
                del self._acting[action.node]

    def _conclude(self, outcome: Outcome, path: str, new_path: str | None) -> None:
        """Keeps the outcome where it matters: history, pauses, log."""
        action = outcome.action
        self._progress.ended(outcome, path)
        if action.side is not Side.BASE and not _comes_later(outcome):
            self._replica.record(outcome, path, new_path)
        if outcome.result is Result.DONE:
            self._outstanding.note_done(outcome)
        elif outcome.result is not Result.STALE:
            self._outstanding.note_failed(outcome, lasting=outcome.result is Result.FAILED)
            log.warning("%s %s: %s", action.op.value, path, outcome.why)


def _comes_later(outcome: Outcome) -> bool:
    """Whether only the name has come so far: the hydrator records the content."""
    action = outcome.action
    if action.op is not Op.FETCH or action.local is not None or outcome.result is not Result.DONE:
        return False
    return action.remote is not None and action.remote.size > 0
