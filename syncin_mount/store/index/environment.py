"""LMDB's environment of the index.

Owns: the environment, the size of its map, and the snapshots that somebody reads.

Order: a snapshot ends before the environment commits, grows, is opened anew or closes
(`end_snapshots`); no transaction may be open when it grows or is opened anew.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Final

import lmdb

from syncin_mount.store.index.tables.lmdb_tables import TABLES, Table
from syncin_mount.store.index.tables.snapshot import IndexSnapshot
from syncin_mount.system import FIRST_MAP_BYTES, keep_from_children

log = logging.getLogger(__name__)

MAP_SIZE: Final = FIRST_MAP_BYTES
"""Bytes that the index may have at first; it grows when they are half used."""


class Environment:
    """``tables`` are the handles by name; those of an environment that was opened anew are
    others."""

    tables: dict[str, Table]

    def __init__(self, folder: Path, map_size: int) -> None:
        self._folder = os.fspath(folder)
        self._snapshots: list[IndexSnapshot] = []
        self._open(map_size)
        self.grow_early()

    def _open(self, map_size: int) -> None:
        # meminit: else the unused part of a page is whatever the process had in memory there,
        # tokens among it.
        self._env = lmdb.open(
            os.fsencode(self._folder),  # as bytes: a folder's name need not be text
            map_size=map_size,
            max_dbs=len(TABLES),
            lock=False,
            meminit=True,
            mode=0o600,
        )
        keep_from_children(os.path.join(self._folder, "data.mdb"))
        # An index that is bigger has a map that ends with its last page.
        self._map_size: int = self._env.info()["map_size"]
        self.tables = {name: self._env.open_db(name.encode()) for name in TABLES}

    def _open_anew(self) -> None:
        """Closes the environment, which is not usable any more, and opens it again."""
        self.end_snapshots()
        self._env.close()
        self._open(self._map_size)

    def begin(self) -> lmdb.Transaction[bytes]:
        """Return a new write transaction; its state is that of the last commit. Raises
        lmdb.Error."""
        try:
            return self._env.begin(write=True, buffers=False)
        # LMDB will have no more of an environment whose meta page could not be written
        except lmdb.PanicError:
            self._open_anew()
            return self._env.begin(write=True, buffers=False)

    def close(self) -> None:
        self._env.close()

    # the map --------------------------------------------------------------------------------------

    def grow(self) -> None:
        """Doubles the map. No transaction may be open. The file stays sparse: it takes the space of
        what is in it.

        Raises lmdb.Error when the process gets no more address space; the map is as it was then."""
        self.end_snapshots()
        try:
            self._env.set_mapsize(self._map_size * 2)
        except lmdb.Error:
            self._open_anew()  # LMDB gave up the old map first, and would read what is not mapped
            raise
        self._map_size *= 2

    def grow_early(self) -> None:
        """Doubles the map when half of it is used: an overfull one costs a replay of everything
        since the last commit. No transaction may be open."""
        used = (self._env.info()["last_pgno"] + 1) * self._env.stat()["psize"]
        if used * 2 > self._map_size:
            try:
                self.grow()
            except lmdb.Error as error:
                log.debug("the index's map cannot grow yet: %s", error)

    # snapshots ------------------------------------------------------------------------------------

    def snapshot(self) -> IndexSnapshot:
        """The state of the last commit, to be read while the index goes on; until the next commit,
        which ends it.

        LMDB keeps no track of readers here (``lock=False``). None is needed: until a commit is
        durable, the write transaction changes no page of the one before, as that is what a power
        cut would come back to.
        """
        self._snapshots = [each for each in self._snapshots if not each.is_over()]
        self._snapshots.append(IndexSnapshot(self.tables, self._env.begin(buffers=False)))
        return self._snapshots[-1]

    def has_open_snapshot(self) -> bool:
        """Whether a snapshot is being read, that a commit would end."""
        return any(not each.is_over() for each in self._snapshots)

    def end_snapshots(self) -> None:
        """Ends every snapshot; waits until nobody reads any."""
        for each in self._snapshots:
            each.end()
        self._snapshots.clear()
