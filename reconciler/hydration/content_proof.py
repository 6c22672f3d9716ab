"""Whether a content still is what it was: told by its checksum, which says so whatever size and
time say.

A disk that returns other bytes than were written (bit rot) changes neither size nor time nor
version. So the checksum of each version is kept once it was counted, and a content is compared with
it before somebody builds on it.
"""

from __future__ import annotations

import enum
import logging
import os
from collections.abc import Awaitable, Callable

from reconciler.checksum import checksum
from reconciler.model import Kind, Local, NodeId
from reconciler.phrases import Phrase
from reconciler.ports import Replica

log = logging.getLogger(__name__)

WHY = Phrase("it changed on the disk by itself; the server's version comes back")
"""Why a content is in the bin."""

LOST = Phrase(
    "its content changed on the disk by itself since it was saved, and the"
    " server does not have it: it is not sent; look at it, and save it anew (a"
    " copy moved over it counts)"
)

Count = Callable[[int, int], Awaitable[str | None]]
"""``await count(fd, size)`` as ``hashing.checksum``."""


class Verdict(enum.Enum):
    """What came of looking at a content."""

    WHOLE = "whole"
    COUNTED = "counted"  # nothing was known of it; now its checksum is
    ROTTEN = "rotten"
    NOTHING = "nothing"  # there is no content, or it was changed while it was looked at


async def look_at(replica: Replica, node: NodeId, *, count: Count = checksum) -> Verdict:
    """Compares the node's content with what is known of it, and keeps its checksum when none is.

    An error of the disk at reading counts as rot, as its bytes are not there; cancelled, nothing
    has changed.
    """
    local = replica.local(node)
    if local is None or not is_still(local):
        return Verdict.NOTHING
    known = replica.checksum_of(node, local.version)
    try:
        found = await sum_of(replica, node, local, count=count)
    except OSError as error:
        log.warning("the content of node %d cannot be read: %s", node, error)
        found = None
    after = replica.local(node)
    if (
        after is None
        or not is_still(after)
        or (after.version, after.size) != (local.version, local.size)
    ):
        return Verdict.NOTHING
    if found is None or (known is not None and found != known):
        return Verdict.ROTTEN
    if known is None:
        replica.counted([(node, local.version, found)])
        return Verdict.COUNTED
    return Verdict.WHOLE


def is_still(local: Local) -> bool:
    """Whether it is a file whose content is here, and nobody is writing it."""
    return local.kind is Kind.FILE and local.present and not local.busy


async def sum_of(
    replica: Replica, node: NodeId, local: Local, *, count: Count = checksum
) -> str | None:
    """The checksum of the node's content, which ``local`` tells of; None when it has another size.
    Raises OSError."""
    content = replica.open_content(node)
    try:
        if os.fstat(content.fd).st_size != local.size:
            return None
        return await count(content.fd, local.size)
    finally:
        content.close()


def is_agreed(replica: Replica, node: NodeId) -> bool:
    """Whether the server has what is here, as far as is known."""
    local, base = replica.local(node), replica.base(node)
    return (
        local is not None
        and base is not None
        and base.kind is Kind.FILE
        and base.version == local.version
    )
