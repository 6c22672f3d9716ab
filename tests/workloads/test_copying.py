"""rsync, archives and cp, into the drive and out of it, with all that they keep."""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path

import pytest

from tests.programs import needs, run
from tests.workloads.desk import Desk, attributes, names_of, same


def made(folder: Path, files: int = 300) -> Path:
    """A tree with odd modes and times, holes, empty folders, links, attributes and names of all
    sorts."""
    chance = random.Random(7)
    for number in range(files):
        path = folder / f"d{number % 9}" / f"Datei {number} – ü'\".txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(chance.randbytes(chance.choice((0, 1, 4095, 4096, 4097, 70_000))))
        path.chmod(chance.choice((0o400, 0o644, 0o755, 0o600)))
        if number % 5 == 0:
            os.setxattr(path, "user.colour", f"blue {number}".encode())
    with (folder / "holes").open("wb") as file:
        file.truncate(5_000_000)
        file.seek(3_000_000)
        file.write(b"island")
    (folder / "empty").mkdir(mode=0o750)
    os.setxattr(folder / "empty", "user.colour", b"red")
    (folder / "link").symlink_to("d1/somewhere else")
    (folder / "hidden").mkdir()
    (folder / "hidden" / ".profile").write_text("x")
    for number, path in enumerate(sorted(folder.rglob("*"), reverse=True)):
        moment = 1_400_000_000_123_456_789 + number * 98_765_432_101
        os.utime(path, ns=(moment, moment), follow_symlinks=False)
    return folder


def kept(root: Path) -> dict[str, object]:
    """Everything that a copy keeps: content, mode, owner, mtime to the nanosecond, attributes,
    links."""
    found: dict[str, object] = {}
    for path in root.rglob("*"):
        info = path.lstat()
        content = (
            path.readlink() if path.is_symlink() else path.read_bytes() if path.is_file() else None
        )
        held = {name: os.getxattr(path, name, follow_symlinks=False) for name in names_of(path)}
        key = str(path.relative_to(root))
        found[key] = (oct(info.st_mode), info.st_uid, info.st_gid, info.st_mtime_ns, held, content)
    return found


@pytest.mark.timeout(300)
def test_rsync_both_ways(desk: Desk, place: Path, tmp_path: Path) -> None:
    needs("rsync")
    words = ("rsync", "-aX", "--checksum", "--delete", "--itemize-changes")
    source, back = made(tmp_path / "source"), tmp_path / "back"
    run(*words, f"{source}/", f"{place}/copy")
    same(kept(source), kept(place / "copy"), "the source and its copy in the drive")
    run(*words, f"{place}/copy/", back)
    same(kept(source), kept(back), "the source and what came back")
    desk.sync()
    desk.mount_again()
    before = attributes(place)
    assert run(*words, f"{source}/", f"{place}/copy") == ""
    assert run("rsync", "-aX", "--itemize-changes", f"{source}/", f"{place}/copy") == ""
    same(before, attributes(place), "the drive before and after nothing was to be done")
    # On the other side everything changes a little, and comes back.
    shutil.rmtree(back / "d3")
    (back / "d4" / "new").write_text("new")
    (back / "holes").write_bytes(b"no holes")
    (back / "empty").chmod(0o700)
    os.setxattr(back / "empty", "user.colour", b"green")
    (back / "link").unlink()
    (back / "link").mkdir()
    same_size = sorted((back / "d5").iterdir())[2]
    info = same_size.stat()
    same_size.chmod(0o600)
    same_size.write_bytes(bytes(info.st_size))
    os.utime(same_size, ns=(info.st_atime_ns, info.st_mtime_ns))
    for folder in (back / "d4", back / "link"):  # rsync takes times of the same second for equal
        os.utime(folder, (1_500_000_000, 1_500_000_000))
    # Each content that is sent under the second of another one of its size gets a later one there:
    # what comes and goes meanwhile must not be sent, however slow the machine is.
    desk.must("pause", "docs")
    run(*words, f"{back}/", f"{place}/copy")
    same(kept(back), kept(place / "copy"), "what was changed and the drive")
    run(*words, "--inplace", "--no-whole-file", f"{source}/", f"{place}/copy")
    same(kept(source), kept(place / "copy"), "the source and its copy, written in place")
    desk.must("resume", "docs")
    desk.in_step()


@pytest.mark.timeout(200)
def test_archives(desk: Desk, place: Path, tmp_path: Path) -> None:
    """Packed in the drive, unpacked in the drive."""
    source = made(place / "source", 60)
    run("tar", "--xattrs", "-C", source, "-czf", place / "all.tgz", ".")
    run("mkdir", place / "tar")
    run("tar", "--xattrs", "-C", place / "tar", "-xpzf", place / "all.tgz")
    same(kept(source), kept(place / "tar"), "what was packed by tar and unpacked")
    run("cp", "-a", source, place / "cp")
    same(kept(source), kept(place / "cp"), "what was copied by cp -a")
    if shutil.which("zip") and shutil.which("unzip"):
        run("zip", "-qry", place / "all.zip", ".", cwd=source)
        run("unzip", "-q", place / "all.zip", "-d", place / "zip")
        run("zip", "-qT", place / "all.zip")
        run("diff", "-r", "--no-dereference", source, place / "zip")
    seven = shutil.which("7z") or shutil.which("7zz")
    if seven:
        run(seven, "a", "-snl", "-bso0", "-bsp0", place / "all.7z", ".", cwd=source)
        run(seven, "x", "-snl", "-bso0", "-bsp0", f"-o{place / '7z'}", place / "all.7z")
        run("diff", "-r", "--no-dereference", source, place / "7z")
    desk.in_step()


def test_mv_across(desk: Desk, place: Path, tmp_path: Path) -> None:
    """Out of the drive and into it is a copy and a removal; within, a rename."""
    source = made(tmp_path / "source", 40)
    before = kept(source)
    run("mv", source, place / "here")
    assert not source.exists()
    same(before, kept(place / "here"), "what was moved in")
    inode = (place / "here").stat().st_ino
    run("mv", place / "here", place / "there")
    assert (place / "there").stat().st_ino == inode
    run("mv", place / "there", tmp_path / "out")
    assert os.listdir(place) == []
    same(before, kept(tmp_path / "out"), "what was moved out again")
