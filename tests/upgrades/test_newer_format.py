"""A replica of a later version: each command that opens it refuses it in one sentence, which names
the version that is needed, and nothing in it changes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from syncin_mount.cli.command_group import COMMANDS
from syncin_mount.cli.demo.sandbox import Sandbox
from syncin_mount.store.records import FORMAT
from tests.upgrades.making import BEFORE, NAME, PROFILE, add, folders_of, put

pytestmark = pytest.mark.timeout(300)

REFUSED = [
    *("mount docs", "up", "sync docs", "sync docs --dry-run", "sync --all"),
    *("journal list docs", "journal hold docs 1", "journal release docs 1"),
    *("journal discard docs 1", "explain docs kept.txt", "filter try docs *.txt"),
    *("bin list docs", "bin restore docs 1", "bin empty docs --yes"),
    *("conflicts docs", "conflicts docs --compare kept.txt", "conflicts docs --acknowledge --all"),
    *("conflicts docs --swap kept.txt", "conflicts docs --keep-both kept.txt"),
    *("conflicts docs --undo kept.txt", "check docs", "check docs --repair"),
    *("remove docs --yes", "remove docs --keep-copy {place}/kept", "transfers docs"),
    *("rename docs letters", "explain {drive}/kept.txt", "desktop run hold {drive}/kept.txt"),
]
TELL = ["status docs", "metrics", "doctor"]
"""These are about all drives, and say it of this one."""

OPEN_NONE = {
    *("add", "clients", "completion", "demo", "disable", "down", "edit", "enable"),
    *("limit", "list", "logs", "open", "pause", "remote", "resume", "scheduler"),
    *("serve", "server", "settings", "show", "ui", "umount", "version"),
}
"""Commands that look at no replica, or leave that to a daemon, which `mount` starts."""


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with Sandbox(tmp_path_factory.mktemp("newer") / "world") as found:
        put(found.server_files / NAME, BEFORE, ago_s=7200)
        add(found)
        found.must(PROFILE, "sync", NAME)
        replica = folders_of(found).replica(NAME)
        (replica / "format").write_text(f"{FORMAT + 1}\n")
        (replica / "written-by").write_text("9.9.0\n")
        try:
            yield found
        finally:
            found.run(PROFILE, "down", "--force")


def hash_of(folder: Path) -> str:
    """Of all names, modes, times and contents in it."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        found = path.lstat()
        name = path.relative_to(folder)
        digest.update(f"{name} {found.st_mode} {found.st_mtime_ns} {found.st_ino}\n".encode())
        if path.is_file():
            digest.update(path.read_bytes())
    return digest.hexdigest()


def sentence_of(sandbox: Sandbox) -> str:
    return (
        f"the replica in {folders_of(sandbox).replica(NAME)} has format {FORMAT + 1} and this"
        f" program knows {FORMAT}: version 9.9.0 wrote it; use that version or a later one."
    )


@pytest.mark.parametrize("words", REFUSED)
def test_who_opens_it_refuses_it_and_changes_nothing(sandbox: Sandbox, words: str):
    replica = folders_of(sandbox).replica(NAME)
    before = hash_of(replica)
    known = {"place": sandbox.base, "drive": sandbox.base / "drive"}
    done = sandbox.run(PROFILE, *(word.format(**known) for word in words.split()))
    assert done.status == 1
    assert done.error.count(sentence_of(sandbox).removesuffix(".")) == 1
    assert len(done.error.splitlines()) == 1
    assert "Traceback" not in done.error
    assert hash_of(replica) == before
    sandbox.run(PROFILE, "down", "--force")


@pytest.mark.parametrize("words", TELL)
def test_who_tells_of_all_drives_says_it(sandbox: Sandbox, words: str):
    replica = folders_of(sandbox).replica(NAME)
    before = hash_of(replica)
    sandbox.run(PROFILE, "up")
    done = sandbox.run(PROFILE, *words.split())
    assert "version 9.9.0 wrote it" in done.out + done.error
    assert hash_of(replica) == before
    sandbox.run(PROFILE, "down", "--force")


def test_each_command_has_its_place():
    opening = {words.split()[0] for words in (*REFUSED, *TELL)}
    assert opening | OPEN_NONE == set(COMMANDS)
    assert opening & OPEN_NONE == set()
