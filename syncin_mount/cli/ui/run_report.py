"""A plan, and what a run did, as lines for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncin_mount import advice
from syncin_mount.app.messages import quantities
from syncin_mount.cli.ui import grouping, output
from syncin_mount.language import mark, t, tn
from syncin_mount.language.numbers import number
from syncin_mount.language.words import word

if TYPE_CHECKING:
    from syncin_mount.control.messages import NodeState, PlannedAction, Report

_KINDS = {
    ("make", "remote"): mark("Folders to make on the server"),
    ("send", "remote"): mark("Files to upload"),
    ("move", "remote"): mark("Files and folders to move on the server"),
    ("touch", "remote"): mark("Times to set on the server"),
    ("delete", "remote"): mark("To delete on the server (into its trash)"),
    ("make", "local"): mark("Folders to make on this computer"),
    ("fetch", "local"): mark("Files to download"),
    ("move", "local"): mark("Files and folders to move on this computer"),
    ("touch", "local"): mark("Times to set on this computer"),
    ("delete", "local"): mark("To delete on this computer"),
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
        output.say(f"{_kind(key)}: {len(actions)}{of}")
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
        path = output.printable(group.path or t("(at the top)"))
        output.say(f"  {path} ({many}): {why}")


def action_line(action: PlannedAction) -> str:
    """Where, how much and why."""
    path = action.path + (f" -> {action.new_path}" if action.new_path else "")
    size = f" ({output.size(action.size)})" if action.size else ""
    return f"{output.printable(path)}{size}: {output.printable(action.why)}"


def states(base: NodeState | None, local: NodeState | None, remote: NodeState | None) -> str:
    """What both sides agreed on, and what each has now, in one line."""
    sides = {"here": state_text(local), "there": state_text(remote)}
    if base is None:
        return t("never agreed on; here: {here}; on the server: {there}", **sides)
    return t(
        "agreed on: {base}; here: {here}; on the server: {there}", base=state_text(base), **sides
    )


def state_text(state: NodeState | None) -> str:
    """``nothing`` for None."""
    if state is None:
        return t("nothing")
    if state.kind != "file":
        return f"{word(state.kind)} {state.path}"
    return t(
        "{path}, {size} of {time}",
        path=state.path,
        size=output.size(state.size),
        time=output.moment(state.mtime),
    )


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
        many = f" {quantities.files_and_folders(group.count)}:" if group.count > 1 else ""
        why = grouping.shared([each.why for each in group.items])
        output.warn(f"{name}: {output.printable(group.path or '.')}:{many} {why}")


def show(report: Report, *, each_one: bool) -> None:
    """The plan or what was done, its problems, and one line in all."""
    name = report.name
    _show_plan(report, each_one=each_one)
    _show_problems(report, each_one=each_one)
    for why, what in (
        (report.refused, mark("refused")),
        (report.halted, mark("halted")),
        (report.offline, mark("offline")),
    ):
        if why:
            output.warn(f"{name}: {t(what)}: {why}")
            return
    if not (report.done or report.bytes or report.problems):
        done = t("nothing to do, both sides are the same")
    elif report.dry_run:
        done = tn(
            "{count} action to do, {size} to transfer",
            "{count} actions to do, {size} to transfer",
            report.done,
            size=output.size(report.bytes),
        )
    else:
        done = tn(
            "{count} action done, {size} transferred in {seconds} s",
            "{count} actions done, {size} transferred in {seconds} s",
            report.done,
            size=output.size(report.bytes),
            seconds=number(report.seconds, 1),
        )
    if report.conflicts:
        done = f"{done}, {_resolved(report)}"
    parts = [done]
    if report.problems:
        left = report.failed + report.waiting
        parts.append(tn("{count} failed or pending", "{count} failed or pending", left))
    if report.dry_run and report.done and report.plan:
        again = advice.command("sync", name, "--yes", report.plan)
        parts.append(t("exactly this: {command}", command=again))
    output.say(f"{name}: {'; '.join(parts)}")


def _resolved(report: Report) -> str:
    if report.dry_run:
        return tn("{count} conflict to resolve", "{count} conflicts to resolve", report.conflicts)
    return tn("{count} conflict resolved", "{count} conflicts resolved", report.conflicts)


def _kind(key: tuple[str, str]) -> str:
    return t(_KINDS[key]) if key in _KINDS else " ".join(map(word, key))
