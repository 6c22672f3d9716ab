"""The drives of this session, followed: which there are, and the states of the files that somebody
sees."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

from gi.repository import Gio, GLib

from . import drives, http
from .book import Book
from .connection import Connection
from .drives import Drive
from .links import Links

QUESTIONS = 4
"""Requests that a daemon has at once, at most."""


MOST_BROKEN = 3
"""Connections in a row that ended without an answer; then the daemon is not asked any more."""

PATIENCE_S = 0.05
"""Seconds that a menu waits for the states of what is selected: nobody sees so short a time
(a daemon answers in a few milliseconds)."""


class FollowedDrive:
    """One drive. ``changed`` is given paths in it that look different now. ``clock`` is in seconds,
    and never goes back."""

    def __init__(
        self,
        drive: Drive,
        changed: Callable[[Drive, list[str]], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.drive = drive
        self._changed = changed
        self._clock = clock
        self._book = Book()
        self._silent = False  # it left somebody waiting, and said nothing since
        self._stream: Connection | None = None
        self._questions: Connection | None = None
        self._under_way = 0
        self._broken = 0
        self._idle = 0
        self._waiting = False
        self._late: list[str] = []  # to be told when the menu was given
        self._over = False

    def state(self, folder: str, name: str) -> str | None:
        """What is known of a file now; what is not is asked, and told later."""
        state = self._book.state(folder, name)
        if self._book.wants and not self._idle and not self._over:
            self._idle = GLib.idle_add(self._ask)
        return state

    def wait_for(self, folder: str, names: set[str], until: float) -> None:
        """Waits until the states of these files are known, at most until this time of the clock,
        and for no drive that did not answer the last time."""
        self._waiting = True
        self._wait(folder, names, until)
        self._waiting = False

    def _wait(self, folder: str, names: set[str], until: float) -> None:
        while not self._over and not self._silent and self._book.lacks(folder, names):
            left = until - self._clock()
            if left <= 0:
                self._silent = True
                return
            if self._idle:
                GLib.source_remove(self._idle)
            self._ask()
            if self._stream is None or self._questions is None:
                return
            self._stream.flush()
            self._questions.wait(left)

    def end(self) -> None:
        """The drive is not announced any more."""
        self._over = True
        for each in (self._stream, self._questions):
            if each is not None:
                each.close()
        if self._idle:
            GLib.source_remove(self._idle)
        self._stream = self._questions = None
        self._tell(self._book.forget())

    def _ask(self) -> bool:
        """Sends what is to be asked, once per turn of the main loop."""
        self._idle = 0
        if self._connected():
            while self._under_way < QUESTIONS:
                question = self._book.question()
                if question is None or self._questions is None:
                    break
                self._under_way += 1
                self._questions.send(http.request("/states", question))
        return False

    def _connected(self) -> bool:
        path = self.drive.socket
        try:
            if self._stream is None:
                # What changes is followed from before the first question on: nothing is missed.
                self._stream = Connection(path, lines=True, take=self._told, lost=self._gone)
                self._stream.send(http.request("/states/follow"))
            if self._questions is None:
                self._questions = Connection(
                    path, lines=False, take=self._answered, lost=self._idled
                )
        except OSError:
            self._gone()
            return False
        return True

    def _gone(self) -> None:
        """The daemon ended, or does not speak as it should. It announces itself when it is there
        again; until then nothing is tried."""
        self.end()

    def _idled(self) -> None:
        """A daemon closes a connection on which nothing was asked for some seconds; a question may
        just have been on its way."""
        self._questions = None
        if not self._under_way:
            return
        self._under_way = 0
        self._broken += 1
        if self._broken > MOST_BROKEN:
            self._gone()
            return
        self._book.unanswered()
        self._tell([])

    def _told(self, change: Any) -> None:
        self._silent = False
        try:
            paths = self._book.change(change)
        except (KeyError, TypeError, AttributeError):
            self._gone()
            return
        self._tell(paths)

    def _answered(self, answer: Any) -> None:
        self._under_way -= 1
        self._broken = 0
        self._silent = False
        try:
            paths = self._book.answer(answer["states"])
        except (KeyError, TypeError, IndexError):
            self._gone()
            return
        self._tell(paths)

    def _tell(self, paths: list[str]) -> None:
        if self._book.wants and not self._idle:
            self._idle = GLib.idle_add(self._ask)
        if self._waiting:
            # A file manager that just asks for a menu is not told that files look different.
            if paths and not self._late:
                GLib.idle_add(self._tell_late)
            self._late += paths
        elif paths:
            self._changed(self.drive, paths)

    def _tell_late(self) -> bool:
        paths, self._late = self._late, []
        self._tell(paths)
        return False


class Watch:
    """All drives of the session. ``came`` is called for each that comes, before anything is asked
    of it."""

    def __init__(
        self,
        changed: Callable[[Drive, list[str]], None],
        came: Callable[[Drive], None],
        patience_s: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._changed, self._came, self._clock = changed, came, clock
        self._patience_s = patience_s
        self._followed: dict[str, FollowedDrive] = {}
        self._by_drive: dict[int, FollowedDrive] = {}
        self._source = 0
        self.drives: list[Drive] = []
        self._links = Links()
        self._folder = drives.folder(dict(os.environ), drives.user())
        try:
            drives.make_folder(self._folder)
        except OSError:
            return  # then no daemon announces anything either
        self._monitor = Gio.File.new_for_path(self._folder).monitor_directory(
            Gio.FileMonitorFlags.NONE, None
        )
        self._monitor.connect("changed", self._look_soon)
        # Later: the file manager is just beginning, and cannot be asked for its files yet.
        self._look_soon()

    def _look_soon(self, *_: Any) -> None:
        if not self._source:
            self._source = GLib.idle_add(self._look)

    def _look(self) -> bool:
        """Takes up which drives there are now."""
        self._source = 0
        try:
            found = drives.announced(self._folder, drives.user())
        except OSError:
            found = {}
        for key in self._followed.keys() - found.keys():
            self._followed.pop(key).end()
        for key, drive in found.items():
            if key not in self._followed:
                self._followed[key] = FollowedDrive(drive, self._changed, self._clock)
                self._came(drive)
        # The innermost mount point first.
        following = sorted(self._followed.values(), key=lambda each: -len(each.drive.prefix))
        self.drives = [each.drive for each in following]
        self._by_drive = {id(each.drive): each for each in following}
        self._links.use(each.mountpoint.rstrip("/") for each in self.drives)
        return False

    def uris(self, drive: Drive, path: str) -> list[str]:
        """Of a path in the drive: as its own, and wherever else it was asked for."""
        others = self._links.others(drive.mountpoint.rstrip("/"), path)
        return [drives.uri(drive, path), *map(drives.uri_of, others)]

    def look_up(self, uri: str) -> tuple[Drive, str, str, str | None] | None:
        """Drive, folder, name and state of a file; None for one in no drive."""
        found = drives.place(uri, self.drives, self._links.in_drive)
        if found is None:
            return None
        drive, folder, name = found
        return drive, folder, name, self._by_drive[id(drive)].state(folder, name)

    def selected(self, uris: list[str]) -> tuple[Drive, list[str], list[str | None]] | None:
        """The drive that all these files are in, their paths on this computer and their states;
        None where that is not one drive. What a menu offers stays as it is while it is open, so
        this waits for states for ``patience_s``."""
        found = [self.look_up(uri) for uri in uris]
        inside = [each for each in found if each is not None]
        if not inside or len(inside) != len(found) or len({id(each[0]) for each in inside}) > 1:
            return None
        drive = inside[0][0]
        followed, until = self._by_drive[id(drive)], self._clock() + self._patience_s
        folders: dict[str, set[str]] = {}
        for _, folder, name, _ in inside:
            folders.setdefault(folder, set()).add(name)
        for folder, names in folders.items() if self._patience_s else ():
            followed.wait_for(folder, names, until)
        paths = [
            drives.path_of(drive, f"{folder}/{name}" if folder else name)
            for _, folder, name, _ in inside
        ]
        return drive, paths, [followed.state(folder, name) for _, folder, name, _ in inside]
