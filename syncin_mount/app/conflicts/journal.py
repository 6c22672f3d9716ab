"""The journal of conflicts that were settled, and of what somebody decided about them.

`conflicts.jsonl`, beside the replica, has a line for each conflict, and for each time that somebody
acknowledged some, chose again, or undid that. It is for people: a line that a kill tears is left
out, and losing the file loses no version. Lines are appended as one write each, so that a command
may acknowledge while a drive's process adds. Only what somebody is about to change is synced: a
line says it before the files change, and another one that it is done.
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

from reconciler.phrases import english
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
    ``why`` say how the bin knows the version that gave way, at ``time`` and by its ``mark``, and
    ``copy`` where it is in the drive instead. A program of an older version acknowledges what has
    ``seen``. Or what somebody is about to choose of one (``meant``): the fields are those of a
    `Meant`, and without ``place`` nothing is meant any more."""

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
    mark: str = ""
    meant: int = 0
    place: str = ""
    node: int = 0
    leaves: bool = False
    entry: str = ""
    acknowledges: bool = False


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Where the version is that did not get the name: in the bin, by ``path`` and ``why`` since
    ``time``, or in the drive as ``copy``. Neither: there is none. ``mark`` is that of the bin's
    entry; a journal of an older version has none."""

    path: str = ""
    why: str = ""
    time: float = 0.0
    copy: str | None = None
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Meant:
    """A change of the drive, as it is noted before: when it is done, ``choice`` was chosen, the
    version that gave way is at ``other``, and the conflict is ``acknowledged``.

    How one sees that it is done: ``node`` has the path ``place`` then, or with ``leaves`` has it no
    more. Without a node: the bin has no entry of the mark ``entry`` any more, and there is
    something at ``place``."""

    choice: Choice
    other: Whereabouts
    acknowledged: bool
    place: str
    node: int = 0
    leaves: bool = False
    entry: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """A conflict as the journal has it. ``other`` tells where the version is that has not its
    name, ``exact`` whether ``other.time`` is that of the bin's entry to the second.
    ``meant`` is a change that began, and of which it is not noted whether it was done."""

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
    meant: Meant | None = None


class ConflictJournal:
    """Of one replica. Any process may read and append."""

    def __init__(self, replica: Path, now: Callable[[], float] = time.time) -> None:
        self._path = replica / "conflicts.jsonl"
        self._now = now
        self._looks: object = None
        self._read_to = 0
        self._known: dict[int, Known] = {}
        self._open = 0
        self._open_paths: frozenset[str] | None = None
        self.on_note: Callable[[], None] | None = None
        """Is called when a conflict was noted by this object."""

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
        if self.on_note is not None:
            self.on_note()

    def all(self) -> list[Known]:
        """Every conflict, oldest first."""
        self._read()
        return list(self._known.values())

    def open_count(self) -> int:
        """How many nobody has acknowledged. Costs a look at the file's size and time."""
        self._read()
        return self._open

    def open_paths(self) -> frozenset[str]:
        """Where those are that nobody has acknowledged, the copies beside them, too."""
        self._read()
        if self._open_paths is None:
            known = [each for each in self._known.values() if not each.acknowledged]
            copies = (each.copy for each in known if each.copy is not None)
            self._open_paths = frozenset([*(each.path for each in known), *copies])
        return self._open_paths

    def acknowledge(self, numbers: Sequence[int]) -> None:
        """They are neither counted nor shown any more. Raises OSError."""
        if numbers:
            self._append(_Line(seen=tuple(numbers)))

    def reopen(self, number: int) -> None:
        """It is counted and shown again. Raises OSError."""
        self._append(_Line(unseen=(number,)))

    def means(self, number: int, meant: Meant) -> None:
        """This is about to be done. On the disk when it returns. Raises OSError."""
        self._append(_meant_line(number, meant), synced=True)

    def did(self, number: int, meant: Meant) -> None:
        """It was done. Raises OSError."""
        self._append(
            _choice_line(number, meant.choice, meant.other, acknowledged=meant.acknowledged)
        )

    def left(self, number: int) -> None:
        """What was meant was not done. Raises OSError."""
        self._append(_Line(meant=number))

    def _append(self, line: _Line, *, synced: bool = False) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0)
        data = msgspec.json.encode(line, enc_hook=english) + b"\n"
        fd = os.open(self._path, flags, 0o600)
        try:
            size = os.fstat(fd).st_size
            if size:
                os.lseek(fd, size - 1, os.SEEK_SET)
                if os.read(fd, 1) != b"\n":  # a torn line: it must not take this one with it
                    data = b"\n" + data
            if os.write(fd, data) < len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            if synced:
                os.fsync(fd)
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
            self._open_paths = None
            self._looks, self._read_to, self._known, self._open = None, 0, {}, 0
            return
        self._looks = looks
        self._open_paths = None
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
        elif line.meant in self._known:
            one = self._known[line.meant]
            self._known[line.meant] = replace(one, meant=_meant(line, choice))
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
                lines.append(_choice_line(each.number, each.choice, each.other, acknowledged=True))
            if each.meant is not None:
                lines.append(_meant_line(each.number, each.meant))
        lines.append(_Line(seen=tuple(each.number for each in kept if each.acknowledged)))
        lines.append(_Line(unseen=tuple(each.number for each in kept if not each.acknowledged)))
        text = "".join(
            json.dumps(msgspec.to_builtins(each, enc_hook=english)) + "\n" for each in lines
        )
        try:
            replace_private(self._path, text)
        except OSError:
            return


def _choice_line(number: int, choice: Choice, other: Whereabouts, *, acknowledged: bool) -> _Line:
    return _Line(
        time=other.time,
        path=other.path,
        why=other.why,
        copy=other.copy,
        mark=other.mark,
        seen=(number,) if acknowledged else (),
        unseen=() if acknowledged else (number,),
        of=number,
        did=choice.value,
    )


def _meant_line(number: int, meant: Meant) -> _Line:
    other = meant.other
    return _Line(
        time=other.time,
        path=other.path,
        why=other.why,
        copy=other.copy,
        mark=other.mark,
        did=meant.choice.value,
        meant=number,
        place=meant.place,
        node=meant.node,
        leaves=meant.leaves,
        entry=meant.entry,
        acknowledges=meant.acknowledged,
    )


def _meant(line: _Line, choice: Choice) -> Meant | None:
    if not line.place:
        return None
    return Meant(
        choice, _other(line), line.acknowledges, line.place, line.node, line.leaves, line.entry
    )


def _other(line: _Line) -> Whereabouts:
    return Whereabouts(line.path, line.why, line.time, line.copy, line.mark)


def _changed(known: Known, line: _Line, choice: Choice) -> Known:
    was = known.was_acknowledged if known.choice is not Choice.RULE else known.acknowledged
    return replace(
        known,
        choice=choice,
        other=_other(line),
        exact=True,
        was_acknowledged=was,
        meant=None,
    )


def text_of(text: str | None) -> str | None:
    """As JSON can hold it: bytes that are no UTF-8 are shown as escapes."""
    return None if text is None else text.encode(errors="backslashreplace").decode()
