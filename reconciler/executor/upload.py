"""Sending content: to a new place, over the version that was seen there, or by a copy of what the
server has already.

The server has no conditional PUT. So its version is proved just before it is replaced, and where it
is known to lose it goes to the trash: the new version is put beside it and moved over it.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

import trio

from reconciler.errors import Exists, Mismatch, Missing, RemoteError, ServerFault, Stale
from reconciler.executor.folder_looks import Looks
from reconciler.executor.outgoing import (
    STAGE_FROM_BYTES,
    Arrived,
    Attempt,
    OutgoingVersion,
    Staged,
    checksum_there,
    file_at,
    is_upload,
    same,
)
from reconciler.model import UNPROVED, Leftover, Local, NodeId, Place, Remote, Unconfirmed
from reconciler.phrases import Phrase
from reconciler.ports import Found, Progress, RemoteFolder, Replica
from reconciler.trees.local_checksums import Copies
from reconciler.trees.remote_tree import RemoteTree

RESUME_FROM_BYTES = 1 << 20
"""Uploads of at least this many bytes ask for a partial of an earlier try first; below, sending is
cheaper."""


ALONG_FROM = 8 << 20
"""Contents of at least this many bytes are counted while they are sent, where nobody needs the
checksum before. For smaller ones it would save some milliseconds, and cost a note."""


@dataclass(frozen=True, slots=True)
class _Source:
    """What the server is to copy: ``remote`` is what is known of it, and ``found`` what lies at its
    ``path``."""

    path: str
    remote: Remote
    found: Found


def _told(remote: Remote) -> tuple[int, int, int]:
    """What a listing tells of a version on the server."""
    return remote.size, remote.mtime, remote.inode


class Sender:
    """Sends for one plan. ``attempted`` and ``staged`` outlive it: what was sent of each node and
    may have arrived unseen, and what was put beside its place as a whole. With ``copies``,
    content that the server has already is copied there instead of sent. ``suspects`` takes up the
    nodes whose file on the server has another time to the millisecond than is known of it."""

    def __init__(
        self,
        replica: Replica,
        remote: RemoteFolder,
        tree: RemoteTree,
        progress: Progress,
        copies: Copies | None,
        attempted: dict[NodeId, Attempt],
        staged: dict[NodeId, Staged],
        suspects: set[NodeId],
        looks: Looks,
        *,
        listed: bool,
    ) -> None:
        self._replica = replica
        self._remote = remote
        self._tree = tree
        self._progress = progress
        self._copies = copies
        self._attempted = attempted
        self._staged = staged
        self._suspects = suspects
        self._looks = looks
        self._listed = listed
        self._brought: set[Place] = set()  # what was put beside its place and moved there

    def counts_along(self, local: Local) -> bool:
        """Whether a content may be counted while it is sent: the server is not to compare its
        checksum, which would have to be told first, and nothing on the server is looked for by
        it."""
        proved = self._copies is not None or local.doubtful or self._remote.proves_all
        return local.size >= ALONG_FROM and not proved

    async def put(self, out: OutgoingVersion) -> Arrived:
        """The version is on the server when this returns. Raises RemoteError, Stale, LocalChanged,
        Rotten, OSError.

        Cancelled, the server has the old version or the new one, whole.
        """
        arrived = await self._copy(out) or await self._upload(out)
        if self._copies is not None:
            self._copies.add(out.digest, out.action.node)
        return arrived

    async def _copy(self, out: OutgoingVersion) -> Arrived | None:
        """Lets the server copy the content from where it has it already. None when it has it
        nowhere for sure.

        It is copied beside and moved: a copy would overwrite what came to be at the place
        meanwhile.
        """
        action, proved = out.action, None
        if self._copies is not None:
            proved = await self._proved_copy(self._copies, out.digest, action.node, out.local.size)
        if proved is None:
            proved = await self._proved_twin(out)
        if proved is None:
            return None
        await out.content.get()
        if action.remote is not None:
            await self.expect_file(action.node, out.path, action.remote)
        copied = out.copied
        self._note(copied)
        inode = await self._remote.copy(proved.path, copied.path, out.mtime)
        if not await self._is_still(proved) or await self._whole_at(copied) is None:
            await self._drop_copy(copied)
            return None
        await self._move_into_place(copied, out)
        return Arrived(0, inode)

    async def _drop_copy(self, copied: OutgoingVersion) -> None:
        """Removes a copy of something else: of another version, or of a whole folder that took the
        name of what was meant. The name is ours alone. Where that fails, it is looked after
        later."""
        place = copied.place
        self._replica.uploads.note_leftover(Leftover(place.parent, place.name, copied.local.size))
        with contextlib.suppress(Missing):
            await self._remote.delete(copied.path)
        self._forget(copied)

    async def _is_still(self, source: _Source) -> bool:
        """Whether what was copied is what was meant. Another version may have come there since:
        somebody's, or ours, which is sent beside this. Of another file with its size and second
        (`cp -p`, `mv`, `tar x`) only the inode tells: a copy of that would pass for the content of
        here for ever. What cannot be told is not believed."""
        moment = trio.current_time()
        if await file_at(self._remote, source.path) != source.found:
            return False
        remote = source.remote
        inode = await self._looks.inode_since(
            moment, remote.parent, remote.name, even_big=remote.size >= STAGE_FROM_BYTES
        )
        return bool(inode) and inode == remote.inode

    async def _proved_copy(
        self, copies: Copies, digest: str, node: NodeId, size: int
    ) -> _Source | None:
        """A file on the server that still is what a listing or an upload showed to have this
        content."""
        other = await copies.find(digest) if size else None
        remote = self._tree.get(other) if other is not None and other != node else None
        if other is None or remote is None or (remote.checksum, remote.size) != (digest, size):
            return None
        if self._is_unproved(other):
            return None
        try:
            path = self._tree.path(other)
        except KeyError:
            return None
        found = await file_at(self._remote, path) if self._tree.unknown(other) is None else None
        is_same = found is not None and same(found, remote)
        return _Source(path, remote, found) if found is not None and is_same else None

    def _is_unproved(self, node: NodeId) -> bool:
        """Whether the server's file may have another content than the base says: it was taken for
        equal unread, or is in doubt."""
        base = self._replica.base(node)
        return (
            base is None
            or base.inode == UNPROVED
            or node in self._tree.unproved
            or node in self._tree.doubts
        )

    async def _proved_twin(self, out: OutgoingVersion) -> _Source | None:
        """What the server has under another name that this file has here, sent in this version;
        None when there is no such name, or when a copy costs more than it saves."""
        other = (
            self._replica.sent_name(out.action.node) if out.local.size >= STAGE_FROM_BYTES else None
        )
        if other is None or self._tree.unknown(other) is not None:
            return None
        remote, base = self._tree.get(other), self._replica.base(other)
        if remote is None or base is None or _told(remote) != _told(base.on_server()):
            return None  # it was changed there, which is being fetched, or is in doubt
        if self._is_unproved(other):
            return None
        try:
            path = self._tree.path(other)
        except KeyError:
            return None
        found = await file_at(self._remote, path)
        is_same = found is not None and same(found, remote)
        return _Source(path, remote, found) if found is not None and is_same else None

    async def _upload(self, out: OutgoingVersion) -> Arrived:
        """Puts the content where it belongs. The server's version is proved to be the expected
        one."""
        action, path = out.action, out.path
        if action.remote is None:
            try:
                if out.needs_other_name:
                    return await self._upload_staged(out)
                return await self._send_content(out, path, replace=False)
            except Exists:
                found = await file_at(self._remote, path)
                arrived = None if found is None else await self._arrived_before(out, found)
                if arrived is not None:
                    return arrived
                raise Stale(Phrase("a file of that name is on the server")) from None
        found = await self._remote.find(path)
        if found is None or not self.is_same(action.node, found, action.remote):
            arrived = None if found is None else await self._arrived_before(out, found)
            if arrived is not None:
                self._suspects.discard(action.node)
                return arrived
            raise Stale(Phrase("it was changed on the server meanwhile"))
        if action.keep or out.local.doubtful or out.needs_other_name:
            return await self._upload_staged(out)
        other = await self._is_another_file(out, action.remote)
        if other and not self._listed:
            raise Stale(Phrase("another file that looks the same came to its place on the server"))
        if other is not False:
            # The server does not say; or this was listed a moment ago, and yet it is another file,
            # or inodes say nothing there. What is replaced goes to the trash.
            return await self._upload_staged(out)
        return await self._send_content(out, path, replace=True)

    async def _arrived_before(self, out: OutgoingVersion, found: Found) -> Arrived | None:
        """The version, where it is what was found there; None where it is not. Its inode tells it
        from now on from what comes to its place and looks the same. The inode is asked before and
        after the proof, so that it is of what was proved."""
        if not await self.is_ours(out, found):
            return None
        place = out.place
        before = await self._looks.inode_since(
            trio.current_time(), place.parent, place.name, even_big=False
        )
        if not await self.is_ours(out, found):
            return None
        after = await self._looks.inode_since(
            trio.current_time(), place.parent, place.name, even_big=False
        )
        if before and after and before != after:
            return None
        return Arrived(0, (before and after) or 0)

    async def _is_another_file(self, out: OutgoingVersion, expected: Remote) -> bool | None:
        """Whether another file has come to the place since the last listing, of which size and time
        may say nothing (`cp -p`, `mv`, `tar x`): a PUT over it would leave no trace of it. None
        when the server does not answer that."""
        if not expected.inode:
            return False
        found = await self._looks.inode(out.place.parent, out.place.name)
        return None if found is None else found not in (0, expected.inode)

    async def _upload_staged(self, out: OutgoingVersion) -> Arrived:
        """Under a name of ours first, then by a move to its place, which keeps its inode: what was
        there goes to the trash. No bytes when an earlier try came as far as that. Raises Exists
        when a new file's name is taken."""
        staged, arrived = out.staged, Arrived(0, 0)
        node, version = staged.action.node, staged.local.version
        before = self._staged.get(node)
        if not await self._is_staged(staged):
            arrived = await self._send_content(staged, staged.path, replace=True)
            self._staged[node] = Staged(version, arrived.inode)
        elif before is not None and before.version == version:
            arrived = Arrived(0, before.inode)
        else:
            # Put there before a restart. Without its inode, what takes its place before the next
            # listing, and looks the same, would pass for it.
            inode = await self._looks.inode(staged.place.parent, staged.place.name)
            arrived = Arrived(0, inode or 0)
        await self._move_into_place(staged, out)
        return arrived

    async def _is_staged(self, staged: OutgoingVersion) -> bool:
        """Whether this very version lies there as a whole. Where its name does not tell its
        content, this process knows that it put it there, or the content itself is looked at."""
        found = await self._whole_at(staged)
        if found is None or not staged.along:
            return found is not None
        node, version = staged.action.node, staged.local.version
        before = self._staged.get(node)
        if before is not None and before.version == version:
            return True
        if self._attempted.get(node) == staged.attempt:
            return True
        return await checksum_there(self._remote, staged.path, found) == await staged.content.get()

    async def _whole_at(self, staged: OutgoingVersion) -> Found | None:
        """What lies there with the version's size and time; None for nothing."""
        found = await file_at(self._remote, staged.path)
        return (
            found
            if found is not None and is_upload(found, staged.local.size, staged.mtime)
            else None
        )

    async def _move_into_place(self, staged: OutgoingVersion, out: OutgoingVersion) -> None:
        """To its place; what is there, once more proved, goes to the trash. Where it does not fit
        any more, nothing of it stays, as it will most likely lose."""
        remote = out.action.remote
        try:
            if remote is not None:
                await self.expect_file(out.action.node, out.path, remote)
            await self._remote.move(staged.path, out.path, overwrite=remote is not None)
        except (Stale, Exists):
            await self._remote.delete(staged.path)
            self._staged.pop(out.action.node, None)
            self._forget(staged)
            raise
        self._staged.pop(out.action.node, None)
        self._brought.add(staged.place)

    def _note(self, out: OutgoingVersion) -> None:
        """Before anything is sent: so a kill leaves nothing on the server that nobody knows of.
        Once more with the checksum, before the last bytes, where it was not known: what may have
        arrived can then be proved."""
        action, new, told = out.action, out.action.base is None, out.content.value or ""
        unconfirmed = Unconfirmed(
            action.node, out.name, out.mtime, out.local.version, told, new, out.mtime_here
        )
        left = Leftover(out.place.parent, out.place.name, out.local.size, unconfirmed=unconfirmed)
        self._replica.uploads.note_leftover(left)

    def confirmed(self, out: OutgoingVersion) -> None:
        """The base says that the version is there: what was remembered of its way goes. Not before:
        else a kill between would leave a version on the server that nobody knows of. What an
        earlier try left under the other name stays remembered."""
        beside = (each for each in (out.copied, out.staged) if each.place in self._brought)
        self._forget(next(beside, out))

    def _forget(self, out: OutgoingVersion) -> None:
        self._replica.uploads.drop_leftover(out.place.parent, out.place.name)

    async def is_ours(self, out: OutgoingVersion, found: Found) -> bool:
        """Whether the server's file is this very version: sent by us, the answer lost. Size and
        second prove nothing when somebody else may have written in the same second; then the
        content itself is looked at."""
        if not is_upload(found, out.local.size, out.mtime):
            return False
        if self._attempted.get(out.action.node) == out.attempt:
            return True
        return await checksum_there(self._remote, out.path, found) == await out.content.get()

    async def expect_file(self, node: NodeId, path: str, expected: Remote) -> Found:
        """The server's file is the expected version. Raises Stale."""
        found = await self._remote.find(path)
        if found is None:
            raise Stale(Phrase("it is not on the server any more"))
        if not self.is_same(node, found, expected):
            raise Stale(Phrase("it was changed on the server meanwhile"))
        return found

    def is_same(self, node: NodeId, found: Found, expected: Remote) -> bool:
        """As ``same``. One that looks the same in a listing, and is not, becomes a suspect."""
        if same(found, expected):
            return True
        if (found.size, found.mtime) == (expected.size, expected.mtime):
            self._suspects.add(node)
        return False

    async def _send_content(self, out: OutgoingVersion, path: str, *, replace: bool) -> Arrived:
        self._note(out)
        start, told = 0, out.content.value
        if out.local.size >= RESUME_FROM_BYTES:
            start = await self._remote.partial(path)
            if start >= out.local.size:
                start = 0
        # the server compares the whole, as what it had of an earlier try may be something else
        if start:
            await out.content.get()
        if out.content.value != told:
            self._note(out)
        try:
            inode = await self._stream(out, path, start, replace=replace)
        except (Mismatch, ServerFault):
            if start == 0:
                raise
            # The partial was not a prefix of this content: it is overwritten from the first byte.
            start = 0
            inode = await self._stream(out, path, start, replace=replace)
        return Arrived(out.local.size - start, inode)

    async def _stream(self, out: OutgoingVersion, path: str, start: int, *, replace: bool) -> int:
        """The inode that the server tells.

        The server takes as long to count a content as to receive it. So it does only where that
        says something: what it had of an earlier try may be something else.
        """
        node, size = out.action.node, out.local.size
        prove = start > 0 or self._copies is not None or out.local.doubtful
        noted = out.content.value
        self._progress.resumes(out.action, start)

        async def read(offset: int, length: int) -> bytes:
            nonlocal noted
            piece = await out.content.read(offset, length)
            if out.content.value != noted:  # these are the last bytes
                self._note(out)
                noted = out.content.value
            self._progress.advanced(out.action, len(piece))
            return piece

        try:
            return await self._remote.upload(
                path,
                read,
                size=size,
                mtime=out.mtime,
                checksum=noted or "",
                replace=replace,
                start=start,
                prove=prove,
            )
        except RemoteError as error:
            if error.done is None:
                self._attempted[node] = out.attempt
            raise
        except trio.Cancelled:
            self._attempted[node] = out.attempt
            raise
