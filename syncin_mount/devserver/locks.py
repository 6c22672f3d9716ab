"""Locks, in memory: those an upload holds on its target, and those a user sets on the web or by
WebDAV.

The real server looks a lock up with an SQL LIKE in a collation without case and accents, so a
requested name acts as a pattern: `%` and `*` stand for anything, `_` for one letter, a backslash
quotes. Kept, because clients meet it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from .places import Place
from .store import collation_key
from .wire import Refusal

LOCK_LIFE = 8 * 60 * 60  # s


class LockApp(StrEnum):
    """Who set a lock; WebDAV locks refuse even their owner."""

    SYNC_IN = "Sync-in"
    WEBDAV = "WebDAV"


@dataclass(frozen=True, slots=True, eq=False)
class Lock:
    """A lock of `owner` (an account id) on `path` below the files of `root`, until `expires` (s
    since the epoch)."""

    root: str
    path: str
    owner: int
    app: LockApp
    expires: float


def _like(pattern: str) -> re.Pattern[str]:
    parts = []
    letters = iter(collation_key(pattern))
    for letter in letters:
        if letter in "%*":
            parts.append(".*")
        elif letter == "_":
            parts.append(".")
        elif letter == "\\":
            parts.append(re.escape(next(letters, "\\")))
        else:
            parts.append(re.escape(letter))
    return re.compile("".join(parts), re.DOTALL)


class Locks:
    """All locks. What has expired counts no more."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._held: set[Lock] = set()

    def held(self) -> list[Lock]:
        now = self._clock()
        self._held = {lock for lock in self._held if lock.expires > now}
        return sorted(self._held, key=lambda lock: (lock.root, lock.path))

    def on(self, place: Place) -> list[Lock]:
        pattern = _like(place.rel)
        return [
            lock
            for lock in self.held()
            if lock.root == place.root.key and pattern.fullmatch(collation_key(lock.path))
        ]

    def below(self, place: Place) -> list[Lock]:
        return [
            lock
            for lock in self.held()
            if lock.root == place.root.key and lock.path.startswith(place.rel + "/")
        ]

    def hold(
        self, place: Place, owner: int, app: LockApp = LockApp.SYNC_IN, life: float = LOCK_LIFE
    ) -> Lock:
        lock = Lock(place.root.key, place.rel, owner, app, self._clock() + life)
        self._held.add(lock)
        return lock

    def release(self, locks: Iterable[Lock]) -> None:
        self._held.difference_update(locks)

    def refuse_any(self, place: Place) -> None:
        """For uploads: every lock refuses, the user's own too, because an upload's lock does not
        know its client."""
        if self.on(place):
            raise locked()

    def refuse_foreign(self, place: Place, user: int) -> None:
        """For what changes or removes a place: own web locks let pass, WebDAV locks refuse even
        their owner."""
        for lock in [*self.on(place), *self.below(place)]:
            if lock.owner != user or lock.app is LockApp.WEBDAV:
                raise locked()

    def dropped(self, place: Place) -> None:
        """Called when a place is gone: its locks go with it."""
        self.release(
            [lock for lock in self.held() if lock.root == place.root.key and lock.path == place.rel]
        )
        self.release(self.below(place))


def locked() -> Refusal:
    """The 423 of a locked file."""
    return Refusal(423, "The file is locked")
