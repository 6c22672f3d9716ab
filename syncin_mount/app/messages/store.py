"""Sentences about the local copy: what damages it, and what keeps it from being used."""

from __future__ import annotations

from typing import assert_never

from syncin_mount.app.messages import command, says
from syncin_mount.store.errors import IndexDamaged, Repair, ReplicaError


@says(ReplicaError)
def _replica_error(error: ReplicaError, drive: str) -> str:
    repair = command("check", error.replica or drive, "--repair")
    match error.repair:
        case None:
            return str(error)
        case Repair.SAVES_WHAT_IS_THERE:
            return f"{error}: '{repair}' saves what is there."
        case Repair.IF_NO_LATER_VERSION:
            return f"{error}; if there is none, '{repair}' puts it right."
    assert_never(error.repair)


@says(IndexDamaged)
def _index_damaged(error: IndexDamaged, drive: str) -> str:
    return (
        f"the index of the local copy is damaged ({error.strerror}); what is written is kept in its"
        " journal, and nothing is lost: unmount, then"
        f" '{command('check', drive, '--repair')}' puts it right"
    )
