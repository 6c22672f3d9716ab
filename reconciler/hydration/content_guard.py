"""Contents that changed on the disk by themselves: proved before somebody builds on them."""

from __future__ import annotations

import logging
from collections.abc import Callable

import trio

from reconciler.hydration.content_proof import LOST, WHY, Verdict, is_agreed, look_at
from reconciler.hydration.download import failed_hydration
from reconciler.hydration.refusals import name_of
from reconciler.model import NodeId
from reconciler.ports import Replica

log = logging.getLogger(__name__)

SMALL_BYTES = 8 << 20
"""Contents up to this many bytes are proved before each change; it takes some ms."""

SMALL_PROVED_SECONDS, BIG_PROVED_SECONDS = 1.0, 86_400.0
"""Seconds for which a proof holds, of such a content and of a bigger one."""

MAX_PROOFS = 10_000
"""Proofs that are remembered."""


class ContentGuard:
    """``want`` queues a node whose content is to be fetched."""

    def __init__(self, replica: Replica, want: Callable[[NodeId], None]) -> None:
        self._replica = replica
        self._want = want
        self._proved: dict[NodeId, tuple[int, float]] = {}  # version, and when
        self._rot: dict[NodeId, tuple[int, str]] = {}  # version, and what is said of it

    async def prove(self, node: NodeId, *, broken: bool = False) -> bool:
        """Before somebody changes a part of a content that both sides agreed on: whether it still
        is that. What is not goes to the bin and is to be fetched, and the node has another inode.
        True also where nothing is known of it. ``broken``: it could not be opened.
        """
        local = self._replica.local(node)
        if local is None or not local.size or not is_agreed(self._replica, node):
            return True
        if local.busy or local.open_for_writing:
            return True
        if not broken:
            if self._replica.checksum_of(node, local.version) is None:
                return True
            if self._is_proved(node, local.version, local.size):
                return True
        if await look_at(self._replica, node) is not Verdict.ROTTEN:
            if len(self._proved) > MAX_PROOFS:
                self._proved.clear()
            self._proved[node] = local.version, trio.current_time()
            return True
        return not self.rotten(node)

    def _is_proved(self, node: NodeId, version: int, size: int) -> bool:
        seen = self._proved.get(node)
        if seen is None or seen[0] != version:
            return False
        holds = SMALL_PROVED_SECONDS if size <= SMALL_BYTES else BIG_PROVED_SECONDS
        return trio.current_time() - seen[1] < holds

    def rotten(self, node: NodeId) -> bool:
        """The content was found to be something else than was saved: it is told, and fetched anew
        where the server has it. Returns whether it is."""
        local, base = self._replica.local(node), self._replica.base(node)
        name = name_of(self._replica, node)
        if local is None:
            return False
        if base is None or not self._replica.rotted(node, WHY):
            if self._rot.get(node) != (local.version, LOST):
                log.error("%s: %s", name, LOST)
            self._rot[node] = local.version, LOST
            return False
        log.error("%s: %s", name, WHY)
        after = self._replica.local(node)
        self._rot[node] = 0 if after is None else after.version, WHY
        self._replica.record(failed_hydration(node, base, WHY, reason=WHY), name, None)
        self._want(node)
        return True

    def rot(self) -> list[tuple[str, str]]:
        """Path and clause for people for each content that was found rotten and is not whole
        again."""
        for node, (version, why) in list(self._rot.items()):
            local = self._replica.local(node)
            if local is None or local.version != version or (why == WHY and local.present):
                del self._rot[node]
        return [(name_of(self._replica, node), why) for node, (_, why) in self._rot.items()]
