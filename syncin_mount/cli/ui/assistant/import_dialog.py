"""A folder that holds files becomes a drive's content: looked at, previewed, confirmed,
imported."""

from __future__ import annotations

import contextlib
import os
import sys
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import click

from syncin_mount import advice
from syncin_mount.app.errors import CannotImport, NotEnoughRoom
from syncin_mount.app.messages import quantities, sentence
from syncin_mount.app.messages.imports import fates
from syncin_mount.cli.exit_status import CommandError, Exit
from syncin_mount.cli.ui import output
from syncin_mount.language import t, tn
from syncin_mount.language.numbers import number

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from syncin_mount.app.synchronizations.addition import Addition, NotListed, NotTakenBack
    from syncin_mount.app.synchronizations.import_preview import Preview
    from syncin_mount.config import Folders, Synchronization
    from syncin_mount.store.import_export.importer import Imported
    from syncin_mount.store.import_export.scan import Found

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class How:
    """Whether what the mount point holds is imported; only looked at; without a question; told for
    programs."""

    importing: bool
    dry_run: bool
    yes: bool
    as_json: bool


def warn_of(trouble: NotTakenBack | NotListed) -> None:
    """What goes wrong beside an addition."""
    output.warn(sentence(trouble))


def show_stuck(error: CannotImport) -> None:
    """Names what cannot be imported, as far as there is room for."""
    for each in error.stuck[:_SHOWN]:
        output.warn(f"{output.printable(os.fsdecode(each.path))}: {each.why}")
    if len(error.stuck) > _SHOWN:
        output.warn(t("… and {value} more", value=len(error.stuck) - _SHOWN))


@contextlib.contextmanager
def naming_stuck() -> Iterator[None]:
    """Names what cannot be imported before the error goes on."""
    try:
        yield
    except CannotImport as error:
        show_stuck(error)
        raise


def preview(folders: Folders, new: Synchronization, how: How) -> Addition | None:
    """Tells what would become of the files. None when nobody wants more. Raises NotPossible,
    RemoteError, Abort."""
    from syncin_mount.app.synchronizations.addition import preview_addition  # noqa: PLC0415 (start-up time)
    from syncin_mount.app.synchronizations.import_preview import as_json  # noqa: PLC0415

    with naming_stuck():
        seen: Addition = output.run_async(
            partial(preview_addition, folders, new, warn_of, importing=True)
        )
    assert seen.imports is not None
    if how.as_json:
        output.emit_json(as_json(seen.imports))
    else:
        show(seen.imports, seen.new)
    if how.dry_run:
        return None
    if seen.found:
        confirm(yes=how.yes)
    return seen


def confirm_overfilling(error: NotEnoughRoom) -> None:
    """Raises the error where nobody can be asked, Abort when somebody does not want it."""
    if not sys.stdin.isatty():
        raise error
    what = sentence(error.room)
    output.confirm(
        t("{upper}{value}. Add it all the same?", upper=what[0].upper(), value=what[1:]), abort=True
    )


def go_on(folders: Folders, synchronization: Synchronization, how: How) -> None:
    """Imports what the mount point holds into a drive that there is already. Raises
    NotPossible."""
    from syncin_mount.app.synchronizations.importing import look_again  # noqa: PLC0415 (start-up time)

    name, place = synchronization.name, synchronization.mountpoint
    with naming_stuck():
        found = look_again(folders, synchronization)
    if not found:
        output.say(
            t("{name}: {place} holds nothing that could be imported", name=name, place=place)
        )
        return
    files = [each for each in found if not each.is_folder]
    output.say(
        t(
            "{place} holds {files} ({size}).",
            place=place,
            files=quantities.files(len(files)),
            size=output.size(sum(each.size for each in files)),
        )
    )
    if how.dry_run:
        return
    confirm(yes=how.yes)
    bring_in(folders, synchronization, found)
    output.say(f"{name}: {files_are_in_the_drive(synchronization)}")


def files_are_in_the_drive(synchronization: Synchronization) -> str:
    """Where the files are that were imported: their folder is empty until the drive is there."""
    return t(
        "your files are in the drive; to see them in {mountpoint}: {command}",
        mountpoint=synchronization.mountpoint,
        command=advice.command("mount", synchronization.name),
    )


def show(preview: Preview, new: Synchronization) -> None:
    """For people."""
    output.say(
        t(
            "{mountpoint} holds {files} ({size}) in {folders}. They become the drive's; of them",
            mountpoint=new.mountpoint,
            files=quantities.files(preview.files),
            size=output.size(preview.bytes),
            folders=quantities.folders(preview.folders),
        )
    )
    for heap, fate in fates(preview, new.direction_in_force, new.conflict):
        output.say(f"{number(heap.count):>9}  {output.size(heap.bytes):>10}  {fate}")
        for path in () if heap is preview.same else heap.examples:
            output.say(f"{'':>23}{output.printable(path)}")


def confirm(*, yes: bool) -> None:
    """Raises CommandError where nobody can be asked, Abort when somebody does not want it."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise CommandError(
            t("there is no terminal to ask in; look at it with --dry-run, then give --yes"),
            Exit.USAGE,
        )
    output.confirm(t("Import them?"), default=True, abort=True)


def bring_in(folders: Folders, new: Synchronization, found: Sequence[Found]) -> None:
    """Does it, with progress in a terminal. Raises CommandError when something is left where it
    was, ImportStopped."""
    from syncin_mount.app.synchronizations.importing import import_files  # noqa: PLC0415 (start-up time)

    with click.progressbar(
        length=sum(each.size for each in found) + len(found),
        label=t("importing"),
        file=output.raw(sys.stderr),
        hidden=not sys.stderr.isatty(),
    ) as bar:
        try:
            done = import_files(folders, new, lambda files, size: bar.update(files + size))
        except KeyboardInterrupt:
            output.warn(
                t(
                    "stopped; nothing is lost, and this goes on: {command}",
                    command=advice.command("add", new.name, "--import"),
                )
            )
            raise
    _tell(new, done)


def _tell(new: Synchronization, done: Imported) -> None:
    for path, name in done.renamed:
        output.warn(
            t(
                "{path} was in the drive already, with another content: it is “{name}” there",
                path=output.printable(path),
                name=name,
            )
        )
    output.say(
        tn(
            "{name}: imported {count} file ({size})",
            "{name}: imported {count} files ({size})",
            done.files,
            name=new.name,
            size=output.size(done.bytes),
        )
    )
    for path, why in done.left[:_SHOWN]:
        output.warn(
            t(
                "{path} stays in {mountpoint}: {why}",
                path=output.printable(path),
                mountpoint=new.mountpoint,
                why=why,
            )
        )
    if done.left:
        raise CommandError(
            tn(
                "{count} file could not be imported; close what uses it, then: {command}",
                "{count} files could not be imported; close what uses them, then: {command}",
                len(done.left),
                command=advice.command("add", new.name, "--import"),
            ),
            Exit.UNFINISHED,
        )
