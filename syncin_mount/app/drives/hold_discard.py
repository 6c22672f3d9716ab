"""Local changes that people stop, let go or undo before they are sent, with what is said to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.model import Kind
from reconciler.phrases import Phrase
from syncin_mount.app.drives.views import drive_of, path_of
from syncin_mount.app.messages import sentence
from syncin_mount.control.messages import Changed, ChangeRequest
from syncin_mount.store import CannotUndo

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.model import NodeId
    from syncin_mount.store import Replica, Undone


def changed(
    replica: Replica,
    request: ChangeRequest,
    is_in_flight: Callable[[NodeId], bool] = lambda _node: False,
) -> tuple[list[Changed], list[NodeId]]:
    """Does it for each number, as far as that is possible; what became of it, and the files whose
    content is to be fetched now. All numbers of one file or folder mean the same: what is held or
    undone is the file. Raises OSError."""
    chosen = [
        (sequence, replica.local_changes.pending_node(sequence))
        for sequence in dict.fromkeys(request.sequences)
    ]
    answers: list[Changed] = []
    fetch: list[NodeId] = []
    seen: set[NodeId] = set()
    for sequence, node in chosen:
        if node is None:
            answers.append(
                Changed(
                    sequence,
                    False,
                    Phrase("nothing waits under the number {sequence}", sequence=sequence),
                )
            )
        elif node not in seen:
            seen.add(node)
            path = path_of(replica, node)
            try:
                said = _one(replica, request.what, node, path, is_in_flight, fetch)
            except CannotUndo as error:
                why = sentence(error, drive_of(replica))
                answers.append(
                    Changed(
                        sequence, False, Phrase("{path} stays as it is: {why}", path=path, why=why)
                    )
                )
            else:
                answers.append(Changed(sequence, True, said))
    return answers, fetch


def _one(
    replica: Replica,
    what: str,
    node: NodeId,
    path: str,
    is_in_flight: Callable[[NodeId], bool],
    fetch: list[NodeId],
) -> str:
    if what == "discard":
        done = replica.local_changes.discard(node, is_in_flight)
        fetch += done.fetch
        return _undone(done, path)
    local = replica.local(node)
    folder = local is not None and local.kind is Kind.FOLDER
    if what == "hold":
        if is_in_flight(node):
            raise CannotUndo(Phrase("it is just being sent"))
        replica.local_changes.hold([node], held=True)
        if folder:
            return Phrase("{path} is held, with all that is in it, until it is released", path=path)
        return Phrase("{path} is held, until it is released", path=path)
    by = replica.local_changes.held_by(node)
    if by is None:
        raise CannotUndo(Phrase("it is not held"))
    if by != node:
        raise CannotUndo(
            Phrase(
                "the hold is that of its folder {folder}; release that one",
                folder=path_of(replica, by),
            )
        )
    replica.local_changes.hold([node], held=False)
    return Phrase("{path} is let go", path=path)


def _undone(done: Undone, path: str) -> str:
    if done.gone:
        return Phrase("{path} is in the bin now", path=path)
    if done.path != path:
        if done.binned:
            return Phrase(
                "{path} is {former} again; what you had changed is in the bin",
                path=path,
                former=done.path,
            )
        return Phrase("{path} is {former} again", path=path, former=done.path)
    if done.binned:
        return Phrase(
            "{path} is as on the server again; what you had changed is in the bin", path=path
        )
    return Phrase("{path} is as on the server again", path=path)
