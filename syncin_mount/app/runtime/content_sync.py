"""Contents are brought to the disk beside everything else, and no earlier than is of use.

A content that replaced another one is synced within a second or so: only then does the former go,
so at hardly any moment could a power cut leave neither of the two whole. For every other content
nobody was promised anything before fsync(2): it has the time that ext4 and other local file systems
give it, and the kernel has written it back by then. A sync in the middle of a big copy would make
the copy, and all that is done in the file system below, wait for the disk. So while somebody
writes, what is needed is synced content by content, and a sync of everything is put off a while.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

if TYPE_CHECKING:
    from collections.abc import Callable

    from syncin_mount.store import Awaited, Content, Replica

REST = 30.0
"""Seconds that a content may stay unsynced that replaced nothing: what ext4's and xfs's data has by
the kernel's default (dirty_expire_centisecs)."""

FEW = 8
"""Contents up to this number are synced one by one, so that whatever else is being written need not
be. For more, one sync of the whole file system is cheaper."""


class ContentSync:
    """Decides what is synced at each moment, and does it. ``clock`` tells seconds."""

    def __init__(self, replica: Replica, clock: Callable[[], float]) -> None:
        self._replica = replica
        self._clock = clock
        self._waiting_since: float | None = None
        self._put_off_since: float | None = None
        self._until = 0

    async def run(self) -> int:
        """Syncs what it is time for. Returns the number of an event: effects up to this one may be
        done.

        Raises OSError: the contents concerned stay marked as not synced. Cancelled, it waits for
        the thread that syncs.
        """
        self._until = await self._run()
        return self._until

    async def _run(self) -> int:
        replica = self._replica
        awaited = replica.committer.awaited()
        wanted = awaited.names or len(awaited.contents) > FEW or self._is_time()
        if not wanted:
            self._put_off_since = None
        if replica.durability.failed_contents() or (wanted and not self._is_put_off()):
            self._waiting_since = None
            return await sync_everything(replica)
        if awaited.contents:
            await self._sync_few(awaited)
        return self._until if awaited.names else awaited.until

    def _is_put_off(self) -> bool:
        """Whether a sync of everything, which is wanted, would have somebody wait who writes: for
        REST it can wait itself, as only what was replaced, and what goes to the bin, stay longer
        where they are."""
        replica = self._replica
        written = (replica.local(node) for node in replica.being_written())
        if not any(local is not None and local.busy for local in written):
            return False
        if self._put_off_since is None:
            self._put_off_since = self._clock()
        return self._clock() - self._put_off_since < REST

    def _is_time(self) -> bool:
        """Whether some content has waited for REST by now."""
        if not self._replica.durability.unsynced_contents():
            self._waiting_since = None
        elif self._waiting_since is None:
            self._waiting_since = self._clock()
        return self._waiting_since is not None and self._clock() - self._waiting_since >= REST

    async def _sync_few(self, awaited: Awaited) -> None:
        replica = self._replica
        opened: list[Content] = []
        try:
            opened += [replica.open_content(node) for node, _ in awaited.contents]
            await trio.to_thread.run_sync(_sync_each, opened)
        except OSError:
            replica.durability.sync_failed(node for node, _ in awaited.contents)
            raise
        finally:
            for content in opened:
                content.close()
        unsynced = set(replica.durability.unsynced_contents())
        replica.durability.mark_synced([each for each in awaited.contents if each in unsynced])


async def sync_everything(replica: Replica) -> int:
    """Syncs every content and name. Returns the number of an event: this one and all before are on
    the disk now.

    Raises OSError: the contents stay marked as not synced. Cancelled, it waits for the thread that
    syncs.
    """
    failed = replica.durability.failed_contents()
    for node in failed:
        for _ in replica.durability.rewrite_content(node):
            await trio.lowlevel.checkpoint()
    until, contents = replica.sequence(), replica.durability.unsynced_contents()
    try:
        await trio.to_thread.run_sync(replica.committer.sync_files)
    except OSError:
        replica.durability.sync_failed(node for node, _ in replica.durability.unsynced_contents())
        raise
    replica.durability.resolved(failed)
    replica.durability.mark_synced(contents)
    return until


def _sync_each(contents: list[Content]) -> None:
    for content in contents:
        content.sync()
