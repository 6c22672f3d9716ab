"""What is another file on the server that looks the same: whether its content is the one that was
agreed on.

Mode ``fast`` takes equal size and second for the same content, as long as it is the same file: a
listing tells its
inode. Another inode is evidence of a change that size and second hide (`cp -p`, `mv`, `tar x`, an
edit after which the
time is put back), or of none (a restored backup, a folder that was copied). So it is a *doubt*: the
contents are
compared by checksum before anything is sent over the file or its deletion crosses. What was changed
here is proved first, in the same run; the rest in portions, as nothing hangs on it.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import trio

from reconciler.errors import RemoteError
from reconciler.executor.outgoing import checksum_there, file_at
from reconciler.executor.server_checksums import ServerChecksums, told_checksum
from reconciler.hydration.hydrator import Hydrator
from reconciler.model import UNPROVED, Base, Kind, NodeId, Remote
from reconciler.phrases import Phrase
from reconciler.ports import RemoteFolder, Replica
from reconciler.requests.reachability import Reach
from reconciler.trees.local_checksums import NODES_PER_CHECKPOINT, Sums
from reconciler.trees.remote_tree import RemoteTree

log = logging.getLogger(__name__)

PORTION = 1000
PORTION_BYTES = 256 << 20
"""So many files, and bytes of them, are compared in one run of those on which nothing hangs."""

ROUNDS = 4
"""What is not who its inode said is looked at again, as whoever has that place."""

MANY = 16
"""More doubts than these at once may come of a restored backup: the bin keeps what is replaced."""

READ_BYTES = 100
"""A listing costs about as much for each entry. Where reading the contents in doubt costs less,
they are read."""

READ_ONE_OF = 500
"""Entries of a listing that take the server about as long as one request does."""

NOT_TOLD = Phrase(
    "On the server lies another file of its size and time; whether its content"
    " is the same could not be told yet."
)


@dataclass(frozen=True, slots=True)
class _Question:
    """One file in doubt: what was agreed on, what was listed, and the checksum of what was agreed
    on."""

    node: NodeId
    base: Base
    remote: Remote
    ours: str
    path: str


_Told = tuple[NodeId, Base | None]
"""A node, and what its base is to become."""


class Prover:
    """Settles the doubts of one listing after the other. ``suspects`` are files of which a
    request's answer told
    another time to the millisecond than the one that is known; who finds one adds it."""

    def __init__(
        self,
        replica: Replica,
        remote: RemoteFolder,
        sums: Sums,
        hydrator: Hydrator,
        reach: Reach,
        tell: Callable[..., None],
        most: int,
    ) -> None:
        """``tell`` hears how much is compared: as ``Progress.comparing``. ``most`` contents are
        read at once."""
        self._replica = replica
        self._tell_progress = tell
        self._reach = reach
        self._remote = remote
        self._server_checksums = ServerChecksums(remote, reach, tell, most)
        self._sums = sums
        self._hydrator = hydrator
        self.suspects: set[NodeId] = set()
        self.waiting: frozenset[NodeId] = frozenset()
        """What was in doubt in the last listing and is not proved yet."""

    async def check_doubts(self, tree: RemoteTree, entries: int) -> None:
        """Turns doubts of the tree into knowledge: equal contents, or an edit on the server. What
        cannot be settled now is ``unproved`` in the tree, and waits if it was changed here.
        ``entries`` is how many a listing has.

        Raises Unreachable and Unauthorized.
        """
        self._add_suspects(tree)
        # Most of a restored backup may be proved already, by another process even.
        tree.restored = (
            tree.restored or bool(self.waiting) or len(tree.doubts) - len(tree.moves) > MANY
        )
        for _ in range(ROUNDS):
            wrong = await self._compare(tree, entries)
            if not wrong:
                break
            tree.part(wrong)
        for node in tree.doubts:
            if self._replica.changed_ns(node) or node in tree.moves:
                tree.note_unknown(node, NOT_TOLD)
        self.waiting = tree.unproved = frozenset(tree.doubts)

    async def _compare(self, tree: RemoteTree, entries: int) -> dict[NodeId, Remote]:
        """One portion. Gives the files that did not move as their inodes said: what was listed of
        each."""
        moves = {node: tree.doubts[node] for node in tree.moves}
        asked: list[_Question] = []
        portion = self._portion(tree)
        for number, (node, remote) in enumerate(portion):
            if number % NODES_PER_CHECKPOINT == NODES_PER_CHECKPOINT - 1:
                await trio.lowlevel.checkpoint()
            self._tell_progress(number, len(portion))
            question = await self._question(tree, node, remote)
            if question is not None:
                asked.append(question)
        if asked:
            theirs = await self._checksums(asked, entries)
            # One record for many: a portion of one record each would outweigh the run that it is
            # in.
            concluded = (self._conclude(tree, each, theirs.get(each.path)) for each in asked)
            self._replica.set_bases(itertools.chain.from_iterable(concluded))
            return {
                each.node: replace(moves[each.node], checksum=theirs[each.path])
                for each in asked
                if each.node in moves and theirs.get(each.path) and theirs[each.path] != each.ours
            }
        return {}

    async def meet(self, tree: RemoteTree) -> None:
        """What is new on both sides and differs in its time alone is compared by checksum: then the
        time is all that crosses. Raises Unreachable and Unauthorized."""
        found = await self._differ_in_time(tree)
        if not found:
            return
        self._tell_progress(0, len(found), there=True)
        told = await self._told_while_counting_here(found)
        for number, (path, (node, remote)) in enumerate(found.items()):
            self._tell_progress(number, len(found))
            theirs = told.get(path)
            if theirs is not None and await self._sums.of(node) is not None:
                tree.set(node, replace(remote, checksum=theirs))

    async def _told_while_counting_here(
        self, found: dict[str, tuple[NodeId, Remote]]
    ) -> dict[str, str]:
        """The server's checksums, by path; those of the contents here are known afterwards."""
        told: dict[str, str] = {}
        failed: RemoteError | None = None
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._count_here, [node for node, _ in found.values()])
            try:
                wanted = {path: remote for path, (_, remote) in found.items()}
                told = await self._server_checksums.of(wanted)
            except RemoteError as error:
                failed = error
                nursery.cancel_scope.cancel()
        if failed is not None:
            raise failed
        return told

    async def _count_here(self, nodes: list[NodeId]) -> None:
        for node in nodes:
            await self._sums.of(node)

    async def _differ_in_time(self, tree: RemoteTree) -> dict[str, tuple[NodeId, Remote]]:
        """What `meet` compares, by path on the server."""
        found: dict[str, tuple[NodeId, Remote]] = {}
        for number, dirty in enumerate(self._replica.dirty()):
            if number % NODES_PER_CHECKPOINT == NODES_PER_CHECKPOINT - 1:
                await trio.lowlevel.checkpoint()
            node = dirty.node
            local, remote = self._replica.local(node), tree.get(node)
            if local is None or remote is None or self._replica.base(node) is not None:
                continue
            if tree.unknown(node) is not None or remote.kind is not Kind.FILE or not local.present:
                continue
            if (
                remote.checksum is None
                and local.size == remote.size
                and local.mtime != remote.mtime
            ):
                found[tree.path(node)] = node, remote
        return found

    def _add_suspects(self, tree: RemoteTree) -> None:
        for node in self.suspects:
            base, remote = self._replica.base(node), tree.get(node)
            if (
                base is None
                or remote is None
                or base.kind is not Kind.FILE
                or tree.unknown(node) is not None
            ):
                continue
            if (base.size, base.mtime) == (remote.size, remote.mtime):
                tree.doubts.setdefault(node, replace(remote, checksum=None, ms=None))
        self.suspects.clear()

    def _portion(self, tree: RemoteTree) -> list[tuple[NodeId, Remote]]:
        """All that was changed here or moved, and of the rest as much as is to be compared in one
        run."""
        urgent = {
            node for node in tree.doubts if node in tree.moves or self._replica.changed_ns(node)
        }
        found = [(node, tree.doubts[node]) for node in urgent]
        files, size = 0, 0
        for node, remote in tree.doubts.items():
            if node in urgent:
                continue
            files, size = files + 1, size + remote.size
            if files > 1 and (files > PORTION or size > PORTION_BYTES):
                break
            found.append((node, remote))
        return found

    async def _question(self, tree: RemoteTree, node: NodeId, remote: Remote) -> _Question | None:
        """What has to be asked to settle it; None where nothing helps, or nothing is needed."""
        base, local = self._replica.base(node), self._replica.local(node)
        if base is None:
            return None
        if local is not None and not local.present:
            # Nobody has the former content here: the one that is there now is as good. What arrived
            # of it is not.
            self._replica.set_base(
                node, replace(base, inode=remote.inode, checksum=remote.checksum, ms=None)
            )
            tree.record_checked(node, remote)
            self._hydrator.start_over(node)
            return None
        ours = base.checksum or self._replica.checksum_of(node, base.version)
        if ours is None and local is not None and local.version == base.version:
            ours = await self._sums.of(node)
            if ours is None or self._replica.base(node) != base:
                return None  # it cannot be read now, or somebody writes it just now
        if ours is None:
            # It was changed here, and what it was before is not known: it is kept, whatever becomes
            # of it.
            tree.record_checked(node, replace(remote, doubtful=True))
            return None
        try:
            return _Question(node, base, remote, ours, tree.path(node))
        except KeyError:  # its folder is not known to be anywhere
            return None

    async def _checksums(self, asked: list[_Question], entries: int) -> dict[str, str]:
        """What the server's contents are now, by path, as far as it tells."""
        try:
            size = sum(each.remote.size for each in asked)
            if len(asked) * READ_ONE_OF <= entries and size <= entries * READ_BYTES:
                return {each.path: await self._read(each) for each in asked}
            told = await self._remote.checksums(
                [each.path for each in asked if each.remote.checksum is None]
            )
        except RemoteError as error:
            if await self._reach.ends_all(error):
                raise
            log.warning("the server does not tell the checksums of what is in doubt: %s", error)
            return {}
        return {
            each.path: digest
            for each in asked
            if (digest := told_checksum(each.remote, told.get(each.path)))
        }

    async def _read(self, question: _Question) -> str:
        if question.remote.checksum is not None:
            return question.remote.checksum
        found = await file_at(self._remote, question.path)
        if found is None or (found.size, found.mtime) != (
            question.remote.size,
            question.remote.mtime,
        ):
            return ""
        return await checksum_there(self._remote, question.path, found)

    def _conclude(self, tree: RemoteTree, asked: _Question, theirs: str | None) -> Iterator[_Told]:
        """What becomes of the base of what was asked about, if anything does."""
        node, base = asked.node, asked.base
        if not theirs or self._replica.base(node) != base:
            return
        remote = replace(asked.remote, checksum=theirs)
        if theirs == asked.ours:
            yield node, replace(base, inode=remote.inode, checksum=theirs, ms=None)
        elif base.inode == UNPROVED:
            # They were never the same: each side has made its own.
            yield node, None
        elif base.checksum is None:
            yield node, replace(base, checksum=asked.ours)
        if theirs != asked.ours:
            log.info("%s was changed on the server without its size and time", asked.path)
        tree.record_checked(node, remote)
