"""Looks into single folders of the server, so that others' changes are seen at once where somebody
looks or works. What a look cannot tell for sure asks for a listing."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterable

import trio

from reconciler.engine.backlog import NODES_PER_YIELD
from reconciler.engine.looks.hot_folders import MOST, HotFolders
from reconciler.engine.parts import EngineParts
from reconciler.engine.plan_worker import PlanRequest
from reconciler.errors import RemoteError
from reconciler.lookups import Dirty
from reconciler.model import ROOT, Direction, Entry, NodeId, Outcome, Remote, Result
from reconciler.phrases import Phrase, strerror
from reconciler.planner.guards import Halted
from reconciler.trees.folder_look import FolderJudge, FolderLook
from reconciler.trees.remote_tree import RemoteTree

log = logging.getLogger(__name__)

OPENED_EVERY, OPENED_SELDOM = 1.0, 30.0
"""Seconds between two looks at what programs have open: the more there is, the more seldom."""

OPENED_SHARE = 200.0
"""They are followed by this many times their own duration without one. (What is opened between them
tells of itself.)"""

Unexplained = frozenset[tuple[str, Remote | None]]


class FolderLooks:
    """Looks of one engine, one after the other. ``open_folders`` gives those that are open at this
    moment, or in which a file is."""

    def __init__(self, parts: EngineParts) -> None:
        self.open_folders: Callable[[], Iterable[NodeId]] = tuple
        self._parts = parts
        self._condition = parts.condition
        self._hot = HotFolders()
        self._opened_until = -math.inf
        self._planned: dict[NodeId, dict[str, Remote]] = {}
        """What the last look into each folder showed and planned for: what stays so is left to
        listings."""
        self._asked: dict[NodeId, Unexplained] = {}
        """What a listing was asked for, by folder: one that does not explain it is not repeated."""

    def visit(self, folder: NodeId) -> None:
        """Somebody looks into the folder, or something in it changed."""
        now = trio.current_time()
        # One that does not count may stay open.
        if self._hot.visit(folder, now) or now >= self._opened_until:
            self._condition.wake()

    def due(self) -> float:
        """When the next look is due, by trio's clock; infinite when there is none."""
        if not self._may_look():
            return math.inf
        now = trio.current_time()
        if now >= self._opened_until:
            self._keep_open(now)
        found = self._hot.next_due(now)
        return math.inf if found is None else found[1]

    def _keep_open(self, now: float) -> None:
        """Those that are open count, but for those that the server has not: they would take the
        turns of the others."""
        opened = dict.fromkeys(self.open_folders())
        self._hot.keep_open([each for each in opened if self._path(each) is not None], now)
        rest = (trio.current_time() - now) * OPENED_SHARE
        self._opened_until = now + min(max(rest, OPENED_EVERY), OPENED_SELDOM)

    def _may_look(self) -> bool:
        """Not before this process has seen the whole, and not where nothing comes from there."""
        settings = self._parts.settings
        return (
            self._parts.runner.since.has_judged
            and settings.direction is not Direction.UPLOAD
            # Who may not write any more did not choose to give up what waits: a run judges that.
            and not (settings.meeting or settings.restricted)
        )

    def look_now(self) -> None:
        """Somebody else changed something somewhere."""
        self._hot.look_now(trio.current_time())

    def listed(self) -> None:
        """A listing has shown everything."""
        self._hot.listed(trio.current_time())

    async def run(self) -> None:
        """One look, and what follows from it. Never raises for what the server or the disk did.
        Cancelling it leaves both sides as after the last finished action."""
        found = self._hot.next_due(trio.current_time())
        if found is None:
            return
        folder, began = found[0], trio.current_time()
        path = self._path(folder)
        if path is None:
            self._forget(folder)
            return
        try:
            look = await self._look(folder, path)
            now = trio.current_time()
            self._hot.looked(folder, now, now - began)
            if look is not None:
                await self._follow(folder, look)
        except Halted as error:  # by what the settings say
            self._condition.halt(error.halt)
        except RemoteError as error:
            self._hot.failed(folder, trio.current_time())
            if not await self._condition.stops_push(error):
                log.debug("a look into %s failed: %s", path, error)
        except OSError as error:
            log.error("the local disk refused it: %s", strerror(error))
        finally:
            self._condition.activity = ""

    def _forget(self, folder: NodeId) -> None:
        self._hot.forget(folder)
        self._planned.pop(folder, None)
        self._asked.pop(folder, None)

    def _path(self, folder: NodeId) -> str | None:
        """Where the folder is on the server; None where it is none that both sides have."""
        if folder == ROOT:
            return ""
        base, tree = self._parts.replica.base(folder), RemoteTree.assumed(self._parts.replica)
        if base is None:
            return None
        try:
            path = tree.path(folder)
        except KeyError:
            return None
        return None if self._parts.settings.filters.left_out(path) else path

    async def _look(self, folder: NodeId, path: str) -> FolderLook | None:
        """None when the replica changed so that it tells nothing."""
        parts, replica = self._parts, self._parts.replica
        moves = replica.identity_moves()
        await parts.runner.recall()
        entries = await parts.remote.look(path)
        if replica.identity_moves() != moves or self._path(folder) != path:
            return None
        if entries is None:
            nothing = RemoteTree.assumed(replica)
            return FolderLook(nothing, (), frozenset({("", None)}))
        return await self._judged(folder, path, entries)

    async def _judged(self, folder: NodeId, path: str, entries: list[Entry]) -> FolderLook | None:
        """What the entries tell; a large folder does not hold up the loop."""
        parts, moves = self._parts, self._parts.replica.identity_moves()
        judge = FolderJudge(parts.replica, folder, path, parts.settings.filters)
        for start in range(0, len(entries), NODES_PER_YIELD):
            for entry in entries[start : start + NODES_PER_YIELD]:
                judge.add(entry)
            await trio.lowlevel.checkpoint()
        return judge.found() if parts.replica.identity_moves() == moves else None

    async def _follow(self, folder: NodeId, look: FolderLook) -> None:
        """Plans for what the look showed, and asks for a listing where that does not do."""
        seen = {node: remote for node in look.changed if (remote := look.tree.get(node))}
        unexplained = look.unexplained
        if self._parts.settings.mode.uses_checksums:  # only a listing tells checksums
            unexplained |= {(remote.name, remote) for remote in seen.values()}
            seen = {}
        if unexplained and unexplained != self._asked.get(folder):
            self._condition.list_as_seen()
        self._asked.pop(folder, None)
        self._asked[folder] = unexplained
        before = self._planned.get(folder, {})
        fresh = {node: remote for node, remote in seen.items() if before.get(remote.name) != remote}
        # what was looked into last comes last
        self._planned.pop(folder, None)
        self._planned[folder] = {remote.name: remote for remote in seen.values()}
        for known in (self._asked, self._planned):
            while len(known) > MOST:
                known.pop(next(iter(known)))
        if fresh:
            self._hot.visit(folder, trio.current_time())
            for outcome in await self._apply(look.tree, list(fresh)):
                if outcome.result is Result.WAITS and outcome.action.node in fresh:
                    del self._planned[folder][fresh[outcome.action.node].name]

    async def _apply(self, tree: RemoteTree, nodes: list[NodeId]) -> list[Outcome]:
        """How it ended. Raises RemoteError, Halted, OSError."""
        parts, condition = self._parts, self._condition
        root, mode = parts.remote.root, parts.settings.mode
        await parts.follow_settings()
        is_as_judged = parts.remote.root == root and parts.settings.mode is mode
        if not is_as_judged or not self._may_look():
            # it is not the folder that was looked into, or its word does not do any more
            condition.list_soon()
            return []
        parts.replica.begin_run()
        condition.activity = Phrase("receiving")
        tree.unproved = parts.prover.waiting
        asked = PlanRequest(past=parts.guarding.past(), withheld=parts.backlog.withheld)
        changed = [Dirty(node, parts.replica.changed_ns(node)) for node in nodes]
        draft = await parts.planning.push(tree, changed, parts.settings, parts.stamp(), asked)
        if draft is None or draft.stop is not None:
            condition.list_as_seen()
            return []
        for node in nodes:  # their inodes tell nothing of what was there at the last listing
            parts.runner.since.add(node)
        made = draft.made
        parts.backlog.note_plan(made)
        parts.conflicts.note(made.conflicts, parts.replica, tree, draft.touched)
        outcomes = await parts.runner.run(made, tree, parts.settings, listed=False)
        parts.guarding.note(outcomes, draft.going)
        is_stale = any(each.result is Result.STALE for each in outcomes)
        if is_stale or not parts.runner.folders_stayed:
            condition.list_as_seen()
        return outcomes
