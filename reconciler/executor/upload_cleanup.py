"""What broken uploads of this replica left on the server, and its removal when nobody takes it up.

The server keeps a broken upload as ``.sync-in.<name>`` beside its target, and a version that is put
beside the one that it will replace lies under a name of ours until it is moved. The replica
remembers, before anything is sent, under which name in which folder it sends (``Leftover``), and
forgets it when the content is in its place.

Names are not enough to call something ours: every client that sends to the same target uses the
same partial. So a run looks at what is remembered, notes size and time, and looks again when 48
hours have passed. Only what is still the same, to the millisecond, is removed (to the server's
trash). Anything else is somebody's upload, and is forgotten here. The 48 hours are this computer's:
its clock is never compared with the server's.
"""

from __future__ import annotations

import enum
import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice

from reconciler.errors import Missing, RemoteError, Unauthorized, Unreachable
from reconciler.executor.outgoing import file_at
from reconciler.model import ROOT, Leftover, NodeId, Place
from reconciler.names import PARTIAL_PREFIX, STAGED_PREFIX
from reconciler.ports import Clock, Found, RemoteFolder, Replica
from reconciler.requests.reachability import Reach

log = logging.getLogger(__name__)

KEPT_NS = 48 * 3600 * 10**9
"""How long remains stay for somebody to take them up: on the server, and here what arrived and
nobody waits for."""

REFUSED_NS = 3600 * 10**9
"""How long what could not be looked at is left alone."""

MOST = 50
"""Leftovers that are looked at in one run: each is a request or two."""


class Verdict(enum.Enum):
    """What becomes of what is remembered of one leftover."""

    FORGET = "nothing of ours lies there"
    NOTE = "it is as it was found, from now on"
    WAIT = "it may still be taken up"
    REMOVE = "nobody takes it up"


def is_due(leftover: Leftover, now_ns: int) -> bool:
    """Whether looking at it can tell anything new."""
    return not 0 <= now_ns - leftover.seen_ns < KEPT_NS


def judge(leftover: Leftover, found: Found | None, now_ns: int, *, partial: bool) -> Verdict:
    """``found`` is what lies there now, ``partial`` whether that is the server's partial: such
    names are not ours alone."""
    if found is None or (partial and found.size > leftover.size):
        return Verdict.FORGET
    # not looked at yet, or the clock was set back
    if leftover.seen_ns == 0 or leftover.seen_ns > now_ns:
        return Verdict.NOTE
    if (found.size, found.mtime_ms) != (leftover.seen_size, leftover.seen_mtime_ms):
        return Verdict.FORGET
    return Verdict.REMOVE if now_ns - leftover.seen_ns >= KEPT_NS else Verdict.WAIT


@dataclass(frozen=True, slots=True)
class Cleaner:
    """Looks after the leftovers of a replica. It must not run while anything is being sent.
    ``refused`` has those that could not be looked at, and when that was (ns since the epoch)."""

    replica: Replica
    remote: RemoteFolder
    clock: Clock
    reach: Reach
    refused: dict[Place, int] = field(default_factory=dict)

    async def clean(self, *, on_server: bool) -> None:
        """Removes what nobody takes up any more; on the server only if something may be changed
        there.

        Raises Unreachable where the server is away, Unauthorized and OSError; what the server
        refuses otherwise is tried again in an hour.
        """
        now = self.clock.now_ns()
        self.replica.drop_stale_incoming(now - KEPT_NS)
        if on_server:
            for leftover in islice(self._due(self.replica.uploads.leftovers(), now), MOST):
                place = Place(leftover.parent, leftover.name)
                self.refused.pop(place, None)
                try:
                    await self._look_after(leftover, now)
                except RemoteError as error:
                    if await self.reach.ends_all(error):
                        raise
                    self.refused[place] = now
                    log.info(
                        "what is left of the upload of %s could not be looked at: %s",
                        leftover.name,
                        error,
                    )

    def _due(self, leftovers: Iterable[Leftover], now: int) -> Iterator[Leftover]:
        for each in leftovers:
            since = now - self.refused.get(Place(each.parent, each.name), now - REFUSED_NS)
            # Of what may have arrived it is found out first: see ``confirming``.
            if each.unconfirmed is None and is_due(each, now) and not 0 <= since < REFUSED_NS:
                yield each

    async def _look_after(self, leftover: Leftover, now: int) -> None:
        if leftover.parent != ROOT and self.replica.base(leftover.parent) is None:
            # they went with their folder
            self.replica.uploads.drop_leftover(leftover.parent, leftover.name)
            return
        folder = self._folder(leftover.parent)
        if folder is None:
            return
        place, found = await self._find(folder, leftover.name)
        verdict = judge(leftover, found, now, partial=place != f"{folder}{leftover.name}")
        if verdict is Verdict.REMOVE and not await self._removed(place):
            verdict = Verdict.NOTE  # it is tried again as late as it was this time
        if verdict is Verdict.NOTE and found is not None:
            seen = replace(
                leftover, seen_ns=now, seen_size=found.size, seen_mtime_ms=found.mtime_ms
            )
            self.replica.uploads.note_leftover(seen)
        elif verdict is not Verdict.WAIT:
            self.replica.uploads.drop_leftover(leftover.parent, leftover.name)

    async def _removed(self, place: str) -> bool:
        try:
            await self.remote.delete(place)
        except Missing:
            pass
        except (Unreachable, Unauthorized):
            raise
        except RemoteError as error:
            log.info("what was left of an upload, %s, stays for now: %s", place, error)
            return False
        log.info("what was left of an upload, %s, went to the server's trash", place)
        return True

    def _folder(self, parent: NodeId) -> str | None:
        """The path of the folder, with a slash behind it, where it is now: remains move along. None
        when that is not known."""
        try:
            path = self.replica.base_path(parent)
        except KeyError:  # a folder above is on its way elsewhere
            return None
        return f"{path}/" if path else ""

    async def _find(self, folder: str, name: str) -> tuple[str, Found | None]:
        """Where the remains are, and what they are: the whole content under a name of ours, else
        the partial."""
        if name.startswith(STAGED_PREFIX):
            found = await file_at(self.remote, f"{folder}{name}")
            if found is not None:
                return f"{folder}{name}", found
        place = f"{folder}{PARTIAL_PREFIX}{name}"
        return place, await file_at(self.remote, place)
