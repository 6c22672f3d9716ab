"""Sentences about the local copy: what damages it, what keeps it from being used, and what a check
or a repair of it found."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from syncin_mount.app.messages import remedies, says
from syncin_mount.language import said, t, tn
from syncin_mount.store.errors import IndexDamaged, Repair, ReplicaError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syncin_mount.app.support.copy_check import Checked


@says(ReplicaError)
def _replica_error(error: ReplicaError, drive: str) -> str:
    repair = remedies.repair(error.replica or drive)
    match error.repair:
        case None:
            return said(error)
        case Repair.SAVES_WHAT_IS_THERE:
            return t("{error}: {command} saves what is there", error=error, command=repair)
        case Repair.IF_NO_LATER_VERSION:
            return t(
                "{error}; if there is none, {command} puts it right", error=error, command=repair
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


def findings(checked: Checked) -> Iterator[str]:
    """What was wrong, a line each; or that nothing was."""
    if not checked.there:
        yield t("nothing was synchronized yet: there is no local copy")
    elif checked.found:
        yield from map(said, checked.found)
    else:
        yield t("all was in order") if checked.repaired else t("all is in order")


def outcome(checked: Checked) -> Iterator[str]:
    """What a repair came to."""
    if checked.aside is None:
        return
    yield t(
        "repaired; the damaged files are in {aside}, and may be removed when nothing is missed",
        aside=checked.aside,
    )
    if checked.bases_ended:
        yield t("the next synchronization unites both sides and deletes nothing")


def trouble(checked: Checked, drive: str) -> str | None:
    """What is out of order now, and what helps; None where nothing is."""
    if not checked.left:
        return None
    if checked.repaired:
        some = "; ".join(map(said, checked.left[:5]))
        return t("this is still out of order: {names}", names=some)
    return tn(
        "{count} thing of '{drive}' out of order; repair it, which keeps all contents: {command}",
        "{count} things of '{drive}' out of order; repair it, which keeps all contents: {command}",
        len(checked.left),
        drive=drive,
        command=remedies.repair(drive, "{command}"),
    )
