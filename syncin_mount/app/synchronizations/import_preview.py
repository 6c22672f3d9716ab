"""What would become of a folder's files if it were imported, against what the server lists.
Pure."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, assert_never

from reconciler.model import Direction
from syncin_mount.app.runtime.free_space import Need
from syncin_mount.store.import_export.scan import Found
from syncin_mount.store.types import NodeType

if TYPE_CHECKING:
    from reconciler.model import Entry

EXAMPLES = 3


@dataclass(slots=True)
class Heap:
    """Files of one fate: how many, their bytes, and the paths of some. ``marks`` stand for the
    files, by path and size, in this process alone."""

    count: int = 0
    bytes: int = 0
    examples: list[str] = field(default_factory=list)
    marks: set[int] = field(default_factory=set, repr=False)

    def add(self, path: str, size: int) -> None:
        self.count += 1
        self.bytes += size
        self.marks.add(hash((path, size)))
        if len(self.examples) < EXAMPLES:
            self.examples.append(path)


@dataclass(slots=True)
class Preview:
    """``known`` is False when the server could not be asked: then all files are ``ours``. ``there``
    are only on the server, ``clash`` are a file on one side and a folder on the other, ``local``
    are never sent: left out, or nothing that the server can hold. ``need`` is what has to be
    downloaded, at the most."""

    files: int = 0
    folders: int = 0
    bytes: int = 0
    known: bool = False
    same: Heap = field(default_factory=Heap)
    alike: Heap = field(default_factory=Heap)
    differ: Heap = field(default_factory=Heap)
    clash: Heap = field(default_factory=Heap)
    ours: Heap = field(default_factory=Heap)
    there: Heap = field(default_factory=Heap)
    local: Heap = field(default_factory=Heap)
    need: Need = field(default_factory=Need)


def compare(
    found: Iterable[Found], listed: dict[str, Entry] | None, left_out: Callable[[str], bool]
) -> Preview:
    """``listed`` has the server's entries by path; None: nobody knows them. ``left_out`` are a
    filter's paths."""
    preview = Preview(known=listed is not None)
    rest = dict(listed or {})
    come: list[int] = []
    for each in found:
        path = os.fsdecode(each.path)
        if each.kind is NodeType.FOLDER:
            preview.folders += 1
            entry = rest.pop(path, None)
            if entry is not None and not entry.is_folder and not left_out(path):
                preview.clash.add(path, 0)
            continue
        preview.files += 1
        preview.bytes += each.size
        entry = rest.pop(path, None)
        if each.kind is not NodeType.FILE or not _can_go(path) or left_out(path):
            preview.local.add(path, each.size)
        else:
            heap = _fate(preview, each, entry)
            heap.add(path, each.size)
            if entry is not None and heap is not preview.same:
                come.append(entry.size)
    for path, entry in rest.items():
        if not entry.is_folder and not left_out(path):
            preview.there.add(path, entry.size)
            come.append(entry.size)
    preview.need = preview.need.plus(come)
    return preview


def lost_to_bins(preview: Preview, direction: Direction) -> set[int]:
    """Marks of the files of which a version goes to a bin, here or on the server."""
    match direction:
        case Direction.BOTH:
            return preview.differ.marks
        case Direction.UPLOAD:
            return preview.differ.marks | preview.there.marks
        case Direction.DOWNLOAD:
            return preview.differ.marks | preview.ours.marks
        case _:
            assert_never(direction)


def _fate(preview: Preview, ours: Found, theirs: Entry | None) -> Heap:
    if theirs is None:
        return preview.ours
    if theirs.is_folder:
        return preview.clash
    if theirs.size != ours.size:
        return preview.differ
    return preview.same if theirs.mtime == ours.mtime_ns // 10**9 else preview.alike


def _can_go(path: str) -> bool:
    """Names that are no text stay on this computer."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def as_json(preview: Preview) -> dict[str, object]:
    """For programs; sizes in bytes."""
    heaps = {name: name for name in ("same", "alike", "differ", "clash")}
    heaps |= {"ours": "only_local", "there": "only_remote", "local": "stays_local"}
    return {
        "files": preview.files,
        "folders": preview.folders,
        "bytes": preview.bytes,
        "remote_known": preview.known,
        **{
            key: {"files": heap.count, "bytes": heap.bytes, "examples": heap.examples}
            for name, key in heaps.items()
            for heap in (getattr(preview, name),)
        },
    }
