"""The manual pages, made from the commands' own help: one for the program, and one for each
command.

``python -m syncin_mount.cli.man_page [COMMAND]`` prints one. Written in man(7)'s macros, without
any whose result depends on the formatter.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator

import click

from syncin_mount import __version__
from syncin_mount.cli.command_group import COMMANDS, group
from syncin_mount.cli.exit_status import Exit

PROGRAM = "syncin-mount"

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


def pages() -> dict[str, str]:
    """Every page, by the name of its file without the section: ``syncin-mount-add``."""
    return {PROGRAM: program_page()} | {
        f"{PROGRAM}-{name}": command_page(name) for name in COMMANDS
    }


def program_page() -> str:
    """The page of the program itself, which lists the commands."""
    lines = [
        *_head(PROGRAM, "a Sync-in folder as a drive that is always there"),
        ".B syncin\\-mount",
        "[\\-\\-debug] COMMAND [OPTIONS] [ARGUMENTS]",
        ".SH DESCRIPTION",
        *_text(inspect.cleandoc(group.help or "")),
        ".SH COMMANDS",
        "Each has a page of its own.",
    ]
    for name, lazy in COMMANDS.items():
        lines += [".TP", f".BR {_plain(f'{PROGRAM}-{name}')} (1)", _plain(lazy.help)]
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


def command_page(name: str) -> str:
    """The page of one command, and of those below it. Raises KeyError for an unknown one."""
    own, *below = list(_below((name,), COMMANDS[name].load()))
    lines = [*_head(f"{PROGRAM}-{name}", COMMANDS[name].help.rstrip("."))]
    lines += [f".B {_plain(f'{PROGRAM} {name}')}", _plain(_arguments(*own)), ".SH DESCRIPTION"]
    lines += _text(inspect.cleandoc(own[1].help or ""))
    if options := list(_options(*own)):
        lines += [".SH OPTIONS", *options]
    if below:
        lines.append(".SH COMMANDS")
        for path, command in below:
            lines.append(f".SS {_plain(' '.join((*path, _arguments(path, command))))}")
            lines += [*_text(inspect.cleandoc(command.help or "")), *_options(path, command)]
    lines += [".SH SEE ALSO", f".BR {_plain(PROGRAM)} (1)"]
    return "\n".join(lines) + "\n"


def _head(name: str, what: str) -> list[str]:
    return [
        f'.TH {_plain(name.upper())} 1 "" "syncin\\-mount {_plain(__version__)}" "User Commands"',
        ".SH NAME",
        f"{_plain(name)} \\- {_plain(what)}",
        ".SH SYNOPSIS",
    ]


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


def _arguments(path: tuple[str, ...], command: click.Command) -> str:
    return " ".join(command.collect_usage_pieces(click.Context(command, info_name=" ".join(path))))


def _options(path: tuple[str, ...], command: click.Command) -> Iterator[str]:
    context = click.Context(command, info_name=" ".join(path))
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


def main(words: list[str]) -> int:
    """Print the page of the command that ``words`` name, else the program's."""
    if words[1:] or (words and words[0] not in COMMANDS):
        print(f"there is no command {' '.join(words)}", file=sys.stderr)
        return 2
    print(command_page(words[0]) if words else program_page(), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
