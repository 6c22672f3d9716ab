"""What is still to be done to files.

Owns: the table ``effects`` (by event and number). An effect is done once its event is durable in
the index; ``Swept`` removes those that are done.
"""

from __future__ import annotations

from syncin_mount.store.index.tables.lmdb_tables import Tables
from syncin_mount.store.records import AnyEffect, decode_effect, encode, key


class EffectTable:
    """Effects in the order in which events left them."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._sequence = 0  # of the event that is applied, and how many it has until now
        self._count = 0

    def forget(self) -> None:
        """The events to come may have the numbers of those that were lost."""
        self._sequence = self._count = 0

    def add(self, sequence: int, effect: AnyEffect) -> None:
        """Has something done to files once this event is durable."""
        if sequence != self._sequence:
            self._sequence, self._count = sequence, 0
        self._count += 1
        place = key(sequence) + self._count.to_bytes(4, "big")
        tables = self._tables
        tables.txn.put(place, encode(effect), db=tables.effects)

    def of_event(self, sequence: int) -> list[tuple[bytes, AnyEffect]]:
        """What this event left to be done, with its keys."""
        cursor = self._tables.txn.cursor(db=self._tables.effects)
        found = cursor.iternext() if cursor.set_range(key(sequence)) else iter(())
        return [
            (place, decode_effect(raw)) for place, raw in found if place.startswith(key(sequence))
        ]

    def take(self, place: bytes) -> AnyEffect:
        """Removes the effect with this key, which is not to be done any more, and returns it."""
        tables = self._tables
        raw = tables.txn.pop(place, db=tables.effects)
        assert raw is not None
        effect: AnyEffect = decode_effect(raw)
        return effect

    def replace(self, place: bytes, effect: AnyEffect) -> None:
        """Has something else done instead of the effect with this key."""
        tables = self._tables
        tables.txn.put(place, encode(effect), db=tables.effects)

    def drop(self, place: bytes) -> None:
        tables = self._tables
        tables.txn.delete(place, db=tables.effects)

    def sweep(self, until: bytes) -> None:
        """Removes all up to this key: they are done."""
        cursor = self._tables.txn.cursor(db=self._tables.effects)
        while cursor.first() and cursor.key() <= until:
            cursor.delete()
