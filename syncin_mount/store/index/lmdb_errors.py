"""LMDB's errors as the rest of the program knows errors."""

from __future__ import annotations

import errno
import os
from typing import Any, Final

import lmdb

from syncin_mount.store.errors import IndexDamaged
from syncin_mount.store.journal.reserve import NO_ROOM

_CORRUPT: Final = (
    lmdb.CorruptedError,
    lmdb.PageNotFoundError,
    lmdb.InvalidError,
    lmdb.VersionMismatchError,
    lmdb.CursorFullError,
)


def as_os_error(error: lmdb.Error) -> OSError:
    """LMDB's failures to write, as the errno they stand for; IndexDamaged when it stumbled over
    what it reads."""
    if isinstance(error, _CORRUPT):
        return IndexDamaged(f"{type(error).__name__}: {error}")
    known = (*NO_ROOM, errno.ENOMEM)
    code: Any = next((code for code in known if os.strerror(code) in str(error)), errno.EIO)
    return OSError(code, f"the replica's index could not be written: {error}")
