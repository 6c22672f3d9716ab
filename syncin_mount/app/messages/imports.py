"""What is said of a folder's files before they are imported."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from reconciler.model import Conflict, Direction

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syncin_mount.app.synchronizations.import_preview import Heap, Preview


def _winners(conflict: Conflict) -> str:
    """Which versions win where both sides have another one."""
    match conflict:
        case Conflict.RECENT:
            return "the most recent version wins, the other goes to a bin"
        case Conflict.LOCAL:
            return "yours win, the server's go to a bin"
        case Conflict.REMOTE:
            return "the server's win, yours go to a bin"
        case _:
            assert_never(conflict)


def fates(preview: Preview, direction: Direction, conflict: Conflict) -> Iterator[tuple[Heap, str]]:
    """Each heap that is not empty, and what becomes of its files, as a clause."""
    wins, ours, there = (
        _winners(conflict),
        "are only on this computer: they are uploaded",
        "are only on the server: they are downloaded",
    )
    match direction:
        case Direction.BOTH:
            pass
        case Direction.UPLOAD:
            wins = "yours win, the server's go to its trash"
            there = "are only on the server: THEY ARE DELETED THERE, into the server's trash"
        case Direction.DOWNLOAD:
            wins = "the server's win, yours go to a bin"
            ours = (
                "are only on this computer: THEY GO TO A BIN, as this drive only follows the server"
            )
        case _:
            assert_never(direction)
    heaps = (
        (preview.same, "are on the server with the same size and time"),
        (preview.alike, "are on the server with the same size and another time: contents decide"),
        (preview.differ, f"differ: {wins}"),
        (preview.clash, "are a file on one side and a folder on the other: both are kept"),
        (preview.ours, ours if preview.known else "are here; what the server has is not known now"),
        (preview.there, there),
        (
            preview.local,
            "stay on this computer (links, names that are no text, left out by a filter)",
        ),
    )
    for heap, said in heaps:
        if heap.count:
            yield heap, said
