"""Sentences about the local copy: what damages it, and what keeps it from being used."""

from __future__ import annotations

from typing import assert_never

from syncin_mount.app.messages import remedies, says
from syncin_mount.language import said, t
from syncin_mount.store.errors import IndexDamaged, Repair, ReplicaError


@says(ReplicaError)
def _replica_error(error: ReplicaError, drive: str) -> str:
    repair = remedies.repair(error.replica or drive)
    match error.repair:
        case None:
            return said(error)
        case Repair.SAVES_WHAT_IS_THERE:
            return t("{error}: {command} saves what is there.", error=error, command=repair)
        case Repair.IF_NO_LATER_VERSION:
            return t(
                "{error}; if there is none, {command} puts it right.", error=error, command=repair
            )
    assert_never(error.repair)


@says(IndexDamaged)
def _index_damaged(error: IndexDamaged, drive: str) -> str:
    return t(
        "the index of the local copy is damaged ({why}); what is written is kept in its journal,"
        " and nothing is lost: unmount, then {command} puts it right",
        why=error.strerror,
        command=remedies.repair(drive),
    )
