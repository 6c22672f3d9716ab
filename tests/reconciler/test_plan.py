"""The conflict tables, case by case. `tables` says how the trees and plans are written.

This file is long because it is tables: a row a case.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from reconciler.filters import Filter
from reconciler.model import (
    ROOT,
    Base,
    Conflict,
    Direction,
    Kind,
    Local,
    Mode,
    NodeId,
    Op,
    Place,
    Remote,
    Settings,
    Side,
)
from reconciler.names import conflict_name, unsyncable
from reconciler.planner.plan import plan
from reconciler.planner.resolve import NodeStates, resolve_node
from tests.reconciler.tables import told, world_of
from tests.reconciler.world import STAMP, Item, World

RECENT, LOCAL, REMOTE = (Settings(conflict=each, host="box") for each in Conflict)
COPY = "(conflict 2026-01-02 box)"

ONE_SIDE = [
    # base, here, there, plan
    ("", "", "", ""),
    ("a=x1", "a=x1", "a=x1", ""),
    ("", "a=x1", "", "send a"),
    ("", "", "a=x1", "fetch a"),
    ("", "d/ d/e/ d/e/f=x1", "", "make there d | make there d/e | send d/e/f"),
    ("", "", "d/ d/e/ d/e/f=x1", "make here d | make here d/e | fetch d/e/f"),
    ("a=x1", "a=y2", "a=x1", "send a"),
    ("a=x1", "a=x1", "a=y2", "fetch a"),
    ("a=x1", "a=x1", "a=x2", "fetch a"),  # in mode fast another time is another content
    ("a=x1", "a=x2", "a=x1", "touch there a"),
    ("a=x1", "", "a=x1", "delete there a"),
    ("a=x1", "a=x1", "", "delete here a"),
    ("a=x1", "b<a=x1", "a=x1", "move there a > b"),
    ("a=x1", "a=x1", "b<a=x1", "move here a > b"),
    ("a=x1", "A<a=x1", "a=x1", "move there a > A"),
    ("a=x1", "b<a=y2", "a=x1", "move there a > b | send b"),
    ("a=x1", "b<a=x1 +a=n2", "a=x1", "move there a > b | send a"),
    ("a=x1", "+a=n2", "a=x1", "delete there a | send a"),
    ("a=x1", "+a/ +a/b=n2", "a=x1", "delete there a | make there a | send a/b"),
    ("d/ d/a=x1", "d=n2", "d/ d/a=x1", "delete there d | send d"),
    ("d/ d/a=x1 d/e/ d/e/b=y1", "", "d/ d/a=x1 d/e/ d/e/b=y1", "delete there d"),
    ("d/ d/a=x1", "a<d/a=x1", "d/ d/a=x1", "move there d/a > a | delete there d"),
    ("d/ d/a=x1", "d/ d/a=x1", "a<d/a=x1", "move here d/a > a | delete here d"),
    ("d/ d/a=x1", "e<d/ e/a<d/a=y2", "d/ d/a=x1", "move there d > e | send e/a"),
    ("a=x1 d/", "d/ d/a<a=x1", "a=x1 d/", "move there a > d/a"),
    ("a=x1", "n/ n/a<a=x1", "a=x1", "make there n | move there a > n/a"),
    (
        "a=x1 b=y1",
        "a<b=y1 b<a=x1",
        "a=x1 b=y1",
        "move there a > .syncin-2-tmp | move there b > a | move there .syncin-2-tmp > b",
    ),
    (
        "d/ d/e/ d/x=x1",
        "e<d/e/ e/d<d/ e/d/x<d/x=x1",
        "d/ d/e/ d/x=x1",
        "move there d/e > e | move there d > e/d",
    ),
    (
        "d/ d/d/ d/x=x1",
        "d<d/d/ d/d<d/ d/d/x<d/x=x1",
        "d/ d/d/ d/x=x1",
        (
            "move there d > .syncin-2-tmp | move there .syncin-2-tmp/d > d | move there"
            " .syncin-2-tmp > d/d"
        ),
    ),
    (
        "d/ d/x=x1",
        "+d/ d/x<d/x=x1",
        "d/ d/x=x1",
        (
            "move there d > .syncin-2-tmp | make there d | move there .syncin-2-tmp/x > d/x |"
            " delete there .syncin-2-tmp"
        ),
    ),
]

BOTH_SIDES = [
    # base, here, there, plan, paths in conflict; whatever the setting
    ("a=x1", "", "", "forget a", ""),
    ("d/ d/a=x1", "", "", "forget d, forget d/a", ""),
    ("", "a=x1", "a=x1", "agree a", ""),
    ("", "d/ d/a=x1", "d/ d/b=y1", "agree d | fetch d/b, send d/a", ""),
    ("a=x1", "a=y2", "a=y2", "agree a", ""),
    ("a=x1", "b<a=x1", "b<a=x1", "agree b", ""),
    ("a=x1 b=y1", "a<b=y1 b<a=x1", "a<b=y1 b<a=x1", "agree a, agree b", ""),
    ("a=x1", "b<a=x1", "a=y2", "move there a > b | fetch b", ""),
    ("a=x1", "a=y2", "b<a=x1", "move here a > b | send b", ""),
    ("a=x1", "b<a=y2", "a=y2", "agree a | move there a > b", ""),
    ("a=x1", "a=x2", "a=y3", "fetch a", ""),
    ("d/ d/a=x1", "d/ d/a=x1 d/n=n2", "", "make there d | send d/n | delete here d/a", ""),
    ("d/ d/a=x1", "", "d/ d/a=x1 d/n=n2", "make here d | fetch d/n | delete there d/a", ""),
    ("d/ a=x1", "d/ d/a<a=x1", "a=x1", "make there d | move there a > d/a", ""),
    ("d/ d/a=x1", "e<d/ e/a<d/a=x1", "d/ d/b<d/a=x1", "move here e/a > e/b, move there d > e", ""),
    ("a=x1", "b<a=x1 +a=n2", "a=y3", "move there a > b | fetch b, send a", ""),
]

FOLDER_AND_FILE = [
    ("", "a=x1", "a/", f"move here a > a {COPY} | make here a | send a {COPY}", f"a {COPY}"),
    (
        "",
        "a.txt/",
        "a.txt=x1",
        f"move there a.txt > a {COPY}.txt | make there a.txt | fetch a {COPY}.txt",
        f"a {COPY}.txt",
    ),
    (
        "b=y1",
        "a=x1 b=y1",
        "a<b=y1",
        f"move here a > a {COPY} | move here b > a | send a {COPY}",
        f"a {COPY}",
    ),
    (
        "b=y1",
        "a<b=y1",
        "a=x1 b=y1",
        f"move here a > a {COPY}, move there b > a {COPY} | fetch a",
        f"a {COPY}",
    ),
]

CONFLICTS = [
    # base, here, there, plan for recent, for local, for remote
    ("a=x1", "a=y3", "a=z2", "send! a", "send! a", "fetch! a"),
    ("a=x1", "a=y2", "a=z3", "fetch! a", "send! a", "fetch! a"),
    ("a=x1", "a=y2", "a=z2", "fetch! a", "send! a", "fetch! a"),  # the larger one
    ("a=x1", "a=z2", "a=y2", "send! a", "send! a", "fetch! a"),
    ("", "a=y3", "a=z2", "send! a", "send! a", "fetch! a"),
    ("", "a=y2", "a=z3", "fetch! a", "send! a", "fetch! a"),
    ("a=x1", "a=y2", "", "send a", "send a", "delete here! a"),
    ("a=x1", "", "a=y2", "fetch a", "delete there! a", "fetch a"),
    (
        "d/ d/a=x1",
        "d/ d/a=y2",
        "",
        "make there d | send d/a",
        "make there d | send d/a",
        "delete here! d",
    ),
    (
        "d/ d/a=x1",
        "",
        "d/ d/a=y2",
        "make here d | fetch d/a",
        "delete there d",
        "make here d | fetch d/a",
    ),
    ("a=x1", "b<a=x1", "c<a=x1", "move there c > b", "move there c > b", "move here b > c"),
    (
        "a=x1",
        "b<a=y2",
        "c<a=z3",
        "move there c > b | fetch! b",
        "move there c > b | send! b",
        "move here b > c | fetch! c",
    ),
    ("a=x1", "b<a=x1", "", "send b", "send b", "delete here b"),
    ("a=x1", "", "b<a=x1", "fetch b", "delete there b", "fetch b"),
    (
        "d/ d/a=x1",
        "e<d/ e/a<d/a=x1",
        "",
        "make there e | send e/a",
        "make there e | send e/a",
        "delete here e",
    ),
    (
        "d/ d/a=x1",
        "",
        "e<d/ e/a<d/a=x1",
        "make here e | fetch e/a",
        "delete there e",
        "make here e | fetch e/a",
    ),
    (
        "d/ e/",
        "e/ e/d<d/",
        "d/ d/e<e/",
        "move there d/e > e | move there d > e/d",
        "move there d/e > e | move there d > e/d",
        "move here e/d > d | move here e > d/e",
    ),
]


def check(base: str, here: str, there: str, expected: str, settings: Settings) -> list[str]:
    world = world_of(base, here, there, settings)
    made = world.plan()
    assert told(world, made) == expected
    assert made.waiting == ()
    assert world.paths(Side.LOCAL) == world.paths(Side.REMOTE)
    assert world.plan().stages == ()
    return sorted(world.path(Side.LOCAL, n) if n in world.here else "" for n in made.conflicts)


@pytest.mark.parametrize("settings", [RECENT, LOCAL, REMOTE], ids=["recent", "local", "remote"])
@pytest.mark.parametrize(("base", "here", "there", "expected"), ONE_SIDE)
def test_what_one_side_did_goes_to_the_other(
    base: str, here: str, there: str, expected: str, settings: Settings
):
    assert check(base, here, there, expected, settings) == []


@pytest.mark.parametrize("settings", [RECENT, LOCAL, REMOTE], ids=["recent", "local", "remote"])
@pytest.mark.parametrize(
    ("base", "here", "there", "expected", "conflicts"), [*BOTH_SIDES, *FOLDER_AND_FILE]
)
def test_what_both_sides_did(
    base: str, here: str, there: str, expected: str, conflicts: str, settings: Settings
):
    assert check(base, here, there, expected, settings) == ([conflicts] if conflicts else [])


@pytest.mark.parametrize(("base", "here", "there", "recent", "local", "remote"), CONFLICTS)
def test_the_setting_picks_the_winner(
    base: str, here: str, there: str, recent: str, local: str, remote: str
):
    for settings, expected in ((RECENT, recent), (LOCAL, local), (REMOTE, remote)):
        assert len(check(base, here, there, expected, settings)) == 1


# what waits ---------------------------------------------------------------------------------------

WAITING = [
    # base, here, there, plan, waiting paths
    ("a=x1", "a=y2*", "a=x1", "", "a"),
    ("a=x1", "a=y2*", "a=z3", "", "a"),
    ("a=x1", "a=x1*", "", "", "a"),
    ("", "a=y2*", "", "", "a"),
    ("a=x1", "b<a=y2*", "a=x1", "move there a > b", "b"),
    ("d/ d/a=x1 d/b=y1", "d/ d/a=x1* d/b=y1", "", "delete here d/b", "d d/a"),
    ("d/", "d/ d/a=y2*", "", "make there d", "d/a"),
    ("d/ d/e/ d/e/a=x1", "d/ d/e/ d/e/a=x1*", "", "", "d d/e d/e/a"),
    ("a=x1", "a=y2", "?a", "", "a"),
    ("a=x1 b=x1", "", "?a b=x1", "delete there b", "a"),
    ("d/ d/a=x1", "", "?d/", "", "d d/a"),
    ("d/ d/a=x1", "d/ d/a=x1 d/n=y2", "?d/", "", "d d/n"),
    ("d/ a=x1", "d/ d/a<a=x1", "?d/ a=x1", "", "d d/a"),
    ("a=x1 b=y1", "b<a=x1", "a=x1 ?b", "", "b b"),
]


@pytest.mark.parametrize(("base", "here", "there", "expected", "waiting"), WAITING)
def test_what_cannot_be_settled_waits(
    base: str, here: str, there: str, expected: str, waiting: str
):
    world = world_of(base, here, there)
    made = world.plan()
    paths = {
        node: world.path(Side.LOCAL, node) if node in world.here else _base_path(world, node)
        for node in (each.node for each in made.waiting)
    }
    assert sorted(paths.values()) == waiting.split()
    assert all(each.why.endswith(".") for each in made.waiting)
    assert told(world, made) == expected


def _base_path(world: World, node: NodeId) -> str:
    base = world.base[node]
    return base.name if base.parent == ROOT else f"{_base_path(world, base.parent)}/{base.name}"


@pytest.mark.parametrize("name", ["caf\udce9", "x" * 256, "é" * 128, "a/b", "a\0b", ".."])
def test_names_the_server_cannot_hold_stay_here_with_all_below(name: str):
    world = World()
    world.here[NodeId(2)] = Item(Kind.FOLDER, ROOT, name)
    world.here[NodeId(3)] = Item(Kind.FILE, NodeId(2), "f", "x", 1, 1, 1)
    world.here[NodeId(4)] = Item(Kind.FILE, ROOT, "g", "y", 2, 1, 2)
    made = world.plan()
    assert [each.node for each in made.waiting] == [2, 3]
    assert [action.node for action in made.actions] == [4]
    made.waiting[0].why.encode()


@pytest.mark.parametrize("name", ["é" * 127, "a:b?", "x" * 255, "ends with a dot."])
def test_names_the_server_can_hold(name: str):
    assert unsyncable(name) is None


def test_what_is_left_out_is_not_looked_at_but_goes_with_its_folder():
    world = world_of(
        "d/ d/a=x1", "d/ d/a=x1 d/__pycache__/ d/__pycache__/m=n2 .DS_Store=q9 .sync-in.a=p1", ""
    )
    made = world.plan()
    assert told(world, made) == "delete here d"
    assert made.waiting == ()


def test_a_rule_leaves_out_what_lies_below_too():
    world = world_of("", "d/ d/a=x1 e/ e/a=y2", "")
    made = plan(world.view(), RECENT, stamp=STAMP, filters=Filter(rule=lambda path: path == "d"))
    assert told(world, made) == "make there e | send e/a"


def test_links_keep_out_of_the_way():
    world = world_of("d/", "d/ l@ d/l@", "d/ l=x1 d/m=y1")
    assert told(world, world.plan()) == f"move here l > l {COPY} | fetch d/m, fetch l"
    world = world_of("d/", "d/ d/l@", "")
    assert told(world, world.plan()) == "delete here d"


def test_content_that_is_not_here_stands_for_its_base():
    world = world_of("a=x1 b=y1 c=z1", "a=x1- b=y1- e<c=z1-", "a=n2 c=z1")
    assert told(world, world.plan()) == "move there c > e | fetch a | delete here b"
    world = world_of("a=x1", "b<a=x1-", "")  # moved here, but there is nothing to send
    assert told(world, world.plan()) == "delete here b"


def test_content_that_is_not_here_was_never_edited_whatever_its_version():
    world = world_of("a=x1", "a=x1-", "a=n2")
    world.here[NodeId(2)] = replace(world.here[NodeId(2)], version=77)
    made = world.plan()
    assert [(action.op, action.keep) for action in made.actions] == [(Op.FETCH, False)]
    assert made.conflicts == ()


def test_secure_mode_sees_through_times():
    world = world_of(
        "a=x1 b=x1 c=x1", "a=x1 b=x1 c=x1", "a=x2 b=x1 c=x1", Settings(mode=Mode.SECURE)
    )
    view = world.view()

    class Checked(type(view)):  # type: ignore[misc]
        def base(self, node):
            base = super().base(node)
            return base and _with(base, "0")

        def remote(self, node):
            remote = super().remote(node)
            return remote and _with(remote, "1" if remote.name == "b" else "0")

    made = plan(Checked(world, world.here), world.settings, stamp=STAMP)
    assert [(action.op.value, action.side.value, action.node) for action in made.actions] == [
        ("touch", "local", 2),
        ("fetch", "local", 3),
    ]


def _with(state: Any, checksum: str) -> Any:
    return replace(state, checksum=checksum)


def test_a_temporary_name_left_by_an_interrupted_run_is_nobodys_wish():
    world = world_of("a=x1 b=y1", ".syncin-2-tmp<a=x1 b=y1", "c<a=x1 b=y1")
    assert check_told(world) == "move here .syncin-2-tmp > c"
    world = world_of("a=x1", "", ".syncin-2-tmp<a=x1")
    assert check_told(world) == "delete there .syncin-2-tmp"
    world = world_of("a=x1", "a=x1", ".syncin-2-tmp<a=x1")
    assert check_told(world) == "move there .syncin-2-tmp > a"


def test_a_temporary_name_whose_former_place_is_settled_as_anothers_becomes_a_conflict_copy():
    """Found by the simulation (seed 204115): it waited for ever for a place that its holder had no
    reason to leave."""
    world = world_of("a=x1 b=y1", ".syncin-2-tmp<a=x1 b=y1", "b=y1")
    left, other = NodeId(2), NodeId(3)
    # edited here, and gone there
    world.base[left] = replace(world.base[left], name="b", version=-1)
    assert world.here[other].name == world.there[other].name == "b"
    made = world.plan(nodes=[left])
    assert made.waiting == ()
    assert [(each.op, each.side, each.node) for each in made.actions] == [
        (Op.MOVE, Side.LOCAL, left),
        (Op.SEND, Side.REMOTE, left),
    ]
    assert {each.target for each in made.actions} == {
        Place(ROOT, conflict_name("b", STAMP, "box", 1))
    }


@pytest.mark.parametrize("direction", list(Direction))
def test_a_place_that_only_the_server_could_free_is_waited_for_by_a_drive_that_follows_it(
    direction: Direction,
):
    """Found by the simulation (seed 622559): a push would have moved the other one's folder on the
    server."""
    world = world_of("z/ a/", ".syncin-2-tmp<z/ a/", "z/ a/", Settings(direction=direction))
    left = NodeId(2)
    view = world.view(nodes=[left])

    class Assumed(type(view)):  # type: ignore[misc]
        """The place of its base is another one's by now."""

        def remote(self, node):
            remote = super().remote(node)
            return replace(remote, name="a") if node == left else remote

    made = plan(Assumed(world, [left]), world.settings, stamp=STAMP)
    if direction is Direction.DOWNLOAD:
        assert not made.actions
        assert [each.node for each in made.waiting] == [left]
    else:
        assert {(each.op, each.side) for each in made.actions} == {
            (Op.MOVE, Side.LOCAL),
            (Op.MOVE, Side.REMOTE),
        }


def check_told(world: World) -> str:
    made = world.plan()
    assert made.conflicts == ()
    return told(world, made)


def test_part_of_the_changes_can_be_planned_for():
    """Changes are pushed as they settle: what is not told is taken to stay as the base has it, and
    holds its place."""
    world = world_of("d/ d/a=x1 b=y1", "a<d/a=x1 +b=n2 z=q1", "d/ d/a=x1 b=y1")
    by_path = {world.path(Side.LOCAL, node): node for node in world.here}
    made = world.plan(nodes=[by_path["b"], by_path["z"]])
    assert [(each.node, each.why) for each in made.waiting] == [
        (by_path["b"], "Its place is still taken by something that waits.")
    ]
    assert [action.node for action in made.actions] == [by_path["z"]]
    folder = next(node for node, base in world.base.items() if base.kind is Kind.FOLDER)
    assert world.plan(nodes=[folder]).stages == (), "a folder stays as long as something is in it"


def test_the_reasons_say_what_each_side_did():
    world = world_of("a=x1 b=x1 c=x1", "a=y2 b=y2 c=y2", "a=x1 c=z3")
    reasons = {world.base[action.node].name: action.reason for action in world.plan().actions}
    assert reasons == {
        "a": "edited here, unchanged on the server",
        "b": "deleted on the server, edited here: the edit wins (recent)",
        "c": "edited on both sides: the server's version wins (recent)",
    }


@pytest.mark.parametrize("checksum", [None, "v2"])
def test_two_edits_are_not_alike_by_the_size_and_second_that_the_base_has(checksum: str | None):
    """The server's is known to be one by its checksum, and ours could not be read to compare it."""
    base = Base(Kind.FILE, ROOT, "a", 4, 9, 5, 1, "v1")
    local = Local(Kind.FILE, ROOT, "a", 4, 9 * 10**9, 2, True, False, checksum=checksum)
    remote = Remote(Kind.FILE, ROOT, "a", 4, 9, 5, "v2")
    verdict = resolve_node(NodeStates(NodeId(2), base, local, remote), LOCAL, False)
    assert (verdict.op is Op.AGREE) is (checksum is not None)
    assert verdict.conflict is (checksum is None)


# names of conflict copies -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "kind", "number", "expected"),
    [
        ("a.txt", Kind.FILE, 1, f"a {COPY}.txt"),
        ("a.tar.gz", Kind.FILE, 1, f"a.tar {COPY}.gz"),
        (".bashrc", Kind.FILE, 1, f".bashrc {COPY}"),
        ("a.txt", Kind.FOLDER, 1, f"a.txt {COPY}"),
        ("a", Kind.FILE, 2, "a (conflict 2026-01-02 box 2)"),
    ],
)
def test_conflict_names(name: str, kind: Kind, number: int, expected: str):
    assert conflict_name(name, STAMP, "box", number, is_folder=kind is Kind.FOLDER) == expected


@pytest.mark.parametrize("name", ["ü" * 127, "x" * 251 + ".txt", "\udce9" * 255, "😀" * 63 + ".c"])
def test_conflict_names_fit(name: str):
    made = conflict_name(name, STAMP, "h/o:s" * 40, 7)
    assert len(made.encode("utf-8", "surrogateescape")) <= 246
    assert "/" not in made
    assert made.endswith(name[-2:] if "." in name else ")")


def test_conflict_names_are_free_on_both_sides():
    world = World(RECENT)
    for node, name in ((2, "a"), (3, f"a {COPY}")):
        world.here[NodeId(node)] = Item(Kind.FILE, ROOT, name, name, node, 1, node)
    world.there = {
        NodeId(10): Item(Kind.FOLDER, ROOT, "a"),
        NodeId(11): Item(Kind.FOLDER, ROOT, "a (conflict 2026-01-02 box 2)"),
    }
    targets = {
        action.target.name for action in world.plan().actions if action.target and action.node == 2
    }
    assert targets == {"a (conflict 2026-01-02 box 3)"}


TO_ITS_NAME = "move here .syncin-2-tmp > a, move there .syncin-2-tmp > a"
OTHERS = ".syncin-b-7-tmp"
MIRRORED = [
    # base, here, there, plan for upload, for download
    (
        "",
        "a=x1 b=y1",
        "b=y1 c=z1",
        "agree b | send a | delete there c",
        "agree b | fetch c | delete here! a",
    ),
    ("a=x1", "a=y1", "a=x1", "send a", "fetch! a"),
    ("a=x1", "a=x1", "a=y2", "send! a", "fetch a"),
    ("a=x1", "a=y1", "a=z2", "send! a", "fetch! a"),
    ("a=x1", "a=y2", "a=y2", "agree a", "agree a"),
    ("a=x1", "a=x2", "a=x1", "touch there a", "touch here a"),
    ("a=x1", "", "a=x1", "delete there a", "fetch a"),
    ("a=x1", "a=x1", "", "send a", "delete here a"),
    ("a=x1", "", "", "forget a", "forget a"),
    ("a=x1", "b<a=x1", "a=x1", "move there a > b", "move here b > a"),
    ("a=x1", "a=x1", "b<a=x1", "move there b > a", "move here a > b"),
    ("a=x1", "b<a=x1", "b<a=x1", "agree b", "agree b"),
    ("a=x1", "a=x1-", "a=y2", "fetch a", "fetch a"),
    ("d/ d/a=x1", "d/ d/a=x1", "", "make there d | send d/a", "delete here d"),
    (
        "",
        "a=x1",
        "a/ a/b=y1",
        "delete there a | send a",
        "delete here! a | make here a | fetch a/b",
    ),
    ("a=x1", "a=y2*", "a=x1", "", ""),
    ("a=x1", "a=x1-", "", "delete here a", "delete here a"),
    # What an interrupted run left half-way on the server is moved on by who sends, and shown by who
    # follows.
    (
        "a=x1",
        "a=x1",
        ".syncin-2-tmp<a=x1",
        "move there .syncin-2-tmp > a",
        "move here a > .syncin-2-tmp",
    ),
    ("a=x1", ".syncin-2-tmp<a=x1", ".syncin-2-tmp<a=x1", TO_ITS_NAME, "agree .syncin-2-tmp"),
    # What another device had in hand when it was listed follows that device.
    (
        f"{OTHERS}=x1",
        f"{OTHERS}=x1",
        f"a<{OTHERS}=x1",
        f"move here {OTHERS} > a",
        f"move here {OTHERS} > a",
    ),
    ("d/", "d/ e/", "d/", "make there e", "delete here! e"),
]


@pytest.mark.parametrize(("base", "here", "there", "up", "down"), MIRRORED)
def test_one_direction_makes_one_side_like_the_other(
    base: str, here: str, there: str, up: str, down: str
):
    for direction, expected in ((Direction.UPLOAD, up), (Direction.DOWNLOAD, down)):
        world = world_of(base, here, there, Settings(direction=direction, host="box"))
        made = world.plan()
        assert told(world, made) == expected
        assert bool(made.waiting) is (not expected)
        if expected:
            assert world.paths(Side.LOCAL) == world.paths(Side.REMOTE)


def test_a_time_before_1970_is_no_time_that_was_set_here() -> None:
    """What the server has from then stays as it is when the file is moved here (simulation, seed
    20050131)."""
    base = Base(Kind.FILE, ROOT, "a", 1, -5, 7, 3)
    local = Local(Kind.FILE, ROOT, "b", 1, -5 * 10**9, 3)
    states = NodeStates(NodeId(2), base, local, base.on_server(), "tag")
    assert resolve_node(states, Settings(), False).op is None
    later = replace(local, mtime_ns=9 * 10**9)
    states = NodeStates(NodeId(2), base, later, base.on_server(), "tag")
    assert resolve_node(states, Settings(), False).op is Op.TOUCH
