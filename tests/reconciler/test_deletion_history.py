"""What of the deletions of an hour counts, as rows and as a property."""

from __future__ import annotations

import json
import re

import hypothesis.strategies as st
import pytest
from hypothesis import example, given, settings

from reconciler.model import NodeId, Side
from reconciler.planner.deletion_history import SPAN_NS, TICK_NS, Losses, Past
from reconciler.planner.guards import MANY, is_mass
from tests.effort import examples

BEGAN = SPAN_NS * 1000


class Kept:
    text = ""

    def load(self) -> str:
        return self.text

    def save(self, text: str) -> None:
        self.text = text


class Tree:
    """Files that both sides agree on, the memory of what went, and a clock."""

    def __init__(self) -> None:
        self.kept = Kept()
        self.now = BEGAN
        self.last_id = 1
        self.files: list[NodeId] = []
        self.losses = Losses(self.kept)
        self.look()

    def look(self) -> Past:
        """What the engine does before each plan."""
        if self.losses.is_tick_due(self.now):
            self.last_id += 1
            self.losses.tick(self.now, self.last_id)
        self.losses.note_size(len(self.files), self.now)
        return self.losses.past(self.now)

    def make(self, count: int) -> None:
        self.look()
        for _ in range(count):
            self.last_id += 1
            self.files.append(NodeId(self.last_id))

    def delete(self, count: int, side: Side = Side.REMOTE) -> None:
        """The youngest go first."""
        self.look()
        for _ in range(min(count, len(self.files))):
            self.losses.note(side, [(self.files.pop(), True)], self.now)
        self.losses.save()

    def let_go(self, count: int) -> None:
        """Somebody confirms it, and it goes."""
        self.look()
        going = self.files[len(self.files) - count :]
        self.losses.allow(going)
        del self.files[len(self.files) - count :]
        self.losses.note(Side.REMOTE, [(node, True) for node in going], self.now)
        self.losses.save()

    def restart(self) -> None:
        self.losses = Losses(self.kept)

    def forget_sizes(self) -> None:
        """The file is as versions wrote it that counted no sizes."""
        kept = json.loads(self.kept.text)
        del kept["sizes"]
        self.kept.text = json.dumps(kept)
        self.restart()

    def counted(self, side: Side = Side.REMOTE) -> int:
        past = self.look()
        assert past.nodes[side] == past.files[side]
        return past.files[side]

    def do(self, step: str) -> None:
        """``+9`` makes, ``-9`` deletes here, ``~9`` on the server, ``!9`` after a confirmation;
        ``9m`` waits, ``back 9m`` sets the clock back."""
        match = re.fullmatch(r"([-+~!]|back )?(\d+)(m?)|(restart|forget)", step)
        assert match is not None, step
        kind, number = match[1], int(match[2] or 0)
        if match[4]:
            {"restart": self.restart, "forget": self.forget_sizes}[match[4]]()
        elif match[3]:
            self.now += (-number if kind else number) * TICK_NS
        elif kind == "~":
            self.delete(number, Side.LOCAL)
        else:
            {"+": self.make, "-": self.delete, "!": self.let_go}[str(kind)](number)


@pytest.mark.parametrize(
    ("steps", "here", "there"),
    [
        # a young tree that is emptied
        ("+60, 1m, -15", 15, 0),
        ("+60, -15, -15, -15, -15", 60, 0),
        ("+60, 1m, -15, 1m, -15, 1m, -15", 45, 0),
        ("+60, 1m, -15, restart, 1m, -15, restart, 1m, -15", 45, 0),
        ("+60, 1m, ~15, 1m, ~15", 0, 30),
        ("+60, 1m, -15, 1m, ~15", 15, 15),
        ("+30, 1m, +30, 58m, -20, 1m, -20", 40, 0),
        # what is made and removed again
        ("+60, 90m, +15, 1m, -15", 15, 0),
        ("+60, 90m, +15, 1m, -15, 1m, +15", 0, 0),
        ("+60, 90m, +15, 1m, -15, 1m, +15, 1m, -15, 1m, +15, 1m, -15", 15, 0),
        ("+60, 90m, +1, -1, +1, -1, +1, -1, +1, -1", 1, 0),
        # moved out and in again
        ("+60, 1m, -15, 1m, +15, 1m, -15, 1m, +15", 0, 0),
        ("+60, 1m, -40, 1m, +10", 30, 0),
        # what is older than the hour counts in any case
        ("+60, 90m, -30, 1m, +30", 30, 0),
        ("+60, 90m, -30, 1m, +30, 1m, -30", 30, 0),
        ("+60, 90m, +10, 1m, -30, 1m", 30, 0),
        # what went long ago does not
        ("+60, 1m, -40, 62m", 0, 0),
        ("+60, 1m, -40, 62m, -5", 5, 0),
        ("+60, 1m, -40, 62m, +20, 1m, -20", 20, 0),
        ("+60, 1m, -40, 62m, +20, 1m, -20, 1m, +20", 0, 0),
        # what was confirmed is no loss, neither then nor later
        ("+60, 1m, !40", 0, 0),
        ("+60, 1m, -10, 1m, !40", 0, 0),
        ("+60, 1m, !40, 1m, +15, 1m, -15, 1m, +15", 0, 0),
        ("+60, 1m, !40, restart, 1m, -15", 15, 0),
        ("+60, 1m, -30, 1m, !10, 1m, +15, 1m, -15, 1m, +15", 0, 0),
        # clocks that are set
        ("+60, 1m, -15, back 30m, -15", 30, 0),
        ("+60, 1m, -15, back 9000m, -15, 1m, -15", 45, 0),
        ("+60, 1m, -15, back 9000m, +1, 62m", 0, 0),
        ("+60, 1m, -40, back 9000m, +1, 62m, +15, 1m, -15, 1m, +15", 0, 0),
        ("+60, 120m, -15, back 70m, +1, 62m", 0, 0),
        ("+60, 1m, +1, back 9000m, +1, 90m, -30, 1m, +30", 30, 0),
        ("+60, 1m, -40, 9000m", 0, 0),
        ("+60, 1m, -40, 9000m, +1, back 9000m, -10", 10, 0),
        # the file of a former version
        ("+60, 1m, -15, forget", 0, 0),
        ("+60, 1m, -15, forget, -15", 15, 0),
        ("+60, 90m, -15, forget, -15", 30, 0),
    ],
)
def test_what_counts(steps: str, here: int, there: int) -> None:
    tree = Tree()
    for step in steps.split(", "):
        tree.do(step)
    assert (tree.counted(), tree.counted(Side.LOCAL)) == (here, there)


STEP = st.tuples(st.sampled_from("+-~"), st.integers(1, 40), st.integers(0, 7))


@settings(max_examples=examples(200))
@given(st.lists(STEP, max_size=30), st.booleans())
@example([("+", 40, 0), ("+", 20, 1), *[("-", 15, 0)] * 4], False)
def test_no_portions_take_more_than_half(steps: list[tuple[str, int, int]], restarts: bool) -> None:
    """Whatever was made meanwhile: what goes on one side without a question leaves half of the most
    that there was in the hour, but for so few as nobody is asked about."""
    for gone in ("-", "~"):
        tree, most = Tree(), 0
        for kind, wanted, quarters in [each for each in steps if each[0] in ("+", gone)]:
            tree.now += quarters * TICK_NS // 4
            before = tree.counted(Side.LOCAL if gone == "~" else Side.REMOTE)
            count = min(wanted, len(tree.files)) if kind == gone else wanted
            if kind == "+" or not is_mass(count + before, count + before, len(tree.files) + before):
                tree.do(f"{kind}{count}")
            most = max(most, len(tree.files))
            lost = most - len(tree.files)
            assert lost <= max(MANY, most / 2)
            if restarts:
                tree.restart()
