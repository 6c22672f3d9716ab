"""What people are told of halts and of changes that are pending."""

from __future__ import annotations

import re

import pytest

from reconciler.engine.pending_reason import Hold, PendingReason, PendingState, StaysLocal
from reconciler.model import Side
from reconciler.planner import guards
from reconciler.planner.guards import Danger, Halt
from syncin_mount.advice import Reader, writing_for
from syncin_mount.app.messages import sentence

WAY_OUT = "Look with “sync --dry-run”; if it is meant, run “sync --yes”."


def row(halt: Halt | None, told: str) -> tuple[Halt, str]:
    assert halt is not None
    return halt, told


HALTS = [
    row(
        Halt(Danger.EMPTIED, side=Side.LOCAL),
        "Nothing was done: the server's folder is empty now, so all that is here would be deleted."
        f" {WAY_OUT}",
    ),
    row(
        Halt(Danger.EMPTIED, side=Side.REMOTE, only=Side.REMOTE),
        "Nothing was done: the folder here is empty now, so all that is on the server would be"
        f" deleted. {WAY_OUT}",
    ),
    row(
        Halt(Danger.MASS_DELETION, side=Side.REMOTE, count=40, before=25),
        "Nothing is deleted on the server, and all else goes on: 40 files, more than half of all,"
        " would be deleted on the server, 25 of them went in the last hour already. " + WAY_OUT,
    ),
    row(
        Halt(Danger.FIRST_RUN, side=Side.LOCAL),
        f"Nothing was done: this first run would delete more here than it keeps. {WAY_OUT}",
    ),
    row(
        guards.other_plan("1a2b"),
        "Nothing was done: the plan 1a2b is not what would be done now. Look again with"
        " “sync --dry-run”.",
    ),
    row(
        guards.root_gone("personal/x"),
        "Nothing was done: the folder “personal/x” is not on the server any more. Restore it there"
        " (the trash may have it), or remove this synchronization; the files here stay as they"
        " are.",
    ),
    row(
        guards.respelled("personal/x", "personal/X"),
        "Nothing was done: the server now says “personal/X” for the folder “personal/x”, which"
        " differs in spelling only and may be another folder. Rename one of them on the server, or"
        " add the synchronization anew.",
    ),
    row(
        guards.unregistered("personal/x"),
        "Nothing was done: the server has no synchronization of “personal/x” for this computer any"
        " more (it may have been removed on the account page, or its share or space was taken"
        " away). What was not sent yet stays here. Register it again with “syncin-mount edit"
        " 'my docs' --register”, or remove it with “syncin-mount remove 'my docs'”.",
    ),
    row(
        guards.disabled("personal/x"),
        "Nothing was done: the synchronization of “personal/x” was disabled on the account page."
        " What is here stays, and waits. Enable it there, or here with “syncin-mount enable 'my"
        " docs'”.",
    ),
    row(
        guards.rights_gone("personal/x", 1),
        "Nothing was done: the server gives no right to change “personal/x” any more, and 1 change"
        " that waits here would go to the bin. Ask for the right, copy what you need elsewhere, or"
        " run “sync --yes” to have it in the bin.",
    ),
]


@pytest.mark.parametrize(("halt", "told"), HALTS, ids=lambda each: str(each)[:40])
def test_a_halt_says_what_why_and_what_to_do(halt: Halt, told: str) -> None:
    assert sentence(halt, "my docs") == told
    assert sentence(guards.Halted(halt), "my docs") == told


def test_every_danger_has_a_sentence() -> None:
    assert {halt.danger for halt, _ in HALTS} == set(Danger)


PENDING = [
    (PendingReason(PendingState.SENDING), "it is just being sent"),
    (PendingReason(PendingState.HELD, Hold.NODE), "You hold it; “journal release” lets it go."),
    (
        PendingReason(PendingState.HELD, Hold.FOLDER),
        "You hold a folder that it is in; “journal release” lets it go.",
    ),
    (PendingReason(PendingState.WRITING), "it is being written"),
    (
        PendingReason(PendingState.FOLLOWS),
        "nothing is sent: this drive only follows the server",
    ),
    (
        PendingReason(PendingState.HALTED, guards.root_gone("x")),
        f"halted: {sentence(guards.root_gone('x'))}",
    ),
    (PendingReason(PendingState.REFUSED, "no right", 5.0), "refused: no right"),
    (PendingReason(PendingState.OFFLINE, "no route"), "offline: no route"),
    (PendingReason(PendingState.PAUSED), "nothing is carried until “resume”"),
    (PendingReason(PendingState.LATER, "locked"), "locked"),
    (PendingReason(PendingState.WAITS, "its folder waits"), "its folder waits"),
    (
        PendingReason(PendingState.WAITS),
        "the server has it otherwise than expected; the next listing tells more",
    ),
    (
        PendingReason(PendingState.SETTLING),
        "it was just changed, and goes when it is left alone for a moment",
    ),
    (PendingReason(PendingState.MANUAL), "it waits for “sync”"),
    (PendingReason(PendingState.NEXT), "it goes next"),
    (PendingReason(PendingState.RESTING), "the drive is not mounted"),
    (
        PendingReason(PendingState.LOCAL, StaysLocal.LEFT_OUT),
        "it stays here: its name or a filter leaves it out",
    ),
    (
        PendingReason(PendingState.LOCAL, StaysLocal.NOT_UTF8),
        "it stays here: its path is not UTF-8, and the server can hold no other",
    ),
]


@pytest.mark.parametrize(("reason", "told"), PENDING, ids=lambda each: str(each)[:40])
def test_a_pending_change_says_why(reason: PendingReason, told: str) -> None:
    assert sentence(reason, "docs") == told


def test_every_state_has_a_sentence() -> None:
    assert {reason.state for reason, _ in PENDING} == set(PendingState)


def on_page(value: object) -> str:
    with writing_for(Reader.PAGE):
        return sentence(value, "my docs")


@pytest.mark.parametrize(("halt", "told"), HALTS)
def test_who_has_buttons_reads_no_commands_for_what_they_do(halt: Halt, told: str):
    way_out = re.compile(f" ({re.escape(WAY_OUT)}|(Look again|Register it|Enable it) .*)$")
    look = "look at the plan and let it pass"
    wanted = way_out.sub("", told).replace("run “sync --yes” to have it in the bin", look)
    assert on_page(halt) == wanted


@pytest.mark.parametrize(("reason", "told"), PENDING, ids=lambda each: str(each)[:40])
def test_who_has_buttons_reads_their_words(reason: PendingReason, told: str):
    words = {
        "“journal release”": "“Release” in “Waiting”",
        "“resume”": "“Resume”",
        "“sync”": "“Sync now”",
    }
    for command, button in words.items():
        told = told.replace(command, button)
    assert on_page(reason) == told
