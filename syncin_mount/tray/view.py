"""What is known of the drives, and what an icon, a tooltip and a menu say of that. Pure."""

from __future__ import annotations

import enum
import html
from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never

from syncin_mount.advice import command
from syncin_mount.app.drives.drive_state import DriveState
from syncin_mount.app.messages.quantities import conflicts, problems
from syncin_mount.control.supervision import Phase
from syncin_mount.desktop.page import Place
from syncin_mount.language import mark, t, tn
from syncin_mount.printable import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syncin_mount.control.messages import Summary

TITLE = "Sync-in"

TOOLTIP_DRIVES = 10
"""Drives that the tooltip lists; the rest is counted."""

_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0


class Kind(enum.Enum):
    """What the icon shows. Of several drives the first that one of them has, in this order.

    ``OFFLINE``: nothing is transferred now, and that is tried again by itself. ``STOPPED``: nothing
    is mounted.
    """

    NEEDS_YOU = "needs you"
    SYNCING = "syncing"
    OFFLINE = "offline"
    IDLE = "up to date"
    PAUSED = "paused"
    STOPPED = "not mounted"


_KINDS = {
    Kind.NEEDS_YOU: mark("needs you"),
    Kind.SYNCING: mark("syncing"),
    Kind.OFFLINE: mark("offline"),
    Kind.IDLE: mark("up to date"),
    Kind.PAUSED: mark("paused"),
    Kind.STOPPED: mark("not mounted"),
}


@dataclass(frozen=True, slots=True)
class DriveView:
    """A drive at one moment. ``summary`` is None while its daemon did not tell; ``why`` says why it
    is not mounted though it should be. ``paused`` is as it is configured."""

    name: str
    phase: Phase
    point: str = ""
    paused: bool = False
    summary: Summary | None = None
    why: str | None = None

    @property
    def state(self) -> DriveState | None:
        """As its daemon tells it; None where it does not, or of a later version."""
        if self.summary is None or self.phase is not Phase.UP:
            return None
        try:
            return DriveState(self.summary.state)
        except ValueError:
            return None


@dataclass(frozen=True, slots=True)
class Need:
    """Something that only a person can see to. ``text`` says what and what to do, in full."""

    drive: str
    title: str
    text: str
    place: Place


@dataclass(frozen=True, slots=True)
class Tooltip:
    """``text`` is markup, as the hosts read it."""

    title: str
    text: str


def kind_of(drive: DriveView) -> Kind:
    """What an icon of this drive alone would show."""
    if drive.phase is not Phase.UP:
        return Kind.NEEDS_YOU if drive.why else Kind.STOPPED
    match drive.state:
        case DriveState.HALTED | DriveState.REFUSED | DriveState.PROBLEMS:
            return Kind.NEEDS_YOU
        case DriveState.SYNCING | DriveState.DOWNLOADING:
            return Kind.SYNCING
        case DriveState.OFFLINE | DriveState.FAILED:
            return Kind.OFFLINE
        case DriveState.PAUSED:
            return Kind.PAUSED
        case DriveState.UNMOUNTED:
            return Kind.STOPPED
        case DriveState.IDLE | DriveState.WAITING | DriveState.WAITS_FOR_TURN:
            return Kind.IDLE
        case None:
            return Kind.PAUSED if drive.paused else Kind.IDLE
    assert_never(drive.state)


def overall(drives: Sequence[DriveView]) -> Kind:
    """What the icon shows of all of them."""
    found = {kind_of(each) for each in drives}
    return next((kind for kind in Kind if kind in found), Kind.STOPPED)


def words(drive: DriveView) -> str:
    """How it is, in some words."""
    match drive.phase:
        case Phase.UP:
            return _words_of_mounted(drive)
        case Phase.STARTING:
            return t("being mounted")
        case Phase.STOPPING:
            return t("being unmounted")
        case Phase.WAITING:
            return t("cannot be mounted") if drive.why else t("being mounted")
        case Phase.DOWN:
            return t("not mounted")
    assert_never(drive.phase)


_WORDS = {
    DriveState.PAUSED: mark("paused"),
    DriveState.HALTED: mark("stopped, needs you"),
    DriveState.REFUSED: mark("refused by the server"),
    DriveState.UNMOUNTED: mark("not mounted"),
    DriveState.OFFLINE: mark("offline"),
    DriveState.WAITS_FOR_TURN: mark("waits for its turn"),
    DriveState.SYNCING: mark("syncing"),
    DriveState.DOWNLOADING: mark("downloading"),
    DriveState.FAILED: mark("the last run failed"),
    DriveState.PROBLEMS: mark("problems"),
    DriveState.WAITING: mark("tried again"),
    DriveState.IDLE: mark("up to date"),
}


def _words_of_mounted(drive: DriveView) -> str:
    summary, state = drive.summary, drive.state
    if summary is None or state is None:
        return t("paused") if drive.paused else t("mounted")
    word, waiting = t(_WORDS[state]), summary.waiting
    pending = tn("{count} change pending", "{count} changes pending", waiting)
    match state:
        case DriveState.PAUSED | DriveState.OFFLINE if summary.waiting:
            return f"{word}, {pending}"
        case DriveState.SYNCING | DriveState.DOWNLOADING:
            return _at_work(word, summary)
        case DriveState.PROBLEMS:
            return problems(summary.problems)
        case DriveState.IDLE if summary.waiting:
            return pending
        case _:
            return word


def _at_work(word: str, summary: Summary) -> str:
    if summary.files:
        far = t("{done} of {all}", done=summary.files_done, all=summary.files)
        word = f"{word} {far}"
    if summary.left is None:
        return word
    left = t("{time} left", time=duration(summary.left))
    return f"{word} · {left}"


def duration(seconds: float) -> str:
    """Roughly: a number that changes each second would be sent each second."""
    if seconds < _MINUTE:
        return t("less than 1 min")
    if seconds < _HOUR:
        return t("{minutes} min", minutes=round(seconds / _MINUTE))
    if seconds < _DAY:
        return t("{hours} h", hours=round(seconds / _HOUR))
    return tn("{count} day", "{count} days", round(seconds / _DAY))


def needs(drive: DriveView) -> list[Need]:
    """What of this drive needs somebody, the most urgent first."""
    name, summary = drive.name, drive.summary
    if drive.phase is not Phase.UP:
        if not drive.why:
            return []
        return [Need(name, t("{drive} cannot be mounted", drive=name), drive.why, Place.PROBLEMS)]
    if summary is None:
        return []
    found = []
    if summary.halted:
        found.append(Need(name, t("{drive} is stopped", drive=name), summary.halted, Place.HALT))
    if summary.refused:
        title = t("{drive} is refused by the server", drive=name)
        found.append(Need(name, title, summary.refused, Place.LOG_IN))
    if summary.problems:
        number = problems(summary.problems)
        text = t("{number}; look with: {command}", number=number, command=command("status", name))
        title = t("{drive} has {number}", drive=name, number=number)
        found.append(Need(name, title, text, Place.PROBLEMS))
    if summary.conflicts:
        number, listing = conflicts(summary.conflicts), command("conflicts", name)
        text = t("{number}; look with: {command}", number=number, command=listing)
        title = t("{drive} has {number}", drive=name, number=number)
        found.append(Need(name, title, text, Place.CONFLICTS))
    return found


def tooltip(drives: Sequence[DriveView]) -> Tooltip:
    """A line for each drive; those that need somebody come first where there are many."""
    if not drives:
        return Tooltip(TITLE, t("no synchronization is enabled"))
    shown = foremost(drives, TOOLTIP_DRIVES)
    lines = [f"{printable(each.name)}: {printable(words(each))}" for each in shown]
    if len(shown) < len(drives):
        lines.append(tn("and {count} more", "and {count} more", len(drives) - len(shown)))
    text = "\n".join(html.escape(line, quote=False) for line in lines)
    return Tooltip(f"{TITLE}: {t(_KINDS[overall(drives)])}", text)


def foremost(drives: Sequence[DriveView], most: int) -> list[DriveView]:
    """So many of them in their order: those that need somebody, then those at work, then the
    rest."""
    if len(drives) <= most:
        return list(drives)
    rank = {kind: place for place, kind in enumerate(Kind)}
    chosen = sorted(range(len(drives)), key=lambda at: (rank[kind_of(drives[at])], at))[:most]
    return [drives[at] for at in sorted(chosen)]
