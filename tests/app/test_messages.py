"""Sentences are made in `syncin_mount/app/messages`: what lies below names no command."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from reconciler.engine.pending_reason import PendingReason, PendingState
from reconciler.errors import RemoteError
from syncin_mount.app.messages import command, says, sentence, sentence_or_none
from syncin_mount.cli.command_group import COMMANDS
from syncin_mount.remote.refusals.remedies import Help, Remedy
from syncin_mount.store.errors import IndexDamaged, Repair, ReplicaError

ROOT = Path(__file__).resolve().parents[2]

BELOW = (
    "reconciler",
    "platform/linux/syncin_fuse",
    "platform/windows/syncin_winfsp",
    "syncin_mount/app",
    "syncin_mount/config",
    "syncin_mount/control",
    "syncin_mount/daemon",
    "syncin_mount/logs",
    "syncin_mount/remote",
    "syncin_mount/store",
    "syncin_mount/supervisor",
    "syncin_mount/trash",
    "syncin_mount/vfs",
    "syncin_mount/errors.py",
    "syncin_mount/addresses.py",
    "syncin_mount/deep_tree.py",
    "syncin_mount/mount_table.py",
    "syncin_mount/printable.py",
)
"""Where no sentence names a command; `syncin_mount/app/messages` is for them."""

TO_BE_DONE: set[str] = set()
"""Files whose sentences still name commands. The list only shrinks: take out what you have done."""

_WORDS = "|".join(map(re.escape, COMMANDS))
NAMES_A_COMMAND = re.compile(
    rf"syncin-mount (?:{_WORDS})\b"  # the program with a command
    r"|(?<![\w-])--[a-z][a-z-]+"  # an option
    rf"|[“‘'\"`](?:{_WORDS})(?: [^”’'\"`]*)?[”’'\"`]"  # “sync”, 'check NAME', `journal release`
)
_ARGUMENT = re.compile(r"--[a-z-]+")
"""One word that is handed to a program, not a sentence."""


def _texts(source: str) -> Iterator[tuple[int, str]]:
    """Line and text of each string of a program; f-strings as a whole, with a letter for each value
    that is put in. Docstrings are for readers of the code, and are left out."""
    tree = ast.parse(source)
    apart: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr):
            apart.add(node.value)
        if isinstance(node, ast.JoinedStr):
            apart.update(node.values)
    for node in ast.walk(tree):
        if node in apart:
            continue
        if isinstance(node, ast.JoinedStr):
            parts = node.values
            text = "".join(str(p.value) if isinstance(p, ast.Constant) else "x" for p in parts)
            yield node.lineno, text
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value


def findings(source: str) -> list[str]:
    """The texts of a program that name a command, each with its line."""
    return [
        f"{line}: {text}"
        for line, text in _texts(source)
        if NAMES_A_COMMAND.search(text) and not _ARGUMENT.fullmatch(text)
    ]


def _files() -> list[str]:
    found = []
    for place in BELOW:
        path = ROOT / place
        files = path.rglob("*.py") if path.is_dir() else [path]
        found += [file.relative_to(ROOT).as_posix() for file in files]
    return sorted(file for file in found if not file.startswith("syncin_mount/app/messages/"))


@pytest.mark.parametrize("file", _files())
def test_no_sentence_below_the_messages_names_a_command(file: str) -> None:
    found = findings((ROOT / file).read_text(encoding="utf-8"))
    if file in TO_BE_DONE:
        assert found, f"{file} is done: take it out of TO_BE_DONE"
    else:
        assert not found, "\n".join(found)


def test_what_is_to_be_done_exists() -> None:
    assert set(_files()) >= TO_BE_DONE


@pytest.mark.parametrize(
    "source",
    [
        'raise E("log in again with `syncin-mount server auth x`")',
        'raise E(f"it is paused; syncin-mount resume {name}")',
        'A = "look with “sync --dry-run”"',
        'A = f"“journal release” lets {it} go"',
        "A = 'accept it with --insecure-http'",
        "A = \"'check docs --repair' helps\"",
        "A = 'it waits for “sync”'",
        'A = {"a": ("b", "run `status`")}',
        'A = "x" + (f"{y}: " "syncin-mount " "up")',
    ],
)
def test_the_search_finds(source: str) -> None:
    assert findings(source)


@pytest.mark.parametrize(
    "source",
    [
        '"""`check --repair` calls it."""',
        'A = 1\n"""What ``sync --yes`` passes."""',
        'run(["--ready-fd", "up"])',
        'A = "syncin-mount cannot read it; --, ---, x--y"',
        'A = "sync"',
        'A = f"the {kind} “{name}” is not there"',
    ],
)
def test_the_search_leaves_alone(source: str) -> None:
    assert not findings(source)


def test_a_text_and_an_unknown_error_say_what_they_say() -> None:
    assert sentence("a text") == "a text"
    assert sentence(ValueError("why")) == "why"
    assert sentence_or_none(None) is None
    assert sentence_or_none("a text", "docs") == "a text"


def test_the_nearest_class_in_the_ancestry_decides() -> None:
    class Parent(Exception):
        pass

    class Child(Parent):
        pass

    @says(Parent)
    def _parent(error: Parent, drive: str) -> str:
        return f"{error}; {command('check', drive)}"

    assert sentence(Child("damaged"), "docs") == "damaged; syncin-mount check docs"
    assert sentence(Child("damaged")) == "damaged; syncin-mount check NAME"


def test_every_kind_of_help_ends_a_sentence() -> None:
    for help_ in Help:
        for account in ("", "home"):
            error = RemoteError("it is refused", remedy=Remedy(help_, account))
            text = sentence(error)
            assert str(error) == "it is refused"
            assert text.startswith("it is refused")
            assert len(text) > len("it is refused; ")


def test_the_reason_of_an_error_keeps_what_helps() -> None:
    """Reports and states keep the text of an error, and the control API sends only plain texts."""
    reason = str(RemoteError("it is expired", remedy=Remedy(Help.LOG_IN, "home")))
    told = "it is expired; log in again with `syncin-mount server auth home`"
    assert reason == "it is expired"
    assert sentence(reason) == told
    pending = sentence(PendingReason(PendingState.REFUSED, reason))
    for text in (sentence(reason), sentence("plain"), pending):
        assert type(text) is str
        assert msgspec.json.decode(msgspec.json.encode(text)) == text


def test_a_command_is_quoted_for_the_shell() -> None:
    assert command("check", "my docs", "--repair") == "syncin-mount check 'my docs' --repair"


@pytest.mark.parametrize("repair", [None, *Repair])
def test_what_a_repair_does_is_told_with_its_command(repair: Repair | None) -> None:
    error = ReplicaError("it is damaged", repair=repair, folder=Path("/replicas/my docs"))
    asked = "syncin-mount check 'my docs' --repair"
    assert str(error) == "it is damaged"
    assert (asked in sentence(error)) == (repair is not None)
    assert (asked in sentence(error, "another")) == (repair is not None)


def test_an_index_that_is_damaged_in_use_names_the_drive() -> None:
    text = sentence(IndexDamaged("the record of node 7"), "docs")
    assert "(the record of node 7)" in text
    assert "unmount, then 'syncin-mount check docs --repair'" in text
