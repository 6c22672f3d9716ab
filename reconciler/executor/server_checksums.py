"""The checksums of contents on the server, by the way that is quicker: reading them, or asking for
them.

The server computes a checksum only in a listing, one file after the other, and takes 1 to 7 ms for
each, however small it is (docs/internals/performance.md). A small content of a near server is read
in less, and of a distant one it is not. So small contents are read as long as that proves quick;
the listing tells the rest.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterator, Mapping

import trio

from reconciler.checksum import IN_LOOP
from reconciler.errors import RemoteError
from reconciler.executor.outgoing import checksum_there
from reconciler.model import Entry, Remote
from reconciler.ports import Found, RemoteFolder
from reconciler.requests.reachability import Reach
from reconciler.requests.request_slots import Slots

log = logging.getLogger(__name__)

BY_NAME = 3000
"""More files than these are found in one listing of everything: its filter would be too long."""

SECONDS_A_FILE = 0.005
"""A listing with checksums takes about so long for each small file. Where reading takes longer, the
rest is listed."""

TRIAL = 32
"""So many files are read before it is judged how quick that is."""

EMPTY = hashlib.new("sha512_256").hexdigest()


class ServerChecksums:
    """What one server's contents are."""

    def __init__(
        self, remote: RemoteFolder, reach: Reach, tell: Callable[..., None], most: int
    ) -> None:
        """``tell`` hears how much is compared: as ``Progress.comparing``. ``most`` contents are
        read at once."""
        self._remote = remote
        self._reach = reach
        self._tell = tell
        self._slots = Slots(most)

    async def of(self, files: Mapping[str, Remote]) -> dict[str, str]:
        """The checksums of these files, by path; without those that are not as they were listed any
        more. A file that was replaced since by one of its size and second is told as it is now: it
        has another inode, so the next listing raises a doubt about it.

        Raises Unreachable and Unauthorized.
        """
        found = {path: EMPTY for path, remote in files.items() if remote.size == 0}
        await self._read_while_quick(files, found)
        rest = {path: remote for path, remote in files.items() if path not in found}
        if rest:
            self._tell(len(found), len(files), there=True)
            found.update(await self._listed(rest, len(files)))
        return found

    async def _read_while_quick(self, files: Mapping[str, Remote], found: dict[str, str]) -> None:
        """Adds what it reads to ``found``."""
        small = iter([(path, each) for path, each in files.items() if 0 < each.size <= IN_LOOP])
        reading = _Reading(small, found, len(files))
        async with trio.open_nursery() as nursery:
            for _ in range(self._slots.most):
                nursery.start_soon(self._work, reading, nursery.cancel_scope)
        if reading.fatal:
            raise reading.fatal[0]

    async def _work(self, reading: _Reading, scope: trio.CancelScope) -> None:
        for path, remote in reading.todo:
            if not reading.is_quick():
                return
            try:
                async with self._slots:
                    there = Found(remote.size, remote.mtime * 1000)
                    reading.found[path] = await checksum_there(self._remote, path, there)
                    self._slots.ended(remote.size)
            except RemoteError as error:
                try:
                    if not await self._reach.ends_all(error):
                        continue  # the listing tells it, if anything does
                except RemoteError as locked_out:
                    error = locked_out
                reading.fatal.append(error)
                scope.cancel()
                return
            self._tell(len(reading.found), reading.of, there=True)

    async def _listed(self, files: Mapping[str, Remote], of: int) -> dict[str, str]:
        """As a listing tells them; none where it fails. Raises Unreachable and Unauthorized."""
        try:
            told = (
                await self._remote.checksums(list(files))
                if len(files) <= BY_NAME
                else await self._in_one_listing(files, of)
            )
        except RemoteError as error:
            if await self._reach.ends_all(error):
                raise
            log.warning("the server does not tell the checksums of what is there: %s", error)
            return {}
        return {
            path: checksum
            for path, remote in files.items()
            if (checksum := told_checksum(remote, told.get(path)))
        }

    async def _in_one_listing(self, files: Mapping[str, Remote], of: int) -> dict[str, Entry]:
        told: dict[str, Entry] = {}
        known = of - len(files)
        async with self._remote.listing(lambda: iter(())) as batches:
            async for batch in batches:
                told.update({each.path: each for each in batch if each.path in files})
                self._tell(known + len(told), of, there=True)
        return told


class _Reading:
    """Contents that are read by several tasks. ``of`` is how many files are compared, with those
    that are not read."""

    def __init__(self, todo: Iterator[tuple[str, Remote]], found: dict[str, str], of: int) -> None:
        self.todo = todo
        self.found = found
        self.of = of
        self.fatal: list[RemoteError] = []
        self._begun = 0
        self._since = trio.current_time()

    def is_quick(self) -> bool:
        """Whether another file is to be read; it counts as begun then."""
        spent = trio.current_time() - self._since
        if self._begun >= TRIAL and spent > self._begun * SECONDS_A_FILE:
            return False
        self._begun += 1
        return True


def told_checksum(remote: Remote, entry: Entry | None) -> str | None:
    """The checksum that was told of the very file that was listed."""
    if remote.checksum is not None:
        return remote.checksum
    if entry is None or (entry.size, entry.mtime, entry.inode) != (
        remote.size,
        remote.mtime,
        remote.inode,
    ):
        return None
    return entry.checksum
