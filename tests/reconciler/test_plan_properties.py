"""Whatever both sides did: the plan can be carried out, both end equal, nothing is lost, and no
more is to do."""

from __future__ import annotations

import random
from dataclasses import dataclass

import hypothesis.strategies as st
from hypothesis import example, given, settings

from reconciler.model import ROOT, Conflict, Direction, Kind, NodeId, Place, Settings, Side
from tests.effort import examples
from tests.reconciler.world import Item, User, World, swap_name

NAMES = ("a", "b", "c", "d.txt")


@dataclass(frozen=True)
class Do:
    """One wish. Numbers choose among the nodes there are; what is impossible is dropped."""

    what: str
    node: int
    other: int
    name: str
    mtime: int

    def __repr__(self) -> str:
        return f"Do{(self.what, self.node, self.other, self.name, self.mtime)}"


def wishes(*what: str, size: int = 12) -> st.SearchStrategy[list[Do]]:
    number = st.integers(0, 30)
    one = st.builds(
        Do, st.sampled_from(what), number, number, st.sampled_from(NAMES), st.integers(1, 5)
    )
    return st.lists(one, max_size=size)


MAKE = wishes("file", "file", "folder", "folder", size=10)
CHANGE = wishes(
    "file", "folder", "edit", "touch", "move", "move", "rename", "swap", "delete", "same"
)


class Story:
    """Turns wishes into deeds on a world; contents are numbered."""

    def __init__(self, world: World, prefix: str = "") -> None:
        self.world = world
        self.prefix = prefix
        self.count = 0

    def content(self) -> str:
        self.count += 1
        return f"{self.prefix}{self.count}"

    def do(self, user: User, wish: Do) -> None:
        nodes = sorted(user.tree)
        folders = [ROOT, *(node for node in nodes if user.tree[node].kind is Kind.FOLDER)]
        node = nodes[wish.node % len(nodes)] if nodes else ROOT
        other = nodes[wish.other % len(nodes)] if nodes else ROOT
        folder = folders[wish.other % len(folders)]
        place = Place(folder, wish.name)
        match wish.what:
            case "file":
                user.make(place, self.content(), wish.mtime)
            case "folder":
                user.make(place, kind=Kind.FOLDER)
            case "edit":
                user.edit(node, self.content(), wish.mtime)
            case "same":  # both sides write the same
                content = self.content()
                for side in (Side.LOCAL, Side.REMOTE):
                    User(self.world, side).edit(node, content, wish.mtime)
            case "touch" if user.side is Side.LOCAL:
                user.touch(node, wish.mtime)
            case "move":
                user.move(node, place)
            case "rename" if node != ROOT:
                user.move(node, Place(user.tree[node].parent, wish.name))
            case "swap":
                user.swap(node, other)
            case "delete":
                user.delete(node)


def told(
    make: list[Do], here: list[Do], there: list[Do], conflict: Conflict, not_here: set[int]
) -> World:
    world = World(Settings(conflict=conflict, host="box"))
    story = Story(world)
    for wish in make:
        story.do(User(world, Side.LOCAL), wish)
    world.agree_all()
    files = [node for node in sorted(world.here) if world.here[node].kind is Kind.FILE]
    world.not_here = {files[number % len(files)] for number in not_here} if files else set()
    for wish in here:
        story.do(User(world, Side.LOCAL), wish)
    for wish in there:
        story.do(User(world, Side.REMOTE), wish)
    world.merge_twins()
    return world


def owned(world: World) -> set[str]:
    """Contents that must not be lost: what is on a side, unless a user of either side wrote over
    that very content."""
    here = {item.content for node, item in world.here.items() if node not in world.not_here}
    there = {item.content for item in world.there.values()}
    return (here | there) - world.replaced - {""}


def contents(world: World) -> set[str]:
    trees = {item.content for tree in (world.here, world.there) for item in tree.values()}
    return trees | world.bins[Side.LOCAL] | world.bins[Side.REMOTE]


def settled(world: World) -> None:
    assert world.paths(Side.LOCAL) == world.paths(Side.REMOTE)
    assert set(world.base) == set(world.there)
    again = world.plan()
    assert again.stages == ()
    assert again.conflicts == ()
    assert again.waiting == ()
    assert not any(item.name.startswith(swap_name(node)) for node, item in world.here.items())


worlds = st.builds(
    told,
    make=MAKE,
    here=CHANGE,
    there=CHANGE,
    conflict=st.sampled_from(Conflict),
    not_here=st.sets(st.integers(0, 30), max_size=2),
)
seeds = st.integers(0, 1000).map(random.Random)


@given(worlds, seeds)
@settings(max_examples=examples(1500))
def test_both_sides_become_equal_and_nothing_is_lost(world: World, rng: random.Random):
    before = owned(world)
    made = world.plan(rng)
    assert made == world.plan(rng), "the order in which nodes are told matters"
    world.run(made, rng)
    assert made.waiting == ()
    assert before <= contents(world), f"lost: {before - contents(world)}"
    settled(world)


@given(worlds, seeds, st.lists(st.integers(0, 12), min_size=1, max_size=4))
@settings(max_examples=examples(800))
def test_an_interrupted_plan_is_followed_by_one_that_ends_well(
    world: World, rng: random.Random, limits: list[int]
):
    before = owned(world)
    for limit in limits:
        world.run(world.plan(), rng, limit)
    world.run(world.plan(), rng)
    assert before <= contents(world), f"lost: {before - contents(world)}"
    settled(world)


@given(worlds, seeds, st.integers(1, 3))
@settings(max_examples=examples(600))
def test_actions_that_fail_are_made_up_for_later(world: World, rng: random.Random, runs: int):
    before = owned(world)
    for _ in range(runs):
        world.run_badly(world.plan(), rng)
        assert before <= contents(world), f"lost: {before - contents(world)}"
    world.run(world.plan(), rng)
    assert before <= contents(world), f"lost: {before - contents(world)}"
    settled(world)


def one_sided(
    make: list[Do], changes: list[Do], conflict: Conflict, side: Side
) -> tuple[World, Side]:
    changes = [wish for wish in changes if wish.what != "same"]
    here, there = (changes, []) if side is Side.LOCAL else ([], changes)
    return told(make, here, there, conflict, set()), side


one_sided_worlds = st.builds(
    one_sided, MAKE, CHANGE, st.sampled_from(Conflict), st.sampled_from([Side.LOCAL, Side.REMOTE])
)


@given(one_sided_worlds, seeds, st.lists(st.integers(0, 12), max_size=3))
@settings(max_examples=examples(800))
def test_what_one_side_did_happens_on_the_other_and_only_there(
    told_on: tuple[World, Side], rng: random.Random, limits: list[int]
):
    world, side = told_on
    wanted = world.paths(side)
    for limit in limits:
        made = world.plan()
        assert made.conflicts == ()
        assert all(action.side is not side for action in made.actions)
        world.run(made, rng, limit)
    made = world.plan()
    assert made.conflicts == ()
    assert all(action.side is not side for action in made.actions)
    world.run(made, rng)
    assert world.paths(side) == wanted
    settled(world)


@given(worlds, seeds, CHANGE, CHANGE, st.integers(0, 12))
@settings(max_examples=examples(500))
def test_work_goes_on_during_a_run(
    world: World, rng: random.Random, here: list[Do], there: list[Do], limit: int
):
    world.run(world.plan(), rng, limit)
    story = Story(world, "x")
    for wish in here:
        story.do(User(world, Side.LOCAL), wish)
    for wish in there:
        story.do(User(world, Side.REMOTE), wish)
    world.merge_twins()
    before = owned(world)
    world.run(world.plan(), rng)
    assert before <= contents(world), f"lost: {before - contents(world)}"
    settled(world)


@given(
    worlds, seeds, st.sets(st.integers(0, 30), max_size=3), st.sets(st.integers(0, 30), max_size=2)
)
@settings(max_examples=examples(800))
def test_what_is_busy_or_unknown_is_left_alone_and_settled_later(
    world: World, rng: random.Random, busy: set[int], unknown: set[int]
):
    files = [node for node in sorted(world.here) if world.here[node].kind is Kind.FILE]
    listed = sorted(node for node in world.base if node in world.there)
    world.busy = (
        {files[number % len(files)] for number in busy} - world.not_here if files else set()
    )
    world.unknown = (
        {listed[number % len(listed)]: "it may not" for number in unknown} if listed else {}
    )
    still = {node: (world.here.get(node), world.there.get(node)) for node in world.unknown}
    written = {node: world.here[node].content for node in world.busy}
    before = owned(world)
    made = world.plan(rng)
    assert {each.node for each in made.waiting} >= set(world.unknown)
    world.run(made, rng)
    for node, states in still.items():
        assert (world.here.get(node), world.there.get(node)) == states
    for node, content in written.items():
        assert world.here[node].content == content
    world.busy.clear()
    world.unknown.clear()
    world.run(world.plan(rng), rng)
    assert before <= contents(world), f"lost: {before - contents(world)}"
    settled(world)


@given(worlds, seeds, st.lists(st.tuples(st.integers(0, 30), st.sampled_from(NAMES)), max_size=4))
@settings(max_examples=examples(500))
def test_links_stay_here_and_make_room(
    world: World, rng: random.Random, links: list[tuple[int, str]]
):
    folders = [ROOT, *(node for node in sorted(world.here) if world.here[node].kind is Kind.FOLDER)]
    local = User(world, Side.LOCAL)
    made = {
        local.make(Place(folders[number % len(folders)], name), kind=Kind.OTHER)
        for number, name in links
    } - {None}
    world.run(world.plan(rng), rng)
    assert all(node not in world.there for node in made)
    settled(world)


@given(worlds, seeds, st.sampled_from([Direction.UPLOAD, Direction.DOWNLOAD]))
@settings(max_examples=examples(500))
def test_one_direction_makes_one_side_like_the_other(
    world: World, rng: random.Random, direction: Direction
):
    world.settings = Settings(direction=direction, host="box")
    if direction is Direction.UPLOAD:
        world.not_here.clear()
    model = Side.LOCAL if direction is Direction.UPLOAD else Side.REMOTE
    wanted, before = world.paths(model), owned(world)
    world.run(world.plan(rng), rng)
    assert world.paths(model) == wanted
    assert before <= contents(world), f"lost: {before - contents(world)}"
    settled(world)


def _shared(*items: tuple[int, Item]) -> World:
    world = World()
    world.here = {NodeId(node): item for node, item in items}
    world.last_id = max(node for node, _ in items)
    world.agree_all()
    return world


@given(st.permutations(range(6)), st.permutations(range(6)), seeds)
@example([1, 2, 3, 4, 5, 0], [0, 1, 2, 3, 4, 5], random.Random(0))
@settings(max_examples=examples(200))
def test_any_permutation_of_names_on_both_sides(
    here: list[int], there: list[int], rng: random.Random
):
    world = _shared(
        *((n + 2, Item(Kind.FILE, ROOT, f"f{n}", str(n), n, 1, n + 1)) for n in range(6))
    )
    world.last_version = 10
    for side, order in ((Side.LOCAL, here), (Side.REMOTE, there)):
        tree = world.tree(side)
        for n, to in enumerate(order):
            tree[NodeId(n + 2)] = Item(Kind.FILE, ROOT, f"f{to}", str(n), n, 1, n + 1)
    world.run(world.plan(), rng)
    settled(world)
