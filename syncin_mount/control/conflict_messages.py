"""What the daemon and its clients say to each other about conflicts, as in `messages`."""

from __future__ import annotations

from typing import Literal

import msgspec

READ_MOST = 1 << 20
"""Bytes of a version that one answer has at most."""


class ConflictEntry(msgspec.Struct, frozen=True):
    """A conflict that was settled. ``path`` is the winner's, ``why`` says what each side did and
    which rule decided. ``lost`` is ``local`` or ``remote`` (a content), ``copy`` (a file, which got
    another name), ``deletion`` or ``place``. ``kept`` says where what lost is: ``local`` (the bin
    on this computer) or ``trash`` (the desktop's), where ``entry`` is its name for ``bin restore``;
    ``server`` (the server's trash), ``copy`` (beside, at the path ``copy``), ``gone`` (in no bin
    any more) or ``none``. ``turned`` says what somebody chose since: ``swap`` (what lost: ``kept``
    says where the version is that had won) or ``both`` (what lost is at ``copy``, too); empty:
    nothing."""

    number: int
    path: str
    time: float
    why: str
    lost: str
    kept: str
    entry: str | None = None
    copy: str | None = None
    acknowledged: bool = False
    turned: str = ""


class ConflictsRequest(msgspec.Struct, frozen=True):
    """Lists conflicts; with ``everything``, also those that were acknowledged."""

    everything: bool = False


class AcknowledgeRequest(msgspec.Struct, frozen=True):
    """Counts the conflicts of these numbers, and those at or below these paths, no more; with
    ``everything``, none."""

    paths: tuple[str, ...] = ()
    everything: bool = False
    numbers: tuple[int, ...] = ()


class ConflictRequest(msgspec.Struct, frozen=True):
    """Means the conflict of this number; without one, the latest at this path, or the one whose
    number the path is."""

    path: str = ""
    number: int | None = None


class ConflictVersion(msgspec.Struct, frozen=True):
    """One of the two versions of a conflict. ``where`` is ``here`` (it has the file's name), or as
    ``kept`` of a `ConflictEntry`; ``path`` its path in the drive, or that which it had. ``side`` is
    whose it was: ``local``, ``remote``, or empty where one cannot tell. ``size`` and ``mtime`` are
    None where it cannot be read; ``why_not`` says why then, as a sentence."""

    where: str
    path: str
    side: str
    size: int | None = None
    mtime: float | None = None
    why_not: str | None = None


class ConflictVersions(msgspec.Struct, frozen=True):
    """A conflict, the version that has the file's name now, and the other one."""

    conflict: ConflictEntry
    named: ConflictVersion
    other: ConflictVersion


class ReadVersionRequest(msgspec.Struct, frozen=True):
    """Reads ``size`` bytes (1 MiB at most) from ``offset`` on of a version of the conflict of this
    number; nothing is brought back by that."""

    number: int
    version: Literal["named", "other"]
    offset: int = 0
    size: int = READ_MOST


class VersionPart(msgspec.Struct, frozen=True):
    """The bytes (as Base64), fewer than asked for at the end; ``size`` is the whole version's."""

    data: bytes
    size: int
