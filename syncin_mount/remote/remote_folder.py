"""One remote folder: `reconciler.ports.RemoteFolder` over the sync API.

Operations of the server are not confined to the synchronized folder, so this client confines
itself: every path is checked before anything is sent. Facts about the server:
docs/reference/server-protocol.md.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace

import trio

from reconciler.errors import (
    Changed,
    Exists,
    LocalChanged,
    Locked,
    Missing,
    Refused,
    RemoteError,
    Unreachable,
)
from reconciler.model import Entry
from reconciler.names import (
    MAX_TRASH_NAME_BYTES,
    PARTIAL_PREFIX,
    STAGED_PREFIX,
    STAND_IN_PREFIX,
    can_be_made,
    can_be_uploaded,
)
from reconciler.ports import Found, Reader
from syncin_mount.addresses import goes_in_clear
from syncin_mount.remote.auth import JSON, Session, body, greet
from syncin_mount.remote.decoding import parse_etag, told_inode, told_inodes
from syncin_mount.remote.errors import Endpoint, NoPlaceInTrash
from syncin_mount.remote.http.transport import Answer, Call, Upload
from syncin_mount.remote.listing import ListingOptions, none_but, open_listing
from syncin_mount.remote.remote_paths import (
    checked,
    join,
    quoted,
    shown,
    split,
    stand_in,
    trash_aside,
    web_path,
)

PIECE = 512 * 1024
"""Bytes that are asked of a Reader at a time."""

BROWSED_BYTES = 8 * 1024 * 1024
"""The web's listing of one folder at most: some 30,000 names."""

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

_OPERATION = "api/app/sync/operation/"
_WEB_OPERATION = "api/app/spaces/operation/"
_BROWSE = "api/app/spaces/browse/"


def stamp(mtime: int) -> int:
    """The mtime that is sent for ``mtime`` (seconds). The server takes 0 for "now" and holds
    nothing less: then 1."""
    return max(1, mtime)


class _Content(Upload):
    """A local content from ``start`` on, read while it is sent."""

    def __init__(self, reader: Reader, start: int, size: int) -> None:
        super().__init__(size - start)
        self._reader = reader
        self.start = start
        self.end = size

    async def piece(self, offset: int, most: int) -> bytes:
        data = await self._reader(self.start + offset, min(PIECE, most))
        if not data:
            raise LocalChanged("the file became shorter while it was sent")
        return data


class Folder:
    """A RemoteFolder. ``path_id`` is what the registration of the synchronization gave, 0 when it
    is not needed (everything but `listing` works without)."""

    def __init__(
        self,
        session: Session,
        remote_path: str,
        path_id: int = 0,
        *,
        options: ListingOptions | None = None,
    ) -> None:
        """``remote_path`` is as the sync API says it (``personal/x``). Raises Refused when it is no
        such path."""
        web_path(checked(remote_path))
        self._session = session
        self._root = remote_path
        self._id = path_id
        self._options = options or ListingOptions()
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

    def follow(self, remote_path: str, path_id: int) -> None:
        """The folder has another path on the server now, or its registration another number. Raises
        Refused as the constructor."""
        web_path(checked(remote_path))
        self._root, self._id = remote_path, path_id

    @property
    def proves_all(self) -> bool:
        return goes_in_clear(self._session.account.url)

    def listing(
        self, snapshot: Callable[[], Iterator[Entry]] | None = None
    ) -> AbstractAsyncContextManager[AsyncIterator[list[Entry]]]:
        options = (
            self._options
            if snapshot is None
            else replace(self._options, secure=True, snapshot=snapshot)
        )
        return open_listing(self._session, self._id, self._root, options)

    async def checksums(self, paths: Sequence[str]) -> dict[str, Entry]:
        """One listing for some hundred paths: its filter leaves out all others, and what is left
        out is not counted
        (read in the server's source; the filter is a JavaScript regexp without repetitions)."""
        found: dict[str, Entry] = {}
        for pattern, wanted in none_but(paths):
            options = replace(self._options, secure=True, snapshot=None, path_filters=pattern)
            async with open_listing(self._session, self._id, self._root, options) as batches:
                async for batch in batches:
                    told = (
                        each for each in batch if each.path in wanted and each.checksum is not None
                    )
                    found.update((each.path, each) for each in told)
        return found

    # Reading ----------------------------------------

    async def greet(self) -> None:
        """The handshake, and access: a token is only asked for where the present one is at its
        end."""
        await greet(self._session.wire)
        await self._session.check()

    async def is_there(self) -> bool:
        """HEAD answers 400 for a folder and 404 for none (observed)."""
        call = Call(
            Endpoint.READ, "HEAD", _OPERATION + quoted(self._root), self._root, repeatable=True
        )
        try:
            async with self._session.exchange(call) as answer:
                _state(answer)
        except Missing:
            return False
        except RemoteError as exc:
            if exc.status == 400:
                return True
            raise
        return False  # a file is in its place

    async def find(self, path: str) -> Found | None:
        """Raises Unreachable for an answer without a Sync-in server's etag: something else may be
        answering."""
        call = Call(Endpoint.READ, "HEAD", self._url(path), path, repeatable=True)
        try:
            async with self._session.exchange(call) as answer:
                return _state(answer)
        except Missing:
            return None
        except RemoteError as exc:
            # its message is lost with HEAD; a good path to something else is a folder's
            if exc.status == 400:
                raise Exists(f"{shown(path)} is a folder on the server", status=400) from exc
            raise

    async def inodes(self, path: str) -> dict[str, int] | None:
        """The id that the web's listing of one folder tells is the inode, negative, unless the
        server's database has a row for what is there (docs/reference/server-protocol.md)."""
        where = _BROWSE + quoted(web_path(join(self._root, checked(path)) if path else self._root))
        call = Call(
            Endpoint.BROWSE, "GET", where, path, query={"showHiddenFiles": "true"}, repeatable=True
        )
        try:
            async with self._session.exchange(call) as answer:
                return told_inodes(await answer.read(BROWSED_BYTES) or b"")
        except (Missing, Refused):  # refused: a file is in its place
            return None

    def download(
        self, path: str, *, start: int, stop: int, expect: Found
    ) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        if not 0 <= start <= stop <= expect.size:
            raise ValueError(f"bytes {start} to {stop} of {expect.size}")
        return self._download(path, start, stop, expect)

    @contextlib.asynccontextmanager
    async def _download(
        self, path: str, start: int, stop: int, expect: Found
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        if start == stop:
            await self._still(path, expect)
            yield _Pieces(None, 0, path)
            return
        # No If-Range: it takes the etag's milliseconds, and all that a listing has told of a file
        # is its whole second.
        headers = {"Range": f"bytes={start}-{stop - 1}"}
        async with self._session.exchange(
            Call(Endpoint.READ, "GET", self._url(path), path, headers=headers)
        ) as answer:
            if not _same(_state(answer), expect):
                raise _changed(path)
            given = answer.headers.get("content-range")
            whole = answer.status == 200 and start == 0
            if not whole and given != f"bytes {start}-{stop - 1}/{expect.size}":
                raise answer.strange()  # the right version, and yet another part of it
            if answer.headers.get("content-length", "") not in (
                "",
                str(expect.size if whole else stop - start),
            ):
                raise answer.strange()  # and yet another length
            yield _Pieces(answer, stop - start, path)

    async def _still(self, path: str, expect: Found) -> None:
        found = await self.find(path)
        if found is None:
            raise Missing(f"{shown(path)} is not on the server any more", status=404)
        if not _same(found, expect):
            raise _changed(path)

    async def partial(self, path: str) -> int:
        found = await self._partial(_partial_of(self._landing(checked(path))))
        return found.size if found else 0

    async def _partial(self, path: str) -> Found | None:
        try:
            return await self.find(path)
        except Exists:
            return None  # a folder of that name: nothing of ours

    # Changing content ----------------------------------------

    async def upload(
        self,
        path: str,
        reader: Reader,
        *,
        size: int,
        mtime: int,
        checksum: str,
        replace: bool,
        start: int = 0,
        prove: bool = True,
    ) -> int:
        """An mtime before the second after the epoch arrives as 1: see `stamp`. What cannot be
        received under its own name (see `_landing`) goes up beside it and is moved; with
        ``replace``, the old version then goes to the server's trash. Cancelled or broken, a partial
        upload stays there; see `partial`."""
        landing = self._landing(checked(path))
        beside = landing != path
        if beside and not replace:
            await self._vacant(path)
        query: dict[str, int | str] = {"size": size, "mtime": stamp(mtime)}
        if prove or self.proves_all:
            query["checksum"] = checksum
        content = _Content(reader, start, size)
        try:
            inode = await self._upload(path, landing, content, query, put=beside or replace)
            self._broken.discard(landing)
        except Locked as error:
            other = await self._after_lock(path, landing, error)
            inode = await self.upload(
                path,
                reader,
                size=size,
                mtime=mtime,
                checksum=checksum,
                replace=replace,
                start=0 if other else start,
                prove=prove,
            )
            if other:
                await self._clean(landing)
            return inode
        self._waited_for.discard(landing)
        if beside:
            await self._move_or_clean(landing, path, overwrite=replace)
        if beside and replace:  # what was replaced took its locks along
            self._stuck.discard(path)
        return inode  # which a move keeps

    def _is_ours(self, path: str, landing: str) -> bool:
        """Whether a locked name is one that this client made, or a version's own beside its place,
        where a server that was killed left its lock. Not more than a few are tried: what locks them
        all is no lost lock."""
        tried, name = 0, path if can_be_uploaded(split(path)[1]) else self._stand_in(path)
        while name != landing:
            tried, name = tried + 1, self._stand_in(name)
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
                await self.delete(partial)

    async def _is_dead(self, locked: str) -> bool:
        """Whether the upload that holds the lock stands still; what it has reached is remembered.
        What has arrived of a dead one is brought to where it can be continued."""
        partial = _partial_of(locked)
        found = await self._partial(partial)
        if found is None:
            self._standing.pop(locked, None)
            # Another process of ours may have found it dead already, and brought it there.
            if await self._partial(_partial_of(self._stand_in(locked))) is None:
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
            await self.move(partial, _partial_of(self._stand_in(locked)))
        return True

    def _age(self, found: Found) -> float:
        """Seconds since it was last written to, by the server's own clock; 0 where that is not
        known."""
        now = self._session.server_time()
        return 0.0 if now is None else now - found.mtime_ms / 1000

    async def _upload(
        self, path: str, landing: str, content: _Content, query: dict[str, int | str], *, put: bool
    ) -> int:
        headers, size = {"Content-Type": "application/octet-stream"}, content.end
        if content.start:
            headers["Content-Range"] = f"bytes {content.start}-{size - 1}/{size}"
        call = Call(
            Endpoint.UPLOAD,
            "PUT" if put else "POST",
            self._url(landing),
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
        landing = path if can_be_uploaded(split(path)[1]) else self._stand_in(path)
        while landing in self._stuck:
            landing = self._stand_in(landing)
        return landing

    def _stand_in(self, path: str) -> str:
        return stand_in(path, self._id)

    async def touch(self, path: str, mtime: int) -> None:
        """Also for folders. See `stamp`."""
        content = body({"mtime": stamp(mtime)})
        await self._session.send(
            Call(
                Endpoint.TOUCH,
                "PROPPATCH",
                self._url(path),
                path,
                headers=JSON,
                content=content,
                repeatable=True,
            )
        )

    # Changing the tree ----------------------------------------

    async def make_folder(self, path: str, mtime: int) -> int:
        """The server makes no folder with a name that Windows does not take (``CON``, ``a:b``), but
        moves one there. A file in the way raises Exists."""
        checked(path)
        name = split(path)[1]
        if can_be_made(name):
            try:
                return await self._make_folder(path, mtime)
            except Refused as error:
                if not _is_of_name(error, name):
                    raise
        if await self._is_folder(path):
            return 0
        landing = self._stand_in(path)
        inode = await self._make_folder(landing, mtime)
        await self._move_or_clean(landing, path, overwrite=False)
        return inode

    async def _make_folder(self, path: str, mtime: int) -> int:
        content = body({"type": "directory", "mtime": stamp(mtime)})
        where = f"{_OPERATION}make/{quoted(join(self._root, path))}"
        call = Call(
            Endpoint.MAKE, "POST", where, path, headers=JSON, content=content, repeatable=True
        )
        return told_inode(await self._session.send(call))

    async def _is_folder(self, path: str) -> bool:
        """Raises Exists when there is a file."""
        try:
            found = await self.find(path)
        except Exists:
            return True
        if found is not None:
            raise Exists(f"{shown(path)} is a file on the server")
        return False

    async def _vacant(self, path: str) -> None:
        """Raises Exists when there is anything."""
        if await self._is_folder(path):
            raise Exists(f"{shown(path)} is a folder on the server")

    async def move(self, path: str, target: str, *, overwrite: bool = False) -> None:
        """Onto itself: nothing happens. (The sync API's move, the one that overwrites, makes the
        target's folder; the web API's refuses where it is missing.)"""
        checked(path)
        checked(target)
        if path == target:
            return
        if overwrite:
            await self._replace(path, target)
            return
        await self._web_move(path, target)

    async def _replace(self, path: str, target: str) -> None:
        try:
            await self._sync_move(path, target)
        except (NoPlaceInTrash, Refused) as exc:
            if isinstance(exc, Refused) and len(split(target)[1].encode()) <= MAX_TRASH_NAME_BYTES:
                raise
            await self.delete(target)
            await self._web_move(path, target)

    async def _sync_move(self, path: str, target: str) -> None:
        """Overwrites: what was at ``target`` goes to the trash. The destination is plain text."""
        content = body({"destination": join(self._root, target)})
        await self._session.send(self._move_call(self._url(path), path, content))

    async def _web_move(self, path: str, target: str) -> None:
        """The one move that refuses to overwrite."""
        parent, name = split(join(self._root, target))
        content = body({"dstDirectory": web_path(parent), "dstName": name, "overwrite": False})
        where = _WEB_OPERATION + quoted(web_path(join(self._root, path)))
        try:
            await self._session.send(self._move_call(where, path, content))
        except Refused as error:
            if not _is_of_name(error, name):
                raise
            # Such names are for the sync API alone, which overwrites: the look before is as near as
            # it gets.
            await self._vacant(target)
            await self._sync_move(path, target)

    async def copy(self, path: str, target: str, mtime: int) -> int:
        checked(target)
        content = body({"destination": join(self._root, target), "mtime": stamp(mtime)})
        url, quiet = self._url(path), self._session.timeouts.slow
        call = Call(Endpoint.MOVE, "COPY", url, path, headers=JSON, content=content, quiet=quiet)
        return told_inode(await self._session.send(call))

    def _move_call(self, where: str, path: str, content: bytes) -> Call:
        return Call(
            Endpoint.MOVE,
            "MOVE",
            where,
            path,
            headers=JSON,
            content=content,
            quiet=self._session.timeouts.slow,
        )

    async def _move_or_clean(self, landing: str, path: str, *, overwrite: bool) -> None:
        """Brings a stand-in to its place, or removes it when the place is taken."""
        try:
            await self.move(landing, path, overwrite=overwrite)
        except Exists:
            await self.delete(landing)
            raise

    async def delete(self, path: str) -> None:
        """What the server's trash has no place for at its own path goes there below a folder of
        ours."""
        checked(path)
        try:
            await self._delete(path)
        except NoPlaceInTrash:
            aside, name = trash_aside(path)
            await self._sync_move(path, join(aside, name))
            await self._delete(aside)

    async def _delete(self, path: str) -> None:
        call = Call(
            Endpoint.DELETE, "DELETE", self._url(path), path, quiet=self._session.timeouts.slow
        )
        await self._session.send(call)

    def _url(self, path: str) -> str:
        return _OPERATION + quoted(join(self._root, checked(path)))


class _Pieces(AsyncIterator[bytes]):
    """Exactly ``length`` bytes of an answer. Raises Unreachable when it gives less, or a part gives
    more."""

    def __init__(self, answer: Answer | None, length: int, path: str) -> None:
        self._answer = answer
        self._left = length
        self._path = path

    async def __anext__(self) -> bytes:
        if self._answer is None:
            raise StopAsyncIteration
        if not self._left:
            # The end of the answer is reached, so that the connection can serve again.
            if self._answer.status == 206 and await self._answer.read(0) is None:
                raise self._answer.strange()
            raise StopAsyncIteration
        try:
            piece = await anext(self._answer.chunks)
        except StopAsyncIteration:
            raise Unreachable(
                f"The download of {shown(self._path)} ended before its end; it goes on later"
            ) from None
        if self._answer.status == 206 and len(piece) > self._left:
            raise self._answer.strange()  # it is not the part that was asked for
        piece = piece[: self._left]
        self._left -= len(piece)
        return piece


def _state(answer: Answer) -> Found:
    found = parse_etag(answer.headers.get("etag", ""))
    if found is None:
        raise answer.strange()
    return found


def _same(found: Found, expect: Found) -> bool:
    return (found.size, found.mtime) == (expect.size, expect.mtime)


def _changed(path: str) -> Changed:
    return Changed(f"{shown(path)} is not the version on the server that was expected")


def _partial_of(path: str) -> str:
    """Where the server collects what arrives of an upload to ``path``."""
    parent, name = split(path)
    return join(parent, PARTIAL_PREFIX + name)


def _is_of_name(error: Refused, name: str) -> bool:
    """Whether the server refused this name as such. Its words count, too: another version may have
    another list."""
    return not can_be_made(name) or (error.status == 400 and "Forbidden characters" in str(error))
