"""Sentences about what the reconciler found: halts, pending changes, problems."""

from __future__ import annotations

from typing import assert_never

from reconciler.engine.pending_reason import Hold, PendingReason, PendingState, StaysLocal
from reconciler.model import Side
from reconciler.planner.guards import Danger, Halt, Halted
from syncin_mount.app.messages import command, says, sentence

_WAY_OUT = "Look with “sync --dry-run”; if it is meant, run “sync --yes”."


_LOOK_AGAIN = "Look again with"
_REGISTER = "Register it again with"
_ENABLE = "Enable it there, or here with"
"""How the parts of sentences begin that name commands."""


def with_buttons(sentence: str) -> str:
    """The sentence of a halt for who is shown buttons instead of commands."""
    for command_part in (_WAY_OUT, _LOOK_AGAIN, _REGISTER, _ENABLE):
        before, found, _ = sentence.rpartition(f" {command_part}")
        if found:
            return before
    return sentence


@says(Halted)
def _halted(error: Halted, drive: str) -> str:
    return _halt(error.halt, drive)


@says(Halt)
def _halt(halt: Halt, drive: str) -> str:
    where, other = (
        ("here", "the server's folder")
        if halt.side is Side.LOCAL
        else ("on the server", "the folder here")
    )
    match halt.danger:
        case Danger.EMPTIED:
            return (
                f"Nothing was done: {other} is empty now, so all that is {where} would be deleted."
                f" {_WAY_OUT}"
            )
        case Danger.FIRST_RUN:
            return (
                f"Nothing was done: this first run would delete more {where} than it keeps."
                f" {_WAY_OUT}"
            )
        case Danger.MASS_DELETION:
            before = f", {halt.before} of them went in the last hour already" if halt.before else ""
            return (
                f"Nothing is deleted {where}, and all else goes on: {halt.count} files, more than"
                f" half of all, would be deleted {where}{before}. {_WAY_OUT}"
            )
        case Danger.OTHER_PLAN:
            return (
                f"Nothing was done: the plan {halt.told} is not what would be done now."
                f" {_LOOK_AGAIN} “sync --dry-run”."
            )
        case Danger.ROOT_GONE:
            return (
                f"Nothing was done: the folder “{halt.folder}” is not on the server any more."
                " Restore it there (the trash may have it), or remove this synchronization; the"
                " files here stay as they are."
            )
        case Danger.SPELLING:
            return (
                f"Nothing was done: the server now says “{halt.told}” for the folder"
                f" “{halt.folder}”, which differs in spelling only and may be another folder."
                " Rename one of them on the server, or add the synchronization anew."
            )
        case Danger.UNREGISTERED | Danger.RIGHTS_GONE | Danger.DISABLED:
            return _not_wanted(halt, halt.danger, drive)
        case _:
            assert_never(halt.danger)


def _not_wanted(halt: Halt, danger: Danger, drive: str) -> str:
    """The server does not let this computer synchronize, or change, the folder any more."""
    if danger is Danger.RIGHTS_GONE:
        changes = "1 change that waits" if halt.count == 1 else f"{halt.count} changes that wait"
        return (
            f"Nothing was done: the server gives no right to change “{halt.folder}” any more, and"
            f" {changes} here would go to the bin. Ask for the right, copy what you need elsewhere,"
            " or run “sync --yes” to have it in the bin."
        )
    if danger is Danger.DISABLED:
        return (
            f"Nothing was done: the synchronization of “{halt.folder}” was disabled on the account"
            f" page. What is here stays, and waits. {_ENABLE} “{command('enable', drive)}”."
        )
    return (
        f"Nothing was done: the server has no synchronization of “{halt.folder}” for this computer"
        " any more (it may have been removed on the account page, or its share or space was taken"
        f" away). What was not sent yet stays here. {_REGISTER}"
        f" “{command('edit', drive, '--register')}”, or remove it with"
        f" “{command('remove', drive)}”."
    )


@says(PendingReason)
def _pending(reason: PendingReason, drive: str) -> str:  # noqa: C901, PLR0912 - a table
    why = "" if reason.cause is None else sentence(reason.cause, drive)
    match reason.state:
        case PendingState.SENDING:
            return "it is just being sent"
        case PendingState.HELD:
            what = "a folder that it is in" if reason.cause is Hold.FOLDER else "it"
            return f"You hold {what}; “journal release” lets it go."
        case PendingState.WRITING:
            return "it is being written"
        case PendingState.HALTED:
            return f"halted: {why}"
        case PendingState.REFUSED:
            return f"refused: {why}"
        case PendingState.OFFLINE:
            return f"offline: {why}"
        case PendingState.PAUSED:
            return "nothing is carried until “resume”"
        case PendingState.FOLLOWS:
            return "nothing is sent: this drive only follows the server"
        case PendingState.LATER:
            return why
        case PendingState.WAITS:
            return why or "the server has it otherwise than expected; the next listing tells more"
        case PendingState.SETTLING:
            return "it was just changed, and goes when it is left alone for a moment"
        case PendingState.MANUAL:
            return "it waits for “sync”"
        case PendingState.NEXT:
            return "it goes next"
        case PendingState.RESTING:
            return "the drive is not mounted"
        case PendingState.LOCAL:
            if reason.cause is StaysLocal.NOT_UTF8:
                return "it stays here: its path is not UTF-8, and the server can hold no other"
            return "it stays here: its name or a filter leaves it out"
        case _:
            assert_never(reason.state)
