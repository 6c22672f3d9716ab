"""Uploads to names that the server takes, and what is done where a lock holds one.

A file is received under its own name where that is possible; else under a stand-in beside it, which
is moved to its place. A server that was killed leaves locks for 8 hours: a name that such a lock
holds is left for another (docs/internals/uploads-and-recovery.md).
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Protocol

import trio

from reconciler.errors import Exists, Locked, Missing, RemoteError, Unreachable
from reconciler.names import PARTIAL_PREFIX, STAGED_PREFIX, STAND_IN_PREFIX, can_be_uploaded
from syncin_mount.remote.decoding import told_inode
from syncin_mount.remote.errors import Endpoint
from syncin_mount.remote.http.transport import Call
from syncin_mount.remote.remote_paths import join, split

if TYPE_CHECKING:
    from reconciler.ports import Found
    from syncin_mount.remote.auth import Session
    from syncin_mount.remote.contents import Content

STUCK_AFTER = 600.0
"""Seconds after which a partial upload that does not grow tells that nobody holds the lock on its
target any more: a server that was killed leaves it for 8 hours (observed)."""

OUR_STUCK_AFTER = 20.0
"""The same where the upload was this client's, and broke off: while its lock lives, nobody else can
write there."""

LOCK_LINGERS = 2.0
"""Seconds within which a server has seen that an upload of ours broke off, and let go of its
lock."""

SOON_SENT = 16 << 20
"""Bytes of a partial upload that are rather sent again, under another name, than waited for."""

MOST_NAMES = 3
"""Names of ours that are tried for one file, where each is locked."""


class FolderPort(Protocol):
    """What uploads need of the folder that they go to; as `remote_folder.Folder` has it."""

    async def find(self, path: str) -> Found | None: ...
    async def vacant(self, path: str) -> None: ...
    async def move(self, path: str, target: str, *, overwrite: bool = False) -> None: ...
    async def move_or_clean(self, landing: str, path: str, *, overwrite: bool) -> None: ...
    async def delete(self, path: str) -> None: ...
    def stand_in(self, path: str) -> str: ...
    def url(self, path: str) -> str: ...


class Uploads:
    """Of one folder. It remembers which names are locked, for as long as the process lives."""

    def __init__(self, session: Session, folder: FolderPort) -> None:
        self._session = session
        self._folder = folder
        self._standing: dict[str, tuple[Found, float]] = {}
        """Locked paths: the partial upload that was seen beside each, and since when it has not
        grown."""
        self._broken: set[str] = set()
        """Where an upload of ours broke off after its first byte, and none has arrived since."""
        self._waited_for: set[str] = set()
        """Names of ours that were locked once."""
        self._stuck: set[str] = set()
        """Paths, stand-ins too, whose lock is nobody's: another is written to, and moved, which
        one's own lock does not stop."""

    async def upload(
        self, path: str, content: Content, query: dict[str, int | str], *, replace: bool
    ) -> int:
        """Sends the content to ``path``, with what the ``query`` says of it. Returns the inode that
        the server gave it, 0 where it tells none. Raises RemoteError, LocalChanged."""
        landing = self._landing(path)
        beside = landing != path
        if beside and not replace:
            await self._folder.vacant(path)
        try:
            inode = await self._upload(path, landing, content, query, put=beside or replace)
            self._broken.discard(landing)
        except Locked as error:
            other = await self._after_lock(path, landing, error)
            again = content.whole() if other else content.again()
            inode = await self.upload(path, again, query, replace=replace)
            if other:
                await self._clean(landing)
            return inode
        self._waited_for.discard(landing)
        if beside:
            await self._folder.move_or_clean(landing, path, overwrite=replace)
        if beside and replace:  # what was replaced took its locks along
            self._stuck.discard(path)
        return inode  # which a move keeps

    def _is_ours(self, path: str, landing: str) -> bool:
        """Whether a locked name is one that this client made, or a version's own beside its place,
        where a server that was killed left its lock. Not more than a few are tried: what locks them
        all is no lost lock."""
        tried, name = 0, path if can_be_uploaded(split(path)[1]) else self._folder.stand_in(path)
        while name != landing:
            tried, name = tried + 1, self._folder.stand_in(name)
        return split(landing)[1].startswith((STAND_IN_PREFIX, STAGED_PREFIX)) and tried < MOST_NAMES

    async def _after_lock(self, path: str, landing: str, error: Locked) -> bool:
        """What is done about a locked name before the next try; whether that takes another name,
        and so begins at the first byte. Raises the error where it has to be waited for longer."""
        if self._is_ours(path, landing):
            if landing not in self._waited_for:
                self._waited_for.add(landing)
                await trio.sleep(LOCK_LINGERS)
                return False
            found = await self._partial(_partial_of(landing))
            # nobody else writes there: another name will do at once
            if found is None or found.size < SOON_SENT:
                self._stuck.add(landing)
                # no upload of ours can have just broken off there
                self._waited_for.add(self._landing(path))
                return True
        if not await self._is_dead(landing):
            raise error
        return False

    async def _clean(self, landing: str) -> None:
        """Removes what arrived under a name that is not used any more, as far as the server lets
        us."""
        partial = _partial_of(landing)
        with contextlib.suppress(RemoteError):
            if await self._partial(partial) is not None:
                await self._folder.delete(partial)

    async def _is_dead(self, locked: str) -> bool:
        """Whether the upload that holds the lock stands still; what it has reached is remembered.
        What has arrived of a dead one is brought to where it can be continued."""
        partial = _partial_of(locked)
        found = await self._partial(partial)
        if found is None:
            self._standing.pop(locked, None)
            # Another process of ours may have found it dead already, and brought it there.
            if await self._partial(_partial_of(self._folder.stand_in(locked))) is None:
                return False
            self._stuck.add(locked)
            return True
        seen, since = self._standing.get(locked, (None, 0.0))
        if found != seen:
            since = trio.current_time()
            self._standing[locked] = found, since
        stood = max(trio.current_time() - since, self._age(found))
        if stood < (OUR_STUCK_AFTER if locked in self._broken else STUCK_AFTER):
            return False
        del self._standing[locked]
        self._stuck.add(locked)
        with contextlib.suppress(Exists, Missing):
            await self._folder.move(partial, _partial_of(self._folder.stand_in(locked)))
        return True

    def _age(self, found: Found) -> float:
        """Seconds since it was last written to, by the server's own clock; 0 where that is not
        known."""
        now = self._session.server_time()
        return 0.0 if now is None else now - found.mtime_ms / 1000

    async def _upload(
        self, path: str, landing: str, content: Content, query: dict[str, int | str], *, put: bool
    ) -> int:
        headers, size = {"Content-Type": "application/octet-stream"}, content.end
        if content.start:
            headers["Content-Range"] = f"bytes {content.start}-{size - 1}/{size}"
        call = Call(
            Endpoint.UPLOAD,
            "PUT" if put else "POST",
            self._folder.url(landing),
            path,
            query=query,
            headers=headers,
            content=content,
            quiet=self._session.timeouts.after_upload(size),
        )
        try:
            return told_inode(await self._session.send(call))
        except (Unreachable, trio.Cancelled):
            if content.sent:
                self._broken.add(landing)
            raise

    def _landing(self, path: str) -> str:
        """Where a file that is to be at ``path`` is received: names above 246 bytes cannot be, and
        what a lost lock holds is refused."""
        landing = path if can_be_uploaded(split(path)[1]) else self._folder.stand_in(path)
        while landing in self._stuck:
            landing = self._folder.stand_in(landing)
        return landing

    async def partial(self, path: str) -> int:
        """How many bytes of an upload to ``path`` have arrived and can be continued."""
        found = await self._partial(_partial_of(self._landing(path)))
        return found.size if found else 0

    async def _partial(self, path: str) -> Found | None:
        try:
            return await self._folder.find(path)
        except Exists:
            return None  # a folder of that name: nothing of ours


def _partial_of(path: str) -> str:
    """Where the server collects what arrives of an upload to ``path``."""
    parent, name = split(path)
    return join(parent, PARTIAL_PREFIX + name)
