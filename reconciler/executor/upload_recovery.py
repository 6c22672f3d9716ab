"""What was sent and is there becomes the base: as soon as the server answers, or, where the answer
or this process was lost, before the next listing. Else what the server did for us would look like
somebody else's change: a file that was deleted here meanwhile would come back, one that was renamed
would be there twice, and one that was saved once more within the second could lose.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace

from reconciler.errors import RemoteError, Unauthorized, Unreachable
from reconciler.executor.folder_looks import is_big
from reconciler.executor.outgoing import Attempt, checksum_there, file_at, is_upload
from reconciler.model import Base, Kind, Leftover, NodeId, Place, Unconfirmed
from reconciler.ports import RemoteFolder, Replica
from reconciler.requests.reachability import Reach

log = logging.getLogger(__name__)


def document_at(replica: Replica, node: NodeId, place: Place) -> tuple[NodeId, bool]:
    """Who the file at a place on the server is here now, and whether it takes ``node``'s place as
    such. While it was on its way, an editor may have put another file in its place here: that one
    is the document then, as the replica sees it too."""
    if replica.local(node) is not None:
        return node, False
    holder = replica.base_entry(place.parent, place.name)
    if holder is not None and holder.node != node:
        return holder.node, False
    heir = replica.local_child(place.parent, place.name)
    local = replica.local(heir) if heir is not None else None
    if (
        heir is None
        or local is None
        or local.kind is not Kind.FILE
        or replica.base(heir) is not None
    ):
        return node, False
    return heir, True


def confirm(replica: Replica, node: NodeId, base: Base, *, new: bool) -> tuple[NodeId, bool]:
    """Records that the version of ``base`` is on the server, sent for ``node``, which had no base
    then if ``new``; as ``document_at``, but for a new id when it is nobody's here any more, and so
    goes from the server."""
    document, inherited = document_at(replica, node, base.place)
    if inherited and replica.base(node) is not None:
        replica.set_base(node, None)
    present = replica.base(document)
    if new and present is not None and present.place != base.place:
        # While it was on its way it was renamed over a new document that was, too, and is that one
        # now.
        document = replica.new_id()
    replica.set_base(document, base)
    return document, inherited


@dataclass(frozen=True, slots=True)
class UnconfirmedUploads:
    """Asks the server whether what was sent without an answer arrived. ``attempted`` has
    what this process sent and knows that it may have arrived unseen."""

    replica: Replica
    remote: RemoteFolder
    attempted: Mapping[NodeId, Attempt]
    reach: Reach

    async def run(self) -> list[NodeId]:
        """For which documents something arrived. Not to be called while anything is being sent.
        Raises Unreachable where the server is away, and Unauthorized where the log-in is refused:
        then it is to be asked again."""
        arrived = []
        for leftover in self.replica.uploads.leftovers():
            sent = leftover.unconfirmed
            if sent is None:
                continue
            try:
                inode = None
                if self._is_open(leftover.parent, sent):
                    inode = await self._inode_there(leftover, sent)
            except (Unreachable, Unauthorized) as error:
                if await self.reach.ends_all(error):
                    raise
                log.info(
                    "whether %s had arrived on the server cannot be told: %s", sent.name, error
                )
                continue
            if inode is not None:
                base = Base(
                    Kind.FILE,
                    leftover.parent,
                    sent.name,
                    leftover.size,
                    sent.mtime,
                    inode,
                    sent.version,
                    sent.checksum,
                    sent.mtime_here,
                    0,
                )
                document, _ = confirm(self.replica, sent.node, base, new=sent.new)
                arrived.append(document)
                log.info("%s had arrived on the server, though the answer was lost", sent.name)
            # Remains may lie there all the same, of another try: who cleans up looks.
            self.replica.uploads.note_leftover(replace(leftover, unconfirmed=None))
        return arrived

    def _is_open(self, parent: NodeId, sent: Unconfirmed) -> bool:
        """Nothing newer is known of the node, nor of the place: the node's base is what it was when
        the version was sent, and no other file that is here was found at the place since. (The
        server may give a file's inode to the upload, so that a listing takes it for that file. Two
        nodes with their bases at one place would then delete each other.)"""
        base = self.replica.base(sent.node)
        holder = self.replica.base_entry(parent, sent.name)
        if holder is not None and holder.node != sent.node and self.replica.local(sent.node):
            return False
        if sent.new or base is None:
            return sent.new and base is None
        return base.place == Place(parent, sent.name) and base.version < sent.version

    async def _inode_there(self, leftover: Leftover, sent: Unconfirmed) -> int | None:
        """The inode of the version on the server, 0 where that is not told; None when the version
        is not there. The inode is asked before and after the proof, so that it is of what was
        proved; and only where something is that can be proved: each question is time in which the
        listing grows old."""
        if not sent.checksum:  # not sent to its end
            return None
        try:
            folder = self.replica.base_path(leftover.parent)
        except KeyError:
            return None  # the listing tells
        if not await self._is_there(leftover, sent, folder):
            return None
        before = await self._inode(leftover.parent, folder, sent.name)
        if not await self._is_there(leftover, sent, folder):
            return None
        after = await self._inode(leftover.parent, folder, sent.name)
        if before and after and before != after:
            return None
        return (before and after) or 0

    async def _inode(self, parent: NodeId, folder: str, name: str) -> int:
        """That of what has this name now; 0 where it is not told."""
        if is_big(self.replica, parent):
            return 0
        try:
            told = await self.remote.inodes(folder)
        except (Unreachable, Unauthorized):
            raise
        except RemoteError:
            return 0
        return (told or {}).get(name, 0)

    async def _is_there(self, leftover: Leftover, sent: Unconfirmed, folder: str) -> bool:
        """As ``Sender.is_ours``: size and second tell it of a version that was attempted, else the
        content does."""
        path = f"{folder}/{sent.name}" if folder else sent.name
        try:
            found = await file_at(self.remote, path)
            if found is None or not is_upload(found, leftover.size, sent.mtime):
                return False
            place = Place(leftover.parent, sent.name)
            if self.attempted.get(sent.node) == Attempt(sent.version, place, sent.mtime):
                return True
            return await checksum_there(self.remote, path, found) == sent.checksum
        except (Unreachable, Unauthorized):
            raise
        except RemoteError:
            return False  # the listing tells
