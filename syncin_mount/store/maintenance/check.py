"""Is a replica sound? Nothing is changed, but for what every start does."""

from __future__ import annotations

from pathlib import Path

import msgspec

from reconciler.model import ROOT, NodeId
from syncin_mount.store.recovery import salvage
from syncin_mount.store.recovery.consistency import Problem, compare
from syncin_mount.store.replica.replica import Replica

__all__ = ["Problem", "check"]


def check(where: Replica | Path) -> list[Problem]:
    """All problems of an open replica, or of a replica's folder, which is opened (and so recovered)
    for it.

    Reads everything but contents: seconds for a million nodes. Raises what ``Replica.open`` does;
    but index and journal of a folder are looked at first without being opened, and nothing else is
    done where their form is wrong.
    """
    if isinstance(where, Replica):
        aside = [Problem(0, each) for each in where.writer.set_aside.told()]
        found = compare(where._ix, where._objects)  # noqa: SLF001 - the store checks itself
        return aside + [
            msgspec.structs.replace(each, path=_path(where, each.node)) for each in found
        ]
    if wrong := salvage.faults(where):
        return [Problem(0, each) for each in wrong]
    replica = Replica.open(where)
    try:
        return check(replica)
    finally:
        replica.close()


def _path(replica: Replica, node: int) -> str:
    """Where the node is here, or was when both sides last agreed; what is damaged has perhaps no
    place, or one that leads back to itself."""
    for look in (replica.local, replica.base):
        names: list[str] = []
        at, seen = NodeId(node), set[int]()
        while at != ROOT and at not in seen:
            seen.add(at)
            try:
                state = look(at)
            except OSError:
                break
            if state is None:
                break
            names.append(state.name)
            at = state.parent
        if at == ROOT:
            return "/".join(reversed(names))
    return ""
