from __future__ import annotations

import pytest

from reconciler.model import ROOT, Kind, NodeId, Place, Side
from reconciler.planner.guards import Danger, Halt, halt, respelled, root_gone
from tests.reconciler.world import Item, User, World


def folder_of(files: int) -> World:
    world = World()
    world.here[NodeId(2)] = Item(Kind.FOLDER, ROOT, "d")
    for number in range(files):
        world.here[NodeId(number + 3)] = Item(Kind.FILE, NodeId(2), f"f{number}", "x", number, 1, 1)
    world.last_id = files + 2
    world.agree_all()
    return world


def judged(world: World) -> Halt | None:
    return halt(world.view(), world.plan(), len(world.base))


def remove(world: World, side: Side, count: int) -> None:
    user = User(world, side)
    for number in range(count):
        user.delete(NodeId(number + 3))


@pytest.mark.parametrize("side", [Side.LOCAL, Side.REMOTE])
@pytest.mark.parametrize(
    ("files", "deleted", "halts"),
    [
        (40, 21, True),
        (40, 20, False),
        (42, 21, False),
        (41, 21, False),
        (39, 20, False),
        (1000, 499, False),
        (30, 29, True),
    ],
)
def test_more_than_half_and_more_than_twenty(side: Side, files: int, deleted: int, halts: bool):
    world = folder_of(files)
    remove(world, side, deleted)
    found = judged(world)
    assert (found is not None) is halts
    if found is not None:
        assert found.danger is Danger.MASS_DELETION
        assert found.count == deleted
        assert found.side is found.only is (Side.REMOTE if side is Side.LOCAL else Side.LOCAL)


@pytest.mark.parametrize("side", [Side.LOCAL, Side.REMOTE])
def test_files_in_a_deleted_folder_count(side: Side):
    world = folder_of(30)
    user = User(world, side)
    user.make(Place(ROOT, "n"), "n", 1)
    user.delete(NodeId(2))
    found = judged(world)
    assert found is not None
    assert found.danger is Danger.MASS_DELETION
    assert found.count == 30


@pytest.mark.parametrize("side", [Side.LOCAL, Side.REMOTE])
def test_a_side_emptied(side: Side):
    world = folder_of(3)
    User(world, side).delete(NodeId(2))
    found = judged(world)
    assert found is not None
    assert found.danger is Danger.EMPTIED
    assert found.passable


def test_links_that_are_left_do_not_hide_an_emptied_side():
    world = folder_of(3)
    local = User(world, Side.LOCAL)
    local.delete(NodeId(2))
    local.make(Place(ROOT, "link"), kind=Kind.OTHER)
    found = judged(world)
    assert found is not None
    assert found.danger is Danger.EMPTIED


def test_moving_everything_away_is_no_deletion():
    world = folder_of(40)
    local = User(world, Side.LOCAL)
    for number in range(40):
        local.move(NodeId(number + 3), Place(ROOT, f"f{number}"))
    local.delete(NodeId(2))
    assert judged(world) is None


@pytest.mark.parametrize("side", [Side.LOCAL, Side.REMOTE])
@pytest.mark.parametrize(("again", "halts"), [(40, False), (20, False), (19, True)])
def test_what_is_there_anew_is_not_deleted(side: Side, again: int, halts: bool):
    """As git switches branches: it removes a file, and makes another one of that name."""
    world = folder_of(40)
    user = User(world, side)
    remove(world, side, 40)
    for number in range(again):
        user.make(Place(NodeId(2), f"f{number}"), "new", 50)
    found = judged(world)
    assert (found is not None) is halts
    if found is not None:
        assert found.count == 21


@pytest.mark.parametrize("side", [Side.LOCAL, Side.REMOTE])
@pytest.mark.parametrize(("again", "halts"), [(30, False), (10, False), (9, True)])
def test_a_folder_that_is_there_anew_is_not_deleted(side: Side, again: int, halts: bool):
    """As a build folder that is removed and built again."""
    world = folder_of(30)
    user = User(world, side)
    user.make(Place(ROOT, "stays"), "n", 1)
    user.delete(NodeId(2))
    folder = user.make(Place(ROOT, "d"), kind=Kind.FOLDER)
    assert folder is not None
    for number in range(again):
        user.make(Place(folder, f"f{number}"), "new", 50)
    found = judged(world)
    assert (found is not None) is halts


def test_a_file_in_a_folder_s_place_does_not_hide_what_was_in_it():
    world = folder_of(30)
    user = User(world, Side.LOCAL)
    user.delete(NodeId(2))
    user.make(Place(ROOT, "d"), "n", 1)
    assert judged(world) is not None


def test_what_is_gone_from_both_sides_is_no_deletion():
    world = folder_of(40)
    world.here.clear()
    world.there.clear()
    assert judged(world) is None


def test_the_only_file_may_be_deleted():
    world = folder_of(0)
    world.here.clear()
    assert judged(world) is None


def test_a_first_synchronization_never_halts():
    world = folder_of(40)
    world.base.clear()
    world.there.clear()
    assert judged(world) is None


def test_the_root_gone_cannot_be_passed():
    found = root_gone("personal/docs")
    assert found.danger is Danger.ROOT_GONE
    assert not found.passable
    assert found.folder == "personal/docs"


@pytest.mark.parametrize(
    ("agreed", "now", "halts"),
    [
        ("personal/café", "personal/cafe", True),
        ("personal/Docs", "personal/docs", True),
        ("personal/caf\u00e9", "personal/cafe\u0301", True),
        ("personal/docs", "personal/docs", False),
        ("personal/docs", "personal/papers", False),
    ],
)
def test_another_spelling_is_not_followed(agreed: str, now: str, halts: bool):
    found = respelled(agreed, now)
    assert (found is not None) is halts
    if found is not None:
        assert not found.passable
