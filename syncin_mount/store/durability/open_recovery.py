"""What a start does before anybody uses the replica: puts right what the last process left.

What each kind of stop leaves, and why this repairs it:

* Killed between index and journal: the index is in memory until commit, so it lacks all events
  since then, the last one too, which did not happen. Replay.
* Killed inside commit: LMDB has the old or the new state, with its number in it. Replay from that
  number.
* Killed before, within or after the effects (objects unlinked or moved to the bin): effects are
  records of the committed index and stay until an event says that they are done; doing them twice
  is harmless. An effect is never done before its event is durable, so no state that can come back
  misses a file; and it is never said to be done before it is on the disk itself.
* Killed while an incoming file became an object and before the event: the object has the number of
  the event that comes next; it goes to the bin at start, and the content is fetched again.
* Killed between begin_write and written: the node is marked; start takes size and time from its
  object.
* Power cut: the index is as last committed (commit syncs), the journal is whole up to its last sync
  and ends somewhere behind it. Contents that were not synced may be anything. ``unsynced`` lists
  them: where the server has the same version they are made absent and fetched again; the others are
  taken as they are, as on any local file system, unless they are torn and the server has an older
  version: then that one comes back, and the remains go to the bin. Bytes of incoming files are not
  trusted.

Owns the file ``running``: the boot id of the process that has the replica open; a clean stop
removes it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Final

from reconciler.phrases import Phrase
from syncin_mount import system
from syncin_mount.store import atomic_file
from syncin_mount.store.content.incoming_version import IncomingVersion
from syncin_mount.store.content.objects import Object, Objects
from syncin_mount.store.durability.committer import Committer
from syncin_mount.store.durability.content_durability import ContentDurability
from syncin_mount.store.durability.event_writer import EventWriter
from syncin_mount.store.index.index import Index
from syncin_mount.store.index.tree_walk import require_node
from syncin_mount.store.journal import events
from syncin_mount.store.journal.log import Journal
from syncin_mount.store.journal.reserve import NO_ROOM, Reserve
from syncin_mount.store.records import (
    FILE,
    U64,
    U64X2,
    CopyToBin,
    DropBin,
    FromBin,
    ToBin,
    Unlink,
    decode_effect,
    decode_node,
)
from syncin_mount.store.recovery.power_cut import recover_overwritten

log = logging.getLogger(__name__)

STRAYS_AN_ENTRY: Final = 10_000
STRAYED: Final = Phrase("nothing told whose it was after the program or the computer was stopped")
TORN: Final = Phrase("the computer stopped before what was saved was on the disk; this much was")


class OpenRecovery:
    """Used once by ``Replica.open``: ``run``."""

    def __init__(
        self,
        folder: Path,
        index: Index,
        journal: Journal,
        reserve: Reserve,
        objects: Objects,
        writer: EventWriter,
        committer: Committer,
        durability: ContentDurability,
    ) -> None:
        self._folder = folder
        self._ix = index
        self._journal = journal
        self._reserve = reserve
        self._objects = objects
        self._writer = writer
        self._committer = committer
        self._durability = durability
        self._now = writer.now_ns

    def run(self, boot: str) -> None:
        """Recovers, and states that a process of this boot has the replica open. Raises
        JournalDamaged, ReplicaError, OSError."""
        running = self._folder / "running"
        before = running.read_text(errors="replace").strip() if running.exists() else None
        power_cut = before is not None and before != boot
        self._writer.replay(torn=True, power_cut=power_cut, clean=before is None)
        ix = self._ix
        self._objects.stray(ix.applied + 1)
        if power_cut:
            self._drop_stray_bins()
        # The journal's records are all in the index now. Once that is durable, a new segment
        # begins.
        self._writer.commit_index()
        self._reserve.lend(lambda: self._journal.renew(ix.applied + 1))
        self._reserve.restore()
        self._keep_strays(self._objects.strays(ix.applied + 1))
        if ix.applied == 0:
            self._writer.record(events.Formatted(self._now(), 0o755, *system.OWNER))
            for name in ("index", "objects"):
                system.sync_folder(self._folder / name)
        if power_cut:
            for event in recover_overwritten(ix, self._objects, self._now(), TORN):
                self._writer.record(event)
        # Before any other content is looked at: some may have to come back from the bin first.
        self._ignore_full_disk(self._committer.commit_all, power_cut=power_cut)
        self._find_incoming(power_cut=power_cut)
        interrupted = self._finish_writes()
        if power_cut:
            self._verify_after_power_cut(interrupted)
        self._ignore_full_disk(self._committer.commit, power_cut=power_cut)
        if before != boot:
            self._reserve.lend(lambda: atomic_file.write_whole(running, boot + "\n"))
            self._reserve.restore()
        self._durability.opened(boot)
        self._writer.opened()

    def _ignore_full_disk(self, act: Callable[[], None], *, power_cut: bool) -> None:
        """Effects may wait for room; but for those by which contents come back after a power
        cut."""
        try:
            act()
        except OSError as error:
            if error.errno not in NO_ROOM or power_cut:
                raise
            log.warning(
                "the disk is full: what is to go to the bin stays where it is until there is room"
            )

    def _find_incoming(self, *, power_cut: bool) -> None:
        try:
            trusted = self._reserve.lend(self._objects.tells_holes)
        except OSError as error:
            if error.errno not in NO_ROOM:
                raise
            trusted = False  # so what arrived goes, and makes room; it is fetched again
        self._objects.find_incoming(
            keep=lambda version: trusted and not power_cut and self._is_wanted(version)
        )

    def _is_wanted(self, version: IncomingVersion) -> bool:
        """Whether what arrived of this version may be of use."""
        record, base = self._ix.node(version.node), self._ix.base(version.node)
        if record is None or record.kind != FILE:
            return False
        if not record.present or base is None:
            return True
        return not version.may_be(IncomingVersion.of_base(version.node, base))

    def _drop_stray_bins(self) -> None:
        """After a power cut: what is in the bin by events that were lost goes, before their numbers
        are given again."""
        ix = self._ix
        named = {U64.unpack(place)[0] for place, _ in ix.items("bin")}
        for place, raw in ix.items("effects"):
            effect = decode_effect(raw)
            named.add(
                effect.bin if isinstance(effect, FromBin | DropBin) else U64.unpack_from(place)[0]
            )
        for number in self._objects.stray_bins(named):
            self._objects.do(0, DropBin(number))

    def _finish_writes(self) -> list[int]:
        """Records what was written and not recorded when the last process was killed; of these
        nodes."""
        ix = self._ix
        interrupted = ix.marked(ix.writing)
        for node in interrupted:
            if require_node(self._ix, node).writing:  # not done with another name of the file
                self._take_as_is(node)
        return interrupted

    def _take_as_is(self, node: int) -> None:
        record = self._ix.node(node)
        assert record is not None
        found = self._objects.stat(record.owner, record.number)
        size, mtime = (0, record.mtime) if found is None else (found.st_size, found.st_mtime_ns)
        self._writer.record(events.Written(self._now(), node, size, mtime))

    def _verify_after_power_cut(self, interrupted: list[int]) -> None:
        """After a power cut: contents that were not synced may be anything. ``interrupted`` were
        being written."""
        absent = [node for node in self._ix.marked(self._ix.unsynced) if self._server_has(node)]
        if absent:  # first: what becomes of another name of the same file is no change of theirs
            self._writer.record(events.MadeAbsent(self._now(), absent))
        doubtful = [
            node
            for node in self._ix.marked(self._ix.unsynced)
            if self._left_as_it_is(node, interrupted)
        ]
        doubtful += self._reconsider_objects()
        if doubtful:
            self._writer.record(events.Doubted(self._now(), doubtful))

    def _server_has(self, node: int) -> bool:
        """Whether the content here is to be that which the server has."""
        record, base = self._ix.node(node), self._ix.base(node)
        if record is None or base is None or not record.present:
            return False
        return base.size > 0 and base.version == record.version

    def _left_as_it_is(self, node: int, interrupted: list[int]) -> bool:
        """What becomes of a content that nobody else has in this version; False when it goes, or
        there is none."""
        record, base = self._ix.node(node), self._ix.base(node)
        if record is None or not record.present:
            return False
        found = self._objects.stat(record.owner, record.number)
        size = found.st_size if found else 0
        torn = size != record.size or (size == 0 and node in interrupted)
        if base is not None and base.size > 0 and torn:
            self._writer.record(events.Reverted(self._now(), node, size, TORN))
            return False
        if size != record.size:
            self._take_as_is(node)
        return True

    def _reconsider_objects(self) -> list[int]:
        """After a power cut: objects that nothing refers to (their event was lost) go to the bin;
        ones of another size than recorded count as written. Returns the latter's nodes."""
        ix = self._ix
        waiting = (decode_effect(raw) for _, raw in ix.items("effects"))
        needed = {
            U64X2.pack(one.owner, one.number): 0
            for one in waiting
            if isinstance(one, Unlink | ToBin | CopyToBin | FromBin)
        }
        for place, raw in ix.items("nodes"):
            record = decode_node(raw)
            if record.kind == FILE and record.present:
                needed[U64X2.pack(record.owner, record.number)] = U64.unpack(place)[0]
        taken, strays = [], []
        for owner, number, entry in self._objects.every():
            node = needed.get(U64X2.pack(owner, number))
            if node is None:
                strays.append((owner, number))
            elif node and entry.stat().st_size != require_node(self._ix, node).size:
                self._take_as_is(node)
                taken.append(node)
        self._keep_strays(strays)
        return taken

    def _keep_strays(self, objects: list[Object]) -> None:
        """Contents that nothing names go to the bin; empty ones go."""
        kept = []
        for owner, number in objects:
            found = self._objects.stat(owner, number)
            if found is None or not found.st_size:
                self._objects.do(0, Unlink(owner, number))
                continue
            record = self._ix.node(owner)
            name = b"%d-%d" % (owner, number) if record is None else record.name
            kept.append((owner, number, found.st_size, found.st_mtime_ns, name))
        for start in range(0, len(kept), STRAYS_AN_ENTRY):
            self._writer.record(
                events.Strayed(self._now(), kept[start : start + STRAYS_AN_ENTRY], STRAYED)
            )
