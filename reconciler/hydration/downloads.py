"""All downloads that are under way: their requests, and the proof of what arrived.

Data goes into the node's ``Incoming`` beside its present content. Whatever breaks fails the
download's waiters at once; what arrived stays for the next try.
"""

from __future__ import annotations

import logging
import math
from dataclasses import replace

import trio

from reconciler.errors import (
    Missing,
    RemoteError,
    ServerFault,
    Superseded,
    Unavailable,
    Unreachable,
)
from reconciler.hydration.download import Download, DownloadProgress, RangeRequest, arrived_bytes
from reconciler.hydration.endurance import Endurance
from reconciler.hydration.hash_along import FROM_BYTES, HashAlong
from reconciler.model import UNPROVED, Base, NodeId, Remote
from reconciler.phrases import Phrase
from reconciler.ports import Found, Incoming, RemoteFolder, Replica
from reconciler.requests.connectivity import Connectivity
from reconciler.requests.throughput import Rate

log = logging.getLogger(__name__)

REPLACED = Phrase("the file was replaced by a newer version")

BLOCK_BYTES = 4096
"""Pieces are written in whole blocks: what a sparse file shows as data after a restart is then
whole blocks too."""

LARGEST_WRITE_BYTES = 1 << 20
"""Bytes that are written at once, at most; as many arrive a second time after a cut."""


class ActiveDownloads:
    """At most one a node. ``nursery`` is there while requests of readers may be started."""

    def __init__(
        self, replica: Replica, remote: RemoteFolder, link: Connectivity, endurance: Endurance
    ) -> None:
        self._replica = replica
        self._remote = remote
        self._link = link
        self._endurance = endurance
        self._downloads: dict[NodeId, Download] = {}
        self._replacing: dict[NodeId, trio.Event] = {}
        """Nodes whose content an action of a plan fetches, maybe of another version."""
        self._rate = Rate(trio.current_time())
        self.nursery: trio.Nursery | None = None

    # which ----------------------------------------------------------------------------------------
    def get(self, node: NodeId) -> Download | None:
        """The node's download, if one is under way."""
        return self._downloads.get(node)

    def arriving(self) -> list[DownloadProgress]:
        """The contents that are being received at this moment, or proved."""
        now = trio.current_time()
        return [
            each.progress(now)
            for each in self._downloads.values()
            if each.requests or each.checking.locked()
        ]

    def speed(self) -> float | None:
        """Bytes a second of all together; None: not known."""
        return self._rate.speed(trio.current_time())

    def of_base(self, node: NodeId) -> Download | None:
        """The download that makes the node's content present; None when it is present or the node
        is gone. Raises Missing."""
        local = self._replica.local(node)
        base = self._replica.base(node)
        if local is None or local.present:
            return None
        if base is None:
            raise Missing(Phrase("the server does not have it any more"))
        try:
            path = self._replica.base_path(node)
        # a folder above went from the base, and where the file is now was not agreed on yet
        except KeyError:
            raise Missing(Phrase("the server does not have it where it was")) from None
        return self._of_version(node, path, base.on_server())

    def _of_version(self, node: NodeId, path: str, remote: Remote) -> Download:
        found, digest = Found(remote.size, remote.mtime * 1000), remote.checksum
        inode = 0 if remote.inode == UNPROVED else remote.inode
        known = self._downloads.get(node)
        if known is not None:
            # A file that was deleted while it was fetched, and came back, has an incoming content
            # of its own again.
            is_over = known.error is not None or known.incoming.dropped
            same = (known.found, known.path, known.digest) == (found, path, digest)
            if same and not is_over and (known.inode == inode or 0 in (known.inode, inode)):
                known.inode = known.inode or inode
                return known
            self.forget(node)
        incoming = self._replica.incoming(node, found.size, found.mtime, inode)
        download = self._downloads[node] = Download(node, path, found, incoming, digest, inode)
        return download

    def take(self, download: Download) -> bool:
        """Ends it as complete; the caller closes its content. False when somebody else has."""
        if not self._is_current(download):
            return False
        del self._downloads[download.node]
        return True

    def _is_current(self, download: Download) -> bool:
        return self._downloads.get(download.node) is download

    def forget(self, node: NodeId, why: str = REPLACED) -> None:
        """The node's download, if any, is superseded: its requests end, its waiters look again."""
        download = self._downloads.pop(node, None)
        if download is not None:
            for request in download.requests:
                request.scope.cancel()
            download.fail(Superseded(why))
            download.incoming.close()

    def halt(self, why: str) -> None:
        """All are superseded; what arrived stays."""
        for node in list(self._downloads):
            self.forget(node, why)

    def close(self) -> None:
        """Fails all for good; what arrived stays."""
        for download in list(self._downloads.values()):
            download.fail(Unavailable(Phrase("the drive is being stopped")))
            download.incoming.close()
        self._downloads.clear()

    # for an action of a plan ----------------------------------------------------------------------
    async def fetch(self, node: NodeId, path: str, remote: Remote) -> Incoming:
        """The complete content of one remote version, ready for ``install_content``; the caller
        closes it.

        It may be another version than the base's: until this returns nobody else asks for the
        node's content. Raises RemoteError, OSError, Unavailable.
        """
        ended = self._replacing[node] = trio.Event()
        try:
            download = self._of_version(node, path, remote)
            await self.complete_and_verify(download)
            self._downloads.pop(node, None)
            return download.incoming
        finally:
            del self._replacing[node]
            ended.set()

    def is_replacing(self, node: NodeId) -> bool:
        """Whether ``fetch`` is under way for the node."""
        return node in self._replacing

    async def wait_replaced(self, node: NodeId) -> None:
        """Returns when no ``fetch`` is under way for the node."""
        while node in self._replacing:
            await self._replacing[node].wait()

    # what arrived ---------------------------------------------------------------------------------
    def arrived(self, node: NodeId, base: Base | None) -> int:
        """Bytes of that version that are here, while nobody fetches it."""
        is_busy = node in self._replacing or node in self._downloads
        if base is None or is_busy or self._replica.local(node) is None:
            return 0
        try:
            incoming = self._incoming(node, base)
        except OSError:  # no file of this disk can be so large, or it is full
            return 0
        try:
            return arrived_bytes(incoming)
        finally:
            incoming.close()

    def _incoming(self, node: NodeId, base: Base) -> Incoming:
        inode = 0 if base.inode == UNPROVED else base.inode
        return self._replica.incoming(node, base.size, base.mtime, inode)

    def start_over(self, node: NodeId) -> bool:
        """The server has another content of the same size and second now: what arrived of the
        absent one goes. False when nothing is absent."""
        base, local = self._replica.base(node), self._replica.local(node)
        if base is None or local is None or local.present or node in self._replacing:
            return False
        self.forget(node, Phrase("the server has another version by now"))
        try:
            incoming = self._incoming(node, base)
        except OSError as error:  # then nothing has arrived, or the next try meets the same
            log.debug("node %d cannot begin anew: %s", node, error)
            return True
        try:
            incoming.restart()
        finally:
            incoming.close()
        return True

    # verification ---------------------------------------------------------------------------------
    async def complete_and_verify(self, download: Download) -> None:
        """Completes a download, and proves the content where its checksum is known. What is
        something else is thrown away and fetched once more from its first byte: a part of it may
        have been of another version. Raises ServerFault when that does not help."""
        for _ in range(2):
            await self._complete(download)
            if download.verified and download.error is None:
                return
            async with download.checking:
                if not download.verified and self._is_current(download):
                    download.verified = await download.checksum() == download.digest
                if download.error is not None:
                    raise download.error
                if download.verified or not self._is_current(download):
                    return
                if download.missing() is None:
                    download.incoming.restart()
        log.warning("what the server sends as %s is not what it listed", download.path)
        self.forget(download.node)
        self._forget_checksum(download)
        raise ServerFault(
            Phrase(
                "What the server sends is not what it listed; it is fetched again after the"
                " next listing"
            )
        )

    def _forget_checksum(self, download: Download) -> None:
        """What is here only by name has the checksum that a listing told, and the server would take
        that over for ever while size, second and inode are the same: it is to count anew."""
        local, base = self._replica.local(download.node), self._replica.base(download.node)
        if (
            local is not None
            and not local.present
            and base is not None
            and base.checksum == download.digest
        ):
            self._replica.set_base(download.node, replace(base, checksum=None))

    # requests -------------------------------------------------------------------------------------
    async def _complete(self, download: Download) -> None:
        """Fetches all that is missing, beside requests that readers start."""
        self._hash_along(download)
        while (gap := download.missing()) is not None:
            if download.error is not None:
                raise download.error
            if download.awaited(gap[0]):
                await download.wait_progress()
                continue
            await self._run_request(download, _begin_request(download, gap[0], gap[1]))
            if download.error is not None:
                raise download.error

    def _hash_along(self, download: Download) -> None:
        """Has the checksum of a large content computed as it arrives, where none is known."""
        is_small = download.found.size < FROM_BYTES
        if is_small or download.digest is not None or download.along is not None:
            return
        if self.nursery is not None and download.error is None:
            download.along = HashAlong(download)
            self.nursery.start_soon(download.along.run)

    def request_for_reader(self, download: Download, start: int, stop: int) -> None:
        """Starts a request for the bytes [start, stop), in whole blocks. Raises Unavailable."""
        if self.nursery is None:
            raise Unavailable(Phrase("the drive is being stopped"))
        request = _begin_request(download, start, stop)
        self.nursery.start_soon(self._run_request, download, request)

    async def _run_request(self, download: Download, request: RangeRequest) -> None:
        """One ranged request, written out in whole blocks. Its errors become the download's."""
        try:
            with request.scope:
                await self._receive(download, request)
                self._link.alive()
                self._endurance.answered()
        except (RemoteError, OSError) as error:
            download.fail(error)
            if self._is_current(download):
                del self._downloads[download.node]
                download.incoming.close()
        finally:
            download.requests.remove(request)
            download.announce()

    async def _receive(self, download: Download, request: RangeRequest) -> None:
        buffer, enough = bytearray(), BLOCK_BYTES
        incoming = download.incoming
        async with self._remote.download(
            download.path, start=request.position, stop=request.stop, expect=download.found
        ) as pieces:
            async for piece in pieces:
                buffer += piece
                ends = request.position + len(buffer) == request.stop
                if len(buffer) < enough and not ends:
                    continue
                whole = len(buffer) if ends else len(buffer) - len(buffer) % BLOCK_BYTES
                with memoryview(buffer) as view, view[:whole] as blocks:
                    incoming.write(request.position, blocks)
                del buffer[:whole]
                request.position += whole
                download.confirmed = True
                now = trio.current_time()
                download.rate.add(now, whole)
                self._rate.add(now, whole)
                # A reader waits for the first piece; a long stream is cheaper in large ones.
                enough = min(enough * 2, LARGEST_WRITE_BYTES)
                download.announce()
                if incoming.missing(request.position, request.stop) is None:
                    break
        is_short = request.position < request.stop
        if is_short and incoming.missing(request.position, request.stop) is not None:
            raise Unreachable(Phrase("the server ended the download early; it is tried again"))


def _begin_request(download: Download, start: int, stop: int) -> RangeRequest:
    """A request counts as under way from the moment it is decided on, so that nobody starts a
    second one."""
    request = RangeRequest(
        start - start % BLOCK_BYTES,
        min(math.ceil(stop / BLOCK_BYTES) * BLOCK_BYTES, download.found.size),
    )
    download.requests.append(request)
    return request
