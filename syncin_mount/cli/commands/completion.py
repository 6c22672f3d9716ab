"""`completion show|install|remove`: what Tab completes in the shell."""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path

import click
from click.shell_completion import get_completion_class

from syncin_mount.cli.command_group import COMPLETE_VARIABLE
from syncin_mount.cli.exit_status import CommandError, Exit
from syncin_mount.cli.ui import output
from syncin_mount.cli.verb_group import Verbs
from syncin_mount.config.files import check_ordinary, write_atomic
from syncin_mount.language import t

PROGRAM = "syncin-mount"
SHELLS = ("bash", "zsh", "fish")
MARK = f"# {PROGRAM} completion"
"""Ends the one line in a shell's start file that is ours."""

_SHELL = click.argument("shell", type=click.Choice(SHELLS), required=False)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a shell's completion lies. ``start`` is the start file that needs a line to find it, if
    it needs one."""

    script: Path
    start: Path | None = None

    @property
    def line(self) -> str:
        """For the start file."""
        return f'[ -r "{self.script}" ] && . "{self.script}"  {MARK}'


def place(shell: str, home: Path, environment: dict[str, str]) -> Place:
    """Where ``shell`` finds completions of one user. fish looks into a folder of its own; bash and
    zsh do so only with what not every system has, so a line in their start file reads the
    script."""
    data = Path(environment.get("XDG_DATA_HOME") or home / ".local" / "share") / PROGRAM
    if shell == "fish":
        config = Path(environment.get("XDG_CONFIG_HOME") or home / ".config")
        return Place(config / "fish" / "completions" / f"{PROGRAM}.fish")
    if shell == "zsh":
        return Place(data / "completion.zsh", Path(environment.get("ZDOTDIR") or home) / ".zshrc")
    return Place(data / "completion.bash", home / ".bashrc")


@click.group(cls=Verbs)
def command() -> None:
    """Have the shell complete commands, options and names when you press Tab.

    Without SHELL, it is done for the shell you are logged in with.
    """


@command.command()
@_SHELL
def show(shell: str | None) -> None:
    """Print the script for SHELL: bash, zsh or fish."""
    output.say_lines(script(_chosen(shell)))


@command.command()
@_SHELL
def install(shell: str | None) -> None:
    """Install completion for SHELL: bash, zsh or fish. It works in the next shell that is opened.

    For bash and zsh, one line is added to the start file (~/.bashrc, ~/.zshrc).
    """
    chosen = _chosen(shell)
    where = place(chosen, Path.home(), dict(os.environ))
    try:
        where.script.parent.mkdir(parents=True, exist_ok=True)
        where.script.write_text(script(chosen))
        if where.start is not None:
            _rewrite(where.start, where.line)
    except OSError as error:
        raise CommandError(
            t(
                "{filename} cannot be written ({strerror}); the script is printed by: {program}"
                " completion show {chosen}",
                filename=error.filename,
                strerror=error.strerror,
                program=PROGRAM,
                chosen=chosen,
            ),
            Exit.UNFINISHED,
        ) from error
    more = f", which {where.start} reads" if where.start is not None else ""
    output.say(
        t(
            "{chosen}: {script}{more}; it works in the next shell",
            chosen=chosen,
            script=where.script,
            more=more,
        )
    )


@command.command()
@_SHELL
def remove(shell: str | None) -> None:
    """Take away what 'install' made for SHELL."""
    chosen = _chosen(shell)
    where = place(chosen, Path.home(), dict(os.environ))
    try:
        where.script.unlink(missing_ok=True)
        if where.start is not None and where.start.exists():
            _rewrite(where.start, None)
    except OSError as error:
        raise CommandError(
            t(
                "{filename} cannot be changed ({strerror})",
                filename=error.filename,
                strerror=error.strerror,
            ),
            Exit.UNFINISHED,
        ) from error
    output.say(t("{chosen}: nothing is completed any more in the next shell", chosen=chosen))


def script(shell: str) -> str:
    """What the shell reads: click's own script for this program."""
    kind = get_completion_class(shell)
    assert kind is not None
    text = kind(click.Command(PROGRAM), {}, PROGRAM, COMPLETE_VARIABLE)
    # not .source(), which runs bash to ask for its version
    source = text.source_template % text.source_vars()
    if shell == "zsh":  # compdef is there only once the completion system was loaded
        source = f"(( $+functions[compdef] )) || {{ autoload -Uz compinit && compinit; }}\n{source}"
    return source.strip() + "\n"


def _chosen(shell: str | None) -> str:
    """Raises CommandError when it was not given and the log-in shell is none of ours."""
    found = shell or Path(os.environ.get("SHELL", "")).name
    if found not in SHELLS:
        raise CommandError(
            t(
                "say for which shell: {program} completion install {names}",
                program=PROGRAM,
                names="|".join(SHELLS),
            ),
            Exit.USAGE,
        )
    return found


def _rewrite(start: Path, line: str | None) -> None:
    """The start file with our line at its end, or without it; all else as it was. Through a
    symbolic link, as such files often are."""
    start = start.resolve()
    check_ordinary(start)
    text = start.read_bytes() if start.exists() else b""
    # Lines end at \n alone, as for the shell; whatever else is in them is the user's.
    kept = [
        each
        for each in re.findall(rb"[^\n]*\n|[^\n]+", text)
        if not each.rstrip().endswith(MARK.encode())
    ]
    if line is not None:
        if kept and not kept[-1].endswith(b"\n"):
            kept[-1] += b"\n"
        kept.append(os.fsencode(f"{line}\n"))
    changed = b"".join(kept)
    if changed != text:
        write_atomic(
            start, changed, mode=stat.S_IMODE(start.stat().st_mode) if start.exists() else 0o644
        )
