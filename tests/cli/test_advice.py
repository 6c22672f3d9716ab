"""Advice works as it is printed: every command in a message is one that the program takes, and
names in it are quoted for the shell."""

from __future__ import annotations

import ast
import functools
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import syncin_mount
from syncin_mount import advice
from syncin_mount.cli.command_group import group
from syncin_mount.suggestions import closest
from tests.app.test_messages import TO_BE_DONE

ROOT = Path(syncin_mount.__file__).parents[1]
SOURCES = [
    path
    for folder in (
        "syncin_mount",
        "reconciler",
        "platform/linux/syncin_fuse",
        "platform/windows/syncin_winfsp",
    )
    for path in sorted((ROOT / folder).rglob("*.py"))
]
NAME = "my docs"
"""What stands for a value that the program puts into a message: a name that needs quotes."""

_MARK = "\x00"
_WRITTEN = re.compile(r"syncin-mount((?: [^\s'\"”“`;,()…]+)+)")
_VALUES = {"NUMBER": "1", "NUMBER...": "1", "ENTRY": "1"}


class Collector(ast.NodeVisitor):
    """The texts of a module, with a mark for each value, and the words of each `advice.command`."""

    def __init__(self, path: Path) -> None:
        self.makers = {"advice.command", "command" if "messages" in path.parts else ""}
        self.texts: list[tuple[int, str]] = []
        self.calls: list[tuple[int, list[str]]] = []

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        parts = []
        for value in node.values:
            if isinstance(value, ast.Constant):
                parts.append(str(value.value))
            else:
                parts.append(_MARK)
                self.generic_visit(value)
        self.texts.append((node.lineno, "".join(parts)))

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str):
            self.texts.append((node.lineno, node.value))

    def visit_Call(self, node: ast.Call) -> None:
        called = ast.unparse(node.func)
        starred = any(isinstance(each, ast.Starred) for each in node.args)
        if called in self.makers and node.args and not starred:
            words = [
                str(each.value) if isinstance(each, ast.Constant) else NAME for each in node.args
            ]
            self.calls.append((node.lineno, words))
        self.generic_visit(node)


@functools.cache
def collected(path: Path) -> Collector:
    """Without the module's own docstring, which is for who reads the code."""
    found = Collector(path)
    text = path.read_text()
    if not re.search(r"syncin-mount|command\(", text):  # neither: most files need no parsing
        return found
    tree = ast.parse(text)
    for statement in tree.body[1:] if ast.get_docstring(tree) else tree.body:
        found.visit(statement)
    return found


def written() -> Iterator[tuple[str, list[str]]]:
    """Commands that stand in a text as they are, with where."""
    for path in SOURCES:
        if str(path.relative_to(ROOT)) in TO_BE_DONE:  # they still move to app/messages
            continue
        for line, text in collected(path).texts:
            for found in _WRITTEN.finditer(text):
                words = found[1].split("  ")[0].split()
                # neither COMMAND nor {version} is one
                if words and words[0].upper() != words[0] and not words[0].startswith("{"):
                    yield f"{path.relative_to(ROOT)}:{line}", words


def called() -> Iterator[tuple[str, list[str]]]:
    """Commands that `advice.command` makes, with where."""
    for path in SOURCES:
        for line, words in collected(path).calls:
            yield f"{path.relative_to(ROOT)}:{line}", words


def refused(words: list[str]) -> str | None:
    """Why the program's own parser does not take this line, or None. Nothing is run."""
    given = [
        "1" if before == "--port" else _VALUES.get(word, word.replace(_MARK, NAME))
        for before, word in zip(["", *words], words, strict=False)
    ]
    try:
        context = group.make_context("syncin-mount", given)
        while isinstance(context.command, click.Group):
            left = [*context._protected_args, *context.args]
            if not left:
                return None if context.command is group else "it names no command"
            name, command, rest = context.command.resolve_command(context, left)
            assert command is not None
            context = command.make_context(name, rest, parent=context)
    except click.exceptions.Exit:  # --help
        return None
    except click.ClickException as error:
        return error.format_message()
    return None


CALLED = list(called())
WRITTEN = list(written())


@pytest.mark.parametrize(("where", "words"), CALLED, ids=[where for where, _ in CALLED])
def test_what_is_made_is_taken(where: str, words: list[str]):
    assert refused(words) is None, where


@pytest.mark.parametrize(("where", "words"), WRITTEN, ids=[where for where, _ in WRITTEN])
def test_what_is_written_is_taken(where: str, words: list[str]):
    assert refused(words) is None, f"{where}: syncin-mount {' '.join(words)}"


def test_names_are_put_in_by_what_quotes_them():
    """Where a text has a command, a value in it came by `advice.command`."""
    wrong = [where for where, words in WRITTEN if any(_MARK in word for word in words)]
    assert wrong == []


def test_there_is_something_to_look_at():
    assert len(CALLED) > 30
    assert len(WRITTEN) > 10


@pytest.mark.parametrize(
    ("line", "taken"),
    [
        ("sync docs", True),
        ("filter add docs *.tmp", True),
        ("filter docs add *.tmp", True),
        ("bin list docs", True),
        ("server add NAME URL --login LOGIN", True),
        ("server add NAME URL", False),
        ("journal hold docs NUMBER", True),
        ("carry docs", False),
        ("sync docs --dry", False),
        ("edit docs --mode quick", False),
        ("mount", False),
        ("up more", False),
    ],
)
def test_the_parser_is_asked(line: str, taken: bool):
    assert (refused(line.split()) is None) is taken


@pytest.mark.parametrize("name", ["docs", "my docs", "it's", "$HOME", "a;b", "*", "ä"])
def test_a_shell_reads_back_what_is_printed(name: str):
    assert shlex.split(advice.command("mount", name)) == ["syncin-mount", "mount", name]
    assert closest(name, [name]) == name
