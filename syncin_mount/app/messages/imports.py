"""What is said of a folder's files before they are imported."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from reconciler.model import Conflict, Direction
from syncin_mount.language import t

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syncin_mount.app.synchronizations.import_preview import Heap, Preview


def _winners(conflict: Conflict) -> str:
    """Which versions win where both sides have another one."""
    match conflict:
        case Conflict.RECENT:
            return t("the most recent version wins, the other goes to a bin")
        case Conflict.LOCAL:
            return t("yours win, the server's go to a bin")
        case Conflict.REMOTE:
            return t("the server's win, yours go to a bin")
        case _:
            assert_never(conflict)


def fates(preview: Preview, direction: Direction, conflict: Conflict) -> Iterator[tuple[Heap, str]]:
    """Each heap that is not empty, and what becomes of its files, as a clause."""
    wins, ours, there = (
        _winners(conflict),
        t("are only on this computer: they are uploaded"),
        t("are only on the server: they are downloaded"),
    )
    match direction:
        case Direction.BOTH:
            pass
        case Direction.UPLOAD:
            wins = t("yours win, the server's go to its trash")
            there = t("are only on the server: THEY ARE DELETED THERE, into the server's trash")
        case Direction.DOWNLOAD:
            wins = t("the server's win, yours go to a bin")
            ours = t(
                "are only on this computer: THEY GO TO A BIN, as this drive only follows the server"
            )
        case _:
            assert_never(direction)
    heaps = (
        (preview.same, t("are on the server with the same size and time")),
        (
            preview.alike,
            t("are on the server with the same size and another time: contents decide"),
        ),
        (preview.differ, t("differ: {wins}", wins=wins)),
        (preview.clash, t("are a file on one side and a folder on the other: both are kept")),
        (
            preview.ours,
            ours if preview.known else t("are here; what the server has is not known now"),
        ),
        (preview.there, there),
        (
            preview.local,
            t("stay on this computer (links, names that are no text, left out by a filter)"),
        ),
    )
    for heap, said in heaps:
        if heap.count:
            yield heap, said
