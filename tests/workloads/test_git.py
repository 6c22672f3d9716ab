"""git on a repository with thousands of files."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.programs import needs, run
from tests.workloads.desk import Desk

FILES, COMMITS = 2000, 12


def history(chance: random.Random) -> str:
    """A stream for git fast-import: every commit edits, adds, removes and renames many files, some
    of them programs and links. Between the first and the last are fewer than half of the files
    gone: more would halt the synchronization."""
    paths = [f"d{number % 50}/s{number % 7}/file{number}.txt" for number in range(FILES)]
    lines: list[str] = []
    for commit in range(COMMITS):
        message = f"commit {commit}"
        moment = 1_600_000_000 + commit * 86_400
        lines += ["commit refs/heads/main", f"committer user1 <user1@example.org> {moment} +0000"]
        lines += [f"data {len(message)}", message]
        touched = paths
        if commit:
            moved = chance.sample(range(len(paths)), 40)
            for index in moved:
                old, paths[index] = paths[index], f"moved{commit}/{paths[index].replace('/', '-')}"
                lines.append(f"R {old} {paths[index]}")
            for index in sorted(chance.sample(range(len(paths)), 30), reverse=True):
                lines.append(f"D {paths.pop(index)}")
            added = [f"new{commit}/file{number}" for number in range(30)]
            paths += added
            touched = sorted(set(chance.sample(paths, 200)) | set(added))
        for path in touched:
            text = f"{path} in {commit}\n" * chance.randrange(1, 60)
            mode = "100755" if chance.random() < 0.05 else "100644"
            if chance.random() < 0.01:
                mode, text = "120000", path.rpartition("/")[2] + " nowhere"
            lines += [f"M {mode} inline {path}", f"data {len(text)}", text]
    return "\n".join([*lines, "done", ""])


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    needs("git")
    origin = tmp_path_factory.mktemp("origin") / "origin.git"
    run("git", "init", "-q", "--bare", "-b", "main", origin)
    run("git", "fast-import", "--quiet", "--done", cwd=origin, stdin=history(random.Random(1)))
    return origin


def tree_of(work: Path) -> str:
    """The tree that the working folder's files make, read anew."""
    run("git", "add", "-A", cwd=work, GIT_INDEX_FILE=".git/other-index")
    return run("git", "write-tree", cwd=work, GIT_INDEX_FILE=".git/other-index")


@pytest.mark.timeout(400)
def test_git_clones_switches_and_finds_no_fault(desk: Desk, place: Path, origin: Path) -> None:
    work = place / "clone"
    run("git", "clone", "-q", origin.as_uri(), work)
    assert len(run("git", "ls-files", cwd=work).splitlines()) == FILES
    desk.sync()
    for commit in ("HEAD~11", "main", "HEAD~6"):
        run("git", "checkout", "-q", commit, cwd=work)
        assert run("git", "status", "--porcelain", cwd=work) == ""
    assert tree_of(work) == run("git", "rev-parse", "HEAD^{tree}", cwd=work)
    (work / ".git" / "other-index").unlink()
    run("git", "checkout", "-q", "-b", "topic", cwd=work)
    (work / "moved1").rename(work / "renamed")
    run("git", "add", "-A", cwd=work)
    run("git", "commit", "-q", "-m", "a folder renamed", cwd=work)
    run("git", "fsck", "--full", "--strict", cwd=work)
    run("git", "status", cwd=work)  # which refreshes what it knows of times and inodes
    assert run("git", "diff-files", cwd=work) == ""
    desk.in_step()
    # diff-files looks at times, size and inode alone: what differs in one of them is listed,
    # unread.
    assert run("git", "diff-files", cwd=work) == ""
    assert run("git", "status", "--porcelain", cwd=work) == ""
    run("git", "fsck", "--full", "--strict", cwd=desk.disk / place.name / "clone")
    run("git", "push", "-q", "origin", "topic", cwd=work)
    assert run("git", "rev-parse", "topic", cwd=work) == run(
        "git", "rev-parse", "topic", cwd=origin
    )
