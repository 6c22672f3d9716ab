"""The command line's top: every command is a module that is imported only when it is used."""

from __future__ import annotations

import importlib
import os
from dataclasses import dataclass

import click

from syncin_mount import __version__, language
from syncin_mount.cli.verb_group import no_command


@dataclass(frozen=True, slots=True)
class Lazy:
    """A command that is not imported yet: ``MODULE:ATTRIBUTE``, and its line in the list of
    commands."""

    target: str
    help: str

    def load(self) -> click.Command:
        module, attribute = self.target.split(":")
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command


def _own(name: str, line: str) -> Lazy:
    return Lazy(f"syncin_mount.cli.commands.{name}:command", line)


COMMANDS: dict[str, Lazy] = {
    "demo": _own("demo", "Try it out: an embedded server, a sample folder and a mounted drive."),
    "serve": Lazy(
        "syncin_mount.cli.commands.serve:serve", "Run the embedded Sync-in-compatible server."
    ),
    "server": _own("server", "Log in to servers, and list, renew and remove log-ins."),
    "clients": _own("clients", "List the clients of your accounts, and log them out."),
    "remote": _own("remote", "List and make folders on a server."),
    "add": _own("add", "Add a synchronization of a remote folder."),
    "list": _own("list_", "List the synchronizations."),
    "show": _own("show", "Show the settings of a synchronization."),
    "edit": _own("edit", "Change settings of a synchronization."),
    "rename": _own("rename", "Rename a synchronization; all else stays."),
    "enable": Lazy(
        "syncin_mount.cli.commands.enable:enable",
        "Include synchronizations in 'up' and 'sync --all'.",
    ),
    "disable": Lazy(
        "syncin_mount.cli.commands.enable:disable",
        "Leave synchronizations out of 'up' and 'sync --all'.",
    ),
    "remove": _own("remove", "Remove a synchronization and its local copy."),
    "mount": _own("mount", "Mount a synchronization as a drive."),
    "umount": _own("umount", "Unmount a drive."),
    "ui": _own("ui", "Open the page in the browser: all of this with the mouse."),
    "open": _own("open_", "Open a drive in the file manager, or its remote folder in the browser."),
    "desktop": _own("desktop", "Show drives in file managers, with emblems and a menu."),
    "up": _own("up", "Mount all enabled synchronizations, and keep them mounted."),
    "down": _own("down", "Unmount all drives, and stop the supervisor."),
    "sync": _own("sync", "Synchronize now."),
    "status": _own("status", "Show the state of the synchronizations."),
    "metrics": _own("metrics", "Print figures for Prometheus."),
    "filter": _own("filter_", "Choose what a synchronization leaves out."),
    "pause": Lazy(
        "syncin_mount.cli.commands.pause:pause", "Pause synchronizations until 'resume'."
    ),
    "resume": Lazy("syncin_mount.cli.commands.pause:resume", "Resume paused synchronizations."),
    "limit": _own("limit", "Limit the bandwidth."),
    "scheduler": _own(
        "scheduler", "Choose how the schedules of all synchronizations work together."
    ),
    "settings": _own("settings", "Show and change what holds for all synchronizations."),
    "journal": _own("journal", "List, hold and undo pending local changes."),
    "explain": _own("explain", "Explain the state of one file or folder."),
    "transfers": _own("transfers", "List transfers, and what failed."),
    "bin": _own("bin_", "List, restore and empty the bins."),
    "conflicts": _own(
        "conflicts", "List conflicts, acknowledge them, or choose the other version."
    ),
    "check": _own("check", "Check a local copy, and repair it."),
    "completion": _own("completion", "Install completion for the shell."),
    "logs": _own("logs", "Show the logs."),
    "version": _own("version", "Show versions, and check for a newer one when you ask."),
    "doctor": _own("doctor", "Check this computer, the configuration, the servers and the drives."),
}


COMPLETE_VARIABLE = "_SYNCIN_MOUNT_COMPLETE"
"""The environment variable with which click's shell scripts ask for completions: named after the
program."""


ALIASES = {"unmount": "umount"}
"""Other names that work, and that no help lists."""

OTHER_WORDS = {
    "bins": "bin",
    "config": "edit",
    "delete": "remove",
    "diff": "explain",
    "filters": "filter",
    "history": "transfers",
    "info": "show",
    "log": "logs",
    "login": "server",
    "ls": "list",
    "mv": "rename",
    "new": "add",
    "ps": "status",
    "preferences": "settings",
    "queue": "journal",
    "restore": "bin",
    "rm": "remove",
    "servers": "server",
    "set": "edit",
    "start": "up",
    "stop": "down",
    "trash": "bin",
    "why": "explain",
}
"""What other programs call a thing, and the command that does it here."""


def in_readers_language(command: click.Command) -> click.Command:
    """The command with its help in the language of the context."""
    if language.current() == language.ENGLISH:
        return command
    from syncin_mount.cli import help_texts  # noqa: PLC0415 (start-up time)

    return help_texts.translated(command)


def help_line(lazy: Lazy) -> str:
    """A command's line in the list of commands."""
    if language.current() == language.ENGLISH:
        return lazy.help
    from syncin_mount.cli import help_texts  # noqa: PLC0415 (start-up time)

    return help_texts.said(lazy.help) or lazy.help


def _commands() -> str:
    """click's own word for the heading."""
    if language.current() == language.ENGLISH:
        return "Commands"
    from syncin_mount.cli.help_texts import said  # noqa: PLC0415 (start-up time)

    return said("Commands") or ""


class LazyGroup(click.Group):
    """Knows its commands' names and help lines without importing them."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """``help COMMAND`` is ``COMMAND --help``."""
        if args[:1] == ["help"] and not ctx.resilient_parsing:
            args = [*(word for word in args[1:] if not word.startswith("-")), "--help"]
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        word = args[0]
        if not ctx.resilient_parsing and word[:1] != "-" and word not in {*COMMANDS, *ALIASES}:
            same = OTHER_WORDS.get(word.casefold())
            raise no_command(ctx, word, COMMANDS, same)
        return super().resolve_command(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        lazy = COMMANDS.get(ALIASES.get(cmd_name, cmd_name))
        if lazy is None:
            return None
        if COMPLETE_VARIABLE not in os.environ:
            return in_readers_language(lazy.load())
        from syncin_mount.cli.shell_completion import (  # noqa: PLC0415
            teach,
        )

        return teach((cmd_name,), lazy.load())

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section(_commands()):
            formatter.write_dl([(name, help_line(lazy)) for name, lazy in COMMANDS.items()])


@click.group(
    cls=LazyGroup,
    no_args_is_help=False,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=(
        "Every command explains itself: syncin-mount COMMAND --help. With --debug, errors come with"
        " a traceback."
    ),
)
@click.version_option(__version__, prog_name="syncin-mount")
@click.pass_context
def group(ctx: click.Context) -> None:
    """A Sync-in folder as a drive that is always there.

    \b
    Try it:         syncin-mount demo
    Use it:         syncin-mount add          asks for server, folders and settings
                    syncin-mount up           mounts all your drives, and keeps them mounted
                    syncin-mount status       shows their state
    """
    if ctx.invoked_subcommand is None:
        from syncin_mount.cli.first_words import first_words  # noqa: PLC0415 (start-up time)

        click.echo(first_words())
