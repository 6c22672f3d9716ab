"""What uploads may have left on the server: partial files, and uploads whose answer was lost.

Owns: the index's table ``leftovers``, one record by folder and name.
"""

from __future__ import annotations

from reconciler.model import Leftover, NodeId, Place
from syncin_mount.store.conversions import place_name, to_leftover, to_leftover_record
from syncin_mount.store.durability.event_writer import EventWriter
from syncin_mount.store.index.index import Index
from syncin_mount.store.journal import events
from syncin_mount.store.name_texts import to_bytes
from syncin_mount.store.records import U64, decode_leftover, key


class UploadLog:
    """Each change is one event."""

    def __init__(self, index: Index, writer: EventWriter) -> None:
        self._ix = index
        self._writer = writer

    def leftovers(self) -> list[Leftover]:
        return [
            to_leftover(U64.unpack_from(place)[0], place[8:], decode_leftover(raw))
            for place, raw in self._ix.items("leftovers")
        ]

    def note_leftover(self, leftover: Leftover) -> None:
        """Remembers it, in place of what was remembered of that name in that folder."""
        name = place_name(Place(leftover.parent, leftover.name))
        record = to_leftover_record(leftover)
        self._writer.record(
            events.LeftoverNoted(self._writer.now_ns(), leftover.parent, name, record)
        )

    def drop_leftover(self, parent: NodeId, name: str) -> None:
        """Nothing of ours lies there. A no-op when nothing was remembered."""
        raw = to_bytes(name)
        if self._ix.txn.get(key(parent) + raw, db=self._ix.leftovers) is not None:
            self._writer.record(events.LeftoverNoted(self._writer.now_ns(), parent, raw, None))
