"""Which bases end at a filter's border. ``*.x`` is left out, and everything below a folder of such
a name."""

from __future__ import annotations

import pytest

from reconciler.filters import Filter
from reconciler.model import ROOT, Base, Kind, NodeId, Op, Place, Settings, Side
from reconciler.names import swap_name
from reconciler.planner.filter_borders import crossings, superseded
from reconciler.planner.plan import plan
from tests.reconciler.world import User, World

FILTER = Filter(rule=lambda path: path.endswith(".x"))


def ended(world: World, *nodes: NodeId) -> list[tuple[NodeId, Base | None]]:
    return crossings(world.view(), FILTER, nodes)


@pytest.fixture
def world() -> World:
    return World()


def make(user: User, name: str, parent: NodeId = ROOT, kind: Kind = Kind.FILE) -> NodeId:
    node = user.make(Place(parent, name), "a" if kind is Kind.FILE else "", 1, kind)
    assert node is not None
    return node


def test_what_is_still_on_both_sides_keeps_its_base(world: World):
    user = User(world, Side.LOCAL)
    inside, outside = make(user, "a.x"), make(user, "b")
    world.agree_all()
    user.edit(inside, "b", 2)
    user.move(outside, Place(ROOT, "c"))
    assert ended(world, inside, outside) == []


@pytest.mark.parametrize("side", [Side.LOCAL, Side.REMOTE])
def test_deleted_or_moved_away_behind_the_filter_ends_it(world: World, side: Side):
    user = User(world, Side.LOCAL)
    gone, away = make(user, "a.x"), make(user, "b.x")
    world.agree_all()
    User(world, side).delete(gone)
    User(world, side).move(away, Place(ROOT, "b"))
    assert ended(world, gone, away) == [(gone, None), (away, None)]


def test_a_folder_ends_with_all_in_it_which_differs_in_nothing_itself(world: World):
    user = User(world, Side.LOCAL)
    folder = make(user, "f", kind=Kind.FOLDER)
    child = make(user, "a", folder)
    world.agree_all()
    user.move(folder, Place(ROOT, "f.x"))
    assert ended(world, folder) == [(child, None), (folder, None)]


def test_what_is_deleted_in_a_folder_that_crossed_comes_back_with_it(world: World):
    user = User(world, Side.LOCAL)
    folder = make(user, "f", kind=Kind.FOLDER)
    child = make(user, "a", folder)
    world.agree_all()
    user.move(folder, Place(ROOT, "f.x"))
    user.delete(child)
    assert ended(world, child, folder) == [(child, None), (folder, None)]


def test_a_content_that_is_not_here_keeps_its_base_and_its_folders(world: World):
    user = User(world, Side.LOCAL)
    folder = make(user, "f.x", kind=Kind.FOLDER)
    child, other = make(user, "a", folder), make(user, "b", folder)
    world.agree_all()
    world.not_here.add(child)
    user.move(folder, Place(ROOT, "f"))
    assert ended(world, folder) == [(other, None)]
    world.not_here.clear()
    assert dict(ended(world, folder)) == {child: None, other: None, folder: None}


def test_who_takes_the_place_of_a_backup_takes_its_base_and_counts_as_edited(world: World):
    user = User(world, Side.LOCAL)
    document = make(user, "a")
    world.agree_all()
    user.move(document, Place(ROOT, "a.x"))
    saved = make(user, "a")
    assert dict(ended(world, document, saved)) == {
        document: None,
        saved: Base(Kind.FILE, ROOT, "a", world.base[document].size, 1, 0, 0),
    }


def test_what_the_server_could_not_tell_is_taken_to_be_there(world: World):
    user = User(world, Side.LOCAL)
    node = make(user, "a.x")
    world.agree_all()
    world.there.pop(node)
    world.unknown[node] = "it is left out by a filter"
    assert ended(world, node) == []


def test_what_a_swap_left_half_way_keeps_its_base(world: World):
    """A filter that leaves out where it was, and not its name for a moment."""
    user = User(world, Side.LOCAL)
    node = make(user, "a.x")
    world.agree_all()
    user.move(node, Place(ROOT, swap_name(node, "tag")))
    assert ended(world, node) == []
    user.move(node, Place(ROOT, "b"))
    assert ended(world, node) == [(node, None)]


@pytest.mark.parametrize("name", ["a.x", "b"])
@pytest.mark.parametrize("edited", [False, True])
def test_what_never_came_and_was_replaced_there_is_fetched_behind_the_filter(
    world: World, name: str, edited: bool
):
    user = User(world, Side.LOCAL)
    node = make(user, "a")
    world.agree_all()
    world.not_here.add(node)
    user.move(node, Place(ROOT, name))
    if edited:
        User(world, Side.REMOTE).edit(node, "b", 2)
    found = list(superseded(world.view(), FILTER, [node]))
    if edited and name == "a.x":
        (action,) = found
        assert (action.op, action.side, action.target) == (Op.FETCH, Side.LOCAL, Place(ROOT, "a"))
    else:
        assert not found


@pytest.mark.parametrize("place", ["b", "a", "a.x", "b.x"])
def test_what_never_came_and_moved_out_there_is_fetched_behind_the_filter(world: World, place: str):
    """It has a name here that is left out, and the server has it where it is not."""
    user = User(world, Side.LOCAL)
    node = make(user, "a")
    world.agree_all()
    world.not_here.add(node)
    user.move(node, Place(ROOT, "a.x"))
    User(world, Side.REMOTE).move(node, Place(ROOT, place))
    found = [each.node for each in superseded(world.view(), FILTER, [node, node])]
    assert found == ([node] if place == "b" else [])


def test_what_never_came_of_a_folder_that_moved_out_there_is_fetched_behind_the_filter(
    world: World,
):
    user = User(world, Side.LOCAL)
    folder = make(user, "d.x", kind=Kind.FOLDER)
    inside = make(user, "d", folder, Kind.FOLDER)
    node, here = make(user, "f", inside), make(user, "g", inside)
    world.agree_all()
    world.not_here.add(node)
    User(world, Side.REMOTE).move(folder, Place(ROOT, "e"))
    only_folders = Filter(rule=lambda path: path.startswith("d.x"))
    found = [each.node for each in superseded(world.view(), only_folders, [folder])]
    assert found == [node]
    assert here not in found


@pytest.mark.parametrize(("absent", "known"), [(True, True), (True, False), (False, True)])
def test_what_never_came_and_was_deleted_there_goes_behind_the_filter(
    world: World, absent: bool, known: bool
):
    user = User(world, Side.LOCAL)
    node = make(user, "a")
    world.agree_all()
    if absent:
        world.not_here.add(node)
    user.move(node, Place(ROOT, "a.x"))
    User(world, Side.REMOTE).delete(node)
    if not known:
        world.unknown[node] = "it is left out by a filter"
    found = [(each.op, each.side) for each in superseded(world.view(), FILTER, [node])]
    assert found == ([(Op.DELETE, Side.LOCAL)] if absent and known else [])


def test_a_new_file_in_its_place_waits_for_what_never_came(world: World):
    """An editor keeps a backup under a name that is left out, before the content came."""
    user = User(world, Side.LOCAL)
    node = make(user, "a")
    world.agree_all()
    world.not_here.add(node)
    user.move(node, Place(ROOT, "a.x"))
    new = make(user, "a")
    User(world, Side.REMOTE).edit(node, "b", 2)
    made = plan(world.view(), Settings(), stamp="2024-05-01", filters=FILTER)
    assert [(each.op, each.node) for stage in made.stages for each in stage] == [(Op.FETCH, node)]
    assert [each.node for each in made.waiting] == [new]
