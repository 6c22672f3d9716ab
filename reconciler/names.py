"""Every rule about names: how long they may be, which ones a side can hold, and the names that the
program itself gives. Pure.

A text's surrogate escapes (``os.fsdecode``) stand for bytes that are not UTF-8.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import Final

from reconciler.phrases import Phrase

MAX_NAME_BYTES: Final = 255
"""NAME_MAX of Linux and of every file system that a server runs on."""

MAX_UPLOAD_NAME_BYTES: Final = 246
"""The longest name that the server can receive a file under: it puts `PARTIAL_PREFIX` before the
name of an upload (docs/reference/server-protocol.md). A file with a longer name is uploaded staged
and moved."""

MAX_TRASH_NAME_BYTES: Final = 231
"""The longest name that certainly finds a place in the server's trash: the server puts a date of 24
bytes behind the name of an older entry there (observed)."""

MAX_SUFFIX_BYTES: Final = 32
"""A longer text behind the last dot is part of the name rather than a type."""

MAX_HOST_BYTES: Final = 60
"""How much of a host's name a conflict name holds."""

SWAP_PREFIX: Final = ".syncin-"
"""Before names that a node has for a moment, while places are swapped."""

PARTIAL_PREFIX: Final = ".sync-in."
"""The server keeps a broken upload beside its target, under the target's name with this before it.
Listings leave out such names (docs/reference/server-protocol.md)."""

STAGED_PREFIX: Final = ".sync-in.mount."
"""Before names of versions that are uploaded beside their place and moved there."""

STAND_IN_PREFIX: Final = ".sync-in.mount-"
"""Before short names that replace one which the server cannot take at once: see `stand_in_name`."""

_RESERVED_IN_HOST: Final = str.maketrans(dict.fromkeys('/\\:*?"<>|\0', "-"))
_UNMAKEABLE: Final = re.compile(
    r'(?:CON|PRN|AUX|NUL|COM[1-9]|LPT[1-9])|.*[<>:"\\|?*\x00-\x1f\x7f-\x9f].*',
    re.DOTALL | re.IGNORECASE,
)
_SWAP_NAME: Final = re.compile(rf"{re.escape(SWAP_PREFIX)}(?:.*-)?[0-9]+-tmp", re.DOTALL)
_TRASH_DATE: Final = re.compile(r"-\d{4}\.\d\d\.\d\d \d\d-\d\d-\d\d\.\d{3}(?=(\.[^.]*)?$)")
"""What the server adds to an older entry in its trash (observed): ``a-2026.11.23
08-32-19.171.txt``."""


# what a side can hold -----------------------------------------------------------------------------


def is_name(raw: bytes) -> bool:
    """Whether POSIX allows these bytes as the name of an entry of at most `MAX_NAME_BYTES`."""
    return len(raw) <= MAX_NAME_BYTES and is_entry_name(raw)


def is_entry_name(raw: bytes) -> bool:
    """As `is_name`, whatever the length."""
    return raw not in {b"", b".", b".."} and b"/" not in raw and b"\0" not in raw


def unsyncable(name: str) -> str | None:
    """Why the server cannot hold a name, as a sentence; None when it can."""
    if not name or name in (".", ".."):
        return Phrase(
            "The name {name} cannot be used on the server; rename it here.", name=repr(name)
        )
    if "/" in name or "\0" in name:
        return Phrase("The name {name} holds a character that no name may hold.", name=repr(name))
    try:
        length = len(name.encode())
    except UnicodeEncodeError:
        shown = name.encode("utf-8", "backslashreplace").decode()
        return Phrase(
            "The name “{name}” is not UTF-8, which the server cannot hold; rename it to"
            " synchronize it.",
            name=shown,
        )
    if length > MAX_NAME_BYTES:
        return Phrase(
            "The name “{name}…” is {length} bytes long, and {most} are possible; shorten it.",
            name=name[:40],
            length=length,
            most=MAX_NAME_BYTES,
        )
    return None


def can_be_uploaded(name: str) -> bool:
    """Whether the server can receive a file under this name, which is UTF-8."""
    return len(name.encode()) <= MAX_UPLOAD_NAME_BYTES


def can_be_made(name: str) -> bool:
    """Whether the server's MAKE takes this name for a folder. The list is the server's own
    (``regExpInvalidFileName``), without regard to case and with DEL."""
    return _UNMAKEABLE.fullmatch(name) is None


# names that the program gives ---------------------------------------------------------------------


def swap_name(node: int, tag: str = "") -> str:
    """The name a node has for a moment while places are swapped, or its beginning, if that is
    taken.

    Found later, it stands for the base's name. ``tag`` (a registration's) tells it from the names
    that another device gives at the same moment.
    """
    return f"{SWAP_PREFIX}{tag}-{node}-tmp" if tag else f"{SWAP_PREFIX}{node}-tmp"


def node_of_swap_name(name: str, tag: str) -> int | None:
    """The number of the node that has this swap name, if this registration gave it; None without
    ``tag``."""
    prefix = f"{SWAP_PREFIX}{tag}-"
    if not tag or not name.startswith(prefix):
        return None
    digits, mark, _ = name.removeprefix(prefix).partition("-tmp")
    return int(digits) if mark and digits.isascii() and digits.isdecimal() else None


def is_swap_name(name: str) -> bool:
    """Whether the synchronization of any device gives such a name."""
    return name.startswith(SWAP_PREFIX) and _SWAP_NAME.match(name) is not None


def stand_in_name(path: str, owner: int = 0) -> str:
    """A short name for an entry at ``path`` that cannot be made under its own name at once.

    It depends on the path and the owner (the number of a registration) alone: the next attempt
    takes up what a crash left, and no other device writes there.
    """
    digest = hashlib.blake2b(path.encode(), digest_size=8, salt=owner.to_bytes(8, "little"))
    return STAND_IN_PREFIX + digest.hexdigest()


CONFLICT_MARK = " (conflict "
"""What the name of a conflict copy has between the name of before and the date."""


def conflict_name(name: str, stamp: str, host: str, number: int, *, is_folder: bool = False) -> str:
    """``name (conflict DATE HOST).ext`` within `MAX_UPLOAD_NAME_BYTES`; with a number from the
    second on."""
    stem, ext = (name, "") if is_folder else split_suffix(name)
    owner = _cut(host.translate(_RESERVED_IN_HOST), MAX_HOST_BYTES)
    tail = f"{CONFLICT_MARK}{stamp} {owner}{f' {number}' if number > 1 else ''}){ext}"
    return _cut(stem, MAX_UPLOAD_NAME_BYTES - _length(tail)) + tail


def free_names(name: str, date: str, what: str = "restored") -> Iterator[str]:
    """The name itself, then ``name (restored DATE).ext``, ``name (restored DATE 2).ext`` …, each
    within `MAX_UPLOAD_NAME_BYTES`; ``what`` is the word."""
    yield name
    stem, ext = split_suffix(name)
    number = 0
    while True:
        number += 1
        tail = f" ({what} {date}{f' {number}' if number > 1 else ''}){ext}"
        yield _cut(stem, MAX_UPLOAD_NAME_BYTES - _length(tail)) + tail


def name_before_trash(name: str) -> str:
    """The name that an entry of the server's trash had before the server dated it."""
    return _TRASH_DATE.sub("", name)


def split_suffix(name: str) -> tuple[str, str]:
    """A name's stem, and its suffix with the dot: ``""`` where there is none worth keeping."""
    dot = name.rfind(".")
    if dot <= 0 or _length(name[dot:]) > MAX_SUFFIX_BYTES:
        return name, ""
    return name[:dot], name[dot:]


def _cut(text: str, limit: int) -> str:
    """The beginning of a text, at most so many bytes, whole characters only."""
    while _length(text) > limit:
        text = text[:-1]
    return text


def _length(text: str) -> int:
    return len(text.encode("utf-8", "surrogateescape"))
