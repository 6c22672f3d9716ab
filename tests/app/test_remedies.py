"""What helps is told in the words of whoever reads it: commands in a terminal, buttons on the
page."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.errors import RemoteError
from syncin_mount.advice import Reader, reader, reader_named, writing_for
from syncin_mount.app import errors
from syncin_mount.app.messages import remedies, sentence
from syncin_mount.control.failures import NoAnswer
from syncin_mount.language import ENGLISH, speaking
from syncin_mount.remote.refusals.remedies import Help, Remedy
from syncin_mount.store.errors import Repair, ReplicaError
from syncin_mount.vfs.frontend import MountpointNotEmpty
from tests.app.test_messages import NAMES_A_COMMAND, ROOT

MESSAGES = ROOT / "syncin_mount/app/messages"
STATIC = ROOT / "syncin_mount/web/static"

ERRORS: list[Exception] = [
    errors.Paused("docs"),
    errors.NotMounted("docs"),
    errors.NotMountable(errors.Paused("docs"), 1),
    errors.NoSuchEntry("docs", "7"),
    errors.PlaceTaken("'a'"),
    errors.RestoreFirst("what lost is in the trash"),
    errors.ChosenAlready("docs", "a"),
    errors.MountpointHoldsFiles("/mnt"),
    errors.MustBeUnmounted("docs"),
    errors.CannotUnmount("docs", "files are open", may_force=True),
    errors.NoRemoteFolder("a", "https://x", "home"),
    errors.ImportStopped("docs", OSError(28, "No space left on device")),
    errors.CopyLacksContents("docs", 3),
    errors.NoSuchClient("7", 0, "https://x", "home"),
    NoAnswer(),
    MountpointNotEmpty(Path("/mnt"), "a"),
    *(ReplicaError("damaged", repair=each, folder=Path("/r/docs")) for each in Repair),
    *(RemoteError("refused", remedy=Remedy(each, "home")) for each in Help),
]

APART = {
    "reconciler.py": ("_WAY_OUT", "_halt", "_not_wanted"),  # the page has the buttons beside it
    "remote.py": ("advice", "log_in", "edit", "where"),  # says `_on_page` there
    "supervisor.py": ("_runs", "_nothing"),  # the supervisor serves the page: it runs
    "__init__.py": ("sentence",),
}
"""Functions and names of sentences whose commands no page shows."""


def commands(path: Path) -> Iterator[str]:
    """Where a module of messages names a command that the page is not told otherwise."""

    def look(node: ast.AST, place: str) -> Iterator[str]:
        if isinstance(node, ast.FunctionDef):
            place = node.name
            node.body = node.body[1:] if ast.get_docstring(node) else node.body
        if isinstance(node, ast.Assign):
            place = ast.unparse(node.targets[0])
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func).rpartition(".")[2]
            if called == "either":
                return
            if called == "command":
                yield f"{place}: {ast.unparse(node)}"
        text = node.value if isinstance(node, ast.Constant) else None
        if isinstance(text, str) and NAMES_A_COMMAND.search(text):
            yield f"{place}: {text}"
        for each in ast.iter_child_nodes(node):
            yield from look(each, place)

    tree = ast.parse(path.read_text())
    tree.body = [each for each in tree.body if not isinstance(each, ast.Expr)]
    return look(tree, "")


@pytest.mark.parametrize("path", sorted(MESSAGES.glob("*.py")), ids=lambda path: path.name)
def test_every_command_in_a_sentence_has_its_words_on_the_page(path: Path):
    apart = APART.get(path.name, ())
    assert [each for each in commands(path) if each.partition(":")[0] not in apart] == []


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: str(error)[:40])
def test_no_sentence_on_the_page_names_a_command(error: Exception):
    with writing_for(Reader.PAGE):
        said = sentence(error, "docs")
    assert not NAMES_A_COMMAND.search(said), said
    assert NAMES_A_COMMAND.search(sentence(error, "docs")) or "its log" in said, said


def labels(language: str) -> set[str]:
    """What the page's buttons, menus and screens are called."""
    page = ROOT / f"syncin_mount/locale/{language}/LC_MESSAGES/page.json"
    translated = {} if language == ENGLISH else json.loads(page.read_text())["texts"]
    return {
        translated.get(label, label)
        for path in STATIC.glob("*.js")
        for label in re.findall(r't\("([^"]+)"', path.read_text())
    }


QUOTED = re.compile(r"[“„«]\s*([^”“»]+?)\s*[”“»]")


@pytest.mark.parametrize("language", ["en", "de", "fr"])
def test_what_is_to_be_pressed_is_on_the_page(language: str):
    known = labels(language)
    with speaking(language), writing_for(Reader.PAGE):
        told = [
            *(sentence(each, "docs") for each in ERRORS),
            *(
                make(*["x"] * make.__code__.co_argcount)
                for name, make in vars(remedies).items()
                if callable(make)
                and getattr(make, "__module__", "") == remedies.__name__
                and name not in {"either", "on_page"}
            ),
        ]
    words = {word for text in told for word in QUOTED.findall(text)}
    assert len(words) > 12
    assert {word for word in words if word not in {*known, "docs", "7"}} == set()


def test_who_reads_belongs_to_a_context():
    assert reader() is Reader.TERMINAL
    with writing_for(Reader.PAGE):
        assert reader() is Reader.PAGE
        assert sentence(errors.Paused("docs")).endswith("resume it: “Resume”")
    assert sentence(errors.Paused("docs")).endswith("resume it: syncin-mount resume docs")
    assert [reader_named(word) for word in ("page", "terminal", "", "x")] == [
        Reader.PAGE,
        *[Reader.TERMINAL] * 3,
    ]
