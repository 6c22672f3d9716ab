"""Which contents are on the disk, and which a failed sync left in doubt.

Owns: the marks ``unsynced`` of the index (node and version of contents that may not be on the disk
yet) and the contents of which a sync failed, with what the file ``running`` says of them.

Invariant: a mark goes only when a sync that began after the content was written has succeeded, and
no sync of it failed before that without the content being written once more.

Order for a caller: ``unsynced_contents``, then ``sync_contents`` in a thread, then ``mark_synced``
with the same list.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from reconciler.model import NodeId
from syncin_mount.store.content.objects import Objects
from syncin_mount.store.durability.committer import Committer
from syncin_mount.store.durability.event_writer import EventWriter
from syncin_mount.store.index.index import Index
from syncin_mount.store.journal import events
from syncin_mount.store.records import FILE, U64
from syncin_mount.store.recovery.failed_syncs import FailedSyncs, rewrite_content


class ContentDurability:
    """``folder`` is the replica's."""

    def __init__(
        self,
        folder: Path,
        index: Index,
        objects: Objects,
        writer: EventWriter,
        committer: Committer,
    ) -> None:
        self._ix = index
        self._objects = objects
        self._writer = writer
        self._sync_files = committer.sync_files
        self._failed = FailedSyncs(folder / "running")

    def opened(self, boot: str) -> None:
        """The file ``running`` names this boot of the computer."""
        self._failed.started(boot)

    def has_failures(self) -> bool:
        """Whether contents are in doubt, so that the next start must look as after a power cut."""
        return bool(self._failed)

    def unsynced_contents(self) -> list[tuple[NodeId, int]]:
        """(node, version) of contents that may not be on the disk yet; those being written left
        out."""
        ix = self._ix
        writing = set(ix.marked(ix.writing))
        items = (
            (U64.unpack(place)[0], U64.unpack(version)[0])
            for place, version in ix.items("unsynced")
        )
        return [(NodeId(node), version) for node, version in items if node not in writing]

    def sync_contents(self, contents: list[tuple[NodeId, int]]) -> None:
        """Returns when these contents are on the disk. Blocks: call it in a thread, then
        ``mark_synced``.

        One sync of the whole file system does for all: each fsync would wait for the file system's
        journal by itself.
        """
        if contents:
            self._sync_files()

    def mark_synced(self, contents: list[tuple[NodeId, int]]) -> None:
        """What ``sync_contents`` returned for; versions that are out of date are left marked, and
        contents of which a sync failed."""
        contents = [each for each in contents if each[0] not in self._failed]
        if contents:
            synced = [(int(node), version) for node, version in contents]
            self._writer.record(events.Synced(self._writer.now_ns(), synced))

    def sync_failed(self, nodes: Iterable[NodeId]) -> None:
        """A sync of these contents failed, see `syncin_mount.store.recovery.failed_syncs`."""
        self._failed.add(nodes)

    def failed_contents(self) -> dict[int, int]:
        """Contents of which a sync failed, for ``resolved``."""
        return self._failed.nodes()

    def rewrite_content(self, node: int) -> Iterator[None]:
        """Writes a content to its object once more, a piece at each step. Raises OSError."""
        record = self._ix.node(node)
        if record is not None and record.kind == FILE and record.present:
            yield from rewrite_content(self._objects.path(record.owner, record.number))

    def resolved(self, nodes: dict[int, int]) -> None:
        """These `failed_contents` were written again, and a sync that began after that
        succeeded."""
        self._failed.resolve(nodes)
