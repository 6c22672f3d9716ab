"""`settings`: what holds for the whole program."""

from __future__ import annotations

import click

from syncin_mount.cli.ui import lookup, notices, output
from syncin_mount.config.model import LogLevel
from syncin_mount.language import mark
from syncin_mount.language.catalogues import languages

_SWITCH = click.Choice(["on", "off"])


@click.command()
@click.option(
    "--notifications",
    type=_SWITCH,
    help="Whether the desktop shows notices of conflicts, halts, refusals and a lost server.",
)
@click.option("--tray", type=_SWITCH, help="Whether 'up' shows an icon in the desktop's tray.")
@click.option(
    "--log",
    type=click.Choice([each.value for each in LogLevel]),
    help="The least urgent records that the logs keep, of drives that are mounted from now on.",
)
@click.option(
    "--language",
    type=click.Choice(["auto", *sorted(languages())]),
    help="The language of commands, page, icon and notices; auto: the environment's, or the"
    " browser's.",
)
@output.json_option
def command(
    notifications: str | None,
    tray: str | None,
    log: str | None,
    language: str | None,
    as_json: bool,
) -> None:
    """Show the settings that hold for all synchronizations, or change them.

    'scheduler' chooses how schedules work together, 'limit' sets the bandwidth.
    """
    folders, configuration = lookup.load()
    if (notifications, tray, log, language) != (None, None, None, None):
        from syncin_mount.app.settings.program import (  # noqa: PLC0415 (start-up time)
            ProgramEdits,
            edit_program,
        )

        edits = ProgramEdits(
            notifications=None if notifications is None else notifications == "on",
            tray=None if tray is None else tray == "on",
            log=None if log is None else LogLevel(log),
            language=language,
        )
        configuration, missed = output.run_async(edit_program, folders, edits)
        notices.warn_of(missed)
    if as_json:
        output.emit_json(
            {
                "scheduler": configuration.scheduling.value,
                "notifications": configuration.notifications,
                "tray": configuration.tray,
                "log_level": configuration.log.value,
                "language": configuration.language,
            }
        )
        return
    output.emit_fields(
        [
            (mark("scheduler"), configuration.scheduling.value),
            (mark("notifications"), "on" if configuration.notifications else "off"),
            (mark("tray"), "on" if configuration.tray else "off"),
            (mark("log"), configuration.log.value),
            (mark("language"), configuration.language or "auto"),
        ]
    )
