"""Commands about one thing, in one order: ``filter add NAME``, ``bin restore NAME``."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

import click

from syncin_mount.language import t
from syncin_mount.suggestions import closest, did_you_mean

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

DEFAULT = "list"
"""What is done where only a NAME is given."""

USAGE = "VERB NAME [ARGS]..."
"""How the help shows what comes behind a group's name."""


def no_command(
    ctx: click.Context, word: str, known: Iterable[str], same: str | None = None
) -> click.UsageError:
    """The error that tells that ``word`` is no command, and which one was meant: ``same``, or one
    that looks like it."""
    meant = did_you_mean(word, known) if same is None else t("; did you mean '{word}'?", word=same)
    return click.UsageError(t("there is no command '{word}'{meant}", word=word, meant=meant), ctx)


class Verbs(click.Group):
    """``GROUP VERB …``, where a VERB that does not exist is told with the one that was meant."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        word = args[0]
        if not ctx.resilient_parsing and word[:1] != "-" and word not in self.commands:
            raise no_command(ctx, word, self.commands)
        return super().resolve_command(ctx, args)


class DriveVerbs(Verbs):
    """``GROUP VERB NAME …``. ``GROUP NAME`` lists. The former order ``GROUP NAME VERB …`` still
    works."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args or not ctx.resilient_parsing:
            wrong = unknown_verb(args, self.commands, _drives())
            if wrong is not None and not ctx.resilient_parsing:
                raise no_command(ctx, wrong, self.commands)
            args = in_order(args, self.commands, ctx.help_option_names)
        return super().parse_args(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Verbs, and what ``GROUP NAME`` can be given."""
        listing = self.commands[DEFAULT]
        names = next(param for param in listing.params if isinstance(param, click.Argument))
        return [
            *super().shell_complete(ctx, incomplete),
            *names.shell_complete(ctx, incomplete),
        ]


def in_order(args: Sequence[str], verbs: Collection[str], helps: Collection[str]) -> list[str]:
    """The words with the verb first."""
    if args and args[0] in {*verbs, *helps}:
        return list(args)
    if len(args) > 1 and args[1] in verbs and not args[0].startswith("-"):
        return [args[1], args[0], *args[2:]]
    return [DEFAULT, *args]


def unknown_verb(
    args: Sequence[str], verbs: Collection[str], drives: Collection[str]
) -> str | None:
    """The word that was meant for a verb and is none, or None. ``drives`` are the names that there
    are: a list takes one of them and options."""
    if not args or args[0].startswith("-") or any(word in verbs for word in args[:2]):
        return None
    if len(args) > 1 and not args[1].startswith("-"):
        return args[1] if args[0] in drives else args[0]
    if args[0] in drives or closest(args[0], drives) is not None:
        return None
    return args[0] if closest(args[0], verbs) is not None else None


def _drives() -> Collection[str]:
    """The configured names. A configuration that cannot be read has none here: the command itself
    says what is wrong with it."""
    from syncin_mount.cli.ui import lookup  # noqa: PLC0415 (start-up time)
    from syncin_mount.config import ConfigurationError, FolderError  # noqa: PLC0415

    try:
        return lookup.load()[1].synchronizations
    except (ConfigurationError, FolderError, OSError):
        return ()
