"""`status PATH`: what is pending of one file, or of a folder with all that is in it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from syncin_mount import advice
from syncin_mount.app.drives.open_drive import ask_drive
from syncin_mount.app.messages import quantities
from syncin_mount.cli.exit_status import CommandError
from syncin_mount.cli.ui import output
from syncin_mount.language import mark, t
from syncin_mount.language.words import word

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from syncin_mount.cli.ui.status_table import StatusRow
    from syncin_mount.config import Configuration, Folders
    from syncin_mount.control.messages import JournalEntry, Problem

_SHOWN = 20
"""Changes and problems that are written out."""

_LOCAL = "local"
"""The state of a change that never goes to the server (`reconciler.engine.pending_reason`)."""


@dataclass(frozen=True, slots=True)
class PathStatus:
    """``state`` is ``synchronized``, ``pending``, ``local`` (it never goes to the server) or
    ``failed``; ``why`` says it for people."""

    state: str
    why: str
    changes: tuple[JournalEntry, ...] = ()
    problems: tuple[Problem, ...] = ()


def path_status(
    path: str, entries: Iterable[JournalEntry], problems: Iterable[Problem]
) -> PathStatus:
    """The state of a path from all pending changes and problems of its synchronization. Pure."""

    def concerns(other: str | None) -> bool:
        return other is not None and (other == path or other.startswith(f"{path}/"))

    changes = tuple(each for each in entries if concerns(each.path) or concerns(each.new_path))
    wrong = tuple(each for each in problems if concerns(each.path))
    going = [each for each in changes if each.state != _LOCAL]
    if wrong:
        return PathStatus("failed", wrong[0].why, changes, wrong)
    if going:
        why = going[0].why or t("to be uploaded")
        return PathStatus("pending", f"{quantities.changes(len(going))}: {why}", changes)
    if changes:
        return PathStatus("local", changes[0].why or t("it stays on this computer"), changes)
    return PathStatus("synchronized", t("no change is pending"))


def show_path(
    folders: Folders, configuration: Configuration, row: StatusRow, path: str, *, as_json: bool
) -> None:
    """Prints it. Raises CommandError where the drive is mounted and has no such file."""
    synchronization = row.configured
    name, mounted = synchronization.name, row.status is not None and row.status.mounted
    if mounted and not os.path.lexists(synchronization.mountpoint / path):
        raise CommandError(
            t(
                "'{name}' has no '{path}'; ask the server, too: {command}",
                name=name,
                path=output.printable(path),
                command=advice.command("explain", name, path),
            )
        )
    entries: Sequence[JournalEntry] = output.run_async(
        ask_drive,
        folders,
        configuration,
        synchronization,
        lambda drive: drive.journal(everything=True),
    )
    found = path_status(path, entries, row.status.problems if row.status is not None else ())
    if as_json:
        output.emit_json(
            {
                "name": name,
                "path": path,
                "state": found.state,
                "why": found.why,
                "changes": found.changes,
                "problems": found.problems,
            }
        )
        return
    point = synchronization.mountpoint
    where = (
        t("{name} at {place}", name=name, place=point)
        if mounted
        else t("{name} at {place} (not mounted)", name=name, place=point)
    )
    output.emit_fields(
        [
            (mark("path"), path),
            (mark("drive"), where),
            (mark("state"), f"{word(found.state)}; {found.why}"),
        ]
    )
    lines = [f"{word(each.op)} {each.path}: {each.why}" for each in found.changes]
    lines += [f"{each.path}: {each.why}" for each in found.problems]
    for line in lines[:_SHOWN] if len(lines) > 1 else ():
        output.say(f"  {output.printable(line)}")
    if len(lines) > _SHOWN:
        rest = advice.command("journal", "list", name, "--all")
        output.say(t("  … and {value} more: {rest}", value=len(lines) - _SHOWN, rest=rest))
