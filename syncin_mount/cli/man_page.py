"""The manual page, made from the commands' own help: ``python -m syncin_mount.cli.man_page >
syncin-mount.1``.

Written in man(7)'s macros, without any whose result depends on the formatter.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator

import click

from syncin_mount import __version__
from syncin_mount.cli.command_group import COMMANDS, group
from syncin_mount.cli.exit_status import Exit

STATUS = {
    Exit.DONE: "Success.",
    Exit.UNFINISHED: (
        "Something failed or is pending, and is listed; or the state of the drive, the"
        " configuration or this computer does not allow what was asked."
    ),
    Exit.USAGE: "The command line is wrong. Nothing was done.",
    Exit.UNREACHABLE: "The server cannot be reached, or fails.",
    Exit.HALTED: "A guard halted the run: what it would do looks like a mistake.",
    Exit.REFUSED: "The server refused.",
    Exit.INTERRUPTED: "Interrupted by Ctrl-C.",
}
_FILES = (
    ("~/.config/syncin-mount/config.toml", "Settings; may be edited."),
    (
        "~/.local/state/syncin-mount/replicas/NAME/",
        "The local copy of a synchronization, with its journal.",
    ),
    ("~/.local/state/syncin-mount/logs/NAME.log", "Its log."),
)


def page() -> str:
    """The whole page."""
    lines = [
        f'.TH SYNCIN\\-MOUNT 1 "" "syncin\\-mount {_plain(__version__)}" "User Commands"',
        ".SH NAME",
        "syncin\\-mount \\- a Sync\\-in folder as a drive that is always there",
        ".SH SYNOPSIS",
        ".B syncin\\-mount",
        "[\\-\\-debug] COMMAND [OPTIONS] [ARGUMENTS]",
        ".SH DESCRIPTION",
        *_text(inspect.cleandoc(group.help or "")),
        ".SH COMMANDS",
    ]
    for path, command in commands():
        lines += _command(path, command)
    lines += [
        ".SH OPTIONS",
        ".TP",
        ".B \\-\\-debug",
        "Show the traceback of an error. Understood anywhere.",
        ".SH EXIT STATUS",
    ]
    for status, meaning in STATUS.items():
        lines += [".TP", f".B {int(status)}", _plain(meaning)]
    lines += [".SH ENVIRONMENT", ".TP", ".B SYNCIN_MOUNT_HOME"]
    lines += ["Put settings, local copies and sockets under this one folder.", ".SH FILES"]
    for path_, meaning in _FILES:
        lines += [".TP", f".I {_plain(path_)}", _plain(meaning)]
    return "\n".join(lines) + "\n"


def commands() -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command that does something, with the words that call it, in the order of the help."""
    for name, lazy in COMMANDS.items():
        yield from _below((name,), lazy.load())


def _below(
    path: tuple[str, ...], command: click.Command
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        for name, each in command.commands.items():
            yield from _below((*path, name), each)


def _command(path: tuple[str, ...], command: click.Command) -> Iterator[str]:
    context = click.Context(command, info_name=" ".join(path))
    pieces = command.collect_usage_pieces(context)
    yield f".SS {_plain(' '.join((*path, *pieces)))}"
    yield from _text(inspect.cleandoc(command.help or ""))
    for param in command.get_params(context):
        record = param.get_help_record(context)
        if record is not None and "--help" not in param.opts:
            yield from (".TP", f".B {_plain(record[0])}", *_text(record[1]))


def _text(text: str) -> Iterator[str]:
    """Paragraphs; after click's mark ``\\b`` lines stay as they are."""
    for number, paragraph in enumerate(re.split(r"\n[ \t]*\n", text.strip())):
        if number:
            yield ".PP"
        if paragraph.lstrip().startswith("\b"):
            yield from (
                ".nf",
                *map(_plain, paragraph.lstrip().removeprefix("\b").strip("\n").splitlines()),
                ".fi",
            )
        else:
            yield _plain(" ".join(paragraph.split()))


def _plain(text: str) -> str:
    """Nothing of it is taken for a request or an escape; everything beyond ASCII by its code."""
    escaped = (
        text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("`", "\\(ga")
    )
    escaped = "".join(c if c.isascii() else f"\\[u{ord(c):04X}]" for c in escaped)
    return f"\\&{escaped}" if escaped.startswith(".") else escaped


if __name__ == "__main__":
    print(page(), end="")
