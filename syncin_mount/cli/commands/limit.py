"""`limit`: how many bytes a second a synchronization may send and fetch."""

from __future__ import annotations

import click

from syncin_mount.app.synchronizations import settings
from syncin_mount.cli.ui import lookup, notices, output
from syncin_mount.cli.ui.rate_option import Rate
from syncin_mount.config.rates import rate_text
from syncin_mount.language import mark, t


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option(
    "--all", "everything", is_flag=True, help="All synchronizations, each with this limit."
)
@click.option("--up", type=Rate(), help="Upload rate: 500K, 2M (of 1024² bytes) a second, or off.")
@click.option("--down", type=Rate(), help="Download rate: the same.")
@output.json_option
def command(
    names: tuple[str, ...],
    everything: bool,
    up: int | str | None,
    down: int | str | None,
    as_json: bool,
) -> None:
    """Limit the upload and download rates of synchronizations NAME; without --up and --down, show
    the limits.

    Takes effect at once, also for transfers under way, and is kept. All transfers of a
    synchronization share its limit, those that a program waits for included. It is in force on this
    computer only.
    """
    folders, configuration = lookup.load()
    if not names and up is None and down is None:
        everything = True
    chosen = lookup.chosen(configuration, names, everything=everything)
    if up is not None or down is not None:
        configuration = settings.limit(
            folders,
            chosen,
            lambda old_up, old_down: (
                old_up if up is None else Rate.value(up),
                old_down if down is None else Rate.value(down),
            ),
        )
        notices.configuration_changed(folders, chosen)
    found = {name: configuration.synchronizations[name] for name in chosen}
    if as_json:
        output.emit_json(
            [
                {"name": name, "limit_up": each.limit_up, "limit_down": each.limit_down}
                for name, each in found.items()
            ]
        )
        return
    output.emit_table(
        (mark("NAME"), mark("UP"), mark("DOWN")),
        [
            (name, rate_text(each.limit_up), rate_text(each.limit_down))
            for name, each in found.items()
        ],
        empty=t("no synchronizations yet; add one: {command}", command=lookup.ADD),
    )
