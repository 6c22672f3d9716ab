"""What commands say of real drives, in a language that nobody speaks: every English word on the
screen is a text that nobody marked."""

from __future__ import annotations

import os
import re
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from syncin_mount.cli.demo.sandbox import Done
from syncin_mount.language.catalogues import FOLDER_VARIABLE
from tests.language.catalogue_files import LOCALE
from tests.language.pseudo import PSEUDO, write_pseudo
from tests.web import conftest
from tests.web.conftest import PROFILE, World

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("mounts"), pytest.mark.timeout(600)]

mounts = conftest.mounts


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Whose program knows that language, German and French."""
    folder = tmp_path_factory.mktemp("locale")
    shutil.copytree(LOCALE, folder, dirs_exist_ok=True)
    write_pseudo(folder / PSEUDO / "LC_MESSAGES")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv(FOLDER_VARIABLE, str(folder))
        # the fixture's own function, of which pytest's types tell nothing
        yield from conftest.world.__wrapped__(tmp_path_factory)  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def drives(world: World) -> World:
    """Alpha is mounted, with a conflict, deletions and changes that wait; Beta is at rest; of Gamma
    all was deleted on the server."""
    for name in ("Alpha", "Beta", "Gamma"):
        there = world.add(name, "--every", "1d")
        for number in range(5):
            (there / f"{number}.txt").write_text(f"{number}")
        world.must("sync", name)
    world.must("filter", "add", "Beta", "ends-with:.bak")
    world.must("mount", "Alpha", "--manual")
    there, here = world.sandbox.server_files / "Alpha", world.drive("Alpha")
    (here / "0.txt").write_text("from here, and longer")
    (there / "0.txt").write_text("from there")
    os.utime(there / "0.txt", (os.stat(there / "0.txt").st_mtime + 10,) * 2)
    (there / "1.txt").unlink()
    (here / "2.txt").unlink()
    world.must("sync", "Alpha")
    (here / "new.txt").write_text("not sent yet")
    (here / "4.txt").unlink()
    shutil.rmtree(world.sandbox.server_files / "Gamma")
    (world.sandbox.server_files / "Gamma").mkdir()
    return world


COMMANDS = (
    ("--help",),
    ("add", "--help"),
    ("bin", "--help"),
    ("list",),
    ("status",),
    ("status", "Alpha"),
    ("show", "Beta"),
    ("settings",),
    ("scheduler",),
    ("limit",),
    ("server", "list"),
    ("clients", "list"),
    ("remote", "ls"),
    ("filter", "list", "Beta"),
    ("filter", "test", "Beta", "a.bak", "a.txt"),
    ("filter", "try", "Beta", "*.txt"),
    ("journal", "list", "Alpha"),
    ("journal", "hold", "Alpha", "999"),
    ("conflicts", "Alpha"),
    ("conflicts", "Alpha", "--compare", "0.txt"),
    ("conflicts", "Alpha", "--swap", "nothing.txt"),
    ("bin", "list", "Alpha"),
    ("bin", "empty", "Alpha"),
    ("bin", "restore", "Alpha", "999"),
    ("transfers", "Alpha"),
    ("transfers", "--all"),
    ("explain", "Alpha", "0.txt"),
    ("explain", "Alpha", "new.txt"),
    ("explain", "Alpha", "nothing.txt"),
    ("sync", "Alpha", "--dry-run"),
    ("check", "Beta"),
    ("check", "Alpha"),
    ("doctor",),
    ("sync", "Gamma"),
    ("sync", "Gamma", "--dry-run"),
    ("sync", "Beta"),
    ("edit", "Beta", "--mode", "secure"),
    ("pause", "Beta", "--for", "1h"),
    ("sync", "Beta"),
    ("status", "Beta"),
    ("resume", "Beta"),
    ("resume", "Beta"),
    ("disable", "Beta"),
    ("enable", "Beta"),
    ("rename", "Beta", "Alpha"),
    ("remove", "Gamma"),
    ("edit", "Beta", "--remote", "x"),
    ("edit", "Alpha", "--mountpoint", "/nowhere/else"),
    ("mount", "Alpha"),
    ("add", "Delta", "--server", "cloud", "--remote", "personal/nothing", "--mountpoint", "/tmp"),
    ("add", "Delta", "--server", "cloud", "--remote", "nonsense", "--mountpoint", "/tmp"),
    ("add", "Delta", "--server", "nowhere", "--remote", "personal/x", "--mountpoint", "/tmp"),
    ("server", "add", "other", "nonsense", "--login", "x", "--password-stdin"),
    ("server", "add", "other", "http://127.0.0.1:9", "--login", "x", "--password-stdin"),
    ("server", "auth", "cloud", "--password-stdin"),
    ("status", "Alhpa"),
    ("stauts",),
    ("list", "--nmae"),
    ("sync",),
    ("logs", "--level", "error"),
    ("umount", "Alpha"),
    ("umount", "Alpha"),
    ("down",),
)
"""In their order: some change something."""

DATA = re.compile(
    r"syncin-mount(?: [^\s;,:)“”]+)*"  # commands, as they are typed
    r"|'[^']*'|“[^”]*”|`[^`]*`"
    r"|https?://[^\s;,)]+|[\w.-]*(?:/[\w.*@-]+)+/?|~[\w/]*"  # addresses, paths
    r"|--[a-z-]+(?:=\S+)?|-h\b|\b[A-Z]{2,}(?:[-_][A-Z]+)*\b|\[[^\]]*\]|<[^>]*>"
    r"|\b[\w-]+\.(?:txt|bak|toml|log|DS_Store|db|jsonl)\b|\*\.\w+|\w+-with:\S*|\.DS_Store"
    r"|\b(?:Alpha|Beta|Gamma|Delta|cloud|personal|user1|nonsense|nowhere|nothing|other)\b"
    r"|\b(?:Alhpa|stauts|secure|fast|both|recent|auto|download|parallel|off|info|warning)\b"
    r"|\b(?:Sync-in|Python|Linux|SHA-\d+|pyfuse3|fuse3|FUSE|UTF-8|systemd|logind|root|eo)\b"
    rf"|\b{re.escape(socket.gethostname())}\b|^ *\d+ [-+] .*"
    r"|\b(?:sync-in-cli|server:\S+|filters|mode)\b"
    r"|\b(?:spaces|shares)/|\berror\b(?= ιʂ)"
    r"|\b\d+(?:[.,]\d+)* ?(?:[KMGT]i?B|min|[smhdB])\b|\b[0-9a-f]{8}\b|\d[\d.:-]*"
)
"""Names, paths, options, values of settings, units: the same in every language."""


_ENTRY = re.compile(r"^ {2}[a-z][a-z-]*(?= {2}| *$)")
"""A command in a list of commands."""


def left_of(shown: str) -> list[str]:
    """English in it, line by line."""
    return [
        line.strip()
        for line in shown.splitlines()
        if re.search(r"[A-Za-z]{3,}", DATA.sub(" ", _ENTRY.sub("", line)))
    ]


def said(world: World, words: tuple[str, ...], **environment: str) -> Done:
    with pytest.MonkeyPatch.context() as patched:
        for name, value in environment.items():
            patched.setenv(name, value)
        patched.setenv("LC_ALL", "")
        patched.setenv("PYTHONUTF8", "1")
        return world.sandbox.run(PROFILE, *words, stdin="wrong\n")


def test_no_command_has_a_text_that_was_not_translated(drives: World) -> None:
    names = [each.name for each in (Path(drives.base)).iterdir()]
    assert names
    left = {}
    for words in COMMANDS:
        done = said(drives, words, LANG=f"{PSEUDO}.UTF-8")
        found = left_of(f"{done.out}\n{done.error}")
        if found:
            left[" ".join(words)] = found
    assert left == {}, "\n".join(
        f"{words}: {line}" for words, some in left.items() for line in some
    )


@pytest.mark.parametrize(
    ("line", "is_english"),
    [
        ("docs: ρ", False),
        ("Alpha: nothing was done", True),
        ("Alpha: ƭɦε ƒιλε 'a b c' /home/x/y, syncin-mount status Alpha --all", False),
        ("the file", True),
        ("ƭɦε file", True),
        ("12 files", True),
        ("1.2 MiB, 3 s, 2026-01-31", False),
    ],
)
def test_english_is_seen(line: str, is_english: bool) -> None:
    line = line.replace("docs", "Beta")
    assert bool(left_of(line)) is is_english
