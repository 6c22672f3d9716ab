"""The journal's events brought into an index, whatever one of them is like."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import lmdb

from syncin_mount.store.errors import NotRecordable
from syncin_mount.store.index.apply import apply
from syncin_mount.store.index.index import Index
from syncin_mount.store.journal import events
from syncin_mount.store.journal.event_bounds import UNFIT, check_bounds

BATCH: Final = 20_000

Read = Callable[[int], Iterator[tuple[int, bytes]]]


def replay(
    index: Index,
    read: Read,
    *,
    judge: Callable[[Exception], None],
    keep: Callable[[int, bytes, str], None],
) -> None:
    """Applies the records that ``read(number)`` gives behind the event of that number. What cannot
    be applied is given to ``keep`` with the reason, and passed over.

    ``judge`` is told of the first error that may be the index's fault instead of the event's, and
    raises if it is. What is uncommitted then is dropped, and everything up to an event that is
    passed over is committed. Raises lmdb.Error.
    """
    unfit: dict[int, str] = {}
    while True:
        number, payload = 0, b""
        try:
            for count, (number, payload) in enumerate(read(index.applied), 1):
                if number in unfit:
                    keep(number, payload, unfit[number])
                    index.applied = number
                    index.commit()
                    continue
                event = events.decode.decode(payload)
                check_bounds(event)
                apply(index, number, event)
                if count % BATCH == 0:
                    index.commit()
            return
        except lmdb.MapFullError:
            index.abort()
            try:
                index.environment.grow()
            finally:
                index.begin()
        except (NotRecordable, *UNFIT) as error:
            if number == 0 or number in unfit:
                raise
            index.abort()
            index.begin()
            if not unfit and not isinstance(error, NotRecordable):
                judge(error)
            unfit[number] = f"{type(error).__name__}: {error}"
