"""What people are shown of a replica, mounted or not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncin_mount.control.messages import JournalEntry, Transfer, TransferQuery

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syncin_mount.store import Replica


def journal(replica: Replica) -> Iterator[JournalEntry]:
    """The local operations that the server does not have yet, in their order."""
    for operation in replica.pending():
        local = replica.local(operation.node)
        yield JournalEntry(
            sequence=operation.sequence,
            time=operation.time_ns / 1e9,
            op=operation.kind.value,
            path=operation.path,
            new_path=operation.new_path,
            size=local.size if local is not None else None,
        )


def transfers(replica: Replica, name: str, query: TransferQuery) -> Iterator[Transfer]:
    """The history's entries that the query asks for, newest first."""
    raise NotImplementedError
