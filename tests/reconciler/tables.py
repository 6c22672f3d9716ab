"""Trees and plans as text, so that a table of cases reads as data.

A tree: `a.txt=x1 docs/ docs/b=y2`: a file with content x and time 1, a folder, a file in it. In the
trees of the two sides `z<a.txt=x1` is the node that the base has at `a.txt`, `+a.txt=n3` is a new
node at a path that the base has too, `?a` is unknown on the server, `a=x1*` is being written,
`a=x1-` has its content not here, `a=x1^` was written anew with the same bytes, `a=y(x)1` has a
content y that is as large as x, `l@` is a link. On the server `a=y(x)1%` is another file (by its
inode) whose content was proved, `a=y(x)1~` one whose content cannot be compared with the base's.
Without a mark a path is the node the base has there, if the kind agrees; and a new path on both
sides is one node.

A plan: stages separated by ` | `, actions sorted within. `here` and `there` say where an action
acts, `!` that the replaced version is kept, `a > b` a move.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from reconciler.model import ROOT, Action, Kind, NodeId, Op, Place, Plan, Settings, Side
from tests.reconciler.world import Item, World, size_of

_TOKEN = re.compile(
    r"(?P<mark>[+?]?)(?P<path>[^<=@+?]+?)(<(?P<old>[^=@]+?))?(=(?P<content>[a-z]*)(\((?P<size>[a-z]+)\))?(?P<mtime>\d+))?(?P<end>[@*^%~-]*)"
)


@dataclass(frozen=True)
class _Read:
    path: str
    folder: bool
    link: bool
    old: str | None
    new: bool
    unknown: bool
    content: str
    size: int
    mtime: int
    busy: bool
    absent: bool
    anew: bool
    proved: bool
    doubtful: bool


def _read(text: str) -> list[_Read]:
    found = []
    for token in text.split():
        match = _TOKEN.fullmatch(token)
        assert match is not None, token
        path, end = match["path"], match["end"]
        found.append(
            _Read(
                path.rstrip("/"),
                match["content"] is None and "@" not in end,
                "@" in end,
                match["old"] and match["old"].rstrip("/"),
                match["mark"] == "+",
                match["mark"] == "?",
                match["content"] or "",
                size_of(match["size"] or match["content"] or ""),
                int(match["mtime"] or 0),
                "*" in end,
                "-" in end,
                "^" in end,
                "%" in end,
                "~" in end,
            )
        )
    return found


def world_of(base: str, here: str, there: str, settings: Settings | None = None) -> World:
    """The world that three trees describe."""
    world = World(settings)
    known = _place(world, world.here, _read(base), {}, {})
    world.agree_all()
    world.here, world.there = {}, {}
    anew = {each.path for each in _read(here) if each.anew}
    old = {path: world.base[node].kind for path, node in known.items() if path}
    made = _place(world, world.here, _read(here), known, old)
    twins = {path: node for path, node in made.items() if path and node not in world.base}
    for path, node in twins.items():
        known.setdefault(path, node)
        old.setdefault(path, world.here[node].kind)
    _place(world, world.there, _read(there), known, old)
    for node, was in world.base.items():  # what is unknown is told as the base has it
        unknown = world.view().unknown(node) is not None and node not in world.there
        if unknown or node in world.unknown:
            world.there[node] = Item(was.kind, was.parent, was.name, "?", was.size, was.mtime)
    for node, item in world.here.items():  # versions tell contents apart
        agreed = world.base.get(node)
        if (
            agreed is not None
            and item.content == world.agreed[node]
            and world.path(Side.LOCAL, node) not in anew
        ):
            world.here[node] = replace(item, version=agreed.version)
    return world


def _place(
    world: World,
    tree: dict[NodeId, Item],
    reads: list[_Read],
    known: dict[str, NodeId],
    kinds: dict[str, Kind],
) -> dict[str, NodeId]:
    """Fills a tree and returns its nodes by path."""
    nodes = {"": ROOT}
    for each in reads:
        kind = Kind.OTHER if each.link else Kind.FOLDER if each.folder else Kind.FILE
        wanted = each.old or each.path
        node = known.get(wanted) if not each.new else None
        if (
            node is None
            or node in tree
            or (not each.old and kinds.get(wanted) is not kind and not each.unknown)
        ):
            node = world.new_id()
        if each.unknown:
            world.unknown[node] = "it could not be read."
            continue
        head, _, name = each.path.rpartition("/")
        size = each.size if kind is Kind.FILE else 0
        version = world.new_version() if kind is Kind.FILE else 0
        tree[node] = Item(kind, nodes[head], name, each.content, size, each.mtime, version)
        nodes[each.path] = node
        if each.busy:
            world.busy.add(node)
        if each.absent:
            world.not_here.add(node)
        if each.proved:
            world.prove(node)
        if each.doubtful:
            world.doubtful.add(node)
    return nodes


_WORDS = {
    Op.MAKE: "make",
    Op.SEND: "send",
    Op.FETCH: "fetch",
    Op.MOVE: "move",
    Op.TOUCH: "touch",
    Op.DELETE: "delete",
    Op.AGREE: "agree",
    Op.FORGET: "forget",
}
_SIDES = {Side.LOCAL: " here", Side.REMOTE: " there", Side.BASE: ""}


def told(world: World, plan: Plan) -> str:
    """The plan as text. Run it on the world meanwhile, as later paths depend on earlier moves."""
    stages = []
    for stage in plan.stages:
        stages.append(", ".join(sorted(_told(world, action) for action in stage)))
        world.run(Plan((stage,)))
    return " | ".join(stages)


def _told(world: World, action: Action) -> str:
    side = "" if action.op in (Op.SEND, Op.FETCH) else _SIDES[action.side]
    mark = "!" if action.keep else ""
    target = _target(world, action.side, action.target) if action.target is not None else ""
    if action.op is Op.MOVE:
        target = f"{world.path(action.side, action.node)} > {target}"
    elif not target:
        target = (
            world.path(action.side, action.node)
            if action.side is not Side.BASE
            else _base_path(world, action.node)
        )
    return f"{_WORDS[action.op]}{side}{mark} {target}"


def _target(world: World, side: Side, place: Place) -> str:
    for each in (side, Side.REMOTE) if side is not Side.BASE else (Side.REMOTE, Side.LOCAL):
        if place.parent == ROOT:
            return place.name
        if place.parent in world.tree(each):
            return f"{world.path(each, place.parent)}/{place.name}"
    raise AssertionError(place)


def _base_path(world: World, node: NodeId) -> str:
    names: list[str] = []
    while node != ROOT:
        names.append(world.base[node].name)
        node = world.base[node].parent
    return "/".join(reversed(names))
