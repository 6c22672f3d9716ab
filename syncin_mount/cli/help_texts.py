"""How commands explain themselves, in the reader's language: click's own words, and ours."""

from __future__ import annotations

import copy
import inspect
import sys
from typing import TYPE_CHECKING, Any

import click

from syncin_mount.language import ENGLISH, current
from syncin_mount.language.catalogues import HELP, catalogue

if TYPE_CHECKING:
    from collections.abc import Iterator

_MODULES = ("core", "decorators", "exceptions", "formatting", "parser", "shell_completion", "types")
"""Of click's, those that have words of their own."""


def said(text: str | None) -> str | None:
    """A text of a command's help in the reader's language."""
    if not text or current() == ENGLISH:
        return text
    found = catalogue(current(), HELP)
    return text if found is None else found.gettext(text)


def texts_of(command: click.Command) -> Iterator[str]:
    """All that a command's help has to say, as `translated` looks it up."""
    for text in (command.help, command.short_help, command.epilog):
        if text:
            yield inspect.cleandoc(text)
    for param in command.params:
        text = getattr(param, "help", None)
        if text:
            yield text


def translated(command: click.Command) -> click.Command:
    """A copy of the command, and of what is below it, with help in the reader's language."""
    if current() == ENGLISH:
        return command
    command = copy.copy(command)
    for name in ("help", "short_help", "epilog"):
        text = getattr(command, name)
        if text:
            setattr(command, name, said(inspect.cleandoc(text)))
    command.params = [_translated_param(each) for each in command.params]
    if isinstance(command, click.Group):
        command.commands = {name: translated(each) for name, each in command.commands.items()}
    return command


def _translated_param(param: click.Parameter) -> click.Parameter:
    if not isinstance(param, click.Option):
        return param
    param = copy.copy(param)
    param.help = said(param.help)
    return param


def translate_click() -> None:
    """Has click say its own words (`Usage`, `Options`, `Missing argument …`) by the same catalogue.
    Its modules took gettext's functions by name, and those look for a catalogue of the system's."""

    def one(text: str) -> str:
        return said(text) or text

    def many(text: str, texts: str, count: int) -> str:
        found = catalogue(current(), HELP)
        if found is None:
            return text if count == 1 else texts
        return found.ngettext(text, texts, count)

    for name in _MODULES:
        module: Any = sys.modules.get(f"click.{name}")
        if hasattr(module, "_"):
            module._ = one
        if hasattr(module, "ngettext"):
            module.ngettext = many
