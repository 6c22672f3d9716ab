"""The golden tables: what becomes of every case with every setting, as data in `golden/*.txt`.

`golden/README.md` says how a row is written. Nothing here writes an expectation: `--align` only
sets the columns of what a person wrote, and the plan of now is printed, to be thought about and
copied by hand:

    python -m tests.reconciler.golden_rows             the names of all rows
    python -m tests.reconciler.golden_rows WORD…  rows with these words, with the plans of now
    python -m tests.reconciler.golden_rows --align     columns set anew, words unchanged
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

from reconciler.model import (
    Action,
    Conflict,
    Direction,
    Kind,
    Mode,
    NodeId,
    Op,
    Plan,
    Settings,
    Side,
)
from tests.reconciler.tables import told, world_of
from tests.reconciler.world import STAMP, World

FOLDER = Path(__file__).parent / "golden"
HEAD = ("direction", "conflict", "mode", "ends", "kept", "notes", "plan")
AXES = (
    [each.value for each in Direction],
    [each.value for each in Conflict],
    [each.value for each in Mode],
)
NOTHING = "-"

Combination = tuple[str, str, str]
"""Direction, conflict setting, mode."""

COMBINATIONS: tuple[Combination, ...] = tuple((d, c, m) for d, c, m in product(*AXES))


@dataclass(frozen=True, slots=True)
class Result:
    """What one combination makes of a row: the trees in the end, what lies in bin and trash,
    conflicts and what waits, the plan."""

    ends: str
    kept: str
    notes: str
    plan: str

    def cells(self) -> tuple[str, ...]:
        return self.ends, self.kept, self.notes, self.plan


@dataclass(slots=True)
class Row:
    name: str
    file: Path
    trees: dict[str, str] = field(default_factory=dict)
    lines: list[tuple[str, ...]] = field(default_factory=list)

    def expected(self) -> dict[Combination, list[Result]]:
        """What the lines say of each combination. One that is right is told exactly once."""
        found: dict[Combination, list[Result]] = {each: [] for each in COMBINATIONS}
        for line in self.lines:
            chosen = [_values(cell, axis) for cell, axis in zip(line, AXES, strict=False)]
            for direction, conflict, mode in product(*chosen):
                found[direction, conflict, mode].append(Result(*line[3:]))
        return found


def _values(cell: str, axis: Sequence[str]) -> list[str]:
    values = list(axis) if cell == "any" else cell.split(",")
    assert set(values) <= set(axis), f"{cell!r} is none of {axis}"
    assert len(set(values)) == len(values), f"{cell!r} says something twice"
    return values


# reading ------------------------------------------------------------------------------------------


def rows() -> list[Row]:
    """All rows, in the order of the files' names."""
    return [row for file in sorted(FOLDER.glob("*.txt")) for row in read(file)]


def read(file: Path) -> Iterator[Row]:
    """The rows of a file. Raises AssertionError, with the place, for a line that is none."""
    row: Row | None = None
    for number, text in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        where = f"{file.name}:{number}"
        if not text or text.startswith("#"):
            continue
        if text.startswith("["):
            if row is not None:
                yield row
            row = Row(text.strip("[]"), file)
            continue
        assert row is not None, f"{where}: a line before the first row"
        key, _, rest = text.partition(" ")
        if key in ("base", "here", "there", "unseen"):
            assert key not in row.trees, f"{where}: {key} twice"
            row.trees[key] = "" if rest.strip() == NOTHING else rest.strip()
        elif key != HEAD[0]:
            cells = _cells(text)
            assert len(cells) == len(HEAD), f"{where}: {len(cells)} columns instead of {len(HEAD)}"
            row.lines.append(cells)
    if row is not None:
        yield row


def _cells(text: str) -> tuple[str, ...]:
    return tuple(re.split(r"\s{2,}", text.strip()))


def aligned(text: str) -> str:
    """The same words, with each row's columns as wide as they need to be."""
    done: list[str] = []
    table: list[tuple[str, ...]] = []
    for line in [*text.splitlines(), ""]:
        is_table = line.startswith(HEAD[0]) or line.split(" ")[0].split(",")[0] in (*AXES[0], "any")
        if is_table:
            table.append(_cells(line))
            continue
        done += in_columns(table)
        table = []
        done.append(line)
    return "\n".join(done[:-1]) + "\n"


def in_columns(table: Sequence[Sequence[str]]) -> list[str]:
    if not table:
        return []
    widths = [max(len(line[column]) for line in table) for column in range(len(HEAD))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in table
    ]


# running ------------------------------------------------------------------------------------------


def world(row: Row, combination: Combination) -> World:
    direction, conflict, mode = combination
    settings = Settings(
        direction=Direction(direction), conflict=Conflict(conflict), mode=Mode(mode), host="box"
    )
    return world_of(row.trees["base"], row.trees["here"], row.trees["there"], settings)


def result(made: World) -> tuple[Result, Plan]:
    """Plans for a world, carries the plan out on it, and tells what came of it."""
    before = {node: _path(made, node) for node in {*made.here, *made.there, *made.base}}
    plan = made.plan()
    text = told(made, plan)
    if made.stale:
        text += f" || {told(made, made.plan())}"
    notes = [f"conflict {name}" for name in _names(made, before, plan.conflicts)]
    notes += [
        f"waits {name}" for name in _names(made, before, (each.node for each in plan.waiting))
    ]
    here, there = _tree(made, Side.LOCAL), _tree(made, Side.REMOTE)
    ends = here if here == there else f"{here} / {there}"
    words = ((Side.LOCAL, "bin"), (Side.REMOTE, "trash"))
    kept = [
        f"{word} {content}" for side, word in words for content in sorted(made.bins[side] - {""})
    ]
    return (
        Result(
            _short(ends),
            ", ".join(kept) or NOTHING,
            ", ".join(notes) or NOTHING,
            _short(text) or NOTHING,
        ),
        plan,
    )


def _path(made: World, node: NodeId) -> str:
    for side in (Side.LOCAL, Side.REMOTE):
        if node in made.tree(side):
            return made.path(side, node)
    base = made.base[node]
    return base.name if base.parent not in made.base else f"{_path(made, base.parent)}/{base.name}"


def _names(made: World, before: dict[NodeId, str], nodes: Iterable[NodeId]) -> list[str]:
    """Where the nodes are now, or were."""
    there = {*made.here, *made.there, *made.base}
    return sorted(_short(_path(made, node) if node in there else before[node]) for node in nodes)


def _tree(made: World, side: Side) -> str:
    """A tree as a row writes it; a folder is told by what is in it, if anything is."""
    parents = {item.parent for item in made.tree(side).values()}
    lines = []
    for node, item in made.tree(side).items():
        if item.kind is not Kind.OTHER and node not in parents:
            ending = "/" if item.kind is Kind.FOLDER else f"={item.content}{item.mtime}"
            lines.append(made.path(side, node) + ending)
    return " ".join(sorted(lines)) or NOTHING


def _short(text: str) -> str:
    return text.replace(f" (conflict {STAMP} box", "(conflict")


# what must hold, whatever a row expects -----------------------------------------------------------


def broken_promises(row: Row, combination: Combination) -> list[str]:
    """What a plan must never do, told of one combination; empty when all holds.

    A content may be gone from both trees and both bins only when one side had it as the base says,
    and the other side itself replaced or deleted it. Both sides end as the direction says, and then
    nothing is left to do.
    """
    made = world(row, combination)
    before = world(row, combination)
    _, plan = result(made)
    broken = []
    here, there = _seen(made, Side.LOCAL), _seen(made, Side.REMOTE)
    if not plan.waiting:
        direction = Direction(combination[0])
        if direction is Direction.BOTH and here != there:
            broken.append("both sides are not the same in the end")
        if (
            direction is Direction.UPLOAD
            and not before.not_here
            and not _seen(before, Side.LOCAL) == here == there
        ):
            broken.append("the server has not become what is here")
        if direction is Direction.DOWNLOAD and not _seen(before, Side.REMOTE) == here == there:
            broken.append("what is here has not become what is on the server")
        if (again := made.plan()).actions or again.waiting or again.conflicts:
            broken.append(
                "something is left to do: " + ", ".join(each.reason for each in again.actions)
            )
    remaining = {item.content for tree in (made.here, made.there) for item in tree.values()}
    remaining |= made.bins[Side.LOCAL] | made.bins[Side.REMOTE]
    unseen = (
        set(row.trees.get("unseen", "").split()) if combination[2] == Mode.FAST.value else set()
    )
    lost = _to_keep(before) - remaining - unseen
    broken += [f"the content {content} is lost" for content in sorted(lost)]
    return broken + [
        f"{each.op.value} without a copy: {each.reason}" for each in _careless(before, plan, unseen)
    ]


def _seen(made: World, side: Side) -> dict[str, object]:
    return {
        made.path(side, node): made.looks(item) if item.kind is Kind.FILE else None
        for node, item in made.tree(side).items()
        if item.kind is not Kind.OTHER
    }


def _to_keep(before: World) -> set[str]:
    """Contents that nobody gave up: all but those that one side has as the base says while the
    other side replaced or deleted them."""
    kept: set[str] = set()
    for tree, other in ((before.here, before.there), (before.there, before.here)):
        for node, item in tree.items():
            if item.kind is not Kind.FILE or node in before.not_here or node in before.unknown:
                continue
            theirs = other.get(node)
            given_up = before.agreed.get(node) == item.content and (
                theirs is None or theirs.content != item.content
            )
            if not given_up:
                kept.add(item.content)
    return kept


def _careless(before: World, plan: Plan, unseen: set[str]) -> Iterator[Action]:
    """Actions that replace or delete, without `keep`, a content that the other side never had."""
    for action in plan.actions:
        if action.keep or action.op not in (Op.SEND, Op.FETCH, Op.DELETE):
            continue
        if action.op is Op.DELETE and action.side is Side.REMOTE:
            continue  # to the server's trash by itself
        tree = before.tree(action.side)
        nodes = before.below(action.side, action.node) if action.op is Op.DELETE else [action.node]
        for node in nodes:
            item = tree.get(node)
            # it moves out before
            stays = node in before.tree(Side.REMOTE) and action.op is Op.DELETE
            if item is None or item.kind is not Kind.FILE or node in before.not_here or stays:
                continue
            if before.agreed.get(node) != item.content and item.content not in unseen:
                yield action


# telling ------------------------------------------------------------------------------------------


def compressed(results: dict[Combination, Result]) -> list[tuple[str, ...]]:
    """Few lines that tell each combination once: settings that do not matter are `any`."""
    lines: list[tuple[str, ...]] = []
    for outcome in dict.fromkeys(results.values()):
        lines += [
            (*cells, *outcome.cells())
            for cells in _blocks([c for c, r in results.items() if r == outcome])
        ]
    return lines


def _blocks(combinations: Sequence[Combination]) -> Iterator[tuple[str, ...]]:
    values = [
        [value for value in axis if any(c[n] == value for c in combinations)]
        for n, axis in enumerate(AXES)
    ]
    if len(combinations) == len(values[0]) * len(values[1]) * len(values[2]):
        yield tuple(
            "any" if found == axis else ",".join(found)
            for found, axis in zip(values, AXES, strict=True)
        )
        return
    split = next(n for n in (0, 2, 1) if len(values[n]) > 1)
    parts: dict[tuple[Combination, ...], list[str]] = {}
    for value in values[split]:
        rest = tuple((*c[:split], "", *c[split + 1 :]) for c in combinations if c[split] == value)
        parts.setdefault(rest, []).append(value)  # type: ignore[arg-type]
    for alike in parts.values():
        yield from _blocks([c for c in combinations if c[split] in alike])


def difference(row: Row) -> list[str]:
    """What the lines of a row do not say as it is, for people; empty when they are right."""
    told_by: list[str] = []
    table: list[tuple[str, ...]] = []
    for combination, expected in row.expected().items():
        try:
            actual = result(world(row, combination))[0]
        except AssertionError as error:
            told_by.append(f"{' '.join(combination)}: the plan cannot be carried out: {error}")
            continue
        if len(expected) != 1:
            told_by.append(f"{' '.join(combination)}: told by {len(expected)} lines instead of one")
        elif expected[0] != actual:
            table += [("- " + combination[0], *combination[1:], *expected[0].cells())]
            table += [("+ " + combination[0], *combination[1:], *actual.cells())]
    if table:
        told_by += ["- as the row says, + as it is planned now:", *in_columns(table)]
    return told_by


def main(words: Sequence[str]) -> None:
    """Prints rows with the plans of now, or sets columns. Writes no expectation."""
    if list(words) == ["--align"]:
        for file in sorted(FOLDER.glob("*.txt")):
            file.write_text(aligned(file.read_text(encoding="utf-8")), encoding="utf-8")
        return
    for row in rows():
        if not words:
            print(f"{row.file.name:28} {row.name}")
        elif all(word in row.name for word in words):
            print(
                f"[{row.name}]",
                *(f"{key:6} {tree or NOTHING}" for key, tree in row.trees.items()),
                sep="\n",
            )
            actual = {each: result(world(row, each))[0] for each in COMBINATIONS}
            print(*in_columns([HEAD, *compressed(actual)]), "", sep="\n")


if __name__ == "__main__":
    main(sys.argv[1:])
