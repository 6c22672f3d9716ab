"""`list`: the synchronizations."""

from __future__ import annotations

import time

import click

from syncin_mount.app.drives.open_drive import is_mounted
from syncin_mount.cli.ui import lookup, output
from syncin_mount.cli.ui.json_form import pause_of, settings
from syncin_mount.config.notes import NotesFile
from syncin_mount.config.schema import as_table
from syncin_mount.language import mark, t


@click.command("list")
@output.json_option
def command(as_json: bool) -> None:
    """List the synchronizations.

    A disabled one is left out by 'up' and 'sync --all'. Warnings name what the server lists for
    this computer and cannot be used here.
    """
    folders, configuration = lookup.load()
    for server in configuration.servers.values():
        if configuration.used_by(server.name):
            lookup.warn_insecure(server)
        for sentence in NotesFile(folders, server.client_id).read().not_taken:
            output.warn(output.printable(sentence))
    found = [
        (each, is_mounted(folders, each.name)) for each in configuration.synchronizations.values()
    ]
    if as_json:
        output.emit_json(
            [
                {
                    "name": each.name,
                    **settings(as_table(each)),
                    **pause_of(each, time.time()),
                    "limit_up": each.limit_up,
                    "limit_down": each.limit_down,
                    "mounted": mounted,
                    "tls_verified": configuration.servers[each.server].insecurity is None,
                }
                for each, mounted in found
            ]
        )
        return
    output.emit_table(
        (
            mark("NAME"),
            mark("SERVER"),
            mark("REMOTE FOLDER"),
            mark("MOUNT POINT"),
            mark("STATE"),
        ),
        [
            (
                each.name,
                each.server,
                each.remote,
                str(each.mountpoint),
                _state(mounted=mounted, enabled=each.enabled),
            )
            for each, mounted in found
        ],
        empty=t("no synchronizations yet; add one: {command}", command=lookup.ADD),
    )


def _state(*, mounted: bool, enabled: bool) -> str:
    if enabled:
        return t("mounted") if mounted else t("not mounted")
    return t("mounted, disabled") if mounted else t("not mounted, disabled")
