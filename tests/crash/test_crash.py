"""A part of ``./dev crash``: a real drive is killed at named points and at any moment; nothing
acknowledged is lost."""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.crash.looking import entries
from tests.crash.model import FILE, Entry, Step, Tree, unlike
from tests.crash.people import Person
from tests.crash.points import PLACES, POINTS
from tests.crash.scenes import SCENES
from tests.crash.versions import Versions, version
from tests.crash.worker import Hands

TOP = Path(__file__).parents[2]

needs_mounts = pytest.mark.skipif(
    not os.access("/dev/fuse", os.R_OK | os.W_OK) or shutil.which("fusermount3") is None,
    reason="no /dev/fuse or no fusermount3 here",
)


@needs_mounts
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("seed", "points"), [(1, list(POINTS)), (2, [])], ids=["named points", "by chance"]
)
def test_twenty_five_kills(seed: int, points: list[str]) -> None:
    command = [
        sys.executable,
        "-m",
        "tests.crash",
        "--kills",
        "25",
        "--seed",
        str(seed),
        "--each",
        "25",
        "--verbose",
    ]
    command += [word for point in points for word in ("--point", point)]
    done = subprocess.run(command, cwd=TOP, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    found = re.search(r"^25 kills in .*; (\d+) steps acknowledged", done.stdout, re.MULTILINE)
    assert found is not None, done.stdout
    assert int(found[1]) > 200
    if points:
        reached = re.findall(r"^ +([1-9]\d*) of +[1-9]", done.stdout, re.MULTILINE)
        assert sum(map(int, reached)) >= 15, done.stdout


def test_every_point_is_a_function_of_the_program() -> None:
    for owner, name in PLACES.values():
        assert callable(getattr(owner, name))
    assert SCENES.keys() <= {point.split("/")[0] for point in POINTS}


def test_what_a_scene_favours_is_work_that_there_is() -> None:
    assert all(hasattr(Person, f"_{work}") for scene in SCENES.values() for work in scene.favours)


# what the test itself can see ---------------------------------------------------------------------


def tree(**files: bytes) -> Tree:
    return Tree({name: Entry(FILE, content) for name, content in files.items()})


def test_what_was_acknowledged_must_be_there() -> None:
    assert unlike(tree(a=b"x"), None, tree(a=b"x").entries) == []
    assert unlike(tree(a=b"x"), None, {}) == ["missing: a"]
    assert unlike(tree(a=b"x"), None, tree(a=b"y").entries) == ["other bytes (1 instead of 1): a"]
    assert unlike(Tree(), None, tree(a=b"x").entries) == ["nobody made it: a"]


def test_what_was_under_way_is_done_or_not() -> None:
    step = Step("rename", "a", "b")
    assert unlike(tree(a=b"x"), step, tree(a=b"x").entries) == []
    assert unlike(tree(a=b"x"), step, tree(b=b"x").entries) == []
    assert unlike(tree(a=b"x"), step, tree(a=b"x", b=b"x").entries)
    assert unlike(tree(a=b"x"), step, {})


def test_what_was_being_written_is_the_old_or_the_new() -> None:
    step = Step("write", "a", offset=2, size=4, seed=7)
    old, new = b"abcdefgh", b"ab" + step.data() + b"gh"
    for found in (old, new, new[:4] + old[4:]):
        assert unlike(tree(a=old), step, tree(a=found).entries) == []
    for found in (b"abcdefgX", b"Xbcdefgh", old + b"x"):
        assert unlike(tree(a=old), step, tree(a=found).entries)
    assert unlike(tree(a=old, b=old), step, tree(a=new, b=new).entries) == [
        "other bytes (8 instead of 8): b"
    ]


def test_only_an_edit_of_the_same_size_and_second_may_be_later_on_the_server() -> None:
    versions = Versions()
    at = [version(b"new", second * 10**9 + 5) for second in range(10)]
    for content, second in ((b"new", 3), (b"longer", 3), (b"old", 2), (b"one", 5), (b"two", 5)):
        versions.note(version(content, second * 10**9))
    assert versions.explain(at[2], at[3])
    assert versions.explain(at[5], at[6])
    assert versions.explain(at[5], at[7])
    assert versions.explain(at[6], at[7]), "one of the two was sent as of the next second"
    assert not any(versions.explain(at[3], there) for there in at), (
        "no other content of this size and second"
    )
    for here, there in ((2, 2), (2, 1), (2, 4), (5, 4), (5, 8), (7, 8)):
        assert not versions.explain(at[here], at[there])
    assert not versions.explain(at[2], version(b"bad", 3 * 10**9)), "other bytes"


def test_a_made_up_day_is_possible(tmp_path: Path) -> None:
    """The worker's steps, done to an ordinary folder, give what the model says."""
    (tmp_path / "shared").mkdir()
    there = Tree()
    person, hands = Person(random.Random(5), there), Hands(tmp_path)
    done = set()
    for _ in range(600):
        step = person.next_step()
        there.apply(step, hands.do(step))
        done.add(step.op)
    assert len(done) >= 18
    found = {path: each for path, each in entries(tmp_path) if path != "shared"}
    assert unlike(there, None, found) == []
