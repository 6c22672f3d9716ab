"""The texts of the program, by domain, as Babel keeps them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
from babel.messages import Catalog
from babel.messages.extract import extract_from_file

from syncin_mount.cli.command_group import COMMANDS, group
from syncin_mount.cli.help_texts import texts_of
from syncin_mount.language.catalogues import HELP, PAGE, PROGRAM
from tests.language import javascript

ROOT = Path(__file__).resolve().parents[2]
STATIC = ROOT / "syncin_mount/web/static"

KEYWORDS = {"t": (1,), "mark": (1,), "Phrase": (1,), "tn": (1, 2), "counted": (1, 2)}
"""The functions whose arguments are texts."""

CLICKS_KEYWORDS = {"_": None, "ngettext": (1, 2)}
"""The same in click, whose words are part of each help."""

CODE = (
    "syncin_mount",
    "reconciler",
    "platform/linux/syncin_fuse",
    "platform/windows/syncin_winfsp",
)
OWN = ("syncin_mount/language/__init__.py", "reconciler/phrases.py")
"""Where the functions are made: nothing is marked there."""

SCRIPTS_APART = {"language.js"}
"""The same of the page."""

Found = Iterator[tuple[str, int, str | tuple[str, ...]]]
"""File, line, and the text with its form for many, where it has one."""


def _extracted(path: Path, name: str, keywords: dict[str, Any]) -> Found:
    for line, text, _, _ in extract_from_file("python", path, keywords=keywords):
        yield name, line, text if isinstance(text, str) else tuple(text)


def _program() -> Found:
    for folder in CODE:
        for path in sorted((ROOT / folder).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            if name.startswith(OWN):
                continue
            yield from _extracted(path, name, KEYWORDS)


def scripts() -> dict[str, str]:
    """The page's own scripts by their names."""
    return {
        path.name: path.read_text(encoding="utf-8")
        for path in sorted(STATIC.glob("*.js"))
        if path.name not in SCRIPTS_APART
    }


def _page() -> Found:
    for name, source in scripts().items():
        for found in javascript.marked(source):
            one, *more = found.texts
            yield f"syncin_mount/web/static/{name}", found.line, (one, *more) if more else one


def commands() -> Iterator[tuple[str, click.Command]]:
    """Each command with its words, and the program itself."""
    yield "", group
    for name, lazy in COMMANDS.items():
        yield from _commands(name, lazy.load())


def _commands(words: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    yield words, command
    if isinstance(command, click.Group):
        for name, below in command.commands.items():
            yield from _commands(f"{words} {name}", below)


def _help() -> Found:
    for name, lazy in COMMANDS.items():
        yield f"syncin-mount/{name}", 0, lazy.help
    for words, command in commands():
        for text in texts_of(command):
            yield f"syncin-mount/{words.replace(' ', '/')}".rstrip("/"), 0, text
    for path in sorted(Path(click.__file__).parent.glob("*.py")):
        yield from _extracted(path, f"click/{path.name}", CLICKS_KEYWORDS)


_SOURCES: dict[str, Callable[[], Found]] = {PROGRAM: _program, PAGE: _page, HELP: _help}


def texts(domain: str) -> Catalog:
    """All texts of a domain, without translations."""
    catalog = Catalog(charset="utf-8")
    for name, _, text in _SOURCES[domain]():
        forms = (text,) if isinstance(text, str) else text
        if not all(forms):
            continue
        catalog.add(text, locations=[(name, 0)], flags=_flags(forms[0]))
    return catalog


def _flags(text: str) -> list[str]:
    return ["python-brace-format"] if "{" in text else []
