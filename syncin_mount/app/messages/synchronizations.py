"""Sentences about synchronizations that are added, edited or removed, and the folders for them."""

from __future__ import annotations

from typing import assert_never

from syncin_mount.app.accounts.remote_folders import Objection, Unsuited
from syncin_mount.app.messages import remedies, says, sentence
from syncin_mount.app.messages.quantities import files, size
from syncin_mount.app.runtime.free_space import DownloadsDoNotFit, Room
from syncin_mount.app.states.only_here import OnlyHere
from syncin_mount.app.synchronizations.addition import NotListed, NotTakenBack
from syncin_mount.app.synchronizations.removal import KeptCopy
from syncin_mount.language import mark, said, t, tn

WELCOME = (
    mark(
        "All your files are on this computer and on your server: you work with them as with any"
        " others, also without a network."
    ),
    mark("What changes here goes to the server by itself, and what changes there comes here."),
    mark(
        "When both sides changed a file, one version becomes the file; the other one goes to a"
        " trash, as deleted files do, and can be brought back."
    ),
)
"""What happens to files: told before the first drive. The page says the same
(`syncin_mount/web/static/assistant.js`); a test compares them."""


@says(Objection)
def _objection(objection: Objection, _drive: str) -> str:
    match objection.kind:
        case Unsuited.FILE:
            return t("a file; choose a folder")
        case Unsuited.CONTROL_CHARACTERS:
            return t("control characters in its path; rename it there")
        case Unsuited.ONLY_IN_PARTS:
            return t("cannot be synchronized whole: choose a folder in it")
        case Unsuited.PATH:
            return said(objection.why)
        case Unsuited.DISABLED:
            return t("disabled on the server; its managers can enable it")
        case Unsuited.SYNCHRONIZED:
            return t("synchronized as '{drive}' already", drive=objection.drive)
        case Unsuited.AROUND:
            return t("the folder of '{drive}' is in it", drive=objection.drive)
        case Unsuited.INSIDE:
            return t("it is in the folder of '{drive}'", drive=objection.drive)
        case _:
            assert_never(objection.kind)


@says(NotTakenBack)
def _not_taken_back(left: NotTakenBack, _drive: str) -> str:
    return t(
        "the server keeps the entry '{drive}', which can be removed on the account page ({why})",
        drive=left.drive,
        why=sentence(left.error),
    )


@says(NotListed)
def _not_listed(failure: NotListed, _drive: str) -> str:
    why = sentence(failure.error)
    return t("what the server has cannot be listed now ({why})", why=why)


@says(Room)
def _room(room: Room, _drive: str) -> str:
    values = {
        "needed": size(room.needed_bytes),
        "files": files(room.need.files),
        "free": size(room.free_bytes),
        "folder": room.folder,
    }
    if room.need.whole:
        return t(
            "a complete copy needs {needed} for {files}, and {free} are free where local copies are"
            " ({folder})",
            **values,
        )
    return t(
        "a complete copy needs more than {needed} for {files}, and {free} are free where local"
        " copies are ({folder})",
        **values,
    )


@says(OnlyHere)
def _only_here(held: OnlyHere, _drive: str) -> str:
    """A clause about the local copy: what is lost with it; "" where nothing is."""
    if held.trouble:
        return t("cannot be looked into ({why})", why=held.trouble)
    lost = []
    if held.unsent:
        lost.append(unsent(len(held.unsent)))
    if held.local:
        lost.append(local(len(held.local)))
    if held.binned:
        lost.append(tn("{count} entry in the bin", "{count} entries in the bin", len(held.binned)))
    return t("holds {what}", what=t(" and ").join(lost)) if lost else ""


def unsent(count: int) -> str:
    """Of changes that would be lost."""
    return tn(
        "{count} change that the server does not have",
        "{count} changes that the server does not have",
        count,
    )


def local(count: int) -> str:
    """Of what no server has."""
    return tn(
        "{count} file or link that only this computer has",
        "{count} files and links that only this computer has",
        count,
    )


@says(KeptCopy)
def _kept(kept: KeptCopy, drive: str) -> str:
    copied = kept.copied
    return t(
        "{drive}: {files}, {size}, copied to {place}",
        drive=drive,
        files=files(copied.files),
        size=size(copied.bytes),
        place=kept.place,
    )


@says(DownloadsDoNotFit)
def _downloads_do_not_fit(problem: DownloadsDoNotFit, drive: str) -> str:
    room = problem.room
    return t(
        "what is still to be downloaded ({files}) needs {needed}, and {free} are free in {folder};"
        " make room there, or leave files out: {command}",
        files=files(room.need.files),
        needed=size(room.needed_bytes),
        free=size(room.free_bytes),
        folder=room.folder,
        command=remedies.leave_out(drive),
    )
