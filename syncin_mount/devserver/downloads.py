"""GET and HEAD of a file: ranges, conditions, validators."""

from __future__ import annotations

import mimetypes
import os
import re
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from urllib.parse import quote

import trio

from .files import NOFOLLOW, stat_of
from .places import Place
from .wire import Answer, Refusal, Request, not_found, os_refusal

_PIECE = 256 * 1024  # bytes read at once
_OFFICE = "application/vnd.openxmlformats-officedocument."
_OPEN = "application/vnd.oasis.opendocument."
#: Python's own table, not the machine's, and what people keep in such folders.
_TYPES = {
    **mimetypes.MimeTypes(filenames=()).types_map[True],
    ".docx": f"{_OFFICE}wordprocessingml.document",
    ".xlsx": f"{_OFFICE}spreadsheetml.sheet",
    ".pptx": f"{_OFFICE}presentationml.presentation",
    ".odt": f"{_OPEN}text",
    ".ods": f"{_OPEN}spreadsheet",
    ".odp": f"{_OPEN}presentation",
}
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")
#: What JavaScript's encodeURIComponent leaves alone, beyond letters and digits.
_COMPONENT_SAFE = "-_.!~*'()"


def mime_type(name: str) -> str:
    """By extension alone, as the real server guesses."""
    extension = os.path.splitext(name)[1].lower()
    if "\n" in name or not extension:
        return "application/octet-stream"
    return _TYPES.get(extension, "application/octet-stream")


def content_type(name: str) -> str:
    """With the charset that the real server adds to texts."""
    found = mime_type(name)
    textual = found.startswith("text/") or found in (
        "application/json",
        "application/javascript",
        "image/svg+xml",
    )
    return f"{found}; charset=utf-8" if textual else found


def etag(size: int, mtime_ns: int) -> str:
    """`W/"<size hex>-<mtime in ms, hex>"`."""
    return f'W/"{size:x}-{mtime_ns // 10**6:x}"'


def http_date(mtime_ns: int) -> str:
    """For `Last-Modified`: whole seconds."""
    return format_datetime(datetime.fromtimestamp(mtime_ns // 10**9, UTC), usegmt=True)


class _FileSource:
    """`length` bytes of a file from `start`; a file that shrinks meanwhile breaks the answer
    off."""

    def __init__(self, descriptor: int, start: int, length: int) -> None:
        self._descriptor = descriptor
        self._at = start
        self._left = length

    async def read(self) -> bytes:
        if not self._left:
            return b""
        piece = await trio.to_thread.run_sync(self._piece)
        if not piece:
            raise OSError("the file became shorter while it was sent")
        self._at += len(piece)
        self._left -= len(piece)
        return piece

    def _piece(self) -> bytes:
        os.lseek(self._descriptor, self._at, os.SEEK_SET)
        return os.read(self._descriptor, min(self._left, _PIECE))

    def close(self) -> None:
        os.close(self._descriptor)


def _same_version(condition: str, tag: str, mtime_ns: int) -> bool:
    """An If-Range condition: an entity tag, or a date not before the file's."""
    if condition.startswith(('"', "W/")):
        return condition == tag
    try:
        return mtime_ns // 10**9 <= parsedate_to_datetime(condition).timestamp()
    except ValueError:
        return False


def _unmodified(request: Request, tag: str, mtime_ns: int) -> bool:
    if (tags := request.header("if-none-match")) is not None:
        return tags.strip() == "*" or tag.removeprefix("W/") in [
            known.strip().removeprefix("W/") for known in tags.split(",")
        ]
    since = request.header("if-modified-since")
    return since is not None and _same_version(since, tag, mtime_ns)


def _range(request: Request, size: int, tag: str, mtime_ns: int) -> tuple[int, int] | None:
    """The first and last byte asked for; None for the whole file. Raises the 400 of a range beyond
    the end."""
    header = request.header("range")
    if header is None or (
        (condition := request.header("if-range")) and not _same_version(condition, tag, mtime_ns)
    ):
        return None
    found = _RANGE.fullmatch(header.strip())
    if found is None or found.group(0) == "bytes=-":
        return None
    first, last = found[1], found[2]
    if not first:
        start, end = max(0, size - int(last)), size - 1
    else:
        start, end = int(first), min(int(last), size - 1) if last else size - 1
    if start >= size or end < start:
        raise Refusal(400, "Location not found")
    return start, end


def download(place: Place, request: Request) -> Answer:
    """Raises 404 for what is missing or no file, 400 for a folder, a failed If-Match and a range
    beyond the end."""
    full = place.existing()
    try:
        if (found := stat_of(full)).is_dir:
            raise Refusal(400, "The location is a directory")
        if not found.is_file:
            raise not_found()
        descriptor = os.open(full, os.O_RDONLY | NOFOLLOW)
    except OSError as error:
        raise os_refusal(error) from error
    try:
        found_now = os.fstat(descriptor)
        return _answer(place.name, request, descriptor, found_now.st_size, found_now.st_mtime_ns)
    except BaseException:
        os.close(descriptor)
        raise


def _answer(name: str, request: Request, descriptor: int, size: int, mtime_ns: int) -> Answer:
    tag = etag(size, mtime_ns)
    encoded = quote(name, safe=_COMPONENT_SAFE)
    headers = {
        "accept-ranges": "bytes",
        "cache-control": "public, max-age=0",
        "last-modified": http_date(mtime_ns),
        "etag": tag,
        "content-type": content_type(name),
        "content-disposition": f"attachment; filename=\"{encoded}\";filename*=UTF-8''{encoded}",
    }
    matches = request.header("if-match")
    if (
        matches is not None
        and matches.strip() != "*"
        and tag not in [known.strip() for known in matches.split(",")]
    ):
        raise Refusal(400, "Location not found")
    if _unmodified(request, tag, mtime_ns):
        os.close(descriptor)
        headers["content-type"] = "application/octet-stream"
        return Answer(304, b"", _encoded(headers))
    wanted = _range(request, size, tag, mtime_ns)
    start, end = wanted or (0, size - 1)
    if wanted is not None:
        headers["content-range"] = f"bytes {start}-{end}/{size}"
    headers["content-length"] = str(end - start + 1)
    status = 200 if wanted is None else 206
    if request.method == "HEAD":
        os.close(descriptor)
        return Answer(status, b"", _encoded(headers))
    return Answer(status, _FileSource(descriptor, start, end - start + 1), _encoded(headers))


def _encoded(headers: dict[str, str]) -> tuple[tuple[bytes, bytes], ...]:
    return tuple(
        (name.encode(), value.encode("latin-1", "replace")) for name, value in headers.items()
    )
