"""What the freedesktop.org Trash specification 1.0 says of names and texts. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, quote_from_bytes, unquote, unquote_to_bytes

from reconciler.names import MAX_NAME_BYTES, MAX_SUFFIX_BYTES
from reconciler.phrases import Phrase

INFO: Final = b".trashinfo"
_LONGEST_NAME: Final = MAX_NAME_BYTES - len(INFO)
_LONGEST_PATH: Final = 4095


class TrashUnusable(Exception):
    """Nothing can be put into the desktop's trash. ``str()`` is one clause: what is wrong and what
    to do."""


class NotForTrash(Exception):
    """The item can never be put into the desktop's trash. ``str()`` is one clause."""


@dataclass(frozen=True, slots=True)
class Item:
    """Something that goes to the trash: its name, the absolute path that it had and goes back to,
    when it was removed (with a time zone). ``mark`` is a word that no other item has: by it an
    interrupted call knows its own traces. ``why`` is for people: this program shows it again.

    NotForTrash for a name or path that could lead elsewhere, or that no program could restore.
    """

    name: bytes
    path: bytes
    removed: dt.datetime
    mark: str
    why: str = ""

    def __post_init__(self) -> None:
        if self.name in {b"", b".", b".."} or b"/" in self.name or b"\0" in self.name:
            raise NotForTrash(
                Phrase("{name} is no name for a file or folder", name=repr(self.name[:40]))
            )
        parts = self.path.split(b"/")
        if (
            len(parts) < 2
            or parts[0]
            or not {b"", b".", b".."}.isdisjoint(parts[1:])
            or b"\0" in self.path
        ):
            raise NotForTrash(Phrase("{path} is no absolute path", path=repr(self.path[:80])))
        if len(self.path) > _LONGEST_PATH:
            raise NotForTrash(
                Phrase(
                    "its path is longer than {most} bytes, so nothing could put it back there",
                    most=_LONGEST_PATH,
                )
            )


def info_text(item: Item) -> bytes:
    """The content of the item's ``.trashinfo`` file. Readers must ignore lines with X, as the
    specification says."""
    local = item.removed.astimezone().strftime("%Y-%m-%dT%H:%M:%S")
    path = quote_from_bytes(item.path, safe="/")
    why = f"X-Syncin-Why={quote(item.why, safe=' ')}\n" if item.why else ""
    text = f"[Trash Info]\nPath={path}\nDeletionDate={local}\nX-Syncin-Mount={item.mark}\n{why}"
    return text.encode()


@dataclass(frozen=True, slots=True)
class Told:
    """What an info file that this program wrote says: the path that the item had, when it was
    removed, why, and the `Item`'s mark."""

    path: bytes
    removed: dt.datetime
    why: str
    mark: str


@dataclass(frozen=True, slots=True)
class Kept:
    """Something in the trash that this drive put there. ``name`` is its own in the trash, ``path``
    is relative to the drive; ``files`` and ``size`` (bytes) count what is below a folder. ``mark``
    is the `Item`'s."""

    name: bytes
    path: bytes
    removed: dt.datetime
    why: str
    is_folder: bool
    files: int
    size: int
    mark: str


def read_info(text: bytes) -> Told | None:
    """None for an info file of another program, or one that says nothing of use."""
    lines = (line.partition(b"=") for line in text.split(b"\n"))
    said = {name: value for name, equals, value in lines if equals}
    if b"X-Syncin-Mount" not in said:
        return None
    try:
        removed = dt.datetime.strptime(
            said[b"DeletionDate"].decode(), "%Y-%m-%dT%H:%M:%S"
        ).astimezone()
        why = unquote(said.get(b"X-Syncin-Why", b"").decode())
        mark = said[b"X-Syncin-Mount"].decode()
        return Told(unquote_to_bytes(said[b"Path"]), removed, why, mark)
    except (KeyError, ValueError, OverflowError):
        return None


def names(name: bytes) -> Iterator[bytes]:
    """Names for the item in the trash, to be tried in this order: its own, then numbered as
    ``doc.2.txt``; short enough for the info file's suffix, and never cut within a UTF-8
    character."""
    stem, dot, suffix = name.rpartition(b".")
    if not stem or len(suffix) > MAX_SUFFIX_BYTES:
        stem, dot, suffix = name, b"", b""
    end = dot + suffix
    yield _cut(stem, _LONGEST_NAME - len(end)) + end
    number = 1
    while True:
        number += 1
        numbered = b".%d%s" % (number, end)
        yield _cut(stem, _LONGEST_NAME - len(numbered)) + numbered


def _cut(name: bytes, size: int) -> bytes:
    if len(name) <= size:
        return name
    while size > 1 and 0x80 <= name[size] < 0xC0:
        size -= 1
    return name[:size]


def with_size(cache: bytes, name: bytes, size: int, mtime: int) -> bytes:
    """The cache ``directorysizes`` with this folder in it: the bytes that it takes on the disk, and
    the mtime (s) of its info file. Lines of others stay as they are."""
    encoded = quote_from_bytes(name, safe="").encode()
    others = [
        line
        for line in cache.removesuffix(b"\n").split(b"\n")
        if line and line.split(b" ", 2)[2:] != [encoded]
    ]
    return b"".join(line + b"\n" for line in [*others, b"%d %d %s" % (size, mtime, encoded)])
