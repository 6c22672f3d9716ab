"""The journal of conflicts that were settled, and of what somebody decided about them.

`conflicts.jsonl`, beside the replica, has a line for each conflict, and for each time that somebody
acknowledged some, chose again, or undid that. It is for people: a line that a kill tears is left
out, and losing the file loses no version. Lines are appended as one write each, so that a command
may acknowledge while a drive's process adds. Nothing is synced.
"""

from __future__ import annotations

import enum
import errno
import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import msgspec

from syncin_mount.app.runtime.private_file import replace_private

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.reporting.conflict import ResolvedConflict

MOST = 20_000
"""Conflicts that are remembered; of more, the oldest are forgotten, acknowledged ones first."""


class Choice(enum.Enum):
    """What was chosen of a conflict after a rule had decided."""

    RULE = ""  # nothing: it is as the rule decided
    SWAP = "swap"  # the version that had lost
    BOTH = "both"  # both, one of them under another name


class _Line(msgspec.Struct, omit_defaults=True):
    """A conflict (``id``); or that some were acknowledged (``seen``) or are counted again
    (``unseen``); or what was chosen of one (``of``): ``did`` is a `Choice`. Then ``path`` and
    ``why`` say how the bin knows the version that gave way, at ``time``, and ``copy`` where it is
    in the drive instead. A program of an older version acknowledges what has ``seen``."""

    id: int = 0
    time: float = 0.0
    path: str = ""
    lost: str = ""
    why: str = ""
    copy: str | None = None
    seen: tuple[int, ...] = ()
    unseen: tuple[int, ...] = ()
    of: int = 0
    did: str = ""


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Where the version is that did not get the name: in the bin, by ``path`` and ``why`` since
    ``time``, or in the drive as ``copy``. Neither: there is none."""

    path: str = ""
    why: str = ""
    time: float = 0.0
    copy: str | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """A conflict as the journal has it. ``other`` tells where the version is that has not its
    name, ``exact`` whether ``other.time`` is that of the bin's entry to the second."""

    number: int
    time: float
    path: str
    lost: str
    why: str
    copy: str | None
    other: Whereabouts
    acknowledged: bool = False
    choice: Choice = Choice.RULE
    exact: bool = False
    was_acknowledged: bool = False


class ConflictJournal:
    """Of one replica. Any process may read and append."""

    def __init__(self, replica: Path, now: Callable[[], float] = time.time) -> None:
        self._path = replica / "conflicts.jsonl"
        self._now = now
        self._looks: object = None
        self._read_to = 0
        self._known: dict[int, Known] = {}
        self._open = 0

    def note(self, conflict: ResolvedConflict) -> None:
        """Remembers one that was just settled. Never raises for what the disk does."""
        self._read()
        number = max(self._known, default=0) + 1
        why, path, copy = map(text_of, (conflict.why, conflict.path, conflict.copy))
        line = _Line(number, self._now(), path or "", conflict.lost.value, why or "", copy)
        try:
            self._append(line)
        except OSError:
            return  # the bin has what lost all the same, with its reason
        if len(self._known) >= MOST + MOST // 4:
            self._shrink()

    def all(self) -> list[Known]:
        """Every conflict, oldest first."""
        self._read()
        return list(self._known.values())

    def open_count(self) -> int:
        """How many nobody has acknowledged. Costs a look at the file's size and time."""
        self._read()
        return self._open

    def acknowledge(self, numbers: Sequence[int]) -> None:
        """They are neither counted nor shown any more. Raises OSError."""
        if numbers:
            self._append(_Line(seen=tuple(numbers)))

    def reopen(self, number: int) -> None:
        """It is counted and shown again. Raises OSError."""
        self._append(_Line(unseen=(number,)))

    def chose(self, number: int, choice: Choice, other: Whereabouts) -> None:
        """From now on the conflict counts as acknowledged, and the version that gave way is
        there. Raises OSError."""
        self._append(_choice_line(number, choice, other))

    def undid(self, number: int, other: Whereabouts, *, acknowledged: bool) -> None:
        """It is again as the rule decided. Raises OSError."""
        line = _choice_line(number, Choice.RULE, other)
        if not acknowledged:
            line.seen, line.unseen = (), (number,)
        self._append(line)

    def _append(self, line: _Line) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0)
        data = msgspec.json.encode(line) + b"\n"
        fd = os.open(self._path, flags, 0o600)
        try:
            size = os.fstat(fd).st_size
            if size:
                os.lseek(fd, size - 1, os.SEEK_SET)
                if os.read(fd, 1) != b"\n":  # a torn line: it must not take this one with it
                    data = b"\n" + data
            if os.write(fd, data) < len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        finally:
            os.close(fd)

    def _read(self) -> None:
        """Only what was appended since the last time, where the file is still the same one."""
        try:
            info = self._path.stat()
            looks = (info.st_ino, info.st_size, info.st_mtime_ns)
            if looks == self._looks:
                return
            before = self._looks
            grew = isinstance(before, tuple) and before[0] == info.st_ino
            if not grew or info.st_size < self._read_to:
                self._read_to, self._known = 0, {}
            with self._path.open("rb") as file:
                file.seek(self._read_to)
                data = file.read()
        except OSError:
            self._looks, self._read_to, self._known, self._open = None, 0, {}, 0
            return
        self._looks = looks
        whole = data[: data.rfind(b"\n") + 1]
        self._read_to += len(whole)
        for text in whole.split(b"\n"):
            self._take(text)
        self._open = sum(not each.acknowledged for each in self._known.values())

    def _take(self, text: bytes) -> None:
        try:
            line = msgspec.json.decode(text, type=_Line)
            choice = Choice(line.did)
        except (msgspec.MsgspecError, ValueError):
            return
        if line.of in self._known:
            self._known[line.of] = _changed(self._known[line.of], line, choice)
        elif line.id:
            other = Whereabouts(line.path, line.why, line.time, line.copy)
            self._known[line.id] = Known(
                line.id, line.time, line.path, line.lost, line.why, line.copy, other
            )
        for numbers, acknowledged in ((line.seen, True), (line.unseen, False)):
            for number in numbers:
                known = self._known.get(number)
                if known is not None:
                    self._known[number] = replace(known, acknowledged=acknowledged)

    def _shrink(self) -> None:
        """Leaves out the oldest, and says of the others briefly how they are."""
        self._read()
        ordered = sorted(
            self._known.values(), key=lambda each: (not each.acknowledged, each.number)
        )
        kept = sorted(ordered[-MOST:], key=lambda each: each.number)
        lines: list[_Line] = []
        for each in kept:
            lines.append(_Line(each.number, each.time, each.path, each.lost, each.why, each.copy))
            if each.exact:
                if each.was_acknowledged:
                    lines.append(_Line(seen=(each.number,)))
                lines.append(_choice_line(each.number, each.choice, each.other))
        lines.append(_Line(seen=tuple(each.number for each in kept if each.acknowledged)))
        lines.append(_Line(unseen=tuple(each.number for each in kept if not each.acknowledged)))
        text = "".join(json.dumps(msgspec.to_builtins(each)) + "\n" for each in lines)
        try:
            replace_private(self._path, text)
        except OSError:
            return


def _choice_line(number: int, choice: Choice, other: Whereabouts) -> _Line:
    return _Line(
        time=other.time,
        path=other.path,
        why=other.why,
        copy=other.copy,
        seen=(number,),
        of=number,
        did=choice.value,
    )


def _changed(known: Known, line: _Line, choice: Choice) -> Known:
    was = known.was_acknowledged if known.choice is not Choice.RULE else known.acknowledged
    other = Whereabouts(line.path, line.why, line.time, line.copy)
    return replace(known, choice=choice, other=other, exact=True, was_acknowledged=was)


def text_of(text: str | None) -> str | None:
    """As JSON can hold it: bytes that are no UTF-8 are shown as escapes."""
    return None if text is None else text.encode(errors="backslashreplace").decode()
