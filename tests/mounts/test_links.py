"""Hard links in a mounted drive, made by the programs that people have."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Two folders with a file of three names and one of one."""
    top = tmp_path / "tree"
    (top / "d").mkdir(parents=True)
    (top / "a").write_text("one file")
    (top / "single").write_text("one name")
    for name in ("b", "d/c"):
        os.link(top / "a", top / name)
    return top


def run(*words: str | Path, **more: object) -> None:
    done = subprocess.run(words, check=False, timeout=60, capture_output=True, text=True, **more)  # type: ignore[call-overload]
    assert done.returncode == 0, done.stderr


def are_one(top: Path) -> bool:
    looks = [os.stat(top / name) for name in ("a", "b", "d/c")]
    return len({each.st_ino for each in looks}) == 1 and {each.st_nlink for each in looks} == {3}


@pytest.mark.parametrize("way", ["cp -a", "cp -al", "tar", "rsync -aH"])
def test_trees_keep_their_links(drive, tree, tmp_path, way):
    target = drive.path / "copy"
    if way == "cp -a":
        run("cp", "-a", tree, target)
    elif way == "cp -al":
        run("cp", "-a", tree, drive.path / "tree")
        run("cp", "-al", drive.path / "tree", target)
        assert os.stat(target / "a").st_nlink == 6
        shutil.rmtree(drive.path / "tree")
    elif way == "tar":
        run("tar", "-C", tmp_path, "-cf", tmp_path / "archive", "tree")
        run("tar", "-C", drive.path, "-xf", tmp_path / "archive")
        (drive.path / "tree").rename(target)
    elif shutil.which("rsync") is None:
        pytest.skip("no rsync here")
    else:
        run("rsync", "-aH", f"{tree}/", target)
    assert are_one(target)
    drive.again()
    assert are_one(target)
    (target / "b").write_text("written by another name")
    assert (target / "a").read_text() == "written by another name"
    run("tar", "-C", target, "-cf", tmp_path / "back", ".")
    out = tmp_path / "out"
    out.mkdir()
    run("tar", "-C", out, "-xf", tmp_path / "back")
    assert are_one(out)
    assert drive.call("problems") == []


@pytest.mark.skipif(shutil.which("git") is None, reason="no git here")
def test_a_local_clone_shares_its_objects(drive):
    git = ("git", "-c", "user.name=user1", "-c", "user.email=user1@example.org")
    repository = drive.path / "repository"
    run(*git, "init", "-q", repository)
    (repository / "file").write_text("words")
    run(*git, "-C", repository, "add", "file")
    run(*git, "-C", repository, "commit", "-qm", "first")
    run(*git, "clone", "-q", "--local", repository, drive.path / "clone")
    objects = [
        path for path in (drive.path / "clone" / ".git" / "objects").rglob("*") if path.is_file()
    ]
    assert objects
    assert {os.stat(path).st_nlink for path in objects} == {2}
    run(*git, "-C", drive.path / "clone", "fsck", "--strict")


def test_a_kill_leaves_names_of_one_file(drive, tree):
    run("cp", "-a", tree, drive.path / "copy")
    drive.kill()
    subprocess.run(
        ["fusermount3", "-u", "-z", drive.path], check=True, timeout=60, capture_output=True
    )
    drive.start()
    assert are_one(drive.path / "copy")
    assert drive.call("problems") == []


def test_what_the_server_changes_of_one_name_parts_it(drive, eventually):
    first, second = drive.path / "a", drive.path / "b"
    first.write_text("words")
    os.link(first, second)
    with first.open() as reader:
        drive.call("install_content", path="b", text="the server's", mtime=1_700_000_000)
        eventually(lambda: second.read_text() == "the server's")
        assert reader.read() == "words"
        eventually(lambda: os.stat(first).st_nlink == 1)
        first.write_text("mine")
        assert second.read_text() == "the server's"
    drive.call("delete_local", path="b")
    eventually(lambda: not second.exists())
    assert first.read_text() == "mine"


def test_what_the_server_deletes_of_one_name_leaves_the_other(drive, eventually):
    first, second = drive.path / "a", drive.path / "b"
    first.write_text("words")
    os.link(first, second)
    assert os.stat(first).st_nlink == 2
    drive.call("delete_local", path="b")
    eventually(lambda: not second.exists())
    eventually(lambda: os.stat(first).st_nlink == 1)
    assert first.read_text() == "words"
