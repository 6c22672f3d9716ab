"""`status`: how the synchronizations are."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from syncin_mount.app.drives.drive_state import DriveState, state_of
from syncin_mount.app.messages import quantities
from syncin_mount.cli.exit_status import CommandError, Exit, exit_for
from syncin_mount.cli.ui import lookup, output
from syncin_mount.cli.ui.path_option import name_or_path
from syncin_mount.language import mark, t, tn
from syncin_mount.language.words import word

if TYPE_CHECKING:
    from syncin_mount.cli.ui.status_table import StatusRow
    from syncin_mount.config import Configuration, Folders, Synchronization
    from syncin_mount.control.messages import Status


@click.command()
@click.argument("name", required=False, metavar="[NAME|PATH]")
@click.option(
    "--watch",
    is_flag=True,
    help="Keep it on the screen until q or Ctrl-C; in a pipe, print each change.",
)
@click.option("--all", "each_one", is_flag=True, help="Each problem on a line of its own.")
@click.option(
    "--check",
    is_flag=True,
    help="For monitoring: only what is not as it should be, with an exit status that tells.",
)
@output.json_option
def command(name: str | None, watch: bool, each_one: bool, check: bool, as_json: bool) -> None:
    """Show the state of synchronization NAME, or of all of them.

    Whether it is mounted and online, when it ran and will run, how many changes are pending, and
    how many files are still to be downloaded; below that transfers, conflicts and problems. While
    'up' supervises, also why a drive is not mounted, and when that is tried again.

    With PATH, a file or folder in a drive (absolute, or relative to the current folder), show what
    is pending of it.

    With --watch, --json prints one document a line at each change.

    With --check, the exit status is 5 where the server refuses, else 4 where a guard halted a
    drive, 3 where the server is away, and 1 where a run failed, somebody is needed, or an enabled
    drive is not mounted. Where all is well, nothing is printed.
    """
    folders, configuration = lookup.load()
    path = ""
    if name is not None:
        one, path = name_or_path(configuration, name)
        name = one.name
    if path and watch:
        raise click.UsageError(t("--watch goes with NAME, or alone"))
    if check and (path or watch):
        raise click.UsageError(t("--check goes with NAME, or alone"))
    if watch:
        _watch(folders, name, as_json=as_json)
        return
    now = time.time()
    from syncin_mount.app.runs.status_poller import StatusPoller  # noqa: PLC0415 (start-up time)
    from syncin_mount.cli.ui.status_display import plain, tell  # noqa: PLC0415
    from syncin_mount.cli.ui.status_table import StatusRow, checked  # noqa: PLC0415

    looker = StatusPoller(folders)
    found = looker.look_now(configuration, _chosen(configuration, name), now)
    seen = [StatusRow.of(each) for each in found]
    if name is not None and seen[0].error is not None:
        raise CommandError(seen[0].error, seen[0].exit)
    if path:
        from syncin_mount.cli.ui.path_status import show_path  # noqa: PLC0415 (start-up time)

        show_path(folders, configuration, seen[0], path, as_json=as_json)
        return
    if check:
        seen = [checked(each) for each in seen]
        seen = [each for each in seen if as_json or each.exit]
    if as_json:
        output.emit_json([plain(each) for each in seen])
    elif name is not None:
        for each in seen:
            _show_one(each, looker.trouble, each_one=each_one)
    elif seen or not check:
        tell(seen, looker.trouble, brief=True, now=now)
    # One synchronization that cannot tell must not hide the others.
    raise SystemExit(max((each.exit for each in seen), default=int(Exit.DONE)))


def _chosen(configuration: Configuration, name: str | None) -> list[Synchronization]:
    if name is not None:
        return [lookup.synchronization_named(configuration, name)]
    return list(configuration.synchronizations.values())


def _watch(folders: Folders, name: str | None, *, as_json: bool) -> None:
    from syncin_mount.app.runs.status_poller import StatusPoller  # noqa: PLC0415 (start-up time)
    from syncin_mount.cli.ui.live_status import watch  # noqa: PLC0415

    looker = StatusPoller(folders)

    def chosen() -> tuple[Configuration, list[Synchronization]]:
        configuration = lookup.load()[1]
        return configuration, _chosen(configuration, name)

    async def run() -> None:
        await watch(looker, chosen, brief=name is None, as_json=as_json)

    try:
        output.run_async(run)
    except BaseException as error:
        if exit_for(error)[0] != Exit.INTERRUPTED:  # Ctrl-C is how this ends
            raise


_SAID = {"halted", "refused", "failed", "offline", "read-only", "in all"}
"""Lines that the fields have said already."""


def _show_one(seen: StatusRow, trouble: str | None, *, each_one: bool) -> None:
    from syncin_mount.cli.ui import status_table  # noqa: PLC0415 (start-up time)

    fields = [(mark("name"), seen.configured.name)]
    if seen.supervised is not None:
        fields.append((mark("supervised"), word(seen.supervised.phase.value)))
    fields += (
        _fields(seen.status)
        if seen.status is not None
        else [(mark("mounted"), status_table.drive(seen))]
    )
    known = _SAID if seen.status is not None else set()
    fields += [
        (each.kind, each.text)
        for each in status_table.lines(seen, brief=False, each_one=each_one)
        if each.kind not in known
    ]
    if trouble:
        fields.append((mark("up"), trouble))
    output.emit_fields(fields)


def _fields(status: Status) -> list[tuple[str, str]]:
    from syncin_mount.cli.ui import status_table  # noqa: PLC0415 (start-up time)

    fields = [
        (mark("mounted"), _mounted(status)),
        (mark("server"), _server(status)),
        (mark("remote"), status.remote),
        (mark("runs"), _runs(status)),
        (mark("now"), _now(status)),
        (mark("in common"), quantities.files_and_folders(status.known)),
        (mark("waiting"), _waiting(status)),
        (mark("to fetch"), quantities.files(status.absent)),
        (mark("last run"), output.moment(status.last_run)),
    ]
    if status.next_try is not None:
        fields.append((mark("next try"), output.moment(status.next_try)))
    optional = {
        mark("bin"): status.bin,
        mark("read-only"): status_table.read_only(status) if status.read_only else None,
    }
    optional |= {"halted": status.halted, "refused": status.refused, "failed": status.failed}
    return fields + [(key, text) for key, text in optional.items() if text]


def _runs(status: Status) -> str:
    if status.manual:
        return t("by 'sync' only")
    if status.schedule == "off":
        return t("by itself while mounted")
    if status.paused:
        return t("every {time}, once it is resumed", time=status.schedule)
    if status.waits_for_turn:
        return t("every {time}; due, and waits for another drive's run", time=status.schedule)
    if status.next_run is None:
        if status.mounted:
            return t("every {time}, but not now: the scheduler is off", time=status.schedule)
        return t("every {time}, but not now: not mounted", time=status.schedule)
    at = output.moment(status.next_run)
    return t("every {time}, next at {moment}", time=status.schedule, moment=at)


def _mounted(status: Status) -> str:
    if not status.mounted:
        return t("no")
    return t("at {mountpoint} (process {pid})", mountpoint=status.mountpoint, pid=status.pid)


def _waiting(status: Status) -> str:
    waiting = tn("{count} change for the server", "{count} changes for the server", status.waiting)
    if not status.held:
        return waiting
    held = tn(
        "({count} held: 'journal' tells which)",
        "({count} held: 'journal' tells which)",
        status.held,
    )
    return f"{waiting} {held}"


def _server(status: Status) -> str:
    said = _link(status)
    return f"{said} ({status.why_offline})" if status.why_offline else said


def _link(status: Status) -> str:
    if status.paused:
        return t("not asked while it is paused")
    if status.online is None:
        return t("not asked yet") if status.mounted else "-"
    if status.online:
        return t("online")
    if status.offline_since is None:
        return t("offline")
    return t("offline since {time}", time=output.moment(status.offline_since))


_NOW = {
    DriveState.REFUSED: mark("refused by the server"),
    DriveState.FAILED: mark("nothing; the last run failed"),
}


def _now(status: Status) -> str:
    from syncin_mount.cli.ui import status_table  # noqa: PLC0415 (start-up time)

    state = state_of(status)
    if state is DriveState.SYNCING and status.work is not None:
        told = status_table.working(status), status_table.total(status.work)
        return ": ".join(each for each in told if each) if status.work.transfers else told[0]
    return t(_NOW.get(state, "")) or status_table.in_words(status)
