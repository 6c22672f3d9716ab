"""Texts in Python code that look as if a person read them, and that nobody marked."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.language.extraction import KEYWORDS, ROOT

_CODE_WORDS = {"Danger", "Kind", "Notice", "Unsuited", "Verb"}
"""Enumerations whose values are words for the program: what is shown of them is in a table."""

_LOGS = {"debug", "info", "warning", "error", "exception", "critical", "log"}
"""What a logger is told. Logs are English."""

_FAULTS = {"AssertionError", "NotImplementedError", "RuntimeError", "TypeError"}
"""Errors of the program: nobody is meant to meet them."""

_HELP = {"help", "short_help", "metavar"}
"""Arguments that are in the catalogue of the help (`tests.language.extraction`)."""

_PROSE = re.compile(r"[A-Za-z]{2,},? [a-z]+|^[A-Z][a-z]+( |$)")
_LETTERS = re.compile(r"[A-Za-z]{2,}")

_SHOWS = {"say", "say_lines", "warn", "ask", "confirm", "prompt", "CommandError", "UsageError"}
"""Functions whose first argument a person reads, however short it is."""


def unmarked(source: str) -> Iterator[tuple[int, str]]:
    """Line and text of strings that look as if somebody read them, outside of `t` and the like;
    docstrings, names of errors, help and logs apart."""
    tree = ast.parse(source)
    apart, shown = _apart(tree), _shown(tree)
    for node in ast.walk(tree):
        if id(node) in apart or not isinstance(node, ast.Constant):
            continue
        if not isinstance(node.value, str):
            continue
        if _PROSE.search(node.value) or (id(node) in shown and _LETTERS.search(node.value)):
            yield node.lineno, node.value


def _apart(tree: ast.AST) -> set[int]:
    apart: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr):
            apart.add(id(node.value))
        if isinstance(node, ast.ClassDef) and node.name in _CODE_WORDS:
            apart |= _all_of(node)
        if isinstance(node, ast.keyword) and node.arg in _HELP:
            apart |= _all_of(node.value)
        if isinstance(node, ast.Assert) or _is_list_of_names(node):
            apart |= _all_of(node)
        if isinstance(node, ast.Call):
            name = name_of(node.func)
            if name in KEYWORDS:
                for argument in node.args[: len(KEYWORDS[name])]:
                    apart |= _all_of(argument)
            is_log = isinstance(node.func, ast.Attribute) and node.func.attr in _LOGS
            if is_log or name in _FAULTS:
                apart |= _all_of(node)
    return apart


def _is_list_of_names(node: ast.AST) -> bool:
    return isinstance(node, ast.Assign) and name_of(node.targets[0]) == "__all__"


def _shown(tree: ast.AST) -> set[int]:
    """Texts that are shown as they stand: an f-string's parts, too, but not what it puts in."""
    found: set[int] = set()
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else name_of(node.func)
        if name in _SHOWS:
            first = node.args[0]
            parts = first.values if isinstance(first, ast.JoinedStr) else [first]
            found |= {id(each) for each in parts}
    return found


def _all_of(node: ast.AST) -> set[int]:
    return {id(each) for each in ast.walk(node)}


def name_of(node: ast.expr) -> str:
    """Of a function that is called by its own name."""
    return node.id if isinstance(node, ast.Name) else ""


def code(places: Iterable[str]) -> list[Path]:
    """The Python files there, or the one."""
    return [
        path
        for place in places
        for path in (sorted((ROOT / place).rglob("*.py")) or [ROOT / place])
    ]
