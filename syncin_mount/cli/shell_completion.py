"""What a shell is told when somebody presses Tab: names out of the configuration, folders, and what
click knows itself.

Only the configuration file is read: no server is asked, no replica opened. Whatever goes wrong
completes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

if TYPE_CHECKING:
    from syncin_mount.config import Configuration


class _Named(click.ParamType[str]):
    """A name out of the configuration."""

    name = "text"

    def __init__(self, names: Callable[[Configuration], Iterable[tuple[str, str]]]) -> None:
        self._names = names

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        given = {*ctx.params.get(param.name or "", ())} if param.nargs == -1 else set()
        return [
            CompletionItem(name, help=what)
            for name, what in self._configured()
            if name.startswith(incomplete) and name not in given
        ]

    def _configured(self) -> list[tuple[str, str]]:
        from syncin_mount.cli.ui import lookup  # noqa: PLC0415 (start-up time)

        try:
            return sorted(self._names(lookup.load()[1]))
        except Exception:  # noqa: BLE001 - a traceback in the middle of a command line helps nobody
            return []


_SYNCHRONIZATION = _Named(
    lambda now: ((each.name, each.remote) for each in now.synchronizations.values())
)
_SERVER = _Named(
    lambda now: ((each.name, f"{each.login} at {each.url}") for each in now.servers.values())
)
_FOLDER = click.Path(file_okay=False)

_NEW = {("add",), ("server", "add")}
"""Whose NAME is one that does not exist yet."""


def teach(path: tuple[str, ...], command: click.Command) -> click.Command:
    """Gives the parameters of a command, and of those below it, their types for completion.
    ``path`` is how it is called."""
    if isinstance(command, click.Group):
        for name, below in command.commands.items():
            teach((*path, name), below)
    for param in command.params:
        kind = _kind(path, param)
        if kind is not None:
            param.type = kind
    return command


def _kind(path: tuple[str, ...], param: click.Parameter) -> click.ParamType[Any] | None:
    if param.name == "server":
        return _SERVER
    if param.name in {"mountpoint", "keep_copy"}:
        return _FOLDER
    if isinstance(param, click.Argument) and param.name in {"name", "names"} and path not in _NEW:
        return _SERVER if path[0] == "server" else _SYNCHRONIZATION
    return None
