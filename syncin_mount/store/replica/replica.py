"""The replica: the local store of one synchronization."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncin_mount.store.replica.hold_discard import HoldAndDiscard

if TYPE_CHECKING:
    from reconciler import ports


class Replica(HoldAndDiscard):
    """``reconciler.ports.Replica`` and the file system's side of the same store. ``Replica.open``
    makes one.

    To be used from one thread, but for ``sync_journal``, ``sync_contents`` and ``Content.sync``.
    """


if TYPE_CHECKING:

    def _is_a_port(replica: Replica) -> ports.Replica:
        return replica
