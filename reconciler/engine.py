"""The trio loop that keeps a replica and a server folder the same: observe, plan, guard, execute, advance the base.

Two kinds of run share planner and executor. A *full run* lists the server and settles everything. A *push* takes the
server to be as the base says and sends only local changes that have settled; each action proves the assumption, and
the first that fails asks for a full run. One run at a time.
"""

from __future__ import annotations

import logging
import math
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import AbstractAsyncContextManager
from functools import partial

import trio

from reconciler.borders import crossings
from reconciler.errors import ListingBroken, Missing, RemoteError, Unauthorized, Unreachable
from reconciler.executor import Executor
from reconciler.explain import concerning, idle_because, nodes_at
from reconciler.guards import Halted, halt, root_gone
from reconciler.held import HeldNodes
from reconciler.hydrator import Hydrator
from reconciler.identity import identity
from reconciler.leftovers import Cleaner
from reconciler.link import Link
from reconciler.model import (
    Action,
    Base,
    Direction,
    Entry,
    Local,
    Mode,
    NodeId,
    Op,
    Outcome,
    Plan,
    Remote,
    Result,
    Settings,
    Side,
)
from reconciler.observe import Observer
from reconciler.plan import plan
from reconciler.ports import Clock, Dirty, Progress, RemoteFolder, Replica, SettingsSource
from reconciler.remote_tree import RemoteTree
from reconciler.report import EngineStatus, Explained, Problem, Report, State, Step
from reconciler.sums import Copies, Sums, snapshot
from reconciler.view import Trees, closure

log = logging.getLogger(__name__)

TRANSFERS = 6
"""Requests at once: the server's one worker saturates between 4 and 8 small uploads (measured on the real server)."""

LISTING_EVERY = 20.0
"""Seconds between listings when they are cheap; a costly one is repeated after ``LISTING_SHARE`` times its duration."""

LISTING_SHARE = 30

RESTLESS_WAIT = 10.0
"""Seconds that a due listing waits for local changes to settle, so that names that come and go are not sent."""

PUSH_BATCH = 2000
"""Nodes planned for in one push: planning does not yield, and the mount must stay responsive."""

BREATH = 0.1
"""Seconds between two looks at the changes, at the least."""

LOOK_SHARE = 20
"""A look takes at most this part of the time: after one that took long, the next waits so many times as long."""

REFUSED_PAUSE = 300.0
"""Seconds after which a log-in that was refused is tried again: it may have been renewed."""

OTHER_PLAN = "Nothing was done: the plan {} is not what would be done now. Look again with “sync --dry-run”."

ROUNDS = 4
"""How often one full run plans again because something changed under it; what is left then waits for the next run."""


class Engine:
    """One synchronization's reconciler. ``manual`` leaves every run to ``sync``."""

    def __init__(
        self,
        replica: Replica,
        remote: RemoteFolder,
        hydrator: Hydrator,
        link: Link,
        *,
        settings: Settings,
        settle_settings: SettingsSource | None = None,
        clock: Clock,
        progress: Progress,
        settle_seconds: float = 2.0,
        listing_every: float = LISTING_EVERY,
        manual: bool = False,
        transfers: int = TRANSFERS,
        stamp: Callable[[int], str],
        name: str = "the synchronized folder",
    ) -> None:
        """``settings`` hold until ``settle_settings``, asked before each run, gives others. ``stamp`` makes the date in
        a conflict copy's name out of wall time in ns; ``name`` is the remote folder's, for messages."""
        self._replica = replica
        self._remote = remote
        self._hydrator = hydrator
        self._link = link
        self.settings = settings
        self._settle_settings = settle_settings
        self._clock = clock
        self._progress = progress
        self._settle = settle_seconds
        self._listing_every = listing_every
        self._manual = manual
        self._transfers = transfers
        self._stamp = stamp
        self._name = name
        self._running = trio.Lock()
        self._wake = trio.Event()
        self._held = HeldNodes()
        self._waiting: dict[NodeId, str] = {}
        self._to_be_listed: set[NodeId] = set()
        """What a push found different on the server: it is not tried again before a listing."""
        self._restored = False
        """The server looked restored from a backup, and what followed from it is not all done yet."""
        self._sums = Sums(replica)
        self._copies = Copies(replica)
        self._attempted: dict[NodeId, int] = {}
        self._cleaner = Cleaner(replica, remote, clock)
        self._listing_due = -math.inf
        self._doing = ""
        self._halted: str | None = None
        self._refused: str | None = None
        self._refused_until = -math.inf
        self._last_run_ns: int | None = None
        self._conflicts = 0
        self._expected: str | None = None  # the plan that was confirmed, until it is carried out
        hydrator.on_stale = self.list_soon

    # the loop ------------------------------------------------------------------------------------------------------
    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Runs for ever. Cancelling it leaves both sides as after the last finished action."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._watch_replica)
            nursery.start_soon(self._watch_link)
            task_status.started()
            while True:
                await self._step()
                began = trio.current_time()
                pause = self._pause()
                looked = trio.current_time() - began
                # Every local operation wakes us: looking through the changes must not cost more than a small share.
                await trio.sleep(max(BREATH, looked * LOOK_SHARE))
                with trio.move_on_after(max(pause - BREATH, 0.0)):
                    await self._wake.wait()
                self._wake = trio.Event()

    async def _watch_replica(self) -> None:
        seen = 0
        while True:
            seen = await self._replica.wait_local_change(seen)
            self.kick()

    async def _watch_link(self) -> None:
        while True:
            await self._link.wait_change()
            self.kick()

    def kick(self) -> None:
        """Something changed: look what is to be done."""
        self._wake.set()

    def list_soon(self) -> None:
        """The server is not as the base says: a full run is due."""
        self._listing_due = min(self._listing_due, trio.current_time())
        self.kick()

    async def _step(self) -> None:
        """What the moment asks for, if anything. Never raises for what the server or the disk did."""
        if self._manual or self._running.locked() or self._link.resting or self._is_refused():
            return
        async with self._running:
            overdue = trio.current_time() - self._listing_due
            if overdue >= RESTLESS_WAIT or self._link.online is False or (overdue >= 0 and not self._restless()):
                await self._full(Report())
            elif self._halted is None and (settled := self._settled()):
                await self._push(settled)

    def _pause(self) -> float:
        """Seconds until something is to be looked at without a wake-up."""
        if self._manual:
            return math.inf
        now = trio.current_time()
        if self._is_refused():
            return self._refused_until - now
        moments = [self._listing_due]
        if self._link.online is False:
            return max(self._link.retry_at - now, 0.05)
        wall = self._clock.now_ns()
        for dirty in self._replica.dirty():
            held = self._held.get(dirty)
            if held is not None and now < held.until:
                moments.append(held.until)
                continue
            age = (wall - dirty.changed_ns) / 1e9
            moments.append(now + (self._settle - age if 0 <= age < self._settle else self._settle))
            if moments[-1] - now <= 0.1:
                break
        return max(min(moments) - now, 0.05)

    def _settled(self) -> list[Dirty]:
        """Nodes to push: changed here, quiet for the settle time, not held back."""
        wall, now = self._clock.now_ns(), trio.current_time()
        settled = []
        for dirty in self._replica.dirty():
            quiet = wall - dirty.changed_ns
            # A change "from the future" is a clock that was set back: waiting for it could take for ever.
            if 0 <= quiet < self._settle * 1e9 or self._held.holds(dirty, now) or dirty.node in self._to_be_listed:
                continue
            settled.append(dirty)
            if len(settled) == PUSH_BATCH:
                break
        return settled

    def _restless(self) -> bool:
        """Something changed here within the settle time: a listing that can wait leaves it alone."""
        wall = self._clock.now_ns()
        return any(0 <= wall - dirty.changed_ns < self._settle * 1e9 for dirty in self._replica.dirty())

    # for people ----------------------------------------------------------------------------------------------------
    async def sync(self, *, dry_run: bool = False, confirmed: bool = False, plan: str | None = None) -> Report:
        """One full run, now, whatever pauses are on. ``confirmed`` lets a guard's halt pass; ``plan`` does so for the
        plan of that identity alone, and halts when it would be another one now.

        Raises nothing but Cancelled: what went wrong is in the report.
        """
        async with self._running:
            report = Report(dry_run=dry_run)
            self._link.retry_now()
            self._held.release_all()
            self._refused_until = -math.inf
            self._expected = plan
            try:
                await self._full(report, confirmed=confirmed)
            finally:
                self._expected = None
            return report

    async def explain(self, path: str) -> Report:
        """A dry run whose report tells of the nodes at this path too, as far as that is known without the server."""
        async with self._running:
            report = Report(dry_run=True, subject=path)
            self._link.retry_now()
            await self._full(report)
            if report.explained is None:
                report.explained = self._explained(path, RemoteTree.assumed(self._replica), None)
            return report

    def status(self) -> EngineStatus:
        """What is going on at this moment."""
        next_try = None
        if self._link.online is False:
            next_try = max(self._link.retry_at - trio.current_time(), 0.0)
        return EngineStatus(
            online=self._link.online,
            offline_why=self._link.why,
            running=self._doing,
            waiting=sum(not self._is_filtered(dirty.node) for dirty in self._replica.dirty()),
            hydrating=self._hydrator.waiting,
            last_run_ns=self._last_run_ns,
            next_try_seconds=next_try,
            halted=self._halted,
            refused=self._refused,
            problems=tuple(self._problems()),
            conflicts=self._conflicts,
        )

    async def wait_settled(self) -> None:
        """Returns when nothing is left to send that can be sent; used by tests and ``sync``."""
        while True:
            async with self._running:
                now = trio.current_time()
                if all(
                    self._held.holds(dirty, now) or self._is_filtered(dirty.node) for dirty in self._replica.dirty()
                ):
                    return
            await trio.sleep(min(self._settle, 0.1))

    # runs ----------------------------------------------------------------------------------------------------------
    async def _full(self, report: Report, *, confirmed: bool = False) -> None:
        """Lists, plans and executes until nothing stale is left, at most ``ROUNDS`` times."""
        started = trio.current_time()
        try:
            await self._follow_settings()
            before = 0
            for _ in range(ROUNDS):
                before = len(report.outcomes)
                if not await self._round(report, confirmed=confirmed):
                    break
            else:
                self._hold_stale(report.outcomes[before:])
            if not (report.dry_run or report.halted):
                self._doing = "cleaning up"
                await self._cleaner.clean(on_server=self.settings.direction is not Direction.DOWNLOAD)
        except (Unreachable, ListingBroken) as error:
            self._link.lost(str(error))
            report.offline = str(error)
        except Unauthorized as error:
            self._refuse(error)
            report.refused = self._refused
        except Halted as error:
            self._halt(report, str(error))
        except Missing as error:
            log.info("the listing found no folder: %s", error)
            self._halt(report, root_gone(self._name).sentence)
        except RemoteError as error:
            self._later(started)
            report.refused = str(error)
            log.warning("the server refused the run: %s", error)
        except OSError as error:
            self._later(started)
            report.refused = f"the local disk refused it: {error.strerror}"
            log.error("%s", report.refused)
        finally:
            self._doing = ""
        if not report.dry_run:
            self._last_run_ns = self._clock.now_ns()
        report.problems = list(self._problems())
        report.seconds = trio.current_time() - started

    def _hold_stale(self, outcomes: Iterable[Outcome]) -> None:
        """What did not fit however often it was planned for waits, and is shown: it may be no change that is behind
        it, but a server that answers so for ever."""
        for outcome in outcomes:
            node = outcome.action.node
            if outcome.result is Result.STALE:
                self._held.hold(Dirty(node, self._replica.changed_ns(node)), outcome.why, trio.current_time())

    def _refuse(self, error: Unauthorized) -> None:
        """The log-in is not accepted: somebody has to renew it, which is noticed after a while."""
        if self._refused is None:
            log.warning("the server refuses the log-in: %s", error)
        self._refused = str(error)
        self._refused_until = trio.current_time() + REFUSED_PAUSE

    def _is_refused(self) -> bool:
        return trio.current_time() < self._refused_until

    async def _follow_settings(self) -> None:
        """The server may have other settings by now. Raises RemoteError, Halted."""
        if self._settle_settings is not None:
            self._doing = "asking for the settings"
            before, self.settings = self.settings, await self._settle_settings()
            if self.settings.filters != before.filters:
                self._held.release_all()
                self.list_soon()

    def _later(self, started: float) -> None:
        now = trio.current_time()
        self._listing_due = now + max(self._listing_every, (now - started) * LISTING_SHARE)

    def _halt(self, report: Report, why: str) -> None:
        if self._halted != why:
            log.warning("halted: %s", why)
        self._halted = report.halted = why
        self._later(trio.current_time())

    async def _round(self, report: Report, *, confirmed: bool) -> bool:
        """One listing and what follows from it. True when it must be done again."""
        started = trio.current_time()
        self._doing = "listing"
        tree = await self._observe(report)
        if tree is None:
            return True
        tree.restored = self._restored = tree.restored or self._restored
        self._link.alive()
        self._refused = None
        self._later(started)
        self._to_be_listed.clear()
        dirty = [each.node for each in self._replica.dirty()]
        view = Trees(self._replica, tree, [*dirty, *tree.changed()], self._sums)
        made = self._plan(view)
        if made is None:
            return True
        report.conflicts += len(made.conflicts)
        expected, self._expected = self._expected, None
        if expected is not None:
            confirmed = expected == self._identity(view, tree)
            if not confirmed:
                report.halted = OTHER_PLAN.format(expected)
                return False
        stop = halt(view, made, self._replica.base_count())
        if stop is not None and not (confirmed and stop.passable):
            self._halt(report, stop.sentence)
        else:
            self._halted = report.halted = None
        if report.dry_run:
            report.steps.extend(self._steps(made.actions, tree))
            report.plan = self._identity(view, tree)
            self._waiting.update({each.node: each.why for each in made.waiting})
            if report.subject is not None:
                report.explained = self._explained(report.subject, tree, made)
            return False
        if report.halted:
            return False
        self._replica.set_bases(tree.learned)
        self._waiting = {each.node: each.why for each in made.waiting}
        self._held.retain({*dirty, *(each.node for each in made.actions)})
        self._conflicts += len(made.conflicts)
        outcomes = await self._execute(made, tree, listed=True)
        self._restored = self._restored and any(outcome.result is not Result.DONE for outcome in outcomes)
        report.outcomes.extend(outcomes)
        self._hydrator.retry_refused()
        self._sums.retain(each.node for each in self._replica.dirty())
        return any(outcome.result is Result.STALE for outcome in outcomes)

    def _plan(self, view: Trees) -> Plan | None:
        """The plan; None when bases had to end at a filter's border: who is who is to be seen anew then. That changes
        what is agreed on, and nothing on either side: a dry run does it too."""
        filters = self.settings.filters
        ended = crossings(view, filters, view.touched())
        if ended:
            self._replica.set_bases(ended)
            return None
        return plan(view, self.settings, stamp=self._stamp(self._clock.now_ns()), filters=filters)

    def _identity(self, view: Trees, tree: RemoteTree) -> str:
        """Of the plan, but for the date in the names of conflict copies."""
        made = plan(view, self.settings, stamp="", filters=self.settings.filters)
        return identity((action, *self._paths(action, tree)) for action in made.actions)

    async def _observe(self, report: Report) -> RemoteTree | None:
        """The server's tree, or None when identities moved while it was listed (seldom: it is done again then)."""
        moves = self._replica.identity_moves()
        observer = Observer(self._replica, self.settings.filters, self.settings.tag)
        report.entries = 0
        secure = self.settings.mode is Mode.SECURE
        async with self._listing(secure) as batches:
            async for batch in batches:
                observer.add(batch)
                report.entries += len(batch)
                self._progress.listing(report.entries)
                await trio.lowlevel.checkpoint()
        if self._replica.identity_moves() != moves:
            return None
        tree = observer.finish()
        if secure:
            self._doing = "comparing contents"
            await self._sums.complete_bases(tree)
            await self._sums.compare(tree, [*(each.node for each in self._replica.dirty()), *tree.changed()])
        return tree if self._replica.identity_moves() == moves else None

    def _listing(self, secure: bool) -> AbstractAsyncContextManager[AsyncIterator[list[Entry]]]:
        self._copies.forget()
        return self._remote.listing(partial(snapshot, self._replica)) if secure else self._remote.listing()

    async def _push(self, settled: list[Dirty]) -> None:
        """Sends settled changes without a listing; what cannot be proved asks for a full run."""
        if not await self._may_push(settled):
            return
        self._doing = "sending"
        tree = RemoteTree.assumed(self._replica)
        if self.settings.mode is Mode.SECURE:
            await self._sums.compare(tree, [each.node for each in settled])
        dirty = frozenset(each.node for each in self._replica.dirty())
        try:
            nodes = closure(self._replica, [each.node for each in settled], dirty)
            view = Trees(self._replica, tree, nodes, self._sums)
            made = self._plan(view)
            if made is None or halt(view, made, self._replica.base_count()) is not None:
                self.list_soon()  # the full run looks again and halts with the whole picture
                return
            self._waiting.update({each.node: each.why for each in made.waiting})
            if _needs_root(made) and not await self._remote.is_there():
                self.list_soon()  # the full run finds the folder gone, and halts
                return
            outcomes = await self._execute(made, tree, listed=False)
        except OSError as error:
            log.error("the local disk refused it: %s", error.strerror)
            return
        except Unreachable as error:
            self._link.lost(str(error))
            return
        except Unauthorized as error:
            self._refuse(error)
            return
        finally:
            self._doing = ""
        self._last_run_ns = self._clock.now_ns()
        # A node that needed nothing, or waits, must not be looked at again at once.
        acted = {outcome.action.node for outcome in outcomes}
        for each in settled:
            if each.node not in acted:
                if self._is_filtered(each.node):
                    self._held.filter(each)
                else:
                    why = self._waiting.get(each.node, "it waits for another change")
                    self._held.hold(each, why, trio.current_time())
        stale = {outcome.action.node for outcome in outcomes if outcome.result is Result.STALE}
        if stale:
            self._to_be_listed |= stale
            self.list_soon()

    async def _may_push(self, settled: list[Dirty]) -> bool:
        """Whether the settings could be agreed on. Where not, the link, a pause or a halt keeps it from being tried
        again at once."""
        try:
            await self._follow_settings()
        except Unreachable as error:
            self._link.lost(str(error))
        except Unauthorized as error:
            self._refuse(error)
        except Halted as error:
            self._halt(Report(), str(error))
        except RemoteError as error:
            for each in settled:
                self._held.hold(each, str(error), trio.current_time())
        else:
            return True
        finally:
            self._doing = ""
        return False

    # execution -----------------------------------------------------------------------------------------------------
    async def _execute(self, made: Plan, tree: RemoteTree, *, listed: bool) -> list[Outcome]:
        """Stage by stage, several actions of a stage at once. Unreachable and Unauthorized end it."""
        now = trio.current_time()
        executor = Executor(
            self._replica,
            self._remote,
            tree,
            self._hydrator,
            self._progress,
            listed=listed,
            settings=self.settings,
            copies=self._copies if self.settings.mode is Mode.SECURE else None,
            attempted=self._attempted,
        )
        self._progress.planned(len(made.actions), sum(_bytes(action) for action in made.actions))
        outcomes: list[Outcome] = []
        fatal: list[RemoteError] = []

        async def work(todo: Iterator[Action], scope: trio.CancelScope) -> None:
            for action in todo:
                path, new_path = self._paths(action, tree)
                self._doing = f"{action.op.value} {path}"
                self._progress.started(action, path)
                try:
                    outcome = await executor.execute(action)
                except (Unreachable, Unauthorized) as error:
                    fatal.append(error)
                    scope.cancel()
                    return
                await trio.lowlevel.checkpoint()
                outcomes.append(outcome)
                self._conclude(outcome, path, new_path)

        for stage in made.stages:
            todo = iter([each for each in stage if not self._held.paused(each.node, now)])
            async with trio.open_nursery() as nursery:
                # What only records an agreement has to be done in its order.
                workers = 1 if any(each.side is Side.BASE for each in stage) else min(self._transfers, len(stage))
                for _ in range(workers):
                    nursery.start_soon(work, todo, nursery.cancel_scope)
            if fatal:
                raise fatal[0]
        return outcomes

    def _is_filtered(self, node: NodeId) -> bool:
        return self.settings.filters.left_out(self._known_path(node))

    def _conclude(self, outcome: Outcome, path: str, new_path: str | None) -> None:
        """Keeps the outcome where it matters: history, pauses, log."""
        action = outcome.action
        node, now = action.node, trio.current_time()
        self._progress.ended(outcome, path)
        if action.side is not Side.BASE and not (action.op is Op.FETCH and action.local is None):
            self._replica.record(outcome, path, new_path)
        if outcome.result is Result.DONE:
            self._held.release(node)
            self._waiting.pop(node, None)
            if action.op is Op.MAKE:  # what was to go into it waited for it
                for held, _ in self._held.failures():
                    local = self._replica.local(held)
                    if local is not None and local.parent == node:
                        self._held.release(held)
        elif outcome.result is not Result.STALE:
            dirty = Dirty(node, self._replica.changed_ns(node))
            self._held.hold(dirty, outcome.why, now, lasting=outcome.result is Result.FAILED)
            log.warning("%s %s: %s", action.op.value, path, outcome.why)

    def _paths(self, action: Action, tree: RemoteTree) -> tuple[str, str | None]:
        """Where the action is on its side, and where a move leads there."""
        path = self._path(action.node, action.side, tree)
        if action.op is not Op.MOVE or action.target is None:
            return path, None
        parent = self._path(action.target.parent, action.side, tree)
        return path, f"{parent}/{action.target.name}" if parent else action.target.name

    def _path(self, node: NodeId, side: Side, tree: RemoteTree) -> str:
        """Where the node is on that side, else on the other, else where it was last."""
        here, there = self._replica.local_path, tree.path
        looks = (there, here) if side is Side.REMOTE else (here, there)
        return _first_path(node, *looks, self._replica.base_path)

    def _steps(self, actions: Iterable[Action], tree: RemoteTree) -> Iterator[Step]:
        for action in actions:
            if action.side is Side.BASE:
                continue
            path, new_path = self._paths(action, tree)
            states = self._states(action.node, action.base, action.local, action.remote, tree)
            yield Step(action.op.value, action.side.value, path, new_path, _bytes(action), action.reason, *states)

    def _explained(self, path: str, tree: RemoteTree, made: Plan | None) -> list[Explained]:
        """What there is at the path, and what would be done; without a plan, nothing is said of the server."""
        found = []
        for node in nodes_at(self._replica, tree, path):
            base, local, remote = self._replica.base(node), self._replica.local(node), tree.get(node)
            states = self._states(node, base, local, remote if made is not None else None, tree)
            actions = concerning(self._replica, tree, made, node) if made is not None else []
            why = idle_because(tree, made, self.settings.filters, node, path)
            known = made is not None and tree.unknown(node) is None
            found.append(Explained(path, *states, known, why, tuple(self._steps(actions, tree))))
        return found

    def _states(
        self, node: NodeId, base: Base | None, local: Local | None, remote: Remote | None, tree: RemoteTree
    ) -> tuple[State | None, State | None, State | None]:
        """Base, local and remote state of the node, each with its own path."""
        looks = self._replica.base_path, self._replica.local_path, tree.path
        states: tuple[Base | Local | Remote | None, ...] = base, local, remote
        found = [
            None if state is None else State(state.kind.value, _first_path(node, look), state.size, state.mtime)
            for state, look in zip(states, looks, strict=True)
        ]
        return found[0], found[1], found[2]

    def _problems(self) -> Iterator[Problem]:
        """Everything that is left over, with its reason."""
        waiting = dict(self._waiting)
        failures = dict(self._held.failures())
        for dirty in self._replica.dirty():
            failures.pop(dirty.node, None)
            held = self._held.get(dirty)
            why = waiting.pop(dirty.node, "")
            if held is not None:
                why = held.why
            if why:
                yield Problem(dirty.node, self._known_path(dirty.node), why, held is not None and held.lasting)
        for node, failed in failures.items():  # only the server's side of it has changed
            waiting.pop(node, None)
            yield Problem(node, self._known_path(node), failed.why, failed.lasting)
        for node, why in waiting.items():
            yield Problem(node, self._known_path(node), why, False)
        for node, why in self._hydrator.refused.items():
            yield Problem(node, self._known_path(node), why, True)

    def _known_path(self, node: NodeId) -> str:
        return _first_path(node, self._replica.local_path, self._replica.base_path)


def _first_path(node: NodeId, *looks: Callable[[NodeId], str]) -> str:
    for look in looks:
        try:
            return look(node)
        except KeyError:
            continue
    return f"node {node}"


def _needs_root(made: Plan) -> bool:
    """Whether the plan makes something on the server: with a missing folder, that would make the folder anew."""
    return any(
        action.side is Side.REMOTE and action.remote is None and action.op in (Op.MAKE, Op.SEND)
        for action in made.actions
    )


def _bytes(action: Action) -> int:
    """Bytes of content that the action moves over the network."""
    if action.op is Op.SEND and action.local is not None:
        return action.local.size
    if action.op is Op.FETCH and action.remote is not None:
        return action.remote.size
    return 0
