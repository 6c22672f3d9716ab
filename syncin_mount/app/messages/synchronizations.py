"""Sentences about synchronizations that are added, edited or removed, and the folders for them."""

from __future__ import annotations

from typing import assert_never

from syncin_mount.app.accounts.remote_folders import Objection, Unsuited
from syncin_mount.app.messages import command, says, sentence
from syncin_mount.app.messages.quantities import count, size
from syncin_mount.app.runtime.free_space import DownloadsDoNotFit, Room
from syncin_mount.app.synchronizations.addition import NotListed, NotTakenBack
from syncin_mount.app.synchronizations.removal import KeptCopy, OnlyHere


@says(Objection)
def _objection(objection: Objection, _drive: str) -> str:
    match objection.kind:
        case Unsuited.FILE:
            return "a file; choose a folder"
        case Unsuited.CONTROL_CHARACTERS:
            return "control characters in its path; rename it there"
        case Unsuited.ONLY_IN_PARTS:
            return "cannot be synchronized whole: choose a folder in it"
        case Unsuited.PATH:
            return objection.why
        case Unsuited.DISABLED:
            return "disabled on the server; its managers can enable it"
        case Unsuited.SYNCHRONIZED:
            return f"synchronized as '{objection.drive}' already"
        case Unsuited.AROUND:
            return f"the folder of '{objection.drive}' is in it"
        case Unsuited.INSIDE:
            return f"it is in the folder of '{objection.drive}'"
        case _:
            assert_never(objection.kind)


@says(NotTakenBack)
def _not_taken_back(left: NotTakenBack, _drive: str) -> str:
    return (
        f"the server keeps the entry '{left.drive}', which can be removed on the account page"
        f" ({sentence(left.error)})"
    )


@says(NotListed)
def _not_listed(failure: NotListed, _drive: str) -> str:
    return f"what the server has cannot be listed now ({sentence(failure.error)})"


@says(Room)
def _room(room: Room, _drive: str) -> str:
    more = "" if room.need.whole else "more than "
    return (
        f"a complete copy needs {more}{size(room.needed_bytes)} for"
        f" {count(room.need.files, 'file')}, and {size(room.free_bytes)} are free where local"
        f" copies are ({room.folder})"
    )


@says(OnlyHere)
def _only_here(held: OnlyHere, _drive: str) -> str:
    """A clause about the local copy: what is lost with it; "" where nothing is."""
    if held.trouble:
        return f"cannot be looked into ({held.trouble})"
    lost = []
    if held.unsent:
        lost.append(f"{count(len(held.unsent), 'change')} that the server does not have")
    if held.local:
        local = count(len(held.local), "file or link", "files and links")
        lost.append(f"{local} that only this computer has")
    if held.binned:
        lost.append(f"{count(len(held.binned), 'entry', 'entries')} in the bin")
    return f"holds {' and '.join(lost)}" if lost else ""


@says(KeptCopy)
def _kept(kept: KeptCopy, drive: str) -> str:
    copied = kept.copied
    return f"{drive}: {count(copied.files, 'file')}, {size(copied.bytes)}, copied to {kept.place}"


@says(DownloadsDoNotFit)
def _downloads_do_not_fit(problem: DownloadsDoNotFit, drive: str) -> str:
    room = problem.room
    return (
        f"what is still to be downloaded ({count(room.need.files, 'file')}) needs"
        f" {size(room.needed_bytes)}, and {size(room.free_bytes)} are free in {room.folder}; make"
        f" room there, or leave files out: {command('filter', 'add', drive, 'RULE')}"
    )
