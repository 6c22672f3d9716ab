"""One version on its way to the server, and how it is told what lies there."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple

from reconciler.errors import Exists
from reconciler.executor.counted_upload import Counted
from reconciler.model import LAST_SECOND, Action, Base, Local, Place, Remote
from reconciler.names import STAGED_PREFIX, can_be_uploaded
from reconciler.ports import Found, RemoteFolder

STAGE_FROM_BYTES = 1 << 20
"""New files of at least this many bytes are put beside their place and moved there. A POST looks
for what is in its way when it begins, and overwrites without a trace what has come there by its end
(observed on the real server)."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """What came of sending a version: bytes that were sent, and the inode that the server gave it,
    0 when the answer told none or was lost."""

    moved: int
    inode: int


class Attempt(NamedTuple):
    """A version that was sent to a place with a time (s), and may have arrived there unseen."""

    version: int
    place: Place
    mtime: int


class Staged(NamedTuple):
    """A version that lies beside its place as a whole, and the inode that it got there (0: not
    told), which it keeps when it is moved."""

    version: int
    inode: int


@dataclass(frozen=True, slots=True)
class OutgoingVersion:
    """One version on its way to ``place``, whose path is ``path``. ``content`` reads and counts it,
    ``mtime`` (s) is what the server gets. ``tag`` is nobody else's (see ``Settings``); with
    ``along`` the content may be counted while it is sent: its checksum is not known before."""

    action: Action
    path: str
    place: Place
    content: Counted
    local: Local
    mtime: int
    tag: str = ""
    along: bool = False

    @property
    def mtime_here(self) -> int | None:
        """See ``Base``."""
        said = max(self.local.mtime, 1)
        return None if said == self.mtime else said

    @property
    def attempt(self) -> Attempt:
        return Attempt(self.local.version, self.place, self.mtime)

    @property
    def staged(self) -> OutgoingVersion:
        """The same version on its way to a name of ours in the same folder. Where the checksum is
        known the name tells the content: whoever finds a whole file there, after a crash or from
        another device, has that very content. Else it tells the version, and what lies there has to
        be proved."""
        return self._beside(self._version_id() if self.along else self.digest)

    @property
    def copied(self) -> OutgoingVersion:
        """The same version as the server copies it. That name tells no content: what was copied is
        proved afterwards, and whoever finds it after a crash must not believe it."""
        return self._beside(self._version_id(" copy"))

    def _beside(self, told: str) -> OutgoingVersion:
        name = f"{STAGED_PREFIX}{self.action.node}-{self.mtime}-{told[:24]}"
        parent, _, _ = self.path.rpartition("/")
        path = f"{parent}/{name}" if parent else name
        return replace(self, path=path, place=Place(self.place.parent, name))

    @property
    def digest(self) -> str:
        """Its checksum, which is known by now."""
        assert self.content.value is not None
        return self.content.value

    def _version_id(self, way: str = "") -> str:
        """Of this version on this device: the same whenever it is tried again in this way."""
        told = f"{self.tag} {self.action.node} {self.local.version}{way}"
        return hashlib.blake2b(told.encode(errors="surrogatepass"), digest_size=12).hexdigest()

    @property
    def name(self) -> str:
        """What it is called there in the end."""
        action = self.action
        return (
            action.remote.place if action.remote is not None else action.target or self.local.place
        ).name

    @property
    def needs_other_name(self) -> bool:
        big_and_new = self.action.remote is None and self.local.size >= STAGE_FROM_BYTES
        return big_and_new or not can_be_uploaded(self.place.name)


async def record_mtime(
    content: Counted, local: Local, seen: tuple[Base | Remote | None, ...]
) -> int:
    """As ``mtime_to_send``; the content is only counted where something of its size and second is
    known. Raises as ``Counted.get``."""
    if content.value is None and mtime_to_send(local, "", seen) != max(local.mtime, 1):
        await content.get()
    return mtime_to_send(local, content.value or "", seen)


def mtime_to_send(local: Local, digest: str, seen: Iterable[Base | Remote | None]) -> int:
    """The second that the server gets for a content: the local one, unless another content of this
    size and second is
    what some client knows by one of ``seen``. Then it is a later one: that a file has another time
    is all that every client notices. (Where there is no later one that a computer can hold, it is
    an earlier one.) The file's time here stays as it was set."""
    mtime = max(local.mtime, 1)  # 0 would mean "now" (server-protocol.md, Uploads)
    others = [
        each
        for each in seen
        if each is not None and each.size == local.size and each.checksum != digest
    ]
    if any(isinstance(each, Base) and mtime in (each.mtime_here, each.former) for each in others):
        # The time was put back to what it was before the last edit: that second was yet another
        # content's.
        mtime = max(each.mtime for each in others) + 1
    taken = {each.mtime for each in others}
    later = next(second for second in itertools.count(mtime) if second not in taken)
    if later <= LAST_SECOND:
        return later
    return next(second for second in itertools.count(LAST_SECOND, -1) if second not in taken)


async def file_at(remote: RemoteFolder, path: str) -> Found | None:
    """The file there; None for none, or a folder."""
    try:
        return await remote.find(path)
    except Exists:
        return None


async def checksum_there(remote: RemoteFolder, path: str, found: Found) -> str:
    """The checksum of the server's content, by reading it. Raises RemoteError."""
    summed = hashlib.new("sha512_256")
    async with remote.download(path, start=0, stop=found.size, expect=found) as pieces:
        async for piece in pieces:
            summed.update(piece)
    return summed.hexdigest()


def same(found: Found, expected: Remote) -> bool:
    """A listing rounds to seconds as the etag would (observed), so seconds agree; the milliseconds
    must where they are known."""
    if expected.ms is not None and found.mtime_ms - found.mtime * 1000 != expected.ms:
        return False
    return (found.size, found.mtime) == (expected.size, expected.mtime)


def is_upload(found: Found, size: int, mtime: int) -> bool:
    """Whether the file may be one that was uploaded with this size and time: it has whole seconds
    then (observed)."""
    return (found.size, found.mtime_ms) == (size, mtime * 1000)
