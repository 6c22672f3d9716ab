"""A folder that holds files becomes a drive's content: looked at, previewed, confirmed,
imported."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, assert_never

import click

from reconciler.errors import RemoteError
from reconciler.model import Conflict, Direction
from syncin_mount import advice
from syncin_mount.app.messages import sentence
from syncin_mount.cli.exit_status import CommandError, Exit
from syncin_mount.cli.ui import output
from syncin_mount.config import private_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.model import Entry
    from syncin_mount.app.synchronizations.import_preview import Preview
    from syncin_mount.config import Folders, Server, Synchronization
    from syncin_mount.store.import_export.importer import Imported
    from syncin_mount.store.import_export.scan import Found

_SHOWN = 5


def holds_something(folder: Path) -> bool:
    """Whether the folder is there and not empty."""
    try:
        return next(folder.iterdir(), None) is not None
    except (FileNotFoundError, NotADirectoryError):
        return False


def looked_through(folder: Path) -> list[Found]:
    """All that is in the folder. Raises CommandError when some of it cannot be imported: nothing
    was touched then."""
    from syncin_mount.store.import_export.scan import survey  # noqa: PLC0415 (start-up time)

    found = list(survey(os.fsencode(folder)))
    stuck = [each for each in found if each.why]
    for each in stuck[:_SHOWN]:
        output.warn(f"{output.printable(os.fsdecode(each.path))}: {each.why}")
    if stuck:
        more = f" (and {len(stuck) - _SHOWN} more)" if len(stuck) > _SHOWN else ""
        raise CommandError(
            f"{output.count(len(stuck), 'thing')} in {folder} cannot be imported{more}; nothing was"
            " touched: move that elsewhere first"
        )
    return found


def previewed(
    folders: Folders, server: Server, new: Synchronization, found: list[Found]
) -> Preview:
    """``new`` is registered with the server. What it does not tell now, it is asked for by the
    first run."""
    from syncin_mount.app.drives.views import filter_of  # noqa: PLC0415
    from syncin_mount.app.synchronizations.import_preview import compare  # noqa: PLC0415 (start-up time)

    try:
        listed: dict[str, Entry] | None = output.run_async(_listed, folders, server, new)
    except RemoteError as error:
        output.warn(f"what the server has cannot be listed now ({sentence(error)})")
        listed = None
    return compare(found, listed, filter_of(new.filters).left_out)


async def _listed(folders: Folders, server: Server, new: Synchronization) -> dict[str, Entry]:
    from syncin_mount.app.accounts.sessions import session_with  # noqa: PLC0415 (start-up time)
    from syncin_mount.remote import Folder  # noqa: PLC0415

    entries: dict[str, Entry] = {}
    async with session_with(folders, server) as session:
        remote = Folder(session, new.remote, new.path_id or 0)
        async with remote.listing() as batches:
            async for batch in batches:
                entries.update(
                    (each.path, each)
                    for each in batch
                    if each.problem is None and not each.filtered
                )
    return entries


def show(preview: Preview, new: Synchronization) -> None:
    """For people."""
    output.say(
        f"{new.mountpoint} holds {output.count(preview.files, 'file')}"
        f" ({output.size(preview.bytes)}) in {output.count(preview.folders, 'folder')}. They become"
        " the drive's; of them"
    )
    for line, examples in _sentences(preview, new.direction_in_force, new.conflict):
        output.say(line)
        for path in examples:
            output.say(f"{'':>23}{path}")


def _winners(conflict: Conflict) -> str:
    """Which versions win where both sides have another one."""
    match conflict:
        case Conflict.RECENT:
            return "the most recent version wins, the other goes to a bin"
        case Conflict.LOCAL:
            return "yours win, the server's go to a bin"
        case Conflict.REMOTE:
            return "the server's win, yours go to a bin"
        case _:
            assert_never(conflict)


def _sentences(
    preview: Preview, direction: Direction, conflict: Conflict
) -> Iterator[tuple[str, list[str]]]:
    """What is said of each heap that is not empty, with examples."""
    wins, ours, there = (
        _winners(conflict),
        "are only on this computer: they are uploaded",
        "are only on the server: they are downloaded",
    )
    match direction:
        case Direction.BOTH:
            pass
        case Direction.UPLOAD:
            wins = "yours win, the server's go to its trash"
            there = "are only on the server: THEY ARE DELETED THERE, into the server's trash"
        case Direction.DOWNLOAD:
            wins = "the server's win, yours go to a bin"
            ours = (
                "are only on this computer: THEY GO TO A BIN, as this drive only follows the server"
            )
        case _:
            assert_never(direction)
    heaps = (
        (preview.same, "are on the server with the same size and time"),
        (preview.alike, "are on the server with the same size and another time: contents decide"),
        (preview.differ, f"differ: {wins}"),
        (preview.clash, "are a file on one side and a folder on the other: both are kept"),
        (preview.ours, ours if preview.known else "are here; what the server has is not known now"),
        (preview.there, there),
        (
            preview.local,
            "stay on this computer (links, names that are no text, left out by a filter)",
        ),
    )
    for heap, said in heaps:
        if heap.count:
            told = (
                [] if heap is preview.same else [output.printable(path) for path in heap.examples]
            )
            yield f"{heap.count:>9,}  {output.size(heap.bytes):>10}  {said}", told


def confirm(*, yes: bool) -> None:
    """Raises CommandError where nobody can be asked, Abort when somebody does not want it."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise CommandError(
            "there is no terminal to ask in; look at it with --dry-run, then give --yes",
            Exit.USAGE,
        )
    output.confirm("Import them?", default=True, abort=True)


def bring_in(folders: Folders, new: Synchronization, found: list[Found]) -> None:
    """Does it, with progress in a terminal. Raises CommandError when something is left where it
    was."""
    from syncin_mount.app.synchronizations.first_runs_after_import import MARK  # noqa: PLC0415 (start-up time)
    from syncin_mount.store import Replica  # noqa: PLC0415
    from syncin_mount.store.import_export.importer import Importer  # noqa: PLC0415

    replica = Replica.open(private_folder(folders.replica(new.name), mark=False))
    try:
        (replica.folder / MARK).touch()
        total = sum(each.size for each in found) + len(found)
        with click.progressbar(
            length=total,
            label="importing",
            file=output.raw(sys.stderr),
            hidden=not sys.stderr.isatty(),
        ) as bar:
            importer = Importer(
                replica, new.mountpoint, lambda files, size: bar.update(files + size)
            )
            try:
                done = importer.run()
            except KeyboardInterrupt:
                output.warn(
                    "stopped; nothing is lost, and this goes on:"
                    f" {advice.command('add', new.name, '--import')}"
                )
                raise
            except OSError as error:
                raise CommandError(
                    f"the import stopped ({error.strerror or error}); nothing is lost: every file"
                    " is at its old place or in the drive; put that right, then:"
                    f" {advice.command('add', new.name, '--import')}",
                    Exit.UNFINISHED,
                ) from error
    finally:
        replica.close()
    _tell(new, done)


def _tell(new: Synchronization, done: Imported) -> None:
    for path, name in done.renamed:
        output.warn(
            f"{output.printable(path)} was in the drive already, with another content: it is"
            f" “{name}” there"
        )
    output.say(
        f"{new.name}: imported {output.count(done.files, 'file')} ({output.size(done.bytes)})"
    )
    for path, why in done.left[:_SHOWN]:
        output.warn(f"{output.printable(path)} stays in {new.mountpoint}: {why}")
    if done.left:
        raise CommandError(
            f"{output.count(len(done.left), 'file')} could not be imported; close what uses them,"
            f" then: {advice.command('add', new.name, '--import')}",
            Exit.UNFINISHED,
        )
