"""Carries out a plan, stage by stage, several actions at once, and keeps what became of each where
it matters."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import trio

from reconciler.engine.backlog import Backlog
from reconciler.engine.passing_folders import PassingFolders
from reconciler.errors import RemoteError, Unauthorized, Unreachable
from reconciler.executor.execute import Executor, UploadLedger
from reconciler.executor.revived_folders import Recreated
from reconciler.executor.upload_recovery import UnconfirmedUploads
from reconciler.hydration.hydrator import Hydrator
from reconciler.model import Action, Kind, NodeId, Op, Outcome, Plan, Result, Settings, Side
from reconciler.phrases import Phrase
from reconciler.ports import Progress, RemoteFolder, Replica
from reconciler.reporting.conflict import ResolvedConflict, deciding, resolved_conflict
from reconciler.reporting.describe import PlanDescriber
from reconciler.requests.circuit_breaker import Fuse
from reconciler.requests.reachability import Reach
from reconciler.requests.request_slots import Slots
from reconciler.trees.local_checksums import Copies
from reconciler.trees.remote_tree import RemoteTree

log = logging.getLogger(__name__)

WORTH_WAITING = 5.0
"""Seconds for which the rest of a plan waits when several in a row failed: a proxy that starts anew
is back by then."""


class SentSince:
    """What was made or sent on the server, or seen there by a look into a folder, since the last
    listing that was judged. Before a process
    has judged one, all that this computer ever sent counts, and each folder: a former process may
    have sent it just before it ended."""

    def __init__(self, replica: Replica) -> None:
        self._replica = replica
        self._nodes: set[NodeId] = set()
        self.has_judged = False

    def add(self, node: NodeId) -> None:
        self._nodes.add(node)

    def judged(self) -> None:
        """A listing was."""
        self._nodes.clear()
        self.has_judged = True

    def __contains__(self, node: object) -> bool:
        if self.has_judged or not isinstance(node, int):
            return node in self._nodes
        base = self._replica.base(NodeId(node))
        return base is not None and (base.kind is Kind.FOLDER or base.ms is not None)


class PlanRunner:
    """Remembers, in memory, what is just being carried and what was sent lately. ``copies`` knows
    the contents that the server has, for mode ``secure``; ``transfers`` is how many requests there
    are at once at most; ``tell`` is told what is being done; ``suspects`` takes up what is not the
    file on the server that it looks like."""

    def __init__(
        self,
        replica: Replica,
        remote: RemoteFolder,
        hydrator: Hydrator,
        progress: Progress,
        backlog: Backlog,
        *,
        copies: Copies,
        transfers: int,
        reach: Reach,
        tell: Callable[[str], None],
        suspects: set[NodeId],
        on_conflict: Callable[[ResolvedConflict], None] = lambda _conflict: None,
        on_sent: Callable[[], None] = lambda: None,
    ) -> None:
        """``on_conflict`` hears of each conflict when it is settled, ``on_sent`` of each plan that
        changed something on the server."""
        self._on_sent = on_sent
        self._on_conflict = on_conflict
        self._replica = replica
        self._remote = remote
        self._hydrator = hydrator
        self._progress = progress
        self._backlog = backlog
        self._copies = copies
        self._slots = Slots(transfers)
        self._tell = tell
        self._acting: dict[NodeId, int] = {}
        """What is just being carried across, either way, and how many actions it is part of."""
        self._ledger = UploadLedger(suspects=suspects)
        self._passing = PassingFolders()
        self._reach = reach
        self._fuses: dict[Op, Fuse] = {}
        self._recall = UnconfirmedUploads(replica, remote, self._ledger.attempted, reach)
        self.since = SentSince(replica)
        self.folders_stayed = True
        """Whether nothing of the last plan was sent into a folder that somebody moved away just
        then: else a listing is due."""

    def is_in_flight(self, node: NodeId) -> bool:
        """Whether the node is just being carried across, either way."""
        return node in self._acting

    async def recall(self) -> None:
        """Finds out of all that was sent without an answer whether it arrived. Raises Unreachable
        and Unauthorized."""
        self._ledger.sent |= dict.fromkeys(await self._recall.run(), trio.current_time())

    def withhold(self, tree: RemoteTree, began: float) -> float:
        """Leaves alone what a listing that began then shows and may go again by itself. Seconds
        until the last of it is taken for what it is; 0 when there is none."""
        return self._passing.withhold(tree, self._replica, began)

    async def mend(self, tree: RemoteTree) -> bool:
        """After a listing: removes what came back on the server when something was sent. Whether
        anything was done, so that the tree is not true any more. Raises Unauthorized."""
        brought = self._ledger.brought
        recreated = Recreated(self._replica, tree, brought.meant)
        done, brought.meant = await recreated.mend(self._remote)
        self._ledger.is_first = not self.since.has_judged
        self.since.judged()
        return done

    def forget_old(self) -> None:
        """What was sent a while ago is not "just sent" any more."""
        self._ledger.forget_old()

    async def run(
        self, made: Plan, tree: RemoteTree, settings: Settings, *, listed: bool
    ) -> list[Outcome]:
        """How each action ended. ``listed`` says that the tree comes from a listing, not from an
        assumption.

        Raises Unreachable where the server is away, and Unauthorized: then nothing else of the plan
        can be done either. It ends early where nobody knows what became of a folder's move.
        Cancelling leaves both sides as after the last finished action.
        """
        now = trio.current_time()
        telling = PlanDescriber(self._replica, tree)
        executor = Executor(
            self._replica,
            self._remote,
            tree,
            self._hydrator,
            self._progress,
            self._ledger,
            listed=listed,
            settings=settings,
            copies=self._copies if settings.mode.uses_checksums else None,
        )
        self._progress.planned(
            [each for each in made.actions if not self._backlog.backoff.is_failing(each.node, now)]
        )
        run = _Run(executor, telling, deciding(made.actions, made.conflicts))
        for stage in made.stages:
            ready = [each for each in stage if not self._backlog.backoff.is_failing(each.node, now)]
            # what only records an agreement
            in_order = any(each.side is Side.BASE for each in stage)
            if not in_order:
                # what failed is tried last
                ready.sort(key=lambda each: self._backlog.backoff.has_failed(each.node))
            todo = iter(ready)
            async with trio.open_nursery() as nursery:
                workers = 1 if in_order else min(self._slots.most, len(stage))
                for _ in range(workers):
                    nursery.start_soon(self._work, run, todo, nursery.cancel_scope)
            if run.has_sent:
                self._on_sent()
            if run.fatal:
                raise run.fatal[0]
            if run.uncertain:
                break
        try:
            self.folders_stayed = await executor.folders_stayed()
        except Unreachable:  # the listing tells
            self.folders_stayed = False
        return run.outcomes

    async def _work(self, run: _Run, todo: Iterator[Action], scope: trio.CancelScope) -> None:
        for action in todo:
            if run.uncertain:
                return
            path, new_path = run.telling.paths(action)
            fuse = self._fuse(action)
            if fuse is not None and not await self._may_try(action, fuse):
                continue
            try:
                async with self._slots:
                    if self._replica.is_held(action.node):  # since this was planned
                        await trio.lowlevel.checkpoint()
                        continue
                    outcome, strange = await self._act(run.executor, action, path)
            except (Unreachable, Unauthorized) as error:
                run.fatal.append(error)
                scope.cancel()
                return
            if _asks(action):
                self._slots.ended(outcome.moved_bytes)
            await trio.lowlevel.checkpoint()
            run.outcomes.append(outcome)
            run.uncertain |= (
                strange is not None and strange.done is None and _takes_others_along(action)
            )
            self._conclude(outcome, path, new_path, fuse, strange)
            if outcome.result is Result.DONE and run.deciding.get(action.node) is action:
                self._on_conflict(resolved_conflict(action, path, new_path))

    def _fuse(self, action: Action) -> Fuse | None:
        """What is known of others of its kind; None for what asks nothing of the server, or failed
        before: that has a pause of its own."""
        if not _asks(action) or self._backlog.backoff.has_failed(action.node):
            return None
        return self._fuses.setdefault(action.op, Fuse())

    async def _may_try(self, action: Action, fuse: Fuse) -> bool:
        """Waits until others of its kind get through, if that is worth waiting for; else the action
        is put off."""
        while (seconds := fuse.wait(trio.current_time())) > 0:
            if seconds > WORTH_WAITING:
                self._backlog.put_off(
                    action.node, Phrase("Others fail in the same way: {why}", why=fuse.why), seconds
                )
                return False
            await trio.sleep(seconds)
        fuse.begin(trio.current_time())
        return True

    async def _act(
        self, executor: Executor, action: Action, path: str
    ) -> tuple[Outcome, Unreachable | None]:
        """How it ended, and the answer that was none of a Sync-in server's, if that is how. Raises
        Unreachable and Unauthorized only where everything would end so: what fails for one node
        while the server is there is that node's."""
        self._tell(f"{action.op.value} {path}")
        self._progress.started(action, path)
        self._acting[action.node] = self._acting.get(action.node, 0) + 1
        began = trio.current_time()
        if action.side is Side.REMOTE and action.op in (Op.MAKE, Op.SEND):
            self.since.add(action.node)
        if action.side is Side.REMOTE and _takes_others_along(action) and action.remote:
            self._passing.leave(action.remote.place, began)
        try:
            outcome, strange = await self._tried(executor, action, path, began)
        except BaseException:
            self._progress.broke_off(action)
            raise
        finally:
            self._acting[action.node] -= 1
            if not self._acting[action.node]:
                del self._acting[action.node]
        # At once: what the hydrator has to bring is counted there from now on.
        self._progress.ended(outcome, path)
        return outcome, strange

    async def _tried(
        self, executor: Executor, action: Action, path: str, began: float
    ) -> tuple[Outcome, Unreachable | None]:
        """As ``_act``."""
        try:
            return await executor.execute(action), None
        except Unreachable as error:
            if await self._reach.is_away(error):
                raise
            log.info("%s %s was not answered as it should be: %s", action.op.value, path, error)
            outcome = Outcome(action, Result.WAITS, str(error), seconds=trio.current_time() - began)
            return outcome, error
        except Unauthorized as error:
            if await self._reach.is_locked_out():
                raise
            return Outcome(
                action, Result.FAILED, str(error), seconds=trio.current_time() - began
            ), None

    def _conclude(
        self,
        outcome: Outcome,
        path: str,
        new_path: str | None,
        fuse: Fuse | None,
        strange: Unreachable | None,
    ) -> None:
        """Keeps the outcome where it matters: history, pauses, log."""
        action, news = outcome.action, True
        if outcome.result is Result.DONE:
            if (
                action.side is not Side.BASE
                and (fuse := self._fuses.get(action.op)) is not None
                and fuse.passed()
            ):
                self._backlog.backoff.clear_put_off()
            self._backlog.note_done(outcome)
        elif outcome.result is not Result.STALE:
            news = self._backlog.note_failed(outcome, lasting=outcome.result is Result.FAILED)
            if news and not strange:
                log.warning("%s %s: %s", action.op.value, path, outcome.why)
            if fuse is not None:
                fuse.failed(trio.current_time(), outcome.why)
        lost = strange is not None and strange.done is None
        # that is found out before anything newer of it is sent
        if lost or self._may_have_arrived(outcome):
            self._backlog.needs_listing.add(action.node)
        if news and action.side is not Side.BASE and not _comes_later(outcome):
            self._replica.record(outcome, path, new_path)

    def _may_have_arrived(self, outcome: Outcome) -> bool:
        action = outcome.action
        if action.op is not Op.SEND or action.local is None or outcome.result is not Result.WAITS:
            return False
        attempt = self._ledger.attempted.get(action.node)
        return attempt is not None and attempt.version == action.local.version

    def try_all(self) -> None:
        """Somebody asked for it: nothing is put off any more."""
        self._fuses.clear()


@dataclass(slots=True)
class _Run:
    """What the workers of one plan share. ``fatal`` has what ends it. ``uncertain``: nobody knows
    any more where things are on the server."""

    executor: Executor
    telling: PlanDescriber
    deciding: dict[NodeId, Action]
    outcomes: list[Outcome] = field(default_factory=list)
    fatal: list[RemoteError] = field(default_factory=list)
    uncertain: bool = False

    @property
    def has_sent(self) -> bool:
        """Whether anything was changed on the server."""
        return any(
            each.result is Result.DONE and each.action.side is Side.REMOTE for each in self.outcomes
        )


def _asks(action: Action) -> bool:
    """Whether the server has to be asked for it now."""
    return action.side is Side.REMOTE or (action.op is Op.FETCH and action.local is not None)


def _takes_others_along(action: Action) -> bool:
    """Whether paths of others depend on what became of it: a new file that is sent to where its
    folder was would make that folder again."""
    return action.op is Op.MOVE and (action.remote is None or action.remote.kind is Kind.FOLDER)


def _comes_later(outcome: Outcome) -> bool:
    """Whether only the name has come so far: the hydrator records the content."""
    action = outcome.action
    if action.op is not Op.FETCH or action.local is not None or outcome.result is not Result.DONE:
        return False
    return action.remote is not None and action.remote.size > 0
