"""`add`: a new synchronization."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import click

from reconciler.errors import RemoteError
from reconciler.model import Conflict, Direction, Mode
from syncin_mount import advice
from syncin_mount.app.drives.open_drive import is_mounted
from syncin_mount.app.messages import sentence
from syncin_mount.app.synchronizations.mountpoint import absolute, check_mountpoint
from syncin_mount.cli.exit_status import CommandError, Exit
from syncin_mount.cli.ui import lookup, output
from syncin_mount.cli.ui.assistant.add_options import AddOptions
from syncin_mount.cli.ui.assistant.import_dialog import (
    bring_in,
    confirm,
    holds_something,
    looked_through,
    previewed,
    show,
)
from syncin_mount.config import ConfigurationFile, Scheduler, Synchronization, Trash
from syncin_mount.config.filters import entered
from syncin_mount.config.model import parse_schedule
from syncin_mount.config.rules import not_there_yet, objection
from syncin_mount.config.values import check_remote
from syncin_mount.deep_tree import make_folders

if TYPE_CHECKING:
    from syncin_mount.config import Configuration, Folders, Server
    from syncin_mount.remote import Session
    from syncin_mount.store.import_export.scan import Found


def values(kind: type[Direction | Mode | Conflict | Trash]) -> click.Choice[str]:
    """The setting's own words."""
    return click.Choice([member.value for member in kind])


@dataclass(frozen=True, slots=True)
class How:
    """Whether what the mount point holds is imported; only looked at; without a question; told for
    programs."""

    importing: bool
    dry_run: bool
    yes: bool
    as_json: bool


@click.command()
@click.argument("name", required=False)
@click.option("--server", metavar="NAME", help="The server's name, where there are several.")
@click.option(
    "--remote",
    metavar="PATH",
    help="The remote folder, as 'remote ls' lists it: personal/docs, spaces/team/docs.",
)
@click.option(
    "--mountpoint",
    metavar="DIR",
    help="Mount point: an empty folder, made if missing.",
)
@click.option("--direction", type=values(Direction), help="Sync direction.  [default: both]")
@click.option(
    "--mode",
    type=values(Mode),
    help="How to compare files: by size and time, or by checksum.  [default: fast]",
)
@click.option(
    "--conflict",
    type=values(Conflict),
    help="How to resolve conflicting edits.  [default: recent]",
)
@click.option(
    "--trash",
    type=values(Trash),
    help=("Where losing versions and deleted files go on this computer.  [default: auto]"),
)
@click.option(
    "--every",
    metavar="TIME",
    help="How often to synchronize: 15m, 2h, 1d; off: at each change.",
)
@click.option(
    "--filter",
    "filters",
    metavar="RULE",
    multiple=True,
    help=(
        "What to leave out: '*.tmp', 'build/**', path:docs/old, … ('filter --help'). Repeatable."
    ),
)
@click.option(
    "--import",
    "importing",
    is_flag=True,
    help="Import the files that are in the mount point.",
)
@click.option("--dry-run", is_flag=True, help="With --import: only show what would happen.")
@click.option("--yes", is_flag=True, help="With --import: do not ask.")
@output.json_option
@click.pass_context
def command(
    ctx: click.Context, /, importing: bool, dry_run: bool, yes: bool, as_json: bool, **given: Any
) -> None:
    """Add synchronization NAME of a remote folder.

    In a terminal, whatever is missing is asked for in three steps: local folder, remote folder,
    settings. Nothing is transferred yet: 'mount' or 'sync' does that.

    With --import, the mount point may hold files. They become the drive's files, and the first run
    merges them with the remote ones. A preview shows what happens to them before anything is
    changed. Each file stays where it is until its copy is safe, so an import can be stopped at any
    time and continued with 'syncin-mount add NAME --import'. That also imports files that were
    written into the folder while it was not mounted.
    """
    wanted = AddOptions(**given)
    missing = wanted.missing()
    folders, configuration = lookup.load()
    how = How(importing, dry_run, yes, as_json)
    if (dry_run or yes or as_json) and not importing:
        raise click.UsageError("--dry-run, --yes and --json go with --import")
    there = configuration.synchronizations.get(wanted.name or "")
    if importing and there is not None and not wanted.remote:
        _go_on(folders, there, how)
        return
    if missing:
        from syncin_mount.cli.ui.assistant.add_wizard import (  # noqa: PLC0415
            Assistant,
            can_ask,
        )

        if not can_ask():
            raise click.UsageError(f"there is no terminal to ask in; give {', '.join(missing)}")
        assistant = Assistant(folders, configuration, wanted, importing=importing)
        assistant.run()
        how = replace(how, importing=assistant.importing)
        folders, configuration = lookup.load()
    new = _synchronization(wanted)
    done = _add(folders, configuration, new, how)
    if done is None:
        return
    now = f"now: {advice.command('mount', new.name)}"
    if how.importing:
        now = _files_are_in_the_drive(new)
    if not missing:
        output.say(f"{done}; {now}")
        return
    output.say(done)
    if output.confirm("Mount it now?", default=True):
        from syncin_mount.cli.commands.mount import (  # noqa: PLC0415
            command as mount,
        )

        ctx.invoke(mount, name=new.name, foreground=False, manual=False, ready_fd=None)
        output.say("“syncin-mount up --at-login” has all drives there from log-in on.")
    else:
        output.say(now)


def _synchronization(wanted: AddOptions) -> Synchronization:
    """Raises CommandError, FilterError."""
    assert wanted.name
    assert wanted.server
    assert wanted.remote
    assert wanted.mountpoint
    return Synchronization(
        name=wanted.name,
        server=wanted.server,
        remote=_remote(wanted.remote),
        mountpoint=absolute(wanted.mountpoint),
        direction=Direction(wanted.direction or Direction.BOTH),
        mode=Mode(wanted.mode or Mode.FAST),
        conflict=Conflict(wanted.conflict or Conflict.RECENT),
        trash=Trash(wanted.trash or Trash.AUTO),
        scheduler=schedule(wanted.every),
        filters=tuple(entered(rule).pattern for rule in wanted.filters),
        timestamp=int(time.time()),
    )


def _add(
    folders: Folders, configuration: Configuration, new: Synchronization, how: How
) -> str | None:
    """Registers it with the server and remembers it here, or neither; then imports, if that is
    wanted. What was done, None when that was only a look. Raises CommandError, RemoteError."""
    account = lookup.server_named(configuration, new.server)
    refused = not_there_yet(new) or objection(configuration, new, folders)
    if refused:
        raise CommandError(refused)
    check_mountpoint(new.mountpoint, may_hold=how.importing)
    found = (
        looked_through(new.mountpoint) if how.importing and holds_something(new.mountpoint) else []
    )
    added = output.run_async(_register, folders, account, new)
    try:
        if how.importing and not _is_wanted(folders, account, added, found, how):
            output.run_async(_take_back, folders, account, added)
            return None
        _remember(folders, added)
    except BaseException:
        output.run_async(_take_back, folders, account, added)
        raise
    if added.restriction:
        output.warn(added.restriction)
    if found:
        bring_in(folders, added, found)
    return (
        f"{new.name}: {output.printable(added.remote)} on {account.url} belongs to"
        f" {added.mountpoint}"
    )


def _is_wanted(
    folders: Folders, account: Server, added: Synchronization, found: list[Found], how: How
) -> bool:
    """Tells what would become of the files. False when nobody wanted more. Raises CommandError,
    Abort."""
    preview = previewed(folders, account, added, found)
    if how.as_json:
        from syncin_mount.app.synchronizations.import_preview import as_json  # noqa: PLC0415 (start-up time)

        output.emit_json(as_json(preview))
    else:
        show(preview, added)
    if how.dry_run:
        return False
    if found:
        confirm(yes=how.yes)
    return True


def _go_on(folders: Folders, synchronization: Synchronization, how: How) -> None:
    """Imports what the mount point holds into a drive that there is already. Raises
    CommandError."""
    name, place = synchronization.name, synchronization.mountpoint
    if is_mounted(folders, name):
        raise CommandError(
            f"'{name}' is mounted; unmount it first: {advice.command('umount', name)}"
        )
    check_mountpoint(place, may_hold=True)
    if not holds_something(place):
        output.say(f"{name}: {place} holds nothing that could be imported")
        return
    found = looked_through(place)
    files = [each for each in found if not each.is_folder]
    output.say(
        f"{place} holds {output.count(len(files), 'file')}"
        f" ({output.size(sum(each.size for each in files))})."
    )
    if how.dry_run:
        return
    confirm(yes=how.yes)
    bring_in(folders, synchronization, found)
    output.say(f"{name}: {_files_are_in_the_drive(synchronization)}")


def _files_are_in_the_drive(synchronization: Synchronization) -> str:
    """Where the files are that were imported: their folder is empty until the drive is there."""
    return (
        f"your files are in the drive; to see them in {synchronization.mountpoint}:"
        f" {advice.command('mount', synchronization.name)}"
    )


def _remember(folders: Folders, added: Synchronization) -> None:
    """The disk first: a mount point that cannot be made leaves the configuration as it was."""
    make_folders(os.fsencode(added.mountpoint))

    def with_it(now: Configuration) -> Configuration:
        refused = objection(now, added, folders)
        if refused:
            raise CommandError(refused)
        return now.with_synchronization(added)

    ConfigurationFile(folders).update(with_it)


def _remote(text: str) -> str:
    try:
        return check_remote(text)
    except ValueError as error:
        raise CommandError(
            f"'{output.printable(text)}' cannot be synchronized: {sentence(error)}", Exit.USAGE
        ) from error


def schedule(text: str | None) -> Scheduler:
    """None is off. Raises CommandError."""
    found = Scheduler() if text is None else parse_schedule(text)
    if found is None:
        raise CommandError(f"'{text}' is no time; give it as 15m, 2h, 1d or off", Exit.USAGE)
    return found


async def _register(folders: Folders, server: Server, new: Synchronization) -> Synchronization:
    """The synchronization with what the server says of it. Raises CommandError, RemoteError."""
    from syncin_mount.app.accounts.sessions import session_with  # noqa: PLC0415 (start-up time)
    from syncin_mount.app.synchronizations.registration import permissions, wire  # noqa: PLC0415
    from syncin_mount.cli.ui.assistant.remote_browser import found_in  # noqa: PLC0415
    from syncin_mount.remote.registrations import register_path  # noqa: PLC0415

    async with session_with(folders, server) as session:
        await found_in(session, new.remote)
        # By the server's clock, which is that of the account page: what is set there later is newer
        # then.
        new = replace(new, timestamp=int(session.server_time() or new.timestamp))
        registered = await register_path(session, wire(new))
        return replace(new, path_id=registered.id, permissions=permissions(registered.permissions))


async def _delete(session: Session, path_id: int) -> None:
    from syncin_mount.remote.registrations import delete_path  # noqa: PLC0415 (start-up time)

    await delete_path(session, path_id)


async def _take_back(folders: Folders, server: Server, added: Synchronization) -> None:
    """Unregisters what could not be remembered here."""
    from syncin_mount.app.accounts.sessions import session_with  # noqa: PLC0415 (start-up time)

    assert added.path_id is not None
    try:
        async with session_with(folders, server) as session:
            await _delete(session, added.path_id)
    except RemoteError as error:
        output.warn(
            f"the server keeps the entry '{added.name}', which can be removed on the account page"
            f" ({sentence(error)})"
        )
