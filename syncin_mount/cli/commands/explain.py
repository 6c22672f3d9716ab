"""`explain`: one path, on both sides."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from syncin_mount.app.drives.open_drive import ask_drive
from syncin_mount.cli.exit_status import CommandError, Exit
from syncin_mount.cli.ui import lookup, output
from syncin_mount.cli.ui.path_option import chosen_path
from syncin_mount.cli.ui.run_report import action_line, state_text
from syncin_mount.language import mark, t
from syncin_mount.language.words import word

if TYPE_CHECKING:
    from syncin_mount.control.messages import Explanation


@click.command()
@click.argument("words", nargs=-1, required=True, metavar="[NAME] PATH")
@output.json_option
def command(words: tuple[str, ...], as_json: bool) -> None:
    """Explain the state of the file or folder PATH: what both sides last agreed on, what each has
    now, and what a run would do and why.

    With NAME, PATH is relative to that synchronized folder. Alone, it is a path into a drive, as
    any program is given it: absolute, or relative to the current folder. Nothing is changed.

    \b
    explain docs letters/offer.odt
    explain ~/Sync-in/letters/offer.odt
    """
    folders, configuration = lookup.load()
    synchronization, subject = chosen_path(configuration, words)
    found: Explanation = output.run_async(
        ask_drive, folders, configuration, synchronization, lambda drive: drive.explain(subject)
    )
    if as_json:
        output.emit_json(found)
    else:
        _show(found)
    if not found.nodes:
        nothing = t(
            "'{subject}' is neither here nor on the server", subject=output.printable(subject)
        )
        if found.offline or found.refused or found.halted:
            nothing = t(
                "'{subject}' is not here, and the server could not tell",
                subject=output.printable(subject),
            )
        raise CommandError(nothing, Exit.UNFINISHED)


def _show(found: Explanation) -> None:
    for node in found.nodes:
        output.emit_fields(
            [
                (mark("path"), node.path),
                (mark("agreed on"), t("never") if node.base is None else state_text(node.base)),
                (mark("here"), state_text(node.local)),
                (mark("on the server"), state_text(node.remote) if node.known else t("not known")),
            ]
        )
        for action in node.actions:
            output.say(
                t(
                    "would happen:  {side}: {op} {action}",
                    side=word(action.side),
                    op=word(action.op),
                    action=action_line(action),
                )
            )
        if not node.actions:
            output.say(t("would happen:  {why}", why=output.printable(node.why)))
    for why in (found.refused, found.halted, found.offline):
        if why:
            output.warn(f"{found.name}: {why}")
