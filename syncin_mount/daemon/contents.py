"""Contents are brought to the disk beside everything else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

if TYPE_CHECKING:
    from syncin_mount.store import Replica


async def sync_contents(replica: Replica) -> int:
    """Returns the number of an event: the contents of this one and all before are on the disk now. Raises OSError."""
    doubted = replica.in_doubt()
    for node in doubted:
        for _ in replica.written_again(node):
            await trio.lowlevel.checkpoint()
    until, contents = replica.sequence(), replica.unsynced_contents()
    if doubted or contents or replica.effects_wait():
        try:
            await trio.to_thread.run_sync(replica.sync_files)
        except OSError:
            replica.sync_failed(node for node, _ in replica.unsynced_contents())
            raise
        replica.resolved(doubted)
        replica.mark_synced(contents)
    return until
