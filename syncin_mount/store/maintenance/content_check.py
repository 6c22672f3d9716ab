"""``check --contents``: every content read and compared with its checksum."""

from __future__ import annotations

import functools
import hashlib
import os
from collections.abc import Callable, Iterator

from reconciler.model import NodeId
from reconciler.phrases import Phrase
from syncin_mount.store.recovery.consistency import Problem
from syncin_mount.store.replica.contents import Contents
from syncin_mount.store.replica.replica import Replica

PIECE = 1 << 20
WHY = Phrase("it changed on the disk by itself; the server's version comes back")
LOST = Phrase("its content changed on the disk by itself, and the server does not have it")


def size_of_contents(replica: Replica) -> tuple[int, int]:
    """How many contents `look_at_contents` reads, and their bytes. Seconds for a million."""
    found = [local.size for node in _every(replica.contents) if (local := replica.local(node))]
    return len(found), sum(found)


def look_at_contents(
    replica: Replica, *, heal: bool = False, on_read: Callable[[int], None] = lambda _: None
) -> Iterator[Problem]:
    """What is not as it was saved, with its path. What has no checksum yet gets one. With ``heal``,
    what the server has goes to the bin and is fetched by the next run.

    Reads every content, and calls ``on_read`` with the bytes of each piece, and with 0 after each
    content; what it raises ends this, with nothing half done. Raises OSError for what the index or
    the journal refuse.
    """
    for node in _every(replica.contents):
        local = replica.local(node)
        if local is None or local.busy:
            continue
        found, known = (
            _sum(replica, node, local.size, on_read),
            replica.checksum_of(node, local.version),
        )
        if found is not None and known is None:
            replica.counted([(node, local.version, found)])
        elif found is None or found != known:
            path = replica.local_path(node)
            healed = heal and replica.rotted(node, WHY)
            why = WHY if healed else _told(replica, node)
            yield Problem(node, Phrase("{path}: {why}", path=path, why=why))
        on_read(0)


def _told(replica: Replica, node: NodeId) -> str:
    local, base = replica.local(node), replica.base(node)
    agreed = local is not None and base is not None and base.version == local.version
    return (
        Phrase("its content changed on the disk by itself; the server has it") if agreed else LOST
    )


def _every(contents: Contents) -> Iterator[NodeId]:
    first = 0
    while page := contents.contents_from(first):
        yield from page
        first = int(page[-1]) + 1


def _sum(replica: Replica, node: NodeId, size: int, on_read: Callable[[int], None]) -> str | None:
    """None for a content of another size, or one that cannot be read."""
    digest = hashlib.new("sha512_256")
    try:
        content = replica.open_content(node)
    except OSError:
        return None
    try:
        if os.fstat(content.fd).st_size != size:
            return None
        with os.fdopen(os.dup(content.fd), "rb") as file:
            file.seek(0)
            for piece in iter(functools.partial(file.read, PIECE), b""):
                digest.update(piece)
                on_read(len(piece))
    except OSError:
        return None
    finally:
        content.close()
    return digest.hexdigest()
