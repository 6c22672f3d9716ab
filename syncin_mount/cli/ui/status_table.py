"""How synchronizations are, as people read it: a table, and below it what is under way and what
went wrong. Pure."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, assert_never

from msgspec import structs

from syncin_mount import advice
from syncin_mount.app.drives.drive_state import DriveState, state_of
from syncin_mount.app.messages import quantities
from syncin_mount.cli.exit_status import Exit, exit_for
from syncin_mount.cli.ui import grouping, output, progress_text
from syncin_mount.cli.ui.progress_text import duration
from syncin_mount.control.supervision import Phase
from syncin_mount.language import mark, t, tn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syncin_mount.app.runs.status_poller import DriveState as Seen
    from syncin_mount.config import Synchronization
    from syncin_mount.control.messages import Problem, Progress, Running, Status
    from syncin_mount.control.supervision import Supervised

EMPTY = mark("no synchronizations yet; add one: syncin-mount add")

TRANSFERS = 4
PROBLEMS = 3
"""How many of each are listed of one synchronization; the rest is counted."""

SHOWN = 8
"""Transfers that are listed where one synchronization alone is shown."""


@dataclass(frozen=True, slots=True)
class StatusRow:
    """A synchronization at one moment. ``status`` is None while its daemon starts or ends,
    ``supervised`` without a supervisor, or one that has nothing to do with it; ``error`` says why
    nothing could be told, with an exit status. ``unverified`` is the sentence about a server whose
    certificate nobody checks, or that is spoken to in clear."""

    configured: Synchronization
    status: Status | None
    supervised: Supervised | None = None
    error: str | None = None
    exit: int = 0
    unverified: str | None = None
    silent: bool = False
    """A daemon is there, and does not say how it is."""

    @classmethod
    def of(cls, state: Seen) -> StatusRow:
        """The row of what was found out about a drive."""
        exit_status, text = (0, None) if state.error is None else exit_for(state.error)
        return cls(
            state.configured,
            state.status,
            state.supervised,
            text,
            exit_status,
            state.unverified,
            state.silent,
        )

    @property
    def key(self) -> object:
        """Differs when there is something new to tell: not with every second that passes, nor every
        byte."""
        status, supervised = self.status, self.supervised
        return (
            self.configured.enabled,
            self.unverified,
            self.error,
            None if supervised is None else (supervised.phase, supervised.failures, supervised.why),
            (
                None
                if status is None
                else structs.replace(
                    status,
                    next_try=None,
                    limit_up=None,
                    limit_down=None,
                    work=None,
                    offline_since=None,
                    running="" if status.work is None else progress_text.doing(status.work),
                    transfers=tuple(
                        structs.replace(each, done=0, speed=None, left=None)
                        for each in status.transfers
                    ),
                )
            ),
        )

    @property
    def urgent(self) -> object:
        """As ``key``, without the numbers that work changes all the time."""
        if self.status is None:
            return self.key
        calm = structs.replace(
            self.status, transfers=(), waiting=0, absent=0, known=0, last_run=None
        )
        return StatusRow(
            self.configured, calm, self.supervised, self.error, self.exit, self.unverified
        ).key


@dataclass(frozen=True, slots=True)
class Line:
    """Below the table: of which synchronization, of what kind, and what."""

    name: str
    kind: str
    text: str


def _exit_for(state: DriveState, *, enabled: bool) -> Exit:
    """What a monitor is told of a drive; DONE for one that is as it should be."""
    match state:
        case DriveState.REFUSED:
            return Exit.REFUSED
        case DriveState.HALTED:
            return Exit.HALTED
        case DriveState.OFFLINE:
            return Exit.UNREACHABLE
        case DriveState.FAILED | DriveState.PROBLEMS:
            return Exit.UNFINISHED
        case DriveState.UNMOUNTED:
            return Exit.UNFINISHED if enabled else Exit.DONE
        case (
            DriveState.PAUSED
            | DriveState.WAITS_FOR_TURN
            | DriveState.SYNCING
            | DriveState.DOWNLOADING
            | DriveState.WAITING
            | DriveState.IDLE
        ):
            return Exit.DONE
        case _:
            assert_never(state)


def checked(row: StatusRow) -> StatusRow:
    """The row with the exit status that tells a monitor of the drive."""
    if row.status is None:
        fails = row.supervised is not None and bool(row.supervised.why)
        return replace(row, exit=max(row.exit, int(Exit.UNFINISHED))) if fails else row
    told = _exit_for(state_of(row.status), enabled=row.configured.enabled)
    return replace(row, exit=int(told))


def columns(seen: Sequence[StatusRow]) -> list[str]:
    """The headings. When the next run is, is of interest only where there are schedules."""
    scheduled = any(each.status is not None and each.status.next_run is not None for each in seen)
    return [
        mark("NAME"),
        mark("DRIVE"),
        mark("SERVER"),
        mark("WAITING"),
        mark("TO FETCH"),
        mark("LAST RUN"),
        *([mark("NEXT RUN")] if scheduled else []),
        mark("NOW"),
    ]


def row(seen: StatusRow, headings: Sequence[str], now: float) -> list[str]:
    """What stands below the headings."""
    status = seen.status
    cells = {
        "NAME": seen.configured.name,
        "DRIVE": drive(seen),
        "SERVER": "-" if status is None else server(status),
        "WAITING": "-" if status is None else str(status.waiting),
        "TO FETCH": "-" if status is None else str(status.absent),
        "LAST RUN": "-" if status is None else short_moment(status.last_run, now),
        "NEXT RUN": "-" if status is None else short_moment(status.next_run, now),
        "NOW": doing(seen, now),
    }
    return [cells[heading] for heading in headings]


def drive(seen: StatusRow) -> str:
    """Whether it is mounted."""
    if seen.status is not None and seen.status.mounted:
        return t("read-only") if seen.status.read_only else t("mounted")
    if seen.silent:
        return t("mounted")
    if seen.supervised is not None and seen.supervised.phase in {Phase.STARTING, Phase.STOPPING}:
        return t(_PHASES[seen.supervised.phase])
    return t("no") if seen.configured.enabled else t("disabled")


def server(status: Status) -> str:
    """Whether the server is there."""
    if status.paused:
        return "-"
    if status.online is None:
        return t("not asked") if status.mounted else "-"
    return t("online") if status.online else t("offline")


def doing(seen: StatusRow, now: float) -> str:
    """What goes on, in a word or two."""
    supervised, status = seen.supervised, seen.status
    if seen.error is not None:
        return t("error")
    if (
        supervised is not None
        and supervised.phase is Phase.WAITING
        and supervised.next_try is not None
    ):
        return t("again in {time}", time=duration(supervised.next_try - now))
    if status is None:
        return "-"
    return in_words(status)


_WORDS: dict[DriveState, str] = {
    DriveState.UNMOUNTED: "-",
    DriveState.WAITS_FOR_TURN: mark("waits its turn"),
    DriveState.WAITING: mark("waits"),
    DriveState.PAUSED: mark("paused"),
    DriveState.HALTED: mark("halted"),
    DriveState.REFUSED: mark("refused"),
    DriveState.OFFLINE: mark("offline"),
    DriveState.FAILED: mark("failed"),
    DriveState.IDLE: mark("idle"),
}

_PHASES = {
    Phase.STARTING: mark("starting"),
    Phase.STOPPING: mark("stopping"),
}


def in_words(status: Status) -> str:
    """Its state in a word or two, and how far the work is."""
    state = state_of(status)
    if state in {DriveState.SYNCING, DriveState.DOWNLOADING}:
        return working(status)
    if state is DriveState.PROBLEMS:
        return quantities.problems(sum(each.lasting for each in status.problems))
    return t(_WORDS[state])


def working(status: Status) -> str:
    """``uploading 45 %``; as the engine says it, where nothing is counted."""
    work = status.work
    if work is None or (status.running and not work.transfers and work.phase != "fetching"):
        return status.running
    share = progress_text.percent(work)
    doing = progress_text.doing(work) if status.running else t("downloading")
    return f"{doing} {share}".rstrip()


def lines(seen: StatusRow, *, brief: bool = True, each_one: bool = False) -> list[Line]:
    """What is told of it below the table; not ``brief``: all of it, where problems are many one
    line for each folder and reason unless ``each_one``."""
    name, status = seen.configured.name, seen.status
    found: list[tuple[str, str]] = []
    if seen.unverified is not None:
        found.append((mark("INSECURE"), seen.unverified))
    if seen.error is not None:
        found.append((mark("error"), seen.error))
    if seen.supervised is not None and seen.supervised.why:
        found.append((mark("drive"), supervision(seen.supervised)))
    if status is not None:
        if status.paused:
            found.append((mark("paused"), paused(status)))
        elif status.mounted and status.online is False:
            found.append((mark("offline"), offline(status)))
        if status.read_only:
            found.append((mark("read-only"), read_only(status)))
        stopped = (
            (mark("halted"), status.halted),
            (mark("refused"), status.refused),
            (mark("failed"), status.failed),
        )
        found += [(kind, text) for kind, text in stopped if text]
        if status.work is not None and len(status.transfers) != 1 and status.work.files > 1:
            found.append((mark("in all"), total(status.work)))
        found += transfers(status.transfers, None if each_one else TRANSFERS if brief else SHOWN)
        if status.conflicts:
            found.append((mark("conflicts"), conflicts(status)))
        found += problems(status) if brief else all_problems(status, each_one=each_one)
    return [Line(name, kind, text) for kind, text in found]


def supervision(supervised: Supervised) -> str:
    """Why a drive is not as it should be, and what the supervisor does about it."""
    if supervised.next_try is None:
        return supervised.why or ""
    at = output.time_of_day(supervised.next_try)
    why = (supervised.why or "").removesuffix(".")  # some of these are whole sentences
    if supervised.phase is Phase.UP:
        return t(
            "disabled, but not unmounted yet: {why}; next try at {time}",
            why=why,
            time=at,
        )
    return t("{why}; next try at {time}", why=why, time=at)


def paused(status: Status) -> str:
    """What a pause means, and what ends it."""
    resume = advice.command("resume", status.name)
    if status.paused_until is None:
        return t("nothing is synchronized until: {command}", command=resume)
    until = output.minute(status.paused_until)
    return t(
        "nothing is synchronized until {time}, or until: {command}", time=until, command=resume
    )


def read_only(status: Status) -> str:
    """Why programs cannot change it."""
    return status.restriction or t(
        "it only follows the server (direction 'download'): changes are refused here"
    )


def total(work: Progress) -> str:
    """``12 of 5000 files, 0.9 GiB of 2.0 GiB, 45 %, 2.1 MiB/s, 51 s left``."""
    parts = (progress_text.amounts(work), progress_text.percent(work), progress_text.pace(work))
    return ", ".join(each for each in parts if each)


def offline(status: Status) -> str:
    """Why the server is away, since when, and when it is tried."""
    why = status.why_offline or t("the server is away")
    if status.offline_since is not None:
        why = t("since {time}: {why}", time=output.moment(status.offline_since), why=why)
    if status.next_try is None:
        return why
    return t("{why}; next try at {time}", why=why, time=output.time_of_day(status.next_try))


def conflicts(status: Status) -> str:
    """How many nobody has acknowledged, and how they are looked at."""
    listed = advice.command("conflicts", status.name)
    return tn(
        "{count} conflict; what lost is kept: {command}",
        "{count} conflicts; what lost is kept: {command}",
        status.conflicts,
        command=listed,
    )


def transfers(running: Sequence[Running], most: int | None) -> list[tuple[str, str]]:
    """What is under way, the nearest to its end first (a big one must not hide behind many small
    ones)."""
    shown = running if most is None else running[:most]
    found = [(progress_text.verb(each), _transfer(each)) for each in shown]
    more = len(running) - len(shown)
    return [*found, ("", tn("and {count} more", "and {count} more", more))] if more else found


def _transfer(running: Running) -> str:
    told = progress_text.transfer(running)
    return f"{running.path}, {told}" if told else running.path


def problems(status: Status) -> list[tuple[str, str]]:
    """Some, those first that need somebody."""
    groups = _groups(status) if grouping.is_long(status.problems) else None
    found = _each(status) if groups is None else groups
    more = len(found) - PROBLEMS
    if more <= 0:
        return found
    listing = advice.command("status", status.name)
    rest = tn("and {count} more: {command}", "and {count} more: {command}", more, command=listing)
    return [*found[:PROBLEMS], ("", rest)]


def all_problems(status: Status, *, each_one: bool) -> list[tuple[str, str]]:
    """All of them, those first that need somebody; where they are many, grouped."""
    if each_one or not grouping.is_long(status.problems):
        return _each(status)
    each = advice.command("status", status.name, "--all")
    all_of_them = tn(
        "{count} in all; each of them: {command}",
        "{count} in all; each of them: {command}",
        len(status.problems),
        command=each,
    )
    return [*_groups(status), ("", all_of_them)]


def _ordered(status: Status) -> list[Problem]:
    return sorted(status.problems, key=lambda each: not each.lasting)


def _each(status: Status) -> list[tuple[str, str]]:
    return [
        (
            mark("problem") if each.lasting else mark("waits"),
            f"{each.path}: {each.why}" if each.path else each.why,
        )
        for each in _ordered(status)
    ]


def _groups(status: Status) -> list[tuple[str, str]]:
    """``photos/: 1800 files and folders: …``."""
    found = []
    for group in grouping.grouped(
        _ordered(status),
        lambda each: each.path,
        lambda each: (each.lasting, grouping.kind_of(each.why)),
    ):
        why = grouping.shared([each.why for each in group.items])
        where = group.path or ("" if group.count == 1 else t("at the top"))
        many = "" if group.count == 1 else f"{quantities.files_and_folders(group.count)}: "
        kind = mark("problem") if group.first.lasting else mark("waits")
        found.append((kind, f"{where}: {many}{why}" if where else f"{many}{why}"))
    return found


def short_moment(seconds: float | None, now: float) -> str:
    """Local time of the day, or the day when it is another one."""
    if seconds is None:
        return "-"
    then, today = (dt.datetime.fromtimestamp(each).astimezone() for each in (seconds, now))
    return then.strftime("%H:%M:%S" if then.date() == today.date() else "%Y-%m-%d")
