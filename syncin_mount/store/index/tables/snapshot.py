"""The index as of one commit, to be read while the index goes on.

Owns: a read transaction of LMDB, from its making until `IndexSnapshot.end`.
"""

from __future__ import annotations

import functools
import threading
from typing import Any, Self

import lmdb

from reconciler.errors import SnapshotEnded
from syncin_mount.store.index.tables.lmdb_tables import Table
from syncin_mount.store.index.tables.lookups import Lookups
from syncin_mount.store.index.tables.node_table import stored_node


class IndexSnapshot(Lookups):
    """The tables as of one commit. A context manager around all reading, which may happen in
    another thread.

    ``end``, which the index calls before it commits, grows or closes, lets every further look-up
    raise SnapshotEnded and returns when nobody reads any more.
    """

    def __init__(self, tables: dict[str, Table], txn: lmdb.Transaction[bytes]) -> None:
        super().__init__(tables, functools.partial(stored_node, self))
        self.txn = _Guarded(txn)
        self._lock = threading.Lock()
        self._reader: int | None = None
        self._over = threading.Event()

    def __enter__(self) -> Self:
        with self._lock:
            if self.txn.barred:
                raise SnapshotEnded
            self._reader = threading.get_ident()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._let_go()

    def is_over(self) -> bool:
        return self._over.is_set()

    def bar(self) -> None:
        """Lets every further look-up raise SnapshotEnded."""
        self.txn.barred = True

    def end(self) -> None:
        with self._lock:
            self.bar()
            is_read_elsewhere = self._reader not in {None, threading.get_ident()}
        if is_read_elsewhere:
            self._over.wait()
        else:
            self._let_go()

    def _let_go(self) -> None:
        self.txn.barred = True
        if not self._over.is_set():
            self.txn.real.abort()
            self._over.set()


class _Guarded:
    """A transaction that can be barred. Cursors are for short walks: nothing bars them."""

    __slots__ = ("barred", "real")

    def __init__(self, real: lmdb.Transaction[bytes]) -> None:
        self.real = real
        self.barred = False

    def get(self, place: bytes, *, db: Table) -> bytes | None:
        if self.barred:
            raise SnapshotEnded
        return self.real.get(place, db=db)

    def cursor(self, *, db: Table) -> lmdb.Cursor[bytes]:
        if self.barred:
            raise SnapshotEnded
        return self.real.cursor(db=db)

    def stat(self, db: Table) -> Any:
        if self.barred:
            raise SnapshotEnded
        return self.real.stat(db)
