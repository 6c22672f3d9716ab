"""Is a replica sound? Nothing is changed, but for what every start does."""

from __future__ import annotations

from pathlib import Path

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
        return aside + list(compare(where._ix, where._objects))  # noqa: SLF001 - the store checks itself
    if wrong := salvage.faults(where):
        return [Problem(0, each) for each in wrong]
    replica = Replica.open(where)
    try:
        return check(replica)
    finally:
        replica.close()
