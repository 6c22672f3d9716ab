"""Sentences about what the reconciler found: halts, pending changes, problems."""

from __future__ import annotations

from typing import assert_never

from reconciler.engine.pending_reason import Hold, PendingReason, PendingState, StaysLocal
from reconciler.model import Side
from reconciler.planner.guards import Danger, Halt, Halted
from syncin_mount.app.messages import remedies, says, sentence
from syncin_mount.language import mark, t, tn

_WAY_OUT = mark("Look with “sync --dry-run”; if it is meant, run “sync --yes”.")
_LOOK_AGAIN = mark("Look again with “{command}”.")
_REGISTER = mark("Register it again with “{register}”, or remove it with “{remove}”.")
_ENABLE = mark("Enable it there, or here with “{command}”.")
"""How the sentence of a halt ends in a terminal; the page has the buttons beside it."""


def _ended(said: str, end: str) -> str:
    return said if remedies.on_page() else f"{said} {end}"


@says(Halted)
def _halted(error: Halted, drive: str) -> str:
    return _halt(error.halt, drive)


@says(Halt)
def _halt(halt: Halt, drive: str) -> str:
    here = halt.side is Side.LOCAL
    match halt.danger:
        case Danger.EMPTIED:
            said = (
                t(
                    "Nothing was done: the server's folder is empty now, so all that is here would"
                    " be deleted."
                )
                if here
                else t(
                    "Nothing was done: the folder here is empty now, so all that is on the server"
                    " would be deleted."
                )
            )
            return _ended(said, t(_WAY_OUT))
        case Danger.FIRST_RUN:
            said = (
                t("Nothing was done: this first run would delete more here than it keeps.")
                if here
                else t(
                    "Nothing was done: this first run would delete more on the server than it"
                    " keeps."
                )
            )
            return _ended(said, t(_WAY_OUT))
        case Danger.MASS_DELETION:
            return _ended(_mass_deletion(halt, here=here), t(_WAY_OUT))
        case Danger.OTHER_PLAN:
            said = t(
                "Nothing was done: the plan {plan} is not what would be done now.", plan=halt.told
            )
            return _ended(said, t(_LOOK_AGAIN, command="sync --dry-run"))
        case Danger.ROOT_GONE:
            return t(
                "Nothing was done: the folder “{folder}” is not on the server any more. Restore it"
                " there (the trash may have it), or remove this synchronization; the files here"
                " stay as they are.",
                folder=halt.folder,
            )
        case Danger.SPELLING:
            return t(
                "Nothing was done: the server now says “{other}” for the folder “{folder}”, which"
                " differs in spelling only and may be another folder. Rename one of them on the"
                " server, or add the synchronization anew.",
                other=halt.told,
                folder=halt.folder,
            )
        case Danger.UNREGISTERED | Danger.RIGHTS_GONE | Danger.DISABLED:
            return _not_wanted(halt, halt.danger, drive)
        case _:
            assert_never(halt.danger)


def _mass_deletion(halt: Halt, *, here: bool) -> str:
    values = {"folder": halt.folder, "before": halt.before}
    if here and halt.before:
        return tn(
            "Nothing is deleted here, and all else goes on: {count} file, more than half of all,"
            " would be deleted here, {before} of them went in the last hour already.",
            "Nothing is deleted here, and all else goes on: {count} files, more than half of all,"
            " would be deleted here, {before} of them went in the last hour already.",
            halt.count,
            **values,
        )
    if here:
        return tn(
            "Nothing is deleted here, and all else goes on: {count} file, more than half of all,"
            " would be deleted here.",
            "Nothing is deleted here, and all else goes on: {count} files, more than half of all,"
            " would be deleted here.",
            halt.count,
        )
    if halt.before:
        return tn(
            "Nothing is deleted on the server, and all else goes on: {count} file, more than half"
            " of all, would be deleted on the server, {before} of them went in the last hour"
            " already.",
            "Nothing is deleted on the server, and all else goes on: {count} files, more than half"
            " of all, would be deleted on the server, {before} of them went in the last hour"
            " already.",
            halt.count,
            **values,
        )
    return tn(
        "Nothing is deleted on the server, and all else goes on: {count} file, more than half of"
        " all, would be deleted on the server.",
        "Nothing is deleted on the server, and all else goes on: {count} files, more than half of"
        " all, would be deleted on the server.",
        halt.count,
    )


def _not_wanted(halt: Halt, danger: Danger, drive: str) -> str:
    """The server does not let this computer synchronize, or change, the folder any more."""
    if danger is Danger.RIGHTS_GONE:
        if remedies.on_page():
            return tn(
                "Nothing was done: the server gives no right to change “{folder}” any more, and"
                " {count} change that waits here would go to the bin. Ask for the right, copy what"
                " you need elsewhere, or look at the plan and let it pass.",
                "Nothing was done: the server gives no right to change “{folder}” any more, and"
                " {count} changes that wait here would go to the bin. Ask for the right, copy what"
                " you need elsewhere, or look at the plan and let it pass.",
                halt.count,
                folder=halt.folder,
            )
        return tn(
            "Nothing was done: the server gives no right to change “{folder}” any more, and"
            " {count} change that waits here would go to the bin. Ask for the right, copy what you"
            " need elsewhere, or run “sync --yes” to have it in the bin.",
            "Nothing was done: the server gives no right to change “{folder}” any more, and"
            " {count} changes that wait here would go to the bin. Ask for the right, copy what you"
            " need elsewhere, or run “sync --yes” to have it in the bin.",
            halt.count,
            folder=halt.folder,
        )
    if danger is Danger.DISABLED:
        said = t(
            "Nothing was done: the synchronization of “{folder}” was disabled on the account page."
            " What is here stays, and waits.",
            folder=halt.folder,
        )
        return _ended(said, t(_ENABLE, command=remedies.enable(drive)))
    said = t(
        "Nothing was done: the server has no synchronization of “{folder}” for this computer any"
        " more (it may have been removed on the account page, or its share or space was taken"
        " away). What was not sent yet stays here.",
        folder=halt.folder,
    )
    register, remove = remedies.register(drive), remedies.remove(drive)
    return _ended(said, t(_REGISTER, register=register, remove=remove))


@says(PendingReason)
def _pending(reason: PendingReason, drive: str) -> str:  # noqa: C901, PLR0912 - a table
    why = "" if reason.cause is None else sentence(reason.cause, drive)
    match reason.state:
        case PendingState.SENDING:
            return t("it is just being sent")
        case PendingState.HELD:
            if reason.cause is Hold.FOLDER:
                return t(
                    "You hold a folder that it is in; {command} lets it go.",
                    command=remedies.release(),
                )
            return t("You hold it; {command} lets it go.", command=remedies.release())
        case PendingState.WRITING:
            return t("it is being written")
        case PendingState.HALTED:
            return t("halted: {why}", why=why)
        case PendingState.REFUSED:
            return t("refused: {why}", why=why)
        case PendingState.OFFLINE:
            return t("offline: {why}", why=why)
        case PendingState.PAUSED:
            return remedies.either(
                t("nothing is carried until “resume”"), t("nothing is carried until “Resume”")
            )
        case PendingState.FOLLOWS:
            return t("nothing is sent: this drive only follows the server")
        case PendingState.LATER:
            return why
        case PendingState.WAITS:
            return why or t(
                "the server has it otherwise than expected; the next listing tells more"
            )
        case PendingState.SETTLING:
            return t("it was just changed, and goes when it is left alone for a moment")
        case PendingState.MANUAL:
            return remedies.either(t("it waits for “sync”"), t("it waits for “Sync now”"))
        case PendingState.NEXT:
            return t("it goes next")
        case PendingState.RESTING:
            return t("the drive is not mounted")
        case PendingState.LOCAL:
            if reason.cause is StaysLocal.NOT_UTF8:
                return t("it stays here: its path is not UTF-8, and the server can hold no other")
            return t("it stays here: its name or a filter leaves it out")
        case _:
            assert_never(reason.state)
