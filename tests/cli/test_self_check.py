"""The self-check itself: it comes true with the real parts, and it notices when it does not."""

from __future__ import annotations

import json
import shutil
import sysconfig
from pathlib import Path

import pytest

from syncin_mount.cli.demo.sandbox import Sandbox
from syncin_mount.cli.demo.self_check import Moved, _prove_moves, tell
from syncin_mount.cli.demo.tree_compare import differences, take
from syncin_mount.cli.exit_status import CommandError
from syncin_mount.mount_table import mounts

PARTS = ("argparse.py", "antigravity.py", "os.py", "this.py", "asyncio", "ctypes", "email", "json")
"""What the story touches of the standard library; all of it takes minutes: `demo --self-check`."""


def library_in(folder: Path) -> Path:
    """Make the folder, with those parts in it."""
    folder.mkdir()
    for name in PARTS:
        source = Path(sysconfig.get_path("stdlib")) / name
        copy = shutil.copytree if source.is_dir() else shutil.copy2
        copy(source, folder / name)
    return folder


@pytest.mark.usefixtures("mounts")
@pytest.mark.timeout(400)
def test_the_story_comes_true(tmp_path):
    library = library_in(tmp_path / "library")
    with Sandbox(tmp_path / "world") as sandbox:
        tell(sandbox, library, at_least=100)
    assert not [mount for mount in mounts() if tmp_path in mount.point.parents]


def log_of(folder: Path, *requests: tuple[str, str, str]) -> Path:
    path = folder / "requests.jsonl"
    lines = [{"method": m, "path": p, "query": q, "status": 201} for m, p, q in requests]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


MOVED = [Moved("library/email", "new/post", 3)]
MOVE = ("MOVE", "/api/app/sync/operation/personal/Check/library/email", "")
WEB_MOVE = ("MOVE", "/api/app/spaces/operation/files/personal/Check/library/email", "")
EDIT = ("PUT", "/api/app/sync/operation/personal/Check/os.py", "size=1&mtime=2")
AGAIN = ("POST", "/api/app/sync/operation/personal/Check/new/post/x.py", "size=1&mtime=2")


@pytest.mark.parametrize("move", [MOVE, WEB_MOVE])
def test_a_move_that_was_one_is_believed(tmp_path, move):
    _prove_moves(log_of(tmp_path, move, EDIT), MOVED, ["os.py"])


@pytest.mark.parametrize(
    ("requests", "says"),
    [
        ((EDIT,), "library/email went by MOVE"),
        ((EDIT, AGAIN), "library/email went by MOVE"),
        ((MOVE, EDIT, AGAIN), "nothing of new/post was uploaded again"),
        ((MOVE,), "the new content of os.py was uploaded"),
    ],
)
def test_a_move_that_was_none_is_noticed(tmp_path, requests, says):
    with pytest.raises(CommandError, match=f"this does not hold: {says}"):
        _prove_moves(log_of(tmp_path, *requests), MOVED, ["os.py"])


def test_trees_differ_in_every_way_that_counts(tmp_path):
    for side in ("one", "other"):
        (tmp_path / side / "folder").mkdir(parents=True)
        (tmp_path / side / "same").write_text("same")
    one, other = tmp_path / "one", tmp_path / "other"
    (one / "bytes").write_text("a")
    (other / "bytes").write_text("b")
    (one / "kind").mkdir()
    (other / "kind").write_text("")
    (one / "size").write_text("")
    (other / "size").write_text("x")
    (one / "folder/gone").write_text("")
    (other / "folder/more").write_text("")
    (one / "left out").mkdir()
    found = differences(take(one, lambda path: path == "left out"), take(other))
    assert [line.partition(": ")[0] for line in found] == ["differs"] * 3 + [
        "only in the first",
        "only in the second",
    ]
    assert {line.split(": ")[1] for line in found} == {
        "bytes",
        "kind",
        "size",
        "folder/gone",
        "folder/more",
    }
