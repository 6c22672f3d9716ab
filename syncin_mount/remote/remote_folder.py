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

from reconciler.errors import (
    Exists,
    Missing,
    Refused,
    RemoteError,
)
from reconciler.model import Entry
from reconciler.names import (
    MAX_TRASH_NAME_BYTES,
    can_be_made,
)
from reconciler.phrases import Phrase
from reconciler.ports import Found, Reader
from syncin_mount.addresses import goes_in_clear
from syncin_mount.remote.auth import Session, body, greet
from syncin_mount.remote.contents import (
    Content,
    Pieces,
    changed_meanwhile,
    is_same,
    stamp,
    told_state,
)
from syncin_mount.remote.decoding import told_entries, told_inode, told_inodes
from syncin_mount.remote.errors import Endpoint, NoPlaceInTrash
from syncin_mount.remote.http.transport import JSON, Call
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
from syncin_mount.remote.uploads import Uploads

BROWSED_BYTES = 8 * 1024 * 1024
"""The web's listing of one folder at most: some 30,000 names."""

_OPERATION = "api/app/sync/operation/"
_WEB_OPERATION = "api/app/spaces/operation/"
_BROWSE = "api/app/spaces/browse/"


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
        self._uploads = Uploads(session, self)

    def follow(self, remote_path: str, path_id: int) -> None:
        """The folder has another path on the server now, or its registration another number. Raises
        Refused as the constructor."""
        web_path(checked(remote_path))
        self._root, self._id = remote_path, path_id

    @property
    def root(self) -> str:
        return self._root

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
                told_state(answer)
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
        call = Call(Endpoint.READ, "HEAD", self.url(path), path, repeatable=True)
        try:
            async with self._session.exchange(call) as answer:
                return told_state(answer)
        except Missing:
            return None
        except RemoteError as exc:
            # its message is lost with HEAD; a good path to something else is a folder's
            if exc.status == 400:
                raise Exists(
                    Phrase("{path} is a folder on the server", path=shown(path)), status=400
                ) from exc
            raise

    async def look(self, path: str) -> list[Entry] | None:
        body = await self._browse(path)
        return None if body is None else told_entries(body, path)

    async def inodes(self, path: str) -> dict[str, int] | None:
        """The id that the web's listing of one folder tells is the inode, negative, unless the
        server's database has a row for what is there (docs/reference/server-protocol.md)."""
        body = await self._browse(path)
        return None if body is None else told_inodes(body)

    async def _browse(self, path: str) -> bytes | None:
        """The body of the web's listing of the folder; None when there is no folder."""
        where = _BROWSE + quoted(web_path(join(self._root, checked(path)) if path else self._root))
        call = Call(
            Endpoint.BROWSE, "GET", where, path, query={"showHiddenFiles": "true"}, repeatable=True
        )
        try:
            async with self._session.exchange(call) as answer:
                return await answer.read(BROWSED_BYTES) or b""
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
            yield Pieces(None, 0, path)
            return
        # No If-Range: it takes the etag's milliseconds, and all that a listing has told of a file
        # is its whole second.
        headers = {"Range": f"bytes={start}-{stop - 1}"}
        async with self._session.exchange(
            Call(Endpoint.READ, "GET", self.url(path), path, headers=headers)
        ) as answer:
            if not is_same(told_state(answer), expect):
                raise changed_meanwhile(path)
            given = answer.headers.get("content-range")
            whole = answer.status == 200 and start == 0
            if not whole and given != f"bytes {start}-{stop - 1}/{expect.size}":
                raise answer.strange()  # the right version, and yet another part of it
            if answer.headers.get("content-length", "") not in (
                "",
                str(expect.size if whole else stop - start),
            ):
                raise answer.strange()  # and yet another length
            yield Pieces(answer, stop - start, path)

    async def _still(self, path: str, expect: Found) -> None:
        found = await self.find(path)
        if found is None:
            raise Missing(
                Phrase("{path} is not on the server any more", path=shown(path)), status=404
            )
        if not is_same(found, expect):
            raise changed_meanwhile(path)

    async def partial(self, path: str) -> int:
        return await self._uploads.partial(checked(path))

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
        received under its own name goes up beside it and is moved; with ``replace``, the old
        version then goes to the server's trash. Cancelled or broken, a partial upload stays there;
        see `partial`."""
        query: dict[str, int | str] = {"size": size, "mtime": stamp(mtime)}
        if prove or self.proves_all:
            query["checksum"] = checksum
        content = Content(reader, start, size)
        return await self._uploads.upload(checked(path), content, query, replace=replace)

    async def touch(self, path: str, mtime: int) -> None:
        """Also for folders. See `stamp`."""
        content = body({"mtime": stamp(mtime)})
        await self._session.send(
            Call(
                Endpoint.TOUCH,
                "PROPPATCH",
                self.url(path),
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
        landing = self.stand_in(path)
        inode = await self._make_folder(landing, mtime)
        await self.move_or_clean(landing, path, overwrite=False)
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
            raise Exists(Phrase("{path} is a file on the server", path=shown(path)))
        return False

    async def vacant(self, path: str) -> None:
        """Raises Exists when there is anything."""
        if await self._is_folder(path):
            raise Exists(Phrase("{path} is a folder on the server", path=shown(path)))

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
        await self._session.send(self._move_call(self.url(path), path, content))

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
            await self.vacant(target)
            await self._sync_move(path, target)

    async def copy(self, path: str, target: str, mtime: int) -> int:
        checked(target)
        content = body({"destination": join(self._root, target), "mtime": stamp(mtime)})
        url, quiet = self.url(path), self._session.timeouts.slow
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

    async def move_or_clean(self, landing: str, path: str, *, overwrite: bool) -> None:
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
            Endpoint.DELETE, "DELETE", self.url(path), path, quiet=self._session.timeouts.slow
        )
        await self._session.send(call)

    def stand_in(self, path: str) -> str:
        """A name of ours beside ``path`` that the server takes, and the same one each time."""
        return stand_in(path, self._id)

    def url(self, path: str) -> str:
        """Where the sync API has it. Raises Refused for a path that leads out of the folder."""
        return _OPERATION + quoted(join(self._root, checked(path)))


def _is_of_name(error: Refused, name: str) -> bool:
    """Whether the server refused this name as such. Its words count, too: another version may have
    another list."""
    return not can_be_made(name) or (error.status == 400 and "Forbidden characters" in str(error))
