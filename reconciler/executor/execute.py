"""Carries out one action: check the expected old state, act, record what is there now.

Nothing here decides what ought to happen. Each action proves just before it acts that both sides
still are what the plan was made from; otherwise its outcome is STALE and the engine plans again.
The remote tree and the base are advanced as soon as an action is done, so paths computed afterwards
are the paths of now.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import ClassVar

import trio

from reconciler.errors import (
    Changed,
    Exists,
    LocalChanged,
    Mismatch,
    Missing,
    RemoteError,
    Rotten,
    ServerFault,
    Stale,
    Unauthorized,
    Unavailable,
    Unreachable,
)
from reconciler.executor.counted_upload import Counted
from reconciler.executor.folder_looks import Looks
from reconciler.executor.folder_presence import Meant, Presence
from reconciler.executor.upload import OutgoingVersion, Sender, file_at, record_mtime, same
from reconciler.executor.upload_recovery import confirm, document_at
from reconciler.hydration.hydrator import Hydrator
from reconciler.model import (
    ROOT,
    UNPROVED,
    Action,
    Base,
    Kind,
    Local,
    NodeId,
    Op,
    Outcome,
    Place,
    Remote,
    Result,
    Settings,
    Side,
)
from reconciler.names import SWAP_PREFIX
from reconciler.planner.guards import kept_below
from reconciler.planner.resolve import stays_of_equals
from reconciler.ports import Content, Found, Incoming, Progress, RemoteFolder, Replica
from reconciler.trees.local_checksums import Copies
from reconciler.trees.remote_tree import RemoteTree
from reconciler.trees.tree_view import Trees

log = logging.getLogger(__name__)

JUST_SENT = 600.0
"""Seconds for which a version that was sent is kept in the bin when another takes its place: see
``Executor``."""


class Executor:
    """Runs actions of one plan. ``listed`` says that the remote tree comes from a listing, not from
    an assumption. With ``copies``, content that the server has already is copied there instead of
    sent."""

    def __init__(
        self,
        replica: Replica,
        remote: RemoteFolder,
        tree: RemoteTree,
        hydrator: Hydrator,
        progress: Progress,
        *,
        listed: bool,
        settings: Settings,
        copies: Copies | None = None,
        attempted: dict[NodeId, int] | None = None,
        staged: dict[NodeId, int] | None = None,
        sent: dict[NodeId, float] | None = None,
        meant: dict[NodeId, Meant] | None = None,
        suspects: set[NodeId] | None = None,
    ) -> None:
        """``meant`` (see ``Presence``), ``attempted``, ``staged`` (see ``Sender``) and ``sent``
        outlive the executor: the last has when each node was sent. The server's PUT knows no
        condition: another device that looked before ours arrived overwrites it without having seen
        it, and nobody but we has it then."""
        self._union = replica.base_count() == 0 or settings.meeting
        suspects = set() if suspects is None else suspects
        looks = Looks(replica, remote, tree)
        attempted, staged = {} if attempted is None else attempted, {} if staged is None else staged
        self._sender = Sender(
            replica,
            remote,
            tree,
            progress,
            copies,
            attempted,
            staged,
            suspects,
            looks,
            listed=listed,
        )
        self._sent = {} if sent is None else sent
        self._presence = Presence(
            looks, remote, tree, {} if meant is None else meant, listed=listed
        )
        self._settings = settings
        self._progress = progress
        self._replica = replica
        self._remote = remote
        self._tree = tree
        self._hydrator = hydrator
        self._listed = listed

    async def folders_stayed(self) -> bool:
        """After the plan: whether nothing was sent into a folder that somebody moved away just
        then, as far as a look can tell. Raises Unreachable, Unauthorized."""
        return await self._presence.still()

    async def execute(self, action: Action) -> Outcome:
        """Does it and tells how it ended. Raises Unreachable and Unauthorized alone: nothing else
        of the plan can be done then either. Cancelled while a request is under way, the server may
        or may not have done it; the next plan finds out."""
        started = trio.current_time()
        moved = 0
        try:
            moved = await self._acts[action.op, action.side](self, action)
            result, why = Result.DONE, ""
        except (Unreachable, Unauthorized):
            raise
        except (Stale, LocalChanged, Changed, Exists, Missing, Mismatch, Unavailable) as error:
            result, why = Result.STALE, str(error)
        except Rotten as error:
            log.error("%s: %s", self._replica.local_path(action.node), error)
            result, why = Result.FAILED, str(error)
        except RemoteError as error:
            result, why = (Result.WAITS if error.temporary else Result.FAILED), str(error)
        except (FileExistsError, FileNotFoundError, NotADirectoryError) as error:
            result, why = Result.STALE, f"changed here meanwhile: {error.strerror}"
        except OSError as error:
            result, why = Result.WAITS, f"the local disk refused it: {error.strerror}"
        return Outcome(action, result, why, moved, trio.current_time() - started)

    # expectations ---------------------------------------------------------------------------------
    def _expect_local(self, action: Action) -> Local:
        """The local state is still the plan's, as far as the action depends on it."""
        local = self._replica.local(action.node)
        expected = action.local
        if local is None or expected is None:
            raise Stale("it was deleted here meanwhile")
        if (local.place, local.version, local.kind) != (
            expected.place,
            expected.version,
            expected.kind,
        ):
            raise Stale("it was changed here meanwhile")
        return local

    def _remote_parent(self, place: Place) -> str:
        """The parent's path on the server now. Stale when the server does not have the parent
        (yet)."""
        if place.parent == ROOT:
            return ""
        parent = self._tree.get(place.parent)
        if parent is None or parent.kind is not Kind.FOLDER:
            raise Stale("its folder is not on the server yet")
        return self._path(place.parent)

    def _expected_path(self, node: NodeId, expected: Remote) -> str:
        """Where the node is on the server. Stale when a move that comes before has not brought it
        there."""
        present = self._tree.get(node)
        if present is None or present.place != expected.place:
            raise Stale("it is not in its place on the server yet")
        return self._path(node)

    def _path(self, node: NodeId) -> str:
        """Where the node is on the server now. Stale when that is not known without a listing: a
        folder above it may have gone from the base while the node itself was moved out, and the
        move was not agreed on yet."""
        try:
            return self._tree.path(node)
        except KeyError:
            raise Stale("where it is on the server has to be seen first") from None

    def _remote_path(self, place: Place) -> str:
        parent = self._remote_parent(place)
        return f"{parent}/{place.name}" if parent else place.name

    def _agreed(self, node: NodeId, base: Base) -> None:
        self._replica.set_base(node, base)
        self._tree.set(node, base.on_server())

    def _expect_proved(self, node: NodeId) -> None:
        """The server's file is known to have the content that the plan took it to have."""
        base = self._replica.base(node)
        unread = base is not None and base.inode == UNPROVED and not self._listed
        if unread or node in self._tree.unproved:
            raise Stale("whether its content is another one on the server has to be seen first")

    # to the server --------------------------------------------------------------------------------
    async def _make_remote(self, action: Action) -> int:
        local = self._expect_local(action)
        place = action.target or local.place
        path = self._remote_path(place)
        if self._tree.child(place.parent, place.name) not in (None, action.node):
            # The server would take the folder that should have gone for the new one, with all that
            # is in it.
            raise Stale("its place on the server is still taken")
        mtime = max(local.mtime, 1)
        await self._presence.prove(place.parent)
        self._presence.sends(action.node, place, path)
        try:
            inode = await self._remote.make_folder(path, mtime)
        except ServerFault:
            # A file of that name makes the server answer 500 (server-protocol.md, Files).
            if await file_at(self._remote, path) is not None:
                raise Stale("a file of that name is on the server") from None
            raise
        self._agreed(action.node, Base(Kind.FOLDER, place.parent, place.name, 0, mtime, inode, 0))
        self._presence.arrived(action.node)
        self._presence.made(action.node)
        return 0

    async def _send(self, action: Action) -> int:
        local = self._expect_local(action)
        if local.busy or not local.present:
            raise Stale("it is being written")
        if action.base is None and self._replica.base(action.node) is not None:
            # An editor's backup went since this was planned: the file is the document now, whose
            # base it has. What that names on the server would be forgotten.
            raise Stale("it took a document's place here meanwhile")
        place = action.target or local.place
        there = place if action.remote is None else action.remote.place
        path = (
            self._remote_path(place)
            if action.remote is None
            else self._expected_path(action.node, action.remote)
        )
        self._expect_proved(action.node)
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
            self._presence.sends(action.node, there, path, action.remote)
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
            lambda: self._version(node) == local.version,
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

    def _version(self, node: NodeId) -> int | None:
        local = self._replica.local(node)
        return None if local is None else local.version

    async def _move_remote(self, action: Action) -> int:
        assert action.target is not None
        source, target = self._path(action.node), self._remote_path(action.target)
        present = self._tree.get(action.node)
        if present is None:
            raise Stale("it is not on the server any more")
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
        who it is. One that was not told yet is told by a listing, with which the full run comes."""
        base = self._replica.base(node)
        if present.inode in (0, UNPROVED) or (base is not None and base.inode == UNPROVED):
            raise Stale("its identity on the server has to be seen first")
        if base is not None and base.inode != present.inode:
            self._replica.set_base(node, replace(base, inode=present.inode))

    async def _rename_remote(self, node: NodeId, source: str, target: str, present: Remote) -> None:
        """One conditional MOVE, after proof that the source is what was planned for."""
        if present.kind is Kind.FILE:
            found = await self._remote.find(source)
            if found is None and await self._arrived(target, present):
                return
            if found is None or not self._sender.is_same(node, found, present):
                raise Stale("it was changed on the server meanwhile")
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

    async def _touch_remote(self, action: Action) -> int:
        local = self._expect_local(action)
        assert action.remote is not None
        path = self._expected_path(action.node, action.remote)
        if action.remote.kind is Kind.FILE:
            self._expect_proved(action.node)
            await self._sender.expect_file(action.node, path, action.remote)
        said, before = max(local.mtime, 1), self._replica.base(action.node)
        mtime = said
        if before is not None and before.former == said and before.mtime != said:
            # that second was another content's: nobody would see that it is not any more
            mtime = before.mtime
        if mtime != action.remote.mtime:
            await self._remote.touch(path, mtime)
        document = self._document(action.node, action.remote.place)
        agreed = replace(self._base_of(action.remote, local.version).after(before), mtime=mtime)
        here = None if said == mtime else said
        self._agreed(
            document,
            replace(agreed, mtime_here=here, ms=0 if mtime != action.remote.mtime else agreed.ms),
        )
        return 0

    async def _delete_remote(self, action: Action) -> int:
        assert action.remote is not None
        if self._replica.local(action.node) is not None:
            raise Stale("it came back here meanwhile")
        path = self._path(action.node)
        if action.remote.kind is Kind.FILE:
            found = await self._remote.find(path)
            # deleted there as well, or moved: then it would come back as another one
            if found is None:
                raise Stale("it is not there any more, and may be elsewhere")
            if not self._sender.is_same(action.node, found, action.remote):
                raise Stale("it was changed on the server meanwhile")
            self._expect_proved(action.node)
        elif not self._listed:
            raise Stale("what is in the folder on the server now has to be seen first")
        else:
            self._expect_nothing_kept_below(action)
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

    def _expect_nothing_kept_below(self, action: Action) -> None:
        """Nothing lives below a folder that is about to go: an earlier move out of it may have
        failed."""
        kept = kept_below(Trees(self._replica, self._tree, ()), action.side, action.node)
        if kept is not None:
            raise Stale("something in the folder has to stay")

    # to the drive ---------------------------------------------------------------------------------
    def _base_of(self, remote: Remote, version: int) -> Base:
        return Base(
            remote.kind,
            remote.parent,
            remote.name,
            remote.size,
            remote.mtime,
            remote.inode,
            version,
            remote.checksum,
            ms=remote.ms,
        )

    async def _make_local(self, action: Action) -> int:
        await trio.lowlevel.checkpoint()
        assert action.remote is not None
        if self._replica.local(action.node) is not None:
            raise Stale("it came back here meanwhile")
        kin = self._tree.kin.get(action.node)
        self._replica.place_folder(action.node, self._base_of(action.remote, 0), kin)
        return 0

    async def _fetch(self, action: Action) -> int:
        assert action.remote is not None
        remote = action.remote
        local = self._replica.local(action.node)
        if action.local is None:
            await trio.lowlevel.checkpoint()
            if local is not None:
                raise Stale("it came back here meanwhile")
            self._replica.place_file(
                action.node, self._base_of(remote, 0), self._tree.kin.get(action.node)
            )
            self._hydrator.want(action.node)
            return 0
        before = self._expect_local(action)
        if before.busy or before.open_for_writing:
            raise Stale("it is being written")
        self._hydrator.forget(action.node)
        incoming = await self._hydrator.fetch(action.node, self._path(action.node), remote)
        try:
            self._take_in(action, incoming, remote)
        finally:
            incoming.close()
        await self._hydrator.counting.arrived(action.node)
        return remote.size

    def _take_in(self, action: Action, incoming: Incoming, remote: Remote) -> None:
        local = self._expect_local(action)
        base = self._replica.base(action.node)
        # The place is settled on its own: only the content is agreed on here, unless there was no
        # base yet.
        place = base.place if base is not None else remote.place
        agreed = replace(
            self._base_of(remote, local.version), parent=place.parent, name=place.name
        ).after(base)
        # A server that goes back in time has no other copy of what came after.
        keep = (
            action.keep or self._tree.restored or (base is not None and remote.mtime < base.mtime)
        )
        keep = keep or (base is not None and base.inode == UNPROVED)  # perhaps nobody else has it
        keep = keep or trio.current_time() - self._sent.pop(action.node, -math.inf) < JUST_SENT
        self._replica.install_content(
            action.node, incoming, agreed, local.version, keep=keep, why=action.reason
        )

    async def _move_local(self, action: Action) -> int:
        await trio.lowlevel.checkpoint()
        assert action.target is not None
        local, expected = self._replica.local(action.node), action.local
        if (
            local is None
            or expected is None
            or (local.kind, local.place) != (expected.kind, expected.place)
        ):
            raise Stale("it was moved or deleted here meanwhile")
        base, remote = self._replica.base(action.node), self._tree.get(action.node)
        if base is not None and remote is not None and action.target == remote.place:
            base = replace(base, parent=remote.parent, name=remote.name)
            self._replica.move_local(action.node, action.target, base)
        else:
            self._replica.move_local(action.node, action.target, None)
        return 0

    async def _touch_local(self, action: Action) -> int:
        await trio.lowlevel.checkpoint()
        assert action.remote is not None
        local = self._expect_local(action)
        self._replica.touch_local(
            action.node,
            action.remote.mtime * 1_000_000_000,
            self._base_of(action.remote, local.version),
        )
        return 0

    async def _delete_local(self, action: Action) -> int:
        await trio.lowlevel.checkpoint()
        local = self._expect_local(action)
        if local.busy or local.open_for_writing:
            raise Stale("it is being written")
        if local.kind is Kind.FOLDER:
            self._expect_nothing_kept_below(action)
            if any(self._is_below(node, action.node) for node in self._replica.being_written()):
                raise Stale("something in the folder is being written")
            if not action.keep:
                self._expect_no_news_below(action.node)
        self._hydrator.forget(action.node)
        # what a backup lacks is not in the server's trash either
        keep = action.keep or self._tree.restored
        keep = keep or self._is_unproved_below(action.node)
        self._replica.delete_local(action.node, keep=keep, why=action.reason)
        return 0

    def _is_unproved_below(self, node: NodeId) -> bool:
        """Whether a content of it, or below it, was never compared with the server's: perhaps
        nobody else has it."""
        nodes = [node]
        for each in nodes:
            base = self._replica.base(each)
            if base is not None and base.inode == UNPROVED:
                return True
            nodes.extend(child for _, child in self._replica.base_children(each))
        return False

    def _expect_no_news_below(self, folder: NodeId) -> None:
        """Nothing was made or written below a folder since the plan was made. (What a filter leaves
        out goes to the bin with its folder.)"""
        for dirty in self._replica.dirty():
            local, base = self._replica.local(dirty.node), self._replica.base(dirty.node)
            if local is None or (
                base is not None and (local.kind is Kind.FOLDER or local.version == base.version)
            ):
                continue
            path = self._replica.local_path(dirty.node)
            if self._is_below(dirty.node, folder) and not self._settings.filters.left_out(path):
                raise Stale("something in the folder was changed here meanwhile")

    def _is_below(self, node: NodeId, folder: NodeId) -> bool:
        while node not in (ROOT, folder):
            local = self._replica.local(node)
            if local is None:
                return False
            node = local.parent
        return node == folder

    # agreement ------------------------------------------------------------------------------------
    async def _agree(self, action: Action) -> int:
        assert action.remote is not None
        version = 0
        if action.remote.kind is Kind.FILE:
            local = self._expect_local(action)
            version = local.version
            if self._is_news(action) and not await self._is_equal(action, local):
                # Equal in size and second only: the settings pick one, as they would without that
                # chance.
                if stays_of_equals(self._settings) is Side.LOCAL:
                    return await self._send(
                        replace(action, op=Op.SEND, side=Side.REMOTE, keep=True)
                    )
                return await self._fetch(replace(action, op=Op.FETCH, side=Side.LOCAL, keep=True))
        agreed = self._base_of(action.remote, version)
        if self._is_unread(action):
            agreed = replace(agreed, inode=UNPROVED, checksum=None)
        base = self._replica.base(action.node)
        said = action.local.mtime if action.local is not None else None
        if base is not None and base.mtime == agreed.mtime and said == base.mtime_here:
            agreed = replace(agreed, mtime_here=said)  # no side's time is another one
        self._replica.set_base(action.node, agreed.after(base))
        return 0

    def _is_news(self, action: Action) -> bool:
        """Whether both sides have new content. Equal files of a first union are taken as equal, as
        the mode says."""
        base, local, remote = action.base, action.local, action.remote
        if base is None or local is None or remote is None:
            return not self._union
        return local.version != base.version and (base.size, base.mtime) != (
            remote.size,
            remote.mtime,
        )

    def _is_unread(self, action: Action) -> bool:
        """Whether the contents are taken for equal by size and second alone."""
        local, remote = action.local, action.remote
        if local is None or remote is None or remote.kind is not Kind.FILE or not remote.size:
            return False
        return (
            action.base is None
            and not self._is_news(action)
            and None in (local.checksum, remote.checksum)
        )

    async def _is_equal(self, action: Action, local: Local) -> bool:
        """Whether what both sides edited to the same size and second is the same content."""
        assert action.remote is not None
        node, remote = action.node, action.remote
        content = self._replica.open_content(node)
        try:
            counted = Counted(
                content.fd, local.size, lambda: self._version(node) == local.version, expected=None
            )
            digest = await counted.get()
        finally:
            content.close()
        if remote.checksum is not None:
            return remote.checksum == digest
        found = Found(remote.size, remote.mtime * 1000)
        path = self._tree.path(node)
        return await self._sender.is_ours(
            OutgoingVersion(action, path, remote.place, counted, local, remote.mtime), found
        )

    async def _forget(self, action: Action) -> int:
        if self._replica.local(action.node) is not None:
            raise Stale("it came back here meanwhile")
        if next(iter(self._replica.base_children(action.node)), None) is not None:
            raise Stale("something that was in it is still agreed on")
        self._replica.set_base(action.node, None)
        return 0

    # Of the class: an executor that named its own methods would stay, with its tree, until a
    # garbage collection.
    _acts: ClassVar[dict[tuple[Op, Side], Callable[[Executor, Action], Awaitable[int]]]] = {
        (Op.MAKE, Side.REMOTE): _make_remote,
        (Op.SEND, Side.REMOTE): _send,
        (Op.MOVE, Side.REMOTE): _move_remote,
        (Op.TOUCH, Side.REMOTE): _touch_remote,
        (Op.DELETE, Side.REMOTE): _delete_remote,
        (Op.MAKE, Side.LOCAL): _make_local,
        (Op.FETCH, Side.LOCAL): _fetch,
        (Op.MOVE, Side.LOCAL): _move_local,
        (Op.TOUCH, Side.LOCAL): _touch_local,
        (Op.DELETE, Side.LOCAL): _delete_local,
        (Op.AGREE, Side.BASE): _agree,
        (Op.FORGET, Side.BASE): _forget,
    }
