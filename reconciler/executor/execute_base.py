"""Actions that only record what both sides have: they change neither."""

from __future__ import annotations

from dataclasses import replace

from reconciler.errors import Stale
from reconciler.executor.counted_upload import Counted
from reconciler.executor.execute_local import LocalActions
from reconciler.executor.execute_remote import RemoteActions
from reconciler.executor.outgoing import OutgoingVersion
from reconciler.executor.preconditions import Preconditions
from reconciler.executor.upload import Sender
from reconciler.model import UNPROVED, Action, Kind, Local, Op, Settings, Side
from reconciler.phrases import Phrase
from reconciler.planner.conflict_rules import stays_of_equals
from reconciler.ports import Found, Replica
from reconciler.trees.remote_tree import RemoteTree


class BaseActions:
    """Of one plan. ``union``: equal files that nobody agreed on yet are taken as equal. Contents
    that prove to differ are sent by ``to_server``, or fetched by ``to_drive``."""

    def __init__(
        self,
        replica: Replica,
        tree: RemoteTree,
        checks: Preconditions,
        sender: Sender,
        to_server: RemoteActions,
        to_drive: LocalActions,
        *,
        settings: Settings,
        union: bool,
    ) -> None:
        self._replica = replica
        self._tree = tree
        self._checks = checks
        self._sender = sender
        self._to_server = to_server
        self._to_drive = to_drive
        self._settings = settings
        self._union = union

    async def agree(self, action: Action) -> int:
        """Records that both sides are the same. Contents that prove to differ are transferred."""
        assert action.remote is not None
        version = 0
        if action.remote.kind is Kind.FILE:
            local = self._checks.expect_local(action)
            version = local.version
            if self._is_news(action) and not await self._is_equal(action, local):
                # Equal in size and second only: the settings pick one, as they would without that
                # chance.
                if stays_of_equals(self._settings) is Side.LOCAL:
                    return await self._to_server.send(
                        replace(action, op=Op.SEND, side=Side.REMOTE, keep=True)
                    )
                return await self._to_drive.fetch(
                    replace(action, op=Op.FETCH, side=Side.LOCAL, keep=True)
                )
        agreed = action.remote.as_base(version)
        if self._is_unread(action):
            agreed = replace(agreed, inode=UNPROVED, checksum=None)
        base = self._replica.base(action.node)
        said = action.local.mtime if action.local is not None else None
        if base is not None and base.mtime == agreed.mtime and said == base.mtime_here:
            agreed = replace(agreed, mtime_here=said)  # no side's time is another one
        self._replica.set_base(action.node, agreed.after(base))
        return 0

    def _is_news(self, action: Action) -> bool:
        """Whether both sides have new content. Equal files of a first union are taken as equal, as
        the mode says."""
        base, local, remote = action.base, action.local, action.remote
        if base is None or local is None or remote is None:
            return not self._union
        return local.version != base.version and (base.size, base.mtime) != (
            remote.size,
            remote.mtime,
        )

    def _is_unread(self, action: Action) -> bool:
        """Whether the contents are taken for equal by size and second alone."""
        local, remote = action.local, action.remote
        if local is None or remote is None or remote.kind is not Kind.FILE or not remote.size:
            return False
        return (
            action.base is None
            and not self._is_news(action)
            and None in (local.checksum, remote.checksum)
        )

    async def _is_equal(self, action: Action, local: Local) -> bool:
        """Whether what both sides edited to the same size and second is the same content."""
        assert action.remote is not None
        node, remote = action.node, action.remote
        content = self._replica.open_content(node)
        try:
            counted = Counted(
                content.fd,
                local.size,
                lambda: self._checks.version(node) == local.version,
                expected=None,
            )
            digest = await counted.get()
        finally:
            content.close()
        if remote.checksum is not None:
            return remote.checksum == digest
        found = Found(remote.size, remote.mtime * 1000)
        path = self._tree.path(node)
        return await self._sender.is_ours(
            OutgoingVersion(action, path, remote.place, counted, local, remote.mtime), found
        )

    async def forget(self, action: Action) -> int:
        """Records that neither side has the node any more."""
        if self._replica.local(action.node) is not None:
            raise Stale(Phrase("it came back here meanwhile"))
        if next(iter(self._replica.base_children(action.node)), None) is not None:
            raise Stale(Phrase("something that was in it is still agreed on"))
        self._replica.set_base(action.node, None)
        return 0
