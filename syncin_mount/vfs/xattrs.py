"""Extended attributes: which names there are, and where the values are (xattr(7)).

They are local only. ``user.syncin.status`` is read-only and on every file and folder; it is not
listed: copies made with attributes must not carry it.
"""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from syncin_mount.store import Replica
    from syncin_mount.vfs.orphans import Orphans

STATUS = b"user.syncin.status"

_TRUSTED = b"trusted."
_NAMESPACES = (b"user.", _TRUSTED, b"security.")
"""Not ``system.``: access control lists, which nothing here would honour."""


def _fail(number: int) -> OSError:
    return OSError(number, os.strerror(number))


def _check(name: bytes) -> None:
    """Raises OSError: EOPNOTSUPP for a name in no namespace, EINVAL for a namespace without a
    name."""
    if not name.startswith(_NAMESPACES):
        raise _fail(errno.EOPNOTSUPP)
    if name in _NAMESPACES:
        raise _fail(errno.EINVAL)


def _check_change(name: bytes) -> None:
    _check(name)
    if name == STATUS:
        raise _fail(errno.EPERM)


class ExtendedAttributes:
    """Those of nodes are the replica's; those of inodes without a name last as long as these. An
    inode that is neither is ESTALE."""

    def __init__(
        self, replica: Replica, orphans: Orphans, require_writable: Callable[[], None]
    ) -> None:
        """``require_writable`` raises OSError (EROFS) while nothing may be changed."""
        self._replica = replica
        self._orphans = orphans
        self._require_writable = require_writable

    def get(self, ino: int, name: bytes) -> bytes:
        """Raises OSError: ENODATA, EOPNOTSUPP, EINVAL, ESTALE."""
        _check(name)
        node = self._replica.by_ino(ino)
        if node is None:
            return self._orphans.get_xattr(ino, name)
        if name == STATUS:
            return self._replica.status(node).value.encode()
        return self._replica.get_xattr(node, name)

    def set(self, ino: int, name: bytes, value: bytes) -> None:
        """Raises OSError: EPERM (the status), E2BIG, ENOSPC, EOPNOTSUPP, EINVAL, ESTALE."""
        self._require_writable()
        _check_change(name)
        node = self._replica.by_ino(ino)
        if node is None:
            self._orphans.set_xattr(ino, name, value)
        else:
            self._replica.set_xattr(node, name, value)

    def remove(self, ino: int, name: bytes) -> None:
        """Raises OSError: ENODATA, EPERM (the status), EOPNOTSUPP, EINVAL, ESTALE."""
        self._require_writable()
        _check_change(name)
        node = self._replica.by_ino(ino)
        if node is None:
            self._orphans.set_xattr(ino, name, None)
        else:
            self._replica.remove_xattr(node, name)

    def names(self, ino: int, *, privileged: bool = True) -> list[bytes]:
        """Those of the namespace ``trusted`` are for the privileged alone. Raises ESTALE."""
        node = self._replica.by_ino(ino)
        names = list(self._orphans.xattrs(ino)) if node is None else self._replica.list_xattrs(node)
        return names if privileged else [name for name in names if not name.startswith(_TRUSTED)]
