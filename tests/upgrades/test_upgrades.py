"""Every released version's replica goes on with this version: nothing is lost, what waited is sent,
and what went to the bin comes back. `python -m tests.upgrades` makes the archive of a release."""

from __future__ import annotations

import json
import os
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from syncin_mount import __version__, system
from syncin_mount.cli.demo.sandbox import Sandbox
from syncin_mount.store.records import FORMAT
from tests.upgrades.making import (
    AFTER,
    DATA,
    HELD,
    IN_BIN,
    MANIFEST,
    NAME,
    NOT_UTF8,
    PROFILE,
    add,
    folders_of,
    make,
)

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.skipif(
        not os.access("/dev/fuse", os.R_OK | os.W_OK) or shutil.which("fusermount3") is None,
        reason="no /dev/fuse or no fusermount3 here",
    ),
]

ARCHIVES = sorted(DATA.glob("*.tar.xz"))


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    with Sandbox(tmp_path / "world") as found:
        yield found


def unpack(archive: Path, folder: Path) -> dict[str, Any]:
    with tarfile.open(archive) as file:
        file.extractall(folder, filter="data")
    manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text())
    return manifest


def put_in_place(sandbox: Sandbox, parts: Path) -> Path:
    """The program's folders as the older version left them; the mount point. The computer did not
    start again meanwhile: the kernel's boot id is the same."""
    shutil.copytree(parts / "server", sandbox.server_files / NAME)
    drive = add(sandbox)
    replica = folders_of(sandbox).replica(NAME)
    shutil.rmtree(replica, ignore_errors=True)
    shutil.copytree(parts / "replica", replica, symlinks=True)
    (replica / "running").write_text(f"{system.boot_id()}\n")
    return drive


def is_on_server(sandbox: Sandbox) -> dict[str, str]:
    there = sandbox.server_files / NAME
    return {
        str(path.relative_to(there)): path.read_text()
        for path in there.rglob("*")
        if path.is_file()
    }


def goes_on(sandbox: Sandbox, drive: Path) -> None:
    """All that somebody who upgraded looks for."""
    assert sandbox.must(PROFILE, "check", NAME) == "all is in order\n"
    sandbox.mount(PROFILE, NAME)
    assert (folders_of(sandbox).replica(NAME) / "format").read_text() == f"{FORMAT}\n"
    assert {name: (drive / name).read_text() for name in AFTER} == AFTER
    kept, link = (drive / "kept.txt").stat(), (drive / "kept link.txt").stat()
    assert (kept.st_ino, kept.st_nlink) == (link.st_ino, 2)
    assert os.getxattr(drive / "kept.txt", "user.color") == b"green"
    assert (drive / "symbolic").readlink() == Path("kept.txt")
    odd = Path(os.fsdecode(os.fsencode(drive) + b"/" + NOT_UTF8))
    assert odd.read_text() == "only here\n"

    sandbox.run(PROFILE, "sync", NAME)
    assert is_on_server(sandbox) == AFTER
    waiting = json.loads(sandbox.must(PROFILE, "journal", "list", NAME, "--json"))
    assert HELD in str(waiting)
    for name, text in AFTER.items():
        assert (drive / name).read_text() == text

    listed = json.loads(sandbox.must(PROFILE, "conflicts", NAME, "--json"))
    assert [each["path"] for each in listed] == ["both.txt"]
    rows = json.loads(sandbox.must(PROFILE, "bin", "list", NAME, "--json"))
    entries = {each["path"]: each["entry"] for each in rows if each["path"] in IN_BIN}
    assert entries.keys() == IN_BIN.keys()
    for entry in entries.values():
        sandbox.must(PROFILE, "bin", "restore", NAME, entry)
    found = {path.read_text() for path in drive.iterdir() if path.is_file()}
    assert set(IN_BIN.values()) <= found


@pytest.mark.parametrize("archive", ARCHIVES, ids=lambda path: path.name.removesuffix(".tar.xz"))
def test_the_replica_of_a_release_goes_on(archive: Path, sandbox: Sandbox, tmp_path: Path):
    manifest = unpack(archive, tmp_path / "parts")
    assert archive.name == f"{manifest['version']}.tar.xz"
    number = int((tmp_path / "parts/replica/format").read_text())
    assert number == manifest["format"] <= FORMAT
    assert list((tmp_path / "parts/replica/journal").iterdir()), "nothing waits in it"
    goes_on(sandbox, put_in_place(sandbox, tmp_path / "parts"))


def test_the_replica_of_this_version_goes_on(sandbox: Sandbox, tmp_path: Path):
    """So the script that makes the next release's works at any time."""
    make(tmp_path / "made.tar.xz", tmp_path / "maker")
    manifest = unpack(tmp_path / "made.tar.xz", tmp_path / "parts")
    assert manifest == {"version": __version__, "format": FORMAT}
    goes_on(sandbox, put_in_place(sandbox, tmp_path / "parts"))


def test_every_format_since_the_first_release_has_an_archive():
    """A format that grew is a release's, or will be one's: the one before it stays here."""
    numbers = set()
    for archive in ARCHIVES:
        with tarfile.open(archive) as file:
            member = file.extractfile(MANIFEST)
            assert member is not None
            numbers.add(json.load(member)["format"])
    assert numbers >= set(range(min(numbers), FORMAT))
