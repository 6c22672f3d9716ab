"""What people are shown of a replica, mounted or not."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from reconciler.engine.pending_reason import Hold, PendingReason, PendingState, StaysLocal
from reconciler.filters import DEFAULT, Filter
from reconciler.model import ROOT, Kind, Op, Side
from syncin_mount.app.messages import sentence, sentence_or_none
from syncin_mount.config.filters import matcher
from syncin_mount.control.messages import (
    Explained,
    Explanation,
    JournalEntry,
    NodeState,
    PlannedAction,
    Problem,
    Transfer,
    TransferQuery,
)
from syncin_mount.store import HistoryQuery

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from reconciler.model import NodeId
    from reconciler.reporting.report import Problem as EngineProblem
    from reconciler.reporting.report import Report, State, Step
    from syncin_mount.store import Replica
    from syncin_mount.store import Transfer as Row


def filter_of(patterns: tuple[str, ...]) -> Filter:
    """What a synchronization with these filters leaves out. Raises FilterError."""
    return Filter(rule=matcher(patterns)) if patterns else DEFAULT


def stays_here(path: str, filters: Filter = DEFAULT) -> bool:
    """Whether a node at this path, or a folder above it, is left out of the synchronization (of
    every one, as a default). Such nodes may differ from what the server has for ever, but nothing
    of them waits."""
    return filters.left_out(path)


def is_unsendable(path: str) -> bool:
    """Whether the path is not UTF-8: then it stays here as a link does, and no server can hold
    it."""
    return not path.isprintable() and any("\ud800" <= letter <= "\udfff" for letter in path)


def path_of(replica: Replica, node: NodeId) -> str:
    """Where the node is, or was when both sides last agreed; empty when it is gone from both."""
    for look in (replica.local_path, replica.base_path):
        try:
            return look(node)
        except KeyError:
            continue
    return ""


def links_and_devices(replica: Replica) -> Iterator[str]:
    """The paths of what no server holds, wherever it is in the drive. Looks at every node."""
    todo = [ROOT]
    for folder in todo:
        for _, node in replica.local_children(folder):
            local = replica.local(node)
            if local is not None and local.kind is Kind.OTHER:
                yield path_of(replica, node)
            elif local is not None and local.kind is Kind.FOLDER:
                todo.append(node)


def waiting(replica: Replica, filters: Filter = DEFAULT) -> int:
    """How many nodes differ from what both sides last agreed on and are not left out."""
    if not replica.dirty_count():
        return 0
    paths = (path_of(replica, dirty.node) for dirty in replica.dirty())
    return sum(not (stays_here(path, filters) or is_unsendable(path)) for path in paths)


def drive_of(replica: Replica) -> str:
    """The name of the drive that the replica belongs to: its folder's."""
    return replica.folder.name


def unmounted_reason(_node: NodeId, held: Hold | None) -> PendingReason:
    """Why a change of a synchronization waits that no process works on."""
    return (
        PendingReason(PendingState.HELD, held)
        if held is not None
        else PendingReason(PendingState.RESTING)
    )


def journal(
    replica: Replica,
    filters: Filter,
    why_waits: Callable[[NodeId, Hold | None], PendingReason] = unmounted_reason,
    *,
    everything: bool = False,
) -> Iterator[JournalEntry]:
    """The local operations that the server does not have yet, in their order, each with why it
    waits; with ``everything``, also those that stay here."""
    drive = drive_of(replica)
    now = time.time()
    for operation in replica.local_changes.pending():
        path = path_of(replica, operation.node) or operation.path
        left_out = stays_here(path, filters)
        if left_out and not everything:
            continue
        wait = why_waits(operation.node, _held(replica, operation.node))
        if left_out:
            wait = PendingReason(PendingState.LOCAL, StaysLocal.LEFT_OUT)
        elif is_unsendable(path):
            wait = PendingReason(PendingState.LOCAL, StaysLocal.NOT_UTF8)
        local = replica.local(operation.node)
        yield JournalEntry(
            sequence=operation.sequence,
            time=operation.time_ns / 1e9,
            op=operation.kind.value,
            path=operation.path,
            new_path=operation.new_path,
            size=local.size if local is not None else None,
            why=sentence(wait, drive),
            state=wait.state.value,
            until=None if wait.seconds is None else now + wait.seconds,
            held=wait.state is PendingState.HELD,
        )


def _held(replica: Replica, node: NodeId) -> Hold | None:
    """Whose hold holds the node."""
    by = replica.local_changes.held_by(node)
    if by is None:
        return None
    return Hold.NODE if by == node else Hold.FOLDER


def wanted(query: TransferQuery) -> HistoryQuery:
    """The query as the history understands it. ValueError for an action or side that there is
    not."""
    return HistoryQuery(
        action=None if query.op is None else Op(query.op),
        side=None if query.side is None else Side(query.side),
        failed=query.failed,
        run=query.run,
        search=query.search,
        since_ns=None if query.since is None else int(query.since * 1e9),
        until_ns=None if query.until is None else int(query.until * 1e9),
        before=query.before,
        after=query.after,
        limit=query.limit,
    )


def transfers(found: Iterable[Row], name: str) -> list[Transfer]:
    """The history's rows of the synchronization of this name, as they come."""
    return [
        Transfer(
            sequence=row.id,
            time=row.time_ns / 1e9,
            synchronization=name,
            op=row.action.value,
            side=row.side.value,
            path=row.path,
            new_path=row.new_path,
            size=row.size,
            seconds=row.seconds,
            result=row.result.value,
            why=row.why or None,
            run=row.run,
            moved=row.moved,
        )
        for row in found
    ]


def state(found: State | None) -> NodeState | None:
    """None for what is not there."""
    return None if found is None else NodeState(found.kind, found.path, found.size, found.mtime)


def planned(step: Step, drive: str) -> PlannedAction:
    """A planned action with its reason and the states that it rests on."""
    states = state(step.base), state(step.local), state(step.remote)
    return PlannedAction(
        step.op,
        step.side,
        step.path,
        step.new_path,
        step.size,
        sentence(step.reason, drive),
        *states,
    )


def explanation(name: str, path: str, report: Report) -> Explanation:
    """What the engine found at a path."""
    nodes = tuple(
        Explained(
            each.path,
            state(each.base),
            state(each.local),
            state(each.remote),
            each.known,
            sentence(each.why, name),
            tuple(planned(step, name) for step in each.steps),
        )
        for each in report.explained or ()
    )
    stopped = (report.halted, report.offline, report.refused)
    halted, offline, refused = (sentence_or_none(each, name) for each in stopped)
    return Explanation(name, path, nodes, halted, offline, refused)


def problems(found: Iterable[EngineProblem], filters: Filter, drive: str) -> Iterator[Problem]:
    """What the engine could not settle, but for what is left out on purpose, or is local only by
    its name."""
    for each in found:
        if not (stays_here(each.path, filters) or is_unsendable(each.path)):
            yield Problem(each.path, sentence(each.why, drive), each.lasting)
