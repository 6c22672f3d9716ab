"""What the daemon and its clients say to each other about the local tree, and about what filters
would leave out of it. The form is that of `syncin_mount.control.messages`."""

from __future__ import annotations

import msgspec


class FolderRequest(msgspec.Struct, frozen=True):
    """``path`` is a folder's, relative to the synchronized folder; "" is that folder itself."""

    path: str


class TreeEntry(msgspec.Struct, frozen=True):
    """A file, folder or ``other`` (``kind``) in a folder of the local tree."""

    name: str
    kind: str
    size: int


class TrialRequest(msgspec.Struct, frozen=True):
    """Compares two lists of filters, as Sync-in stores them: those that are ``present``, and those
    that are ``wanted``."""

    present: tuple[str, ...]
    wanted: tuple[str, ...]


class TrialExample(msgspec.Struct, frozen=True):
    """A file or folder of a trial; a folder stands for all that is in it."""

    path: str
    folder: bool
    size: int


class Portion(msgspec.Struct, frozen=True):
    """A part of the local tree. ``pending`` are changes in it that the server does not have."""

    files: int = 0
    folders: int = 0
    bytes: int = 0
    pending: int = 0
    examples: tuple[TrialExample, ...] = ()


class Trial(msgspec.Struct, frozen=True):
    """What other filters would do to the local tree: ``out`` would be left out from now on, and
    ``again`` would be synchronized again. ``looked`` counts the files and folders that were looked
    at; not ``whole``: there are more."""

    out: Portion
    again: Portion
    looked: int
    whole: bool
