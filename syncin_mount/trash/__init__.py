"""The bin of the user's desktop: which one there is, and putting something there.
docs/internals/bins.md says why so.

The pure half decides (``spec``: names and texts; ``where``: which bin), ``freedesktop`` acts.
Another system's bin needs another ``UserBin`` only.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

from reconciler.phrases import Phrase
from syncin_mount.trash.spec import Item, Kept, NotForTrash, TrashUnusable
from syncin_mount.trash.where import Choice, choose, chosen_bin, home_trash

if TYPE_CHECKING:
    from syncin_mount.config import Folders, Synchronization

__all__ = [
    "Choice",
    "Item",
    "Kept",
    "NotForTrash",
    "TrashUnusable",
    "UserBin",
    "choose",
    "find_user_bin",
    "home_trash",
]


class UserBin(Protocol):
    """A bin that the desktop shows to its user."""

    @property
    def place(self) -> str:
        """Where it is, for people."""

    def take(self, folder: bytes, item: Item, carry_on: Callable[[], None]) -> str | None:
        """Takes what lies in the folder (an absolute path): one file, link or folder of the item's
        name. Blocks.

        Returns its name in the bin once it is there for good, also after a power cut, and gone from
        the folder or a second copy of it; None when the folder is empty, because an earlier call
        that was killed took it. A kill at any instant leaves it whole in the folder, in the bin, or
        in both; the same call again completes it, and an item that is in the bin already is not put
        there twice.

        ``carry_on`` is called now and then; what it raises ends the call, the item being where it
        was. Raises TrashUnusable, NotForTrash for an item that no bin will ever take, OSError (a
        full disk, no permission).
        """

    def kept(self) -> list[Kept]:
        """What this drive put there and is there still. Blocks. Raises OSError."""

    def lent(self, name: bytes) -> AbstractContextManager[int]:
        """An open folder in which this item of ``kept`` has its name, to be copied from. Raises
        KeyError, TrashUnusable, OSError."""

    def drop(self, name: bytes) -> None:
        """Removes an item of ``kept`` for good. Blocks. Raises KeyError, TrashUnusable, OSError;
        what is left of it is in the trash still, then."""

    def objection(self) -> str | None:
        """Why nothing can be put there now, or None. Blocks; makes nothing."""


def find_user_bin(folders: Folders, synchronization: Synchronization) -> tuple[UserBin | None, str]:
    """The desktop's bin, where what loses in this synchronization goes there, else None; and why
    so, as one clause.

    Nothing is looked at yet.
    """
    choice = chosen_bin(folders, synchronization)
    if not choice.desktop:
        return None, choice.why
    folder = home_trash(os.environ)
    if sys.platform != "win32" and folder is not None:
        from syncin_mount.trash.freedesktop import HomeTrash  # noqa: PLC0415 (POSIX only)

        # Of all processes only the one that has the replica open uses this name.
        replica = os.fsencode(folders.replica(synchronization.name).absolute())
        staging = f".syncin-mount-{hashlib.sha256(replica).hexdigest()[:16]}"
        return HomeTrash(folder, drive=synchronization.mountpoint, staging=staging), choice.why
    return None, Phrase("as this program knows of no trash here")
