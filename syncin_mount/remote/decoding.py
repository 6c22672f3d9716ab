"""What a server may say: the one place where answers are decoded, and the bounds of everything that
comes out.

Whoever uses a decoded value needs no check of its own. A time lies between 1677-09-21 and
2262-04-11, which is what nanoseconds since the epoch in 64 signed bits hold (the replica's unit);
times before 1970 are as good as any. A size is 0 to 2^63 - 1 bytes (``off_t``). A token is
printable ASCII, as it goes into a header. A name is text that has an encoding. What breaks a bound
never gets further: an entry of a list is that entry's problem, anything else the answer's.

Every function here is pure and raises nothing but `Undecodable`, however deep, long or wrong its
input is.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from typing import Annotated, Any, TypeVar

import msgspec

from reconciler.model import LAST_SECOND, Entry
from reconciler.phrases import Phrase
from reconciler.ports import Found
from syncin_mount.remote.remote_paths import complaint, shown

T = TypeVar("T")

SIZE = 2**63 - 1
"""Bytes of a file at most."""

INODE = 2**63 - 1
"""Inodes beyond are taken for not told: the replica records no more, and JavaScript rounds such
high ones."""

_ID = 2**53 - 1
"""The highest number that JavaScript counts to."""

Size = Annotated[int, msgspec.Meta(ge=0, le=SIZE)]
"""Bytes."""

Seconds = Annotated[int, msgspec.Meta(ge=-LAST_SECOND, le=LAST_SECOND)]
"""Since the epoch."""

Millis = Annotated[int, msgspec.Meta(ge=-LAST_SECOND * 1000, le=LAST_SECOND * 1000)]
"""Since the epoch."""

Id = Annotated[int, msgspec.Meta(ge=0, le=_ID)]
"""A number that the server gave something."""

Count = Annotated[int, msgspec.Meta(ge=0, le=_ID)]

Token = Annotated[str, msgspec.Meta(pattern=r"\A[\x21-\x7e]+\Z", max_length=16 * 1024)]
"""Goes into a header as it is: no server takes headers beyond 16 KiB."""

_CHECKSUM = re.compile("[0-9a-f]{64}")
"""SHA-512/256."""

_Checksum = Annotated[str, msgspec.Meta(pattern=rf"\A{_CHECKSUM.pattern}\Z")]

_Row = tuple[
    bool, Size, Seconds, Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)], _Checksum | None
]
_rows = msgspec.json.Decoder(dict[str, _Row])

_NAME = re.compile(r'\s*\{\s*("(?:[^"\\]|\\.)*")\s*:', re.DOTALL)
_ETAG = re.compile(r'(?:W/)?"([0-9a-f]{1,16})-(-?[0-9a-f]{1,16})"')


class Undecodable(ValueError):
    """It is not what it should be; the message is a clause that says what is wrong."""


def decode(body: bytes | msgspec.Raw, kind: type[T]) -> T:
    """JSON as ``kind``. Raises Undecodable."""
    try:
        return msgspec.json.decode(body, type=kind)
    except RecursionError as exc:
        raise Undecodable(Phrase("it is nested too deeply")) from exc
    except (msgspec.MsgspecError, ValueError, OverflowError) as exc:
        raise Undecodable(str(exc)) from exc


def each(items: list[msgspec.Raw], kind: type[T]) -> tuple[list[T], int]:
    """Those of a JSON array's items that are of ``kind``, and how many are not."""
    good: list[T] = []
    for item in items:
        try:
            good.append(decode(item, kind))
        except Undecodable:
            continue
    return good, len(items) - len(good)


def parse_etag(text: str) -> Found | None:
    """The state that the server's etag tells, ``W/"<size>-<mtime in ms>"`` in hexadecimal digits: a
    time before 1970 has a minus sign. None when it is none of its kind."""
    match = _ETAG.fullmatch(text)
    if match is None:
        return None
    size, mtime_ms = int(match[1], 16), int(match[2], 16)
    return Found(size, mtime_ms) if size <= SIZE and abs(mtime_ms) <= LAST_SECOND * 1000 else None


def moment(text: str | None) -> str | None:
    """An ISO time as it was told, None when it is none, or beyond the bounds."""
    try:
        return (
            text
            if text is not None and is_time(dt.datetime.fromisoformat(text).timestamp())
            else None
        )
    except (ValueError, OverflowError, OSError):
        return None


def is_time(seconds: float) -> bool:
    """Whether it can be a time in seconds since the epoch (NaN is none)."""
    return -LAST_SECOND <= seconds <= LAST_SECOND


# The lines of a listing ----------------------------------------


def entries(lines: bytes) -> list[Entry]:
    """Whole lines of a listing as entries. One whose name can be read and whose values are wrong is
    an entry with a ``problem``. Raises Undecodable for a line that names nothing."""
    try:
        rows = _rows.decode_lines(lines)
        found = [Entry(path, *row) for line in rows for path, row in line.items()]
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        found = []
    else:
        if len(found) == len(rows) and _all_plain([entry.path for entry in found]):
            return found
    return [entry for line in lines.split(b"\n") if line for entry in _entries(line)]


def _all_plain(paths: list[str]) -> bool:
    """Whether none of these needs a closer look: one search through all of them instead of one
    each."""
    text = "/\n/".join(("", *paths, ""))
    longest = max(map(len, paths), default=0)
    return (
        "//" not in text
        and "/./" not in text
        and "/../" not in text
        and "\0" not in text
        and (longest <= 255 if text.isascii() else longest <= 63)
    )


def _entries(line: bytes) -> list[Entry]:
    """What one line tells: usually one entry."""
    try:
        # json, as it keeps what msgspec refuses: a name with half a surrogate pair is one bad
        # entry, not a bad listing.
        told = json.loads(line.decode())
        if isinstance(told, dict) and told:
            return [_entry(path, stats) for path, stats in told.items()]
    except (ValueError, RecursionError):
        name = _name(line)
        if name is not None:
            return [
                _problem(
                    name,
                    Phrase("the server's line about it cannot be read: {line}", line=_shown(line)),
                )
            ]
    raise Undecodable(Phrase("a line in it reads {line}", line=_shown(line)))


def _name(line: bytes) -> str | None:
    """The name with which a line begins whose rest cannot be read."""
    match = _NAME.match(line.decode(errors="replace"))
    try:
        return None if match is None else str(json.loads(match[1]))
    except ValueError:
        return None


def _entry(path: str, stats: Any) -> Entry:
    why = complaint(path)
    match stats:
        case ["error", str() as text]:
            return _problem(path, Phrase("the server could not read it: {text}", text=shown(text)))
        case _ if why is not None:
            return _problem(path, Phrase("the server's name cannot be used here: {why}", why=why))
        case ["filtered", bool() as is_folder]:
            return Entry(path, is_folder, 0, 0, 0, filtered=True)
        case [bool() as is_folder, size, mtime, inode, checksum]:
            wrong = _wrong(size, mtime, inode, checksum)
            if wrong is None:
                return Entry(
                    path, is_folder, size, mtime, inode if 0 <= inode <= INODE else 0, checksum
                )
            return _problem(
                path, Phrase("what the server tells of it cannot be: {wrong}", wrong=wrong)
            )
    return _problem(
        path, Phrase("what the server tells of it is not understood: {value}", value=_brief(stats))
    )


def _wrong(size: Any, mtime: Any, inode: Any, checksum: Any) -> str | None:
    """What is wrong with the values of an entry, as a clause. An inode is a hint only: any whole
    number passes."""
    if not _is_whole(size) or not 0 <= size <= SIZE:
        return Phrase("a size of {value} bytes", value=_brief(size))
    if not _is_whole(mtime) or not is_time(mtime):
        return Phrase("a time of {value} seconds since 1970", value=_brief(mtime))
    if not _is_whole(inode):
        return Phrase("an inode {value}", value=_brief(inode))
    if checksum is not None and not (isinstance(checksum, str) and _CHECKSUM.fullmatch(checksum)):
        return Phrase("a checksum {value}", value=_brief(checksum))
    return None


def _brief(value: Any) -> str:
    """What is nested may be too deep to be written out."""
    match value:
        case list() | dict():
            return (
                Phrase("a list of {count}", count=len(value))
                if isinstance(value, list)
                else Phrase("an object of {count}", count=len(value))
            )
        case _:
            return shown(json.dumps(value), 80)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _problem(path: str, why: str) -> Entry:
    """``path`` is for people from here on: half a surrogate pair, which nothing could print, is
    written as its code."""
    return Entry(path.encode("utf-8", "backslashreplace").decode(), False, 0, 0, 0, problem=why)


def _shown(line: bytes) -> str:
    return shown(line[:400].decode(errors="replace"), 80)


# Inodes ----------------------------------------


class _Told(msgspec.Struct):
    ino: object = None


def told_inode(body: bytes) -> int:
    """The inode in the answer to an upload, MAKE or COPY (``{"ino": N}``). It says who is who and
    nothing else, so one that is missing or can be none counts as not told, 0, and is no error."""
    try:
        told = decode(body, _Told).ino
    except Undecodable:
        return 0
    return told if isinstance(told, int) and _is_whole(told) and 0 < told <= INODE else 0


class _Browsed(msgspec.Struct):
    files: list[object]


def told_entries(body: bytes, folder: str) -> list[Entry] | None:
    """What the web's listing of the folder at that path tells, where inodes are as in
    ``told_inodes`` and times are in milliseconds. An element that is not understood is an Entry
    with ``problem``. None for anything else than such a listing."""
    try:
        files = decode(body, _Browsed).files
    except Undecodable:
        return None
    return [_told_entry(each, f"{folder}/" if folder else "") for each in files]


def _told_entry(told: object, prefix: str) -> Entry:
    if isinstance(told, dict):
        name, is_folder = told.get("name"), told.get("isDir")
        if isinstance(name, str) and isinstance(is_folder, bool) and "/" not in name:
            size, ms, number = told.get("size"), told.get("mtime"), told.get("id")
            return _browsed(prefix + name, is_folder, size, ms, number)
    return _problem(
        prefix, Phrase("what the server tells of it is not understood: {value}", value=_brief(told))
    )


def _browsed(path: str, is_folder: bool, size: Any, ms: Any, number: Any) -> Entry:
    inode = -number if isinstance(number, int) and _is_whole(number) and 0 < -number <= INODE else 0
    why = complaint(path)
    if why is not None:
        return _problem(path, Phrase("the server's name cannot be used here: {why}", why=why))
    if is_folder:
        return Entry(path, True, 0, 0, inode)
    mtime: Any = ms // 1000 if isinstance(ms, int) and _is_whole(ms) else ms
    wrong = _wrong(size, mtime, inode, None)
    if wrong is not None:
        return _problem(path, Phrase("what the server tells of it cannot be: {wrong}", wrong=wrong))
    return Entry(path, False, size, mtime, inode)


def told_inodes(body: bytes) -> dict[str, int] | None:
    """The inodes by name in the web's listing of one folder; 0 where none is told: an id of the
    server's database is positive, an inode negative. None for anything else than such a listing."""
    try:
        files = decode(body, _Browsed).files
    except Undecodable:
        return None
    found: dict[str, int] = {}
    for each in files:
        match each:
            case {"name": str() as name, "id": int() as number} if (
                _is_whole(number) and 0 < -number <= INODE
            ):
                found[name] = -number
            case {"name": str() as name}:
                found[name] = 0
    return found
