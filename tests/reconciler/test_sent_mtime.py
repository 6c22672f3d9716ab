"""The second that the server gets for a content: a table of what is known of others."""

from __future__ import annotations

import pytest

from reconciler.executor.outgoing import mtime_to_send
from reconciler.model import LAST_SECOND, ROOT, Base, Kind, Local, Remote

SIZE = 7


def known(mtime: int, *, size: int = SIZE, here: int | None = None) -> Base:
    return Base(Kind.FILE, ROOT, "a", size, mtime, 5, 1, "other", mtime_here=here)


def there(mtime: int) -> Remote:
    return Remote(Kind.FILE, ROOT, "a", SIZE, mtime, 6, "another")


ROWS: dict[str, tuple[int, list[Base | Remote | None], int]] = {
    "nothing is known": (100, [None], 100),
    "0 would mean now": (0, [], 1),
    "another size tells enough": (100, [known(100, size=8)], 100),
    "another second tells enough": (100, [known(99)], 100),
    "the next one is free": (100, [known(100)], 101),
    "the next one is taken too": (100, [known(100), there(101)], 102),
    "put back to before the last edit": (100, [known(150, here=100)], 151),
    "there is no later one": (LAST_SECOND, [known(LAST_SECOND)], LAST_SECOND - 1),
    "nor one just before": (
        LAST_SECOND,
        [known(LAST_SECOND), there(LAST_SECOND - 1)],
        LAST_SECOND - 2,
    ),
    "put back, and there is no later one": (
        100,
        [known(LAST_SECOND, here=100)],
        LAST_SECOND - 1,
    ),
}


@pytest.mark.parametrize("row", ROWS)
def test_mtime_to_send(row: str) -> None:
    mtime, seen, expected = ROWS[row]
    local = Local(Kind.FILE, ROOT, "a", SIZE, mtime * 10**9, 2)
    assert mtime_to_send(local, "mine", seen) == expected
