"""Looks at contents when nothing else is to be done, so that rot is known before somebody builds on
it.

Contents that the server does not have get their checksum as soon as they are quiet. All others are
looked at once in a while: what has no checksum yet gets one, what is not what it was is fetched
anew where the server has it, and told where it has not. The disk is read at idle priority, and
slowly.
"""

from __future__ import annotations

import functools
import hashlib
import json
import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import trio

from reconciler.hydration.content_proof import Verdict, look_at
from reconciler.model import Kind, NodeId
from reconciler.positioned import pread
from syncin_mount.app.runtime.idle_io import at_idle_priority
from syncin_mount.app.runtime.private_file import replace_private
from syncin_mount.system import forget_cached

if TYPE_CHECKING:
    from reconciler.hydration.hydrator import Hydrator
    from syncin_mount.store import Replica

log = logging.getLogger(__name__)

EVERY: Final = 5.0
"""Seconds between two looks at what is not sent."""

QUIET_NS: Final = 4_000_000_000
LONG_QUIET_NS: Final = 30_000_000_000
LARGE: Final = 64 << 20
"""What is larger is most likely being hashed for its upload when it has just become quiet."""

FIRST_ROUND: Final = 60.0
"""Seconds after the start."""

ROUND_NS: Final = 30 * 86_400 * 1_000_000_000
RATE: Final = 8 << 20
"""Bytes a second."""

PIECE: Final = 1 << 20
CONTENT_INTERVAL_S: Final = 0.002
"""Seconds between two contents, at least."""

SEEN: Final = 200
"""Contents between two notes of how far a round came."""


class Patrol:
    """For one replica. ``rate`` is in bytes a second."""

    def __init__(self, replica: Replica, hydrator: Hydrator, *, rate: float = RATE) -> None:
        self._replica = replica
        self._hydrator = hydrator
        self._rate = rate
        self._state = replica.folder / "patrol"
        self._seen = -1

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Goes on for ever. What the local disk refuses is tried again."""
        task_status.started()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._watch_unsent)
            await trio.sleep(FIRST_ROUND)
            while True:
                try:
                    await self.go_round()
                except OSError as error:
                    log.debug("the round over all contents stopped: %s", error)
                await trio.sleep(FIRST_ROUND)

    async def _watch_unsent(self) -> None:
        while True:
            await trio.sleep(EVERY)
            if self._replica.sequence() != self._seen:
                try:
                    await self.count_unsent()
                except OSError as error:
                    log.debug("what is not sent cannot be counted: %s", error)

    async def count_unsent(self) -> None:
        """Keeps a checksum of every quiet content that the server does not have. Raises OSError."""
        replica, waits = self._replica, False
        now = replica.writer.now_ns()
        for dirty in list(replica.dirty()):
            local = replica.local(dirty.node)
            if local is None or local.kind is not Kind.FILE or not local.present:
                continue
            if replica.checksum_of(dirty.node, local.version) is not None:
                continue
            quiet = LONG_QUIET_NS if local.size > LARGE else QUIET_NS
            if local.busy or now - dirty.changed_ns < quiet:
                waits = True
                continue
            await self._look_at(dirty.node, slowly=False)
        if not waits:
            self._seen = replica.sequence()

    async def go_round(self) -> None:
        """Looks at every content once, from where the last process stopped, if the last round began
        long enough ago. Raises OSError."""
        state = self._read_state()
        if state["next"] == 0 and self._replica.writer.now_ns() - state["began_ns"] < ROUND_NS:
            return
        if state["next"] == 0:
            state["began_ns"] = self._replica.writer.now_ns()
        for number, node in enumerate(self._contents(state["next"]), 1):
            await self._look_at(node, slowly=True)
            if number % SEEN == 0:
                self._write_state({**state, "next": int(node) + 1})
        self._write_state({**state, "next": 0})

    def _contents(self, first: int) -> Iterator[NodeId]:
        """Nodes whose content is here, by number. Safe across changes."""
        while page := self._replica.contents.contents_from(first):
            yield from page
            first = int(page[-1]) + 1

    async def _look_at(self, node: NodeId, *, slowly: bool) -> None:
        count = functools.partial(self._count, slowly=slowly)
        if await look_at(self._replica, node, count=count) is Verdict.ROTTEN:
            self._hydrator.rotten(node)
        await trio.sleep(CONTENT_INTERVAL_S)

    async def _count(self, fd: int, size: int, *, slowly: bool) -> str | None:
        digest = hashlib.new("sha512_256")
        for offset in range(0, size, PIECE):
            length = min(PIECE, size - offset)
            if await trio.to_thread.run_sync(_add, digest, fd, length, offset) != length:
                return None
            if slowly:
                await trio.sleep(length / self._rate)
        return digest.hexdigest()

    def _read_state(self) -> dict[str, int]:
        try:
            told = json.loads(self._state.read_text())
            return {"next": int(told["next"]), "began_ns": int(told["began_ns"])}
        except (OSError, ValueError, KeyError, TypeError):
            return {"next": 0, "began_ns": -ROUND_NS}

    def _write_state(self, state: dict[str, int]) -> None:
        replace_private(self._state, json.dumps(state) + "\n")


def _add(digest: Any, fd: int, length: int, offset: int) -> int:
    """Adds a piece of a file to the digest; how many bytes. What is read is not kept in memory: the
    next round is to see what the disk has."""
    with at_idle_priority():
        piece = pread(fd, length, offset)
        digest.update(piece)
        forget_cached(fd, offset, length)
    return len(piece)
