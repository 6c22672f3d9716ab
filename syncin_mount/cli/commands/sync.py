"""`sync`: one run, now."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING

import click

from syncin_mount.cli import configured, output
from syncin_mount.cli.exits import CommandError, Exit
from syncin_mount.cli.progress import ProgressView
from syncin_mount.control.sockets import listens

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from syncin_mount.config import Configuration, Folders, Synchronization
    from syncin_mount.control.messages import NodeState, PlannedAction, Report, SyncEvent, SyncRequest


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--all", "everything", is_flag=True, help="Every enabled synchronization, one after another.")
@click.option("--dry-run", is_flag=True, help="Only list what a run would do.")
@click.option(
    "--yes",
    metavar="[PLAN]",
    is_flag=False,
    flag_value="",
    help="Let a run pass that a guard halted; with the PLAN that --dry-run named, carry out that one or nothing.",
)
@output.json_option
def command(names: tuple[str, ...], everything: bool, dry_run: bool, yes: str | None, as_json: bool) -> None:
    """Carry local and remote changes across now, mounted or not.

    Returns when both sides are the same and every content is here. Exit status: 0 all done; 1 something failed or
    waits; 3 the server is unreachable; 4 a guard halted the run; 5 the server refused it.
    """
    from syncin_mount.control.messages import SyncRequest  # noqa: PLC0415 (start-up time)

    folders, configuration = configured.load()
    plan = yes if yes and _PLAN.fullmatch(yes) else None
    if yes and plan is None:  # `--yes NAME`
        names = (yes, *names)
    chosen = _chosen(configuration, names, everything=everything)
    if plan and (dry_run or len(chosen) != 1):
        raise click.UsageError("a plan is confirmed alone: sync NAME --yes PLAN")
    request = SyncRequest(dry_run=dry_run, confirmed=yes is not None and plan is None, plan=plan)
    reports: list[Report] = [output.run_async(_sync, folders, configuration, each, request) for each in chosen]
    if as_json:
        import msgspec  # noqa: PLC0415 (start-up time)

        output.emit_json(msgspec.to_builtins(reports))
    else:
        for report in reports:
            _show(report)
    raise SystemExit(max((status_of(report) for report in reports), key=_SEVERITY.index, default=Exit.DONE))


def _chosen(configuration: Configuration, names: tuple[str, ...], *, everything: bool) -> list[Synchronization]:
    if everything and names:
        raise click.UsageError("give names or --all, not both")
    if everything:
        return [each for each in configuration.synchronizations.values() if each.enabled]
    if not names:
        raise click.UsageError("say which: NAME, or --all")
    return [configured.synchronization_named(configuration, name) for name in dict.fromkeys(names)]


async def _sync(
    folders: Folders, configuration: Configuration, synchronization: Synchronization, request: SyncRequest
) -> Report:
    """The run's report; progress goes to the terminal meanwhile. Raises what ended it."""
    from syncin_mount.control.client import error_of  # noqa: PLC0415 (start-up time)
    from syncin_mount.control.messages import Failure, Progress, Report  # noqa: PLC0415

    report: Report | None = None
    with ProgressView(synchronization.name) as view:
        async with _events(folders, configuration, synchronization, request) as events:
            async for event in events:
                if isinstance(event, Progress):
                    view.show(event)
                elif isinstance(event, Failure):
                    raise error_of(event)
                else:
                    assert isinstance(event, Report)
                    report = event
    if report is None:
        raise CommandError(f"the run of '{synchronization.name}' ended without a report", Exit.UNFINISHED)
    return report


@contextlib.asynccontextmanager
async def _events(
    folders: Folders, configuration: Configuration, synchronization: Synchronization, request: SyncRequest
) -> AsyncIterator[AsyncIterator[SyncEvent]]:
    """From the daemon when the drive is mounted, else from a run in this process."""
    socket = folders.socket(synchronization.name)
    if listens(socket):
        from syncin_mount.control.client import Client  # noqa: PLC0415 (start-up time)

        async with Client(socket) as daemon, daemon.sync(request) as events:
            yield events
        return
    from syncin_mount.daemon.logs import log_to  # noqa: PLC0415 (start-up time)
    from syncin_mount.daemon.runs import sync_events  # noqa: PLC0415
    from syncin_mount.daemon.runtime import open_runtime  # noqa: PLC0415

    log_to(folders.log(synchronization.name))
    server = configuration.servers[synchronization.server]
    async with (
        open_runtime(folders, server, synchronization, alone=True) as runtime,
        sync_events(runtime, request) as events,
    ):
        yield events


_PLAN = re.compile(r"[0-9a-f]{12}")

_SHOWN = 20
"""Problems that are written out."""

_LISTED = 1000
"""Actions that are written out."""

_KINDS = {
    ("make", "remote"): "Folders to make on the server",
    ("send", "remote"): "Files to send",
    ("move", "remote"): "To be moved on the server",
    ("touch", "remote"): "Times to set on the server",
    ("delete", "remote"): "To go to the server's trash",
    ("make", "local"): "Folders to make here",
    ("fetch", "local"): "Files to fetch",
    ("move", "local"): "To be moved here",
    ("touch", "local"): "Times to set here",
    ("delete", "local"): "To be deleted here",
}

_SEVERITY = (Exit.DONE, Exit.UNFINISHED, Exit.UNREACHABLE, Exit.HALTED, Exit.REFUSED)


def status_of(report: Report) -> Exit:
    """What the shell is told of a run."""
    if report.refused:
        return Exit.REFUSED
    if report.halted:
        return Exit.HALTED
    if report.offline:
        return Exit.UNREACHABLE
    return Exit.UNFINISHED if report.problems else Exit.DONE


def _show_plan(report: Report) -> None:
    """What would be done, kind by kind, in the order of the kinds above."""
    kinds: dict[tuple[str, str], list[PlannedAction]] = {key: [] for key in _KINDS}
    for action in report.actions:
        kinds.setdefault((action.op, action.side), []).append(action)
    left = _LISTED
    for key, actions in kinds.items():
        if actions and left > 0:
            output.say(f"{_KINDS.get(key, ' '.join(key))}: {len(actions)}")
        for action in actions[: max(left, 0)]:
            output.say(f"  {action_line(action)}")
            output.say(f"    {output.printable(states(action.base, action.local, action.remote))}")
        left -= len(actions)
    if left < 0:
        output.say(f"… and {-left} more; all of them with --json")


def action_line(action: PlannedAction) -> str:
    """Where, how much and why."""
    path = action.path + (f" -> {action.new_path}" if action.new_path else "")
    size = f" ({output.size(action.size)})" if action.size else ""
    return f"{output.printable(path)}{size}: {output.printable(action.why)}"


def states(base: NodeState | None, local: NodeState | None, remote: NodeState | None) -> str:
    """What both sides agreed on, and what each has now, in one line."""
    agreed = "never agreed on" if base is None else f"agreed on: {state_text(base)}"
    return f"{agreed}; here: {state_text(local)}; on the server: {state_text(remote)}"


def state_text(state: NodeState | None) -> str:
    """``nothing`` for None."""
    if state is None:
        return "nothing"
    if state.kind != "file":
        return f"{state.kind} {state.path}"
    return f"{state.path}, {output.size(state.size)} of {output.moment(state.mtime)}"


def _show(report: Report) -> None:
    name = report.name
    _show_plan(report)
    for problem in report.problems[:_SHOWN]:
        output.warn(f"{name}: {output.printable(problem.path or '.')}: {problem.why}")
    if len(report.problems) > _SHOWN:
        output.warn(f"{name}: … and {len(report.problems) - _SHOWN} more; all of them with --json")
    for why, what in ((report.refused, "refused"), (report.halted, "halted"), (report.offline, "offline")):
        if why:
            output.warn(f"{name}: {what}: {why}")
            return
    if not (report.done or report.bytes or report.problems):
        done = "nothing to do, both sides are the same"
    elif report.dry_run:
        done = f"{output.count(report.done, 'action')} to do, {output.size(report.bytes)} to carry"
    else:
        done = (
            f"{output.count(report.done, 'action')} done, {output.size(report.bytes)} carried in {report.seconds:.1f} s"
        )
    settled = "to settle" if report.dry_run else "settled"
    conflicts = f", {output.count(report.conflicts, 'conflict')} {settled}" if report.conflicts else ""
    left = f"; {report.failed + report.waiting} not settled" if report.problems else ""
    exactly = ""
    if report.dry_run and report.done and report.plan:
        exactly = f"; exactly this: syncin-mount sync {name} --yes {report.plan}"
    output.say(f"{name}: {done}{conflicts}{left}{exactly}")
