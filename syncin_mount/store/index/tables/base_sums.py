"""How many files both sides have, and their bytes: counted a few at a time, and right from then on.

Not on the disk: what is counted costs some microseconds a node once, and only where somebody asks.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec

from syncin_mount.store.records import FILE, U64, decode_base, key

if TYPE_CHECKING:
    from syncin_mount.store.index.tables.lmdb_tables import Tables
    from syncin_mount.store.records import BaseRecord


class BaseSums:
    """The sums of all bases whose node is at most the last one that was counted. A base that
    changes behind it is counted later, as it is then."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """The tables are others now: it begins anew."""
        self._files = self._bytes = 0
        self._counted = -1
        self._whole = False

    @property
    def whole(self) -> tuple[int, int] | None:
        """Files and bytes, None while they are not all counted."""
        return (self._files, self._bytes) if self._whole else None

    def changed(self, node: int, old: BaseRecord | None, new: BaseRecord | None) -> None:
        """A base is set or removed."""
        if self._whole or node <= self._counted:
            self._add(old, -1)
            self._add(new, 1)

    def count(self, tables: Tables, limit: int) -> bool:
        """Counts at most so many more; whether that was all. A record that cannot be read counts
        nothing: whoever needs it tells."""
        found = [] if self._whole else tables.page("bases", key(self._counted + 1), limit)
        for node, raw in found:
            self._counted = U64.unpack(node)[0]
            with suppress(msgspec.MsgspecError):
                self._add(decode_base(raw), 1)
        self._whole = self._whole or len(found) < limit
        return self._whole

    def _add(self, base: BaseRecord | None, sign: int) -> None:
        if base is not None and base.kind == FILE:
            self._files += sign
            self._bytes += sign * base.size
