"""Stages: few, and each possible in any order (the properties of plans try that; here, how many and
how fast)."""

from __future__ import annotations

import random

import pytest

from reconciler.model import ROOT, Kind, NodeId, Op, Place, Side
from tests.reconciler.world import Item, User, World, swap_name


def deep(folders: int, files: int) -> World:
    """`folders` folders in a tree of four levels, with `files` files in each."""
    world = World()
    world.last_version = 1
    nodes = [ROOT]
    for number in range(folders):
        node = world.new_id()
        world.here[node] = Item(Kind.FOLDER, nodes[number // 7], f"d{number}")
        nodes.append(node)
    for folder in nodes[1:]:
        for number in range(files):
            world.here[world.new_id()] = Item(Kind.FILE, folder, f"f{number}", "x", number, 1, 1)
    return world


def depth(world: World) -> int:
    return max(world.path(Side.LOCAL, node).count("/") for node in world.here)


def test_a_new_tree_takes_a_stage_a_level_and_one_for_all_files():
    world = deep(200, 15)
    made = world.plan()
    assert [len({action.op for action in stage}) for stage in made.stages] == [1] * len(made.stages)
    assert len(made.stages) == depth(world) + 1
    assert len(made.stages[-1]) == 3000
    assert {action.op for action in made.stages[-1]} == {Op.SEND}


@pytest.mark.slow
def test_everything_edited_and_moved_takes_few_stages():
    world = deep(200, 5)
    world.agree_all()
    local = User(world, Side.LOCAL)
    box = local.make(Place(ROOT, "box"), kind=Kind.FOLDER)
    assert box is not None
    for node, item in list(world.here.items()):
        if item.kind is Kind.FILE:
            local.edit(node, "y", 5)
        elif item.parent == ROOT and node != box:
            local.move(node, Place(box, item.name))
        else:
            local.move(node, Place(item.parent, item.name + "-2"))
    made = world.plan()
    assert len(made.stages) <= depth(world) + 3
    world.run(made, random.Random(1))
    assert world.paths(Side.LOCAL) == world.paths(Side.REMOTE)


def test_a_rotation_of_numbered_files_needs_one_temporary_name_at_most():
    world = World()
    for number in range(300):
        world.here[NodeId(number + 2)] = Item(Kind.FILE, ROOT, f"log.{number}", "x", number, 1, 1)
    world.last_id = 400
    world.agree_all()
    for number in range(300):
        world.here[NodeId(number + 2)] = Item(
            Kind.FILE, ROOT, f"log.{(number + 1) % 300}", "x", number, 1, 1
        )
    made = world.plan()
    assert len(made.actions) == 301
    world.run(made)
    assert world.paths(Side.LOCAL) == world.paths(Side.REMOTE)
    for number in range(300):  # as logs do: the last one goes
        world.here[NodeId(number + 2)] = Item(
            Kind.FILE, ROOT, f"log.{number + 2}", "x", number, 1, 1
        )
    made = world.plan()
    assert len(made.actions) == 300
    world.run(made)
    assert world.paths(Side.LOCAL) == world.paths(Side.REMOTE)


@pytest.mark.parametrize("side", [Side.LOCAL, Side.REMOTE])
def test_a_deleted_folder_is_one_action(side: Side):
    world = deep(50, 3)
    world.agree_all()
    world.tree(side).clear()
    made = world.plan()
    assert [action.op for action in made.actions] == [Op.DELETE] * 7
    world.run(made)
    assert not world.here
    assert not world.there
    assert not world.base


def test_deletions_come_last_unless_something_needs_the_place():
    world = deep(1, 3)
    world.agree_all()
    local = User(world, Side.LOCAL)
    files = [node for node, item in world.here.items() if item.kind is Kind.FILE]
    folder = world.here[files[0]].parent
    local.delete(files[0])
    local.delete(files[1])
    local.make(Place(folder, "f0"), "new", 3)
    made = world.plan()
    assert [[(action.op, action.node) for action in stage] for stage in made.stages] == [
        [(Op.DELETE, files[0])],
        [(Op.SEND, world.last_id)],
        [(Op.DELETE, files[1])],
    ]


def test_what_bears_its_own_temporary_name_is_an_ordinary_thing():
    """Another replica's swap, seen in its middle, may have given it the name that is this one's for
    the same number."""
    world = World()
    node = world.new_id()
    world.there[node] = Item(Kind.FOLDER, ROOT, swap_name(node))
    made = world.plan()
    assert [(action.op, action.side) for action in made.actions] == [(Op.MAKE, Side.LOCAL)]


@pytest.mark.parametrize("side", [Side.LOCAL, Side.REMOTE])
def test_a_folder_that_goes_keeps_no_place_from_what_was_deep_in_it(side: Side) -> None:
    """The inner folder takes the place of the outer one, which goes, and the middle one comes into
    the inner one: all wait for each other, and one of them would come to lie below itself."""
    world = World()
    other = Side.REMOTE if side is Side.LOCAL else Side.LOCAL
    user = User(world, other)
    nodes = [ROOT]
    for name in ("outer", "middle", "inner", "below"):
        node = user.make(Place(nodes[-1], name), kind=Kind.FOLDER)
        assert node is not None
        nodes.append(node)
    world.run(world.plan(), random.Random(1))
    _, outer, middle, inner, below = nodes
    user.move(inner, Place(ROOT, "aside"))
    user.move(middle, Place(below, "middle"))
    user.delete(outer)
    user.move(inner, Place(ROOT, "outer"))
    world.run(world.plan(), random.Random(1))
    assert world.paths(Side.LOCAL) == world.paths(Side.REMOTE)
