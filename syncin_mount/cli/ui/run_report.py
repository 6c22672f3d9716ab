"""A plan, and what a run did, as lines for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncin_mount import advice
from syncin_mount.cli.ui import grouping, output
from syncin_mount.language import t

if TYPE_CHECKING:
    from syncin_mount.control.messages import NodeState, PlannedAction, Report

_KINDS = {
    ("make", "remote"): "Folders to make on the server",
    ("send", "remote"): "Files to upload",
    ("move", "remote"): "Files and folders to move on the server",
    ("touch", "remote"): "Times to set on the server",
    ("delete", "remote"): "To delete on the server (into its trash)",
    ("make", "local"): "Folders to make on this computer",
    ("fetch", "local"): "Files to download",
    ("move", "local"): "Files and folders to move on this computer",
    ("touch", "local"): "Times to set on this computer",
    ("delete", "local"): "To delete on this computer",
}


def _show_plan(report: Report, *, each_one: bool) -> None:
    """What would be done, kind by kind, in the order of the kinds above; where it is much, one line
    for each folder and reason."""
    kinds: dict[tuple[str, str], list[PlannedAction]] = {key: [] for key in _KINDS}
    for action in report.actions:
        kinds.setdefault((action.op, action.side), []).append(action)
    groups = grouping.is_long(report.actions) and not each_one
    for key, actions in kinds.items():
        if not actions:
            continue
        size = sum(action.size for action in actions)
        of = f" ({output.size(size)})" if size and groups else ""
        output.say(f"{_KINDS.get(key, ' '.join(key))}: {len(actions)}{of}")
        if groups and grouping.is_long(actions):
            _show_groups(actions)
            continue
        for action in actions:
            output.say(f"  {action_line(action)}")
            output.say(f"    {output.printable(states(action.base, action.local, action.remote))}")
    if groups:
        output.say(
            t(
                "each of them: {command}",
                command=advice.command("sync", report.name, "--dry-run", "--each"),
            )
        )


def _show_groups(actions: list[PlannedAction]) -> None:
    for group in grouping.grouped(
        actions, lambda each: each.path, lambda each: grouping.kind_of(each.why)
    ):
        if group.count == 1:
            output.say(f"  {action_line(group.first)}")
            continue
        size = sum(each.size for each in group.items)
        many = f"{group.count}, {output.size(size)}" if size else f"{group.count}"
        why = grouping.shared([each.why for each in group.items])
        output.say(f"  {output.printable(group.path or '(at the top)')} ({many}): {why}")


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


def _show_problems(report: Report, *, each_one: bool) -> None:
    name = report.name
    if each_one or not grouping.is_long(report.problems):
        for problem in report.problems:
            output.warn(f"{name}: {output.printable(problem.path or '.')}: {problem.why}")
        return
    for group in grouping.grouped(
        report.problems,
        lambda each: each.path,
        lambda each: (each.lasting, grouping.kind_of(each.why)),
    ):
        many = f" {group.count} files and folders:" if group.count > 1 else ""
        why = grouping.shared([each.why for each in group.items])
        output.warn(f"{name}: {output.printable(group.path or '.')}:{many} {why}")


def show(report: Report, *, each_one: bool) -> None:
    """The plan or what was done, its problems, and one line in all."""
    name = report.name
    _show_plan(report, each_one=each_one)
    _show_problems(report, each_one=each_one)
    for why, what in (
        (report.refused, "refused"),
        (report.halted, "halted"),
        (report.offline, "offline"),
    ):
        if why:
            output.warn(f"{name}: {what}: {why}")
            return
    if not (report.done or report.bytes or report.problems):
        done = "nothing to do, both sides are the same"
    elif report.dry_run:
        done = (
            f"{output.count(report.done, 'action')} to do, {output.size(report.bytes)} to transfer"
        )
    else:
        done = (
            f"{output.count(report.done, 'action')} done, {output.size(report.bytes)} transferred"
            f" in {report.seconds:.1f} s"
        )
    outcome = "to resolve" if report.dry_run else "resolved"
    conflicts = (
        f", {output.count(report.conflicts, 'conflict')} {outcome}" if report.conflicts else ""
    )
    left = f"; {report.failed + report.waiting} failed or pending" if report.problems else ""
    exactly = ""
    if report.dry_run and report.done and report.plan:
        exactly = f"; exactly this: {advice.command('sync', name, '--yes', report.plan)}"
    output.say(f"{name}: {done}{conflicts}{left}{exactly}")
