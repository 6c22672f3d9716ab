"""Ordinary programs at work in the drive."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.programs import ENVIRONMENT, needs, run, snapshot


@pytest.fixture
def tree(tmp_path):
    """Some real files with old times, links and odd modes."""
    source = Path(sysconfig.get_path("stdlib"))
    tree = tmp_path / "tree"
    for name in ("json", "email", "ctypes"):
        shutil.copytree(source / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
    (tree / "empty").mkdir()
    (tree / "link").symlink_to("json/decoder.py")
    (tree / "broken").symlink_to("nowhere")
    (tree / "run.sh").write_text("#!/bin/sh\n")
    (tree / "run.sh").chmod(0o750)
    (tree / "secret").write_text("x")
    (tree / "secret").chmod(0o400)
    for number, path in enumerate(sorted(tree.rglob("*"), reverse=True)):
        moment = 1_500_000_000_000_000_001 + number * 1_234_567_891
        os.utime(path, ns=(moment, moment), follow_symlinks=False)
    return tree


def test_cp_keeps_everything(drive, tree):
    run("cp", "-a", tree, drive.path)
    assert snapshot(drive.path / "tree") == snapshot(tree)
    drive.again()
    assert snapshot(drive.path / "tree") == snapshot(tree)
    run("cp", "-a", drive.path / "tree", drive.path / "second")
    assert snapshot(drive.path / "second") == snapshot(tree)


def test_rsync_transfers_nothing_the_second_time(drive, tree):
    needs("rsync")
    first = run("rsync", "-a", "--itemize-changes", f"{tree}/", f"{drive.path}/copy")
    assert ">f" in first
    assert snapshot(drive.path / "copy") == snapshot(tree)
    assert run("rsync", "-a", "--itemize-changes", f"{tree}/", f"{drive.path}/copy") == ""
    drive.again()
    assert run("rsync", "-a", "--itemize-changes", f"{tree}/", f"{drive.path}/copy") == ""
    assert run("rsync", "-a", "--checksum", "--itemize-changes", f"{drive.path}/copy/", tree) == ""
    (tree / "run.sh").write_text("#!/bin/sh\ntrue\n")
    changed = run("rsync", "-a", "--itemize-changes", f"{tree}/", f"{drive.path}/copy")
    assert [line.split()[1] for line in changed.splitlines() if line.startswith(">f")] == ["run.sh"]
    assert snapshot(drive.path / "copy") == snapshot(tree)


def test_tar_packs_and_unpacks(drive, tree):
    run("tar", "-C", tree.parent, "-cf", drive.path / "tree.tar", "tree")
    run("tar", "-C", drive.path, "-xpf", drive.path / "tree.tar")
    with tarfile.open(drive.path / "tree.tar") as archive:
        assert len(archive.getnames()) == len(snapshot(tree)) + 1
    assert {name: entry[0::2] for name, entry in snapshot(drive.path / "tree").items()} == {
        name: entry[0::2] for name, entry in snapshot(tree).items()
    }
    run("tar", "-C", drive.path, "-df", drive.path / "tree.tar", "--warning=no-timestamp")


@pytest.mark.timeout(240)
def test_git_works(drive, tree):
    needs("git")
    shutil.copytree(tree, drive.path / "work", symlinks=True)
    work = drive.path / "work"
    run("git", "init", "-q", cwd=work)
    run("git", "add", ".", cwd=work)
    run("git", "commit", "-q", "-m", "one", cwd=work)
    assert run("git", "status", "--porcelain", cwd=work) == ""
    (work / "json" / "decoder.py").write_text("changed")
    assert run("git", "status", "--porcelain", cwd=work).split() == ["M", "json/decoder.py"]
    run("git", "commit", "-q", "-a", "-m", "two", cwd=work)
    run("git", "clone", "-q", "work", "clone", cwd=drive.path)
    run("git", "gc", "-q", cwd=work)
    run("git", "checkout", "-q", "HEAD~1", cwd=work)
    drive.again()
    assert run("git", "status", "--porcelain", cwd=work) == ""
    for folder in ("work", "clone"):
        run("git", "fsck", "--full", "--strict", cwd=drive.path / folder)
    assert (drive.path / "clone" / "json" / "decoder.py").read_text() == "changed"


@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_sqlite_works(drive, mode):
    def connect() -> sqlite3.Connection:
        return sqlite3.connect(drive.path / "data.sqlite", timeout=30)

    base = connect()
    assert base.execute(f"PRAGMA journal_mode={mode}").fetchone() == (mode,)
    base.execute("CREATE TABLE numbers (number INTEGER PRIMARY KEY, text TEXT)")
    for batch in range(20):
        with base:
            base.executemany(
                "INSERT INTO numbers VALUES (?, ?)",
                [(batch * 100 + n, "x" * 200) for n in range(100)],
            )
    other = connect()
    with other:
        other.execute("DELETE FROM numbers WHERE number % 2")
    assert base.execute("SELECT count(*) FROM numbers").fetchone() == (1000,)
    base.execute("BEGIN")
    base.execute("DELETE FROM numbers")
    base.rollback()
    other.close()
    base.close()
    drive.again()
    base = connect()
    assert base.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert base.execute("SELECT count(*), sum(number) FROM numbers").fetchone() == (
        1000,
        sum(range(0, 2000, 2)),
    )
    base.close()


def test_saving_as_vim_does(drive):
    """backupcopy=no: the document is renamed away, written anew, synced, and the backup removed."""
    document, backup = drive.path / "document", drive.path / "document~"
    document.write_text("old")
    for text in ("new", "newer"):
        document.rename(backup)
        with document.open("w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        document.chmod(0o644)
        backup.unlink()
    assert os.listdir(drive.path) == ["document"]
    drive.again()
    assert document.read_text() == "newer"
    assert os.listdir(drive.path) == ["document"]


def test_saving_by_rename(drive):
    """A temporary file is written, synced and renamed over the document, which readers keep
    open."""
    document = drive.path / "document"
    document.write_text("0")
    with document.open() as oldest:
        for number in range(1, 20):
            temporary = drive.path / f".document.{number}"
            with temporary.open("w") as file:
                file.write("x" * number)
                file.flush()
                os.fsync(file.fileno())
            temporary.rename(document)
            assert document.read_text() == "x" * number
            assert document.stat().st_size == number
        assert oldest.read() == "0"
    drive.again()
    assert document.read_text() == "x" * 19
    assert os.listdir(drive.path) == ["document"]


@pytest.fixture
def disk() -> Iterator[Path]:
    """A folder on a disk: below /dev, where tests write, gio would refuse for that reason alone."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        yield Path(folder)


@pytest.mark.skipif(
    not (shutil.which("gio") and shutil.which("dbus-run-session")), reason="no gio here"
)
def test_gio_makes_no_trash_in_the_drive(disk, mount):
    """What it puts there would be sent to the server."""
    drive = mount(name=str(disk))
    (drive.path / "folder").mkdir()
    file = drive.path / "folder" / "doc.txt"
    file.write_text("words")
    done = subprocess.run(
        ["dbus-run-session", "--", "gio", "trash", file],
        env={**ENVIRONMENT, "HOME": str(disk), "XDG_DATA_HOME": str(disk / "data")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode != 0
    assert "trash directory" in done.stderr
    assert file.read_text() == "words"
    assert os.listdir(drive.path) == ["folder"]


@pytest.mark.timeout(240)
def test_a_virtual_environment_works(drive):
    run(sys.executable, "-m", "venv", "--without-pip", drive.path / "env")
    python = drive.path / "env" / "bin" / "python"
    (drive.path / "module.py").write_text("def answer():\n    return 42\n")
    assert run(
        python, "-c", "import sys, module; print(sys.prefix, module.answer())", cwd=drive.path
    ).split() == [
        str(drive.path / "env"),
        "42",
    ]
    drive.again()
    assert run(python, "-c", "import module; print(module.answer())", cwd=drive.path) == "42\n"
    assert (drive.path / "__pycache__").is_dir()
