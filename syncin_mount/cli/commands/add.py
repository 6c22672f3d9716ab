"""`add`: a new synchronization."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from reconciler.model import Conflict, Direction, Mode
from syncin_mount import advice
from syncin_mount.app.errors import NotEnoughRoom
from syncin_mount.cli.ui import lookup, output
from syncin_mount.cli.ui.assistant.add_options import AddOptions
from syncin_mount.config import Trash
from syncin_mount.language import t

if TYPE_CHECKING:
    from syncin_mount.app.synchronizations.addition import Added
    from syncin_mount.cli.ui.assistant.import_dialog import How
    from syncin_mount.config import Configuration, Folders, Synchronization


def values(kind: type[Direction | Mode | Conflict | Trash]) -> click.Choice[str]:
    """The setting's own words."""
    return click.Choice([member.value for member in kind])


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
@click.option("--bookmark", is_flag=True, help="Put the drive into the sidebar of file managers.")
@click.option("--dry-run", is_flag=True, help="With --import: only show what would happen.")
@click.option(
    "--yes", is_flag=True, help="Do not ask: import, and add what does not fit on the disk."
)
@output.json_option
@click.pass_context
def command(
    ctx: click.Context,
    /,
    importing: bool,
    bookmark: bool,
    dry_run: bool,
    yes: bool,
    as_json: bool,
    **given: Any,
) -> None:
    """Add synchronization NAME of a remote folder.

    In a terminal, whatever is missing is asked for in three steps: local folder, remote folder,
    settings. Nothing is transferred yet: 'mount' or 'sync' does that. A folder whose complete copy
    does not fit on this computer's disk is only added when somebody agrees.

    With --import, the mount point may hold files. They become the drive's files, and the first run
    merges them with the remote ones. A preview shows what happens to them before anything is
    changed. Each file stays where it is until its copy is safe, so an import can be stopped at any
    time and continued with 'syncin-mount add NAME --import'. That also imports files that were
    written into the folder while it was not mounted.
    """
    from syncin_mount.cli.ui.assistant import import_dialog  # noqa: PLC0415 (start-up time)

    wanted = AddOptions(**given)
    folders, configuration = lookup.load()
    if wanted.server is None and len(configuration.servers) == 1:
        wanted.server = next(iter(configuration.servers))
    how = import_dialog.How(importing, dry_run, yes, as_json)
    if (dry_run or as_json) and not importing:
        raise click.UsageError(t("--dry-run and --json go with --import"))
    there = configuration.synchronizations.get(wanted.name or "")
    if importing and there is not None and not wanted.remote:
        import_dialog.go_on(folders, there, how)
        return
    missing = wanted.missing()
    if missing:
        how = _ask_for(folders, configuration, wanted, missing, how)
    added = _add(folders, wanted, how)
    if added is None:
        return
    new = added.synchronization
    if bookmark or (missing and _wants_bookmark(folders)):
        _bookmark(folders, new)
    done = t(
        "{name}: {remote} on {url} belongs to {mountpoint}",
        name=new.name,
        remote=output.printable(new.remote),
        url=added.url,
        mountpoint=new.mountpoint,
    )
    now = f"now: {advice.command('mount', new.name)}"
    if how.importing:
        now = import_dialog.files_are_in_the_drive(new)
    if not missing:
        output.say(f"{done}; {now}")
        return
    output.say(done)
    if output.confirm(t("Mount it now?"), default=True):
        from syncin_mount.cli.commands.mount import command as mount  # noqa: PLC0415

        ctx.invoke(mount, name=new.name, foreground=False, manual=False, ready_fd=None)
        _offer_log_in(is_first=not configuration.synchronizations)
    else:
        output.say(now)


def _offer_log_in(*, is_first: bool) -> None:
    """Where all drives start at log-in already, nothing is said. Otherwise somebody's first drive
    is the moment to ask; whatever becomes of it, the drive is mounted."""
    from syncin_mount.app.errors import NotPossible  # noqa: PLC0415 (start-up time)
    from syncin_mount.app.messages import sentence  # noqa: PLC0415
    from syncin_mount.app.processes import at_login  # noqa: PLC0415
    from syncin_mount.cli.commands import _systemd_unit  # noqa: PLC0415

    now = at_login.look()
    if now is at_login.AtLogin.ON:
        return
    asked = is_first and now is at_login.AtLogin.OFF
    if asked and output.confirm(
        t("Have your drives there from every log-in on, by themselves?"), default=True
    ):
        try:
            _systemd_unit.install(running=False)
        except NotPossible as error:
            output.warn(sentence(error))
        return
    output.say(t("“syncin-mount up --at-login” has all drives there from log-in on."))


def _wants_bookmark(folders: Folders) -> bool:
    from syncin_mount.app.settings.bookmarks import sidebars  # noqa: PLC0415 (start-up time)

    return bool(sidebars(folders)) and output.confirm(
        t("Put it into the sidebar of file managers, also while it is not mounted?"), default=False
    )


def _bookmark(folders: Folders, new: Synchronization) -> None:
    """The drive is added, whatever becomes of this."""
    from syncin_mount.app.settings.bookmarks import add_bookmark  # noqa: PLC0415 (start-up time)

    try:
        if not add_bookmark(folders, new.mountpoint, new.name):
            output.warn(t("there is no file manager with a sidebar here, so it got no bookmark"))
    except OSError as error:
        output.warn(t("the bookmarks stay as they are: {why}", why=error.strerror))


def _ask_for(
    folders: Folders,
    configuration: Configuration,
    wanted: AddOptions,
    missing: list[str],
    how: How,
) -> How:
    """Fills in what is missing. Raises UsageError where nobody can be asked."""
    from syncin_mount.cli.ui.assistant.add_wizard import (  # noqa: PLC0415 (start-up time)
        Assistant,
        can_ask,
    )

    if not can_ask():
        raise click.UsageError(
            t("there is no terminal to ask in; give {names}", names=", ".join(missing))
        )
    assistant = Assistant(folders, configuration, wanted, importing=how.importing)
    assistant.run()
    return replace(how, importing=assistant.importing)


def _synchronization(wanted: AddOptions) -> Synchronization:
    """Raises NotPossible, FilterError."""
    from syncin_mount.app.synchronizations import addition, from_text  # noqa: PLC0415
    from syncin_mount.app.synchronizations.mountpoint import absolute  # noqa: PLC0415

    assert wanted.name
    assert wanted.server
    assert wanted.remote
    assert wanted.mountpoint
    return addition.new_synchronization(
        wanted.name,
        wanted.server,
        from_text.remote_from_text(wanted.remote),
        absolute(wanted.mountpoint),
        direction=None if wanted.direction is None else Direction(wanted.direction),
        mode=None if wanted.mode is None else Mode(wanted.mode),
        conflict=None if wanted.conflict is None else Conflict(wanted.conflict),
        trash=None if wanted.trash is None else Trash(wanted.trash),
        scheduler=from_text.schedule_from_text(wanted.every),
        filters=from_text.filters_from_text(wanted.filters),
    )


def _add(folders: Folders, wanted: AddOptions, how: How) -> Added | None:
    """Adds it, and imports if that is wanted. None when that was only a look. Raises NotPossible,
    RemoteError."""
    from syncin_mount.app.synchronizations import addition  # noqa: PLC0415 (start-up time)
    from syncin_mount.cli.ui.assistant import import_dialog  # noqa: PLC0415

    new = _synchronization(wanted)
    lookup.server_named(lookup.load()[1], new.server)
    seen, may_overfill = None, how.yes
    if how.importing:
        seen = import_dialog.preview(folders, new, how)
        if seen is None:
            return None
    add = partial(addition.add, folders, new, import_dialog.warn_of, confirmed=seen)
    try:
        added: Added = output.run_async(partial(add, may_overfill=may_overfill))
    except NotEnoughRoom as error:
        import_dialog.confirm_overfilling(error)
        added = output.run_async(partial(add, may_overfill=True))
    if added.synchronization.restriction:
        output.warn(added.synchronization.restriction)
    if added.found:
        import_dialog.bring_in(folders, added.synchronization, added.found)
    return added
