"""Actions on the server: each proves, acts, and records what is there now."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import trio

from reconciler.errors import Exists, Missing, ServerFault, Stale
from reconciler.executor.counted_upload import Counted
from reconciler.executor.folder_presence import Presence
from reconciler.executor.outgoing import OutgoingVersion, file_at, record_mtime, same
from reconciler.executor.preconditions import Preconditions
from reconciler.executor.upload import Sender
from reconciler.executor.upload_recovery import confirm, document_at
from reconciler.model import UNPROVED, Action, Base, Kind, Local, NodeId, Place, Remote, Settings
from reconciler.names import SWAP_PREFIX
from reconciler.phrases import Phrase
from reconciler.ports import Content, Progress, RemoteFolder, Replica
from reconciler.trees.remote_tree import RemoteTree, may_differ


class RemoteActions:
    """Of one plan. ``sent`` outlives it: it has when each node was sent (trio's clock, seconds).
    ``listed`` says that the remote tree comes from a listing. Each action returns the bytes that it
    moved over the network, and raises RemoteError, Stale, LocalChanged, Rotten, OSError."""

    def __init__(
        self,
        replica: Replica,
        remote: RemoteFolder,
        tree: RemoteTree,
        checks: Preconditions,
        sender: Sender,
        presence: Presence,
        sent: dict[NodeId, float],
        progress: Progress,
        *,
        settings: Settings,
        listed: bool,
    ) -> None:
        self._replica = replica
        self._remote = remote
        self._tree = tree
        self._checks = checks
        self._sender = sender
        self._presence = presence
        self._sent = sent
        self._progress = progress
        self._settings = settings
        self._listed = listed

    async def make(self, action: Action) -> int:
        """Makes a folder."""
        local = self._checks.expect_local(action)
        place = action.target or local.place
        path = self._checks.remote_path(place)
        if self._tree.child(place.parent, place.name) not in (None, action.node):
            # The server would take the folder that should have gone for the new one, with all that
            # is in it.
            raise Stale(Phrase("its place on the server is still taken"))
        mtime = max(local.mtime, 1)
        await self._presence.prove(place.parent)
        self._presence.sends(action.node, place)
        try:
            inode = await self._remote.make_folder(path, mtime)
        except ServerFault:
            # A file of that name makes the server answer 500 (server-protocol.md, Files).
            if await file_at(self._remote, path) is not None:
                raise Stale(Phrase("a file of that name is on the server")) from None
            raise
        self._checks.agreed(
            action.node, Base(Kind.FOLDER, place.parent, place.name, 0, mtime, inode, 0)
        )
        self._presence.arrived(action.node)
        self._presence.made(action.node)
        return 0

    async def send(self, action: Action) -> int:
        """Uploads a file: a new one, or over the version that was seen."""
        local = self._checks.expect_local(action)
        if local.busy or not local.present:
            raise Stale(Phrase("it is being written"))
        if action.base is None and self._replica.base(action.node) is not None:
            # An editor's backup went since this was planned: the file is the document now, whose
            # base it has. What that names on the server would be forgotten.
            raise Stale(Phrase("it took a document's place here meanwhile"))
        place = action.target or local.place
        there = place if action.remote is None else action.remote.place
        path = (
            self._checks.remote_path(place)
            if action.remote is None
            else self._checks.expected_path(action.node, action.remote)
        )
        self._checks.expect_proved(action.node)
        content = self._replica.open_content(action.node)
        try:
            counted = self._counted(action, local, content)
            along = self._sender.counts_along(local)
            if not along:
                await counted.get()
            mtime = await record_mtime(
                counted, local, (self._replica.base(action.node), action.base, action.remote)
            )
            out = OutgoingVersion(
                action, path, there, counted, local, mtime, self._settings.tag, along
            )
            if action.remote is None:
                await self._presence.prove(place.parent)
            self._presence.sends(action.node, there, action.remote)
            arrived = await self._sender.put(out)
            self._presence.arrived(action.node)
            digest = await counted.get()
        finally:
            content.close()
        base = Base(
            Kind.FILE,
            place.parent,
            place.name,
            local.size,
            mtime,
            arrived.inode,
            local.version,
            digest,
            out.mtime_here,
            0,
        ).after(self._replica.base(action.node) or action.base)
        document, inherited = confirm(self._replica, action.node, base, new=action.base is None)
        if inherited:
            self._tree.set(action.node, None)
        self._tree.set(document, base.on_server())
        self._sender.confirmed(out)
        self._sent[document] = trio.current_time()
        return arrived.moved

    def _counted(self, action: Action, local: Local, content: Content) -> Counted:
        """The content as it is on its way. Raises Rotten."""
        node = action.node
        return Counted(
            content.fd,
            local.size,
            lambda: self._checks.version(node) == local.version,
            expected=self._replica.checksum_of(node, local.version),
            # What the plan was made from was counted already, if it was compared by checksum.
            told=action.local.checksum if action.local is not None else None,
            tell=partial(self._progress.preparing, action),
        )

    def _document(self, node: NodeId, place: Place) -> NodeId:
        document, inherited = document_at(self._replica, node, place)
        if inherited:
            if self._replica.base(node) is not None:
                self._replica.set_base(node, None)
            self._tree.set(node, None)
        return document

    async def move(self, action: Action) -> int:
        """Moves or renames."""
        assert action.target is not None
        source, target = self._checks.path(action.node), self._checks.remote_path(action.target)
        present = self._tree.get(action.node)
        if present is None:
            raise Stale(Phrase("it is not on the server any more"))
        place = action.target
        if place.name.startswith(SWAP_PREFIX):
            self._remember_inode(action.node, present)
        if source != target:
            if present.kind is Kind.FOLDER:
                await self._presence.prove(action.node)
            await self._rename_remote(action.node, source, target, present)
        node = self._document_moved(action, present)
        if node != action.node:
            self._tree.set(action.node, None)
        self._tree.set(node, replace(present, parent=place.parent, name=place.name))
        if source != target:
            self._presence.moves(node, place)
        local, base, planned = self._replica.local(node), self._replica.base(node), action.local
        # It is where it was here when this was planned: that it has moved on here meanwhile is a
        # change of its own.
        arrived = (local is not None and local.place == place) or (
            planned is not None and planned.place == place
        )
        if base is not None and arrived:
            # The content is settled on its own: only the place is agreed on here.
            self._replica.set_base(node, replace(base, parent=place.parent, name=place.name))
        return 0

    def _document_moved(self, action: Action, present: Remote) -> NodeId:
        """Who the file is that was just moved on the server. While that was on its way, an editor
        may have put a new file in its former place here and removed the moved one (a backup): the
        new one is the document, with its base. What was never known here is nobody's document.
        """
        node = action.node
        known = action.base is not None and action.base.kind is Kind.FILE
        if (
            not known
            or self._replica.local(node) is not None
            or self._replica.base(node) is not None
        ):
            return node
        holder = self._replica.base_entry(present.parent, present.name)
        return node if holder is None else holder.node

    def _remember_inode(self, node: NodeId, present: Remote) -> None:
        """If a run ended with the node under a temporary name, only that and the inode would tell
        who it is. One that was not told yet is told by a listing, with which the full run comes.
        The inode of a content that is yet to be fetched is not taken: it is all that tells of it.
        """
        base = self._replica.base(node)
        if present.inode in (0, UNPROVED):
            raise Stale(Phrase("its identity on the server has to be seen first"))
        if base is not None and base.inode != present.inode and not may_differ(base, present):
            self._replica.set_base(node, replace(base, inode=present.inode))

    async def _rename_remote(self, node: NodeId, source: str, target: str, present: Remote) -> None:
        """One conditional MOVE, after proof that the source is what was planned for."""
        if present.kind is Kind.FILE:
            found = await self._remote.find(source)
            if found is None and await self._arrived(target, present):
                return
            if found is None or not self._sender.is_same(node, found, present):
                raise Stale(Phrase("it was changed on the server meanwhile"))
        try:
            await self._remote.move(source, target)
        except Missing:
            if await self._arrived(target, present):
                return
            raise

    async def _arrived(self, target: str, present: Remote) -> bool:
        """An earlier MOVE was done and its answer lost: the target is there and is what the source
        was."""
        try:
            found = await self._remote.find(target)
        except Exists:
            return present.kind is Kind.FOLDER
        return found is not None and present.kind is Kind.FILE and same(found, present)

    async def touch(self, action: Action) -> int:
        """Sets a time."""
        local = self._checks.expect_local(action)
        assert action.remote is not None
        path = self._checks.expected_path(action.node, action.remote)
        if action.remote.kind is Kind.FILE:
            self._checks.expect_proved(action.node)
            await self._sender.expect_file(action.node, path, action.remote)
        said, before = max(local.mtime, 1), self._replica.base(action.node)
        mtime = said
        if before is not None and before.former == said and before.mtime != said:
            # that second was another content's: nobody would see that it is not any more
            mtime = before.mtime
        if mtime != action.remote.mtime:
            await self._remote.touch(path, mtime)
        document = self._document(action.node, action.remote.place)
        agreed = replace(action.remote.as_base(local.version).after(before), mtime=mtime)
        here = None if said == mtime else said
        self._checks.agreed(
            document,
            replace(agreed, mtime_here=here, ms=0 if mtime != action.remote.mtime else agreed.ms),
        )
        return 0

    async def delete(self, action: Action) -> int:
        """Deletes, into the server's trash."""
        assert action.remote is not None
        if self._replica.local(action.node) is not None:
            raise Stale(Phrase("it came back here meanwhile"))
        path = self._checks.path(action.node)
        if action.remote.kind is Kind.FILE:
            found = await self._remote.find(path)
            # deleted there as well, or moved: then it would come back as another one
            if found is None:
                raise Stale(Phrase("it is not there any more, and may be elsewhere"))
            if not self._sender.is_same(action.node, found, action.remote):
                raise Stale(Phrase("it was changed on the server meanwhile"))
            self._checks.expect_proved(action.node)
        elif not self._listed:
            raise Stale(Phrase("what is in the folder on the server now has to be seen first"))
        else:
            self._checks.expect_nothing_kept_below(action)
        await self._remote.delete(path)  # Missing makes it stale, too
        self._forget_below(action.node)
        return 0

    def _forget_below(self, node: NodeId) -> None:
        """The bases of a node and of all that was below it on the server go; what has moved
        elsewhere is not there."""
        gone = [node]
        for parent in gone:
            gone.extend(child for _, child in self._tree.children(parent))
        self._tree.set(node, None)
        self._replica.set_bases([(each, None) for each in reversed(gone)])
