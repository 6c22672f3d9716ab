"""What is suggested to somebody who adds a server or a synchronization. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from syncin_mount.config.model import check_name

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from pathlib import Path


def suggested_name(remote: str, taken: Collection[str]) -> str:
    """A name for the synchronization of a remote folder that no other has."""
    plain = re.sub(r"[^\w .@+-]+", "-", remote.rpartition("/")[2]).strip(" .-_")[:40]
    return next(name for name in _numbered(plain, "-") if name not in taken)


def suggested_server_name(host: str, taken: Collection[str]) -> str:
    """A name for a server: the telling part of its host's."""
    labels = [label for label in host.lower().split(".") if label != "www"]
    # an address of numbers says nothing
    plain = labels[0] if len(labels) < 2 or not labels[-1].isdigit() else "home"
    return next(name for name in _numbered(plain, "-") if name not in taken)


def suggested_mountpoint(home: Path, is_free: Callable[[Path], bool]) -> Path:
    """``~/Sync-in``, or with a number behind it."""
    return next(home / name for name in _numbered("Sync-in", "-") if is_free(home / name))


def _numbered(stem: str, joint: str) -> Iterator[str]:
    stem = stem if check_name(stem) is None else "drive"
    yield stem
    number = 1
    while True:
        number += 1
        yield f"{stem}{joint}{number}"
