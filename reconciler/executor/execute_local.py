"""Actions in the replica: each checks, acts, and records what is there now."""

from __future__ import annotations

import math
from dataclasses import replace

import trio

from reconciler.errors import Stale
from reconciler.executor.preconditions import Preconditions
from reconciler.hydration.hydrator import Hydrator
from reconciler.model import ROOT, UNPROVED, Action, Base, Kind, NodeId, Remote, Settings
from reconciler.phrases import Phrase
from reconciler.ports import Incoming, Replica
from reconciler.trees.remote_tree import RemoteTree

JUST_SENT_SECONDS = 600.0
"""Seconds for which a version that was sent is kept in the bin when another takes its place: see
``LocalActions``."""


class LocalActions:
    """Of one plan. ``sent`` has when each node was sent (trio's clock, seconds): the server's PUT
    knows no condition. Another device that looked before ours arrived overwrites it without having
    seen it, and nobody but we has it then. Nor has the server what it confirmed a moment before its
    power went, which no disk had yet. ``is_first`` is of a process that does not know what the
    former one sent: all that this computer ever sent counts as sent just now.

    Each action returns the bytes that it moved over the network, and raises RemoteError, Stale,
    LocalChanged, OSError, Unavailable."""

    def __init__(
        self,
        replica: Replica,
        tree: RemoteTree,
        hydrator: Hydrator,
        checks: Preconditions,
        sent: dict[NodeId, float],
        *,
        is_first: bool,
        settings: Settings,
    ) -> None:
        self._is_first = is_first
        self._replica = replica
        self._tree = tree
        self._hydrator = hydrator
        self._checks = checks
        self._sent = sent
        self._settings = settings

    async def make(self, action: Action) -> int:
        """Makes a folder."""
        await trio.lowlevel.checkpoint()
        assert action.remote is not None
        if self._replica.local(action.node) is not None:
            raise Stale(Phrase("it came back here meanwhile"))
        tree, node = self._tree, action.node
        self._replica.place_folder(
            node, action.remote.as_base(0), tree.kin.get(node), was_here=tree.was_here(node)
        )
        return 0

    async def fetch(self, action: Action) -> int:
        """Makes a file by its name, or replaces the content of one."""
        assert action.remote is not None
        remote = action.remote
        local = self._replica.local(action.node)
        if action.local is None:
            await trio.lowlevel.checkpoint()
            if local is not None:
                raise Stale(Phrase("it came back here meanwhile"))
            tree, node = self._tree, action.node
            self._replica.place_file(
                node, remote.as_base(0), tree.kin.get(node), was_here=tree.was_here(node)
            )
            self._hydrator.want(node)
            return 0
        before = self._checks.expect_local(action)
        if not before.may_be_exchanged:
            raise Stale(Phrase("it is being written"))
        self._hydrator.forget(action.node)
        incoming = await self._hydrator.fetch(action.node, self._checks.path(action.node), remote)
        try:
            self._install(action, incoming, remote)
        finally:
            incoming.close()
        await self._hydrator.counting.arrived(action.node)
        return remote.size

    def _install(self, action: Action, incoming: Incoming, remote: Remote) -> None:
        local = self._checks.expect_local(action)
        base = self._replica.base(action.node)
        # The place is settled on its own: only the content is agreed on here, unless there was no
        # base yet.
        place = base.place if base is not None else remote.place
        agreed = replace(remote.as_base(local.version), parent=place.parent, name=place.name).after(
            base
        )
        # A server that goes back in time has no other copy of what came after.
        keep = (
            action.keep or self._tree.restored or (base is not None and remote.mtime < base.mtime)
        )
        keep = keep or self._may_be_only_here(action.node, base)
        self._sent.pop(action.node, None)
        self._replica.install_content(
            action.node, incoming, agreed, local.version, keep=keep, why=action.reason
        )

    async def move(self, action: Action) -> int:
        """Moves or renames."""
        await trio.lowlevel.checkpoint()
        assert action.target is not None
        local, expected = self._replica.local(action.node), action.local
        if (
            local is None
            or expected is None
            or (local.kind, local.place) != (expected.kind, expected.place)
        ):
            raise Stale(Phrase("it was moved or deleted here meanwhile"))
        base, remote = self._replica.base(action.node), self._tree.get(action.node)
        if base is not None and remote is not None and action.target == remote.place:
            base = replace(base, parent=remote.parent, name=remote.name)
            self._replica.move_local(action.node, action.target, base)
        else:
            self._replica.move_local(action.node, action.target, None)
        return 0

    async def touch(self, action: Action) -> int:
        """Sets a time."""
        await trio.lowlevel.checkpoint()
        assert action.remote is not None
        local = self._checks.expect_local(action)
        self._replica.touch_local(
            action.node,
            action.remote.mtime * 1_000_000_000,
            action.remote.as_base(local.version),
        )
        return 0

    async def delete(self, action: Action) -> int:
        """Deletes; what nobody else has goes to the bin."""
        await trio.lowlevel.checkpoint()
        local = self._checks.expect_local(action)
        if not local.may_be_exchanged:
            raise Stale(Phrase("it is being written"))
        if local.kind is Kind.FOLDER:
            self._checks.expect_nothing_kept_below(action)
            if any(self._is_below(node, action.node) for node in self._replica.being_written()):
                raise Stale(Phrase("something in the folder is being written"))
            if not action.keep:
                self._expect_no_news_below(action.node)
        self._hydrator.forget(action.node)
        # what a backup lacks is not in the server's trash either
        keep = action.keep or self._tree.restored
        keep = keep or self._may_be_only_here_below(action.node)
        self._replica.delete_local(action.node, keep=keep, why=action.reason)
        return 0

    def _may_be_only_here(self, node: NodeId, base: Base | None) -> bool:
        """Whether its content was never compared with the server's, or was sent just now: perhaps
        nobody else has it."""
        if base is None or base.kind is not Kind.FILE:
            return False
        if base.inode == UNPROVED or (self._is_first and base.ms is not None):
            return True
        return trio.current_time() - self._sent.get(node, -math.inf) < JUST_SENT_SECONDS

    def _may_be_only_here_below(self, node: NodeId) -> bool:
        """Whether that is so of it, or of anything below it."""
        nodes = [node]
        for each in nodes:
            if self._may_be_only_here(each, self._replica.base(each)):
                return True
            nodes.extend(child for _, child in self._replica.base_children(each))
        return False

    def _expect_no_news_below(self, folder: NodeId) -> None:
        """Nothing was made or written below a folder since the plan was made. (What a filter leaves
        out goes to the bin with its folder.)"""
        for dirty in self._replica.dirty():
            local, base = self._replica.local(dirty.node), self._replica.base(dirty.node)
            if local is None or (
                base is not None and (local.kind is Kind.FOLDER or local.version == base.version)
            ):
                continue
            path = self._replica.local_path(dirty.node)
            if self._is_below(dirty.node, folder) and not self._settings.filters.left_out(path):
                raise Stale(Phrase("something in the folder was changed here meanwhile"))

    def _is_below(self, node: NodeId, folder: NodeId) -> bool:
        while node not in (ROOT, folder):
            local = self._replica.local(node)
            if local is None:
                return False
            node = local.parent
        return node == folder
