"""What is gone from a listing that could not be read as a whole."""

from __future__ import annotations

from reconciler.model import ROOT, Entry
from reconciler.trees.unreadable_paths import LISTINGS_UNTIL_TRUSTED, UnreadablePaths
from tests.reconciler.disk import Disk, Memory, listed, observe


def setting() -> tuple[Disk, Memory]:
    disk = Disk()
    disk.put("a", "a", 1)
    disk.put("b", "b", 1)
    return disk, listed(disk)


def unreadable(path: str) -> Entry:
    return Entry(path, False, 0, 0, 0, problem="ENOENT, stat")


def test_a_file_may_have_moved_to_where_nothing_could_be_read():
    disk, memory = setting()
    disk.remove("a")
    asked = UnreadablePaths()
    for _ in range(LISTINGS_UNTIL_TRUSTED - 1):
        assert asked.absences_unproven(observe(memory, [*disk.listing(), unreadable("c")]))
    assert not asked.absences_unproven(observe(memory, [*disk.listing(), unreadable("c")])), (
        "a broken link would hold it up for ever"
    )


def test_what_was_unreadable_all_the_time_casts_no_doubt_and_what_comes_does():
    disk, memory = setting()
    asked = UnreadablePaths()
    for _ in range(LISTINGS_UNTIL_TRUSTED):
        assert not asked.absences_unproven(observe(memory, [*disk.listing(), unreadable("c")]))
    disk.remove("a")
    assert not asked.absences_unproven(observe(memory, [*disk.listing(), unreadable("c")]))
    assert asked.absences_unproven(
        observe(memory, [*disk.listing(), unreadable("c"), unreadable("d")])
    )
    assert not asked.absences_unproven(observe(memory, disk.listing()))


def test_a_doubted_absence_is_an_unknown_state():
    disk, memory = setting()
    disk.remove("a")
    tree = observe(memory, [*disk.listing(), unreadable("c")])
    (node,) = (node for name, node in memory.base_children(ROOT) if name == "a")
    assert tree.get(node) is None
    tree.mark_absences_unknown("why")
    assert tree.unknown(node) == "why"
    assert tree.get(node) is not None
    assert node in set(tree.changed())
