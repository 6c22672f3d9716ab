"""What is known of the files of one drive that somebody sees, and what has to be asked. Pure.

Memory is bounded: folders that were not looked at for long are forgotten first.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from . import http

MOST_NAMES = 200_000
"""Names of which a state is kept, or to be asked."""

ENVELOPE = 2048
"""Bytes of a request beside its names."""


class Book:
    """States by folder and name, relative to the drive."""

    def __init__(self) -> None:
        self._folders: OrderedDict[str, dict[str, str | None]] = OrderedDict()
        self._wanted: OrderedDict[str, dict[str, None]] = OrderedDict()
        self._names = 0
        self._asked: list[tuple[str, list[str]]] = []  # requests without an answer, oldest first

    def state(self, folder: str, name: str) -> str | None:
        """What is known; otherwise it is noted that somebody wants to know."""
        known = self._folders.get(folder)
        if known is None:
            known = self._folders[folder] = {}
        self._folders.move_to_end(folder)
        if name not in known:
            known[name] = None
            self._names += 1
            self._wanted.setdefault(folder, {})[name] = None
            self._forget_old(folder)
        return known[name]

    def _forget_old(self, but: str) -> None:
        while self._names > MOST_NAMES and len(self._folders) > 1:
            folder = next(iter(self._folders))
            if folder == but:
                self._folders.move_to_end(folder)
                continue
            self._names -= len(self._folders.pop(folder))
            self._wanted.pop(folder, None)

    @property
    def wants(self) -> bool:
        """Whether there is something to ask."""
        return bool(self._wanted)

    def lacks(self, folder: str, names: set[str]) -> bool:
        """Whether one of these names has no state, and an answer for it is still to come."""
        known = self._folders.get(folder, {})
        names = {name for name in names if known.get(name) is None}
        return not names.isdisjoint(self._wanted.get(folder, ())) or any(
            asked == folder and not names.isdisjoint(these) for asked, these in self._asked
        )

    @property
    def waits(self) -> bool:
        """Whether an answer is still to come."""
        return bool(self._asked)

    def question(self) -> dict[str, Any] | None:
        """The next request for states: of one folder, and not too long. The folder that was opened
        last comes first."""
        if not self._wanted:
            return None
        folder = next(reversed(self._wanted))
        left, names = self._wanted[folder], list[str]()
        size = ENVELOPE + 6 * len(folder)
        for name in left:
            # As JSON writes it, each letter takes twelve bytes at most.
            size += 4 + (len(name) if name.isascii() else 12 * len(name))
            if names and size > http.LARGEST_REQUEST:
                break
            names.append(name)
        for name in names:
            del left[name]
        if not left:
            del self._wanted[folder]
        self._asked.append((folder, names))
        return {"folder": folder, "names": names}

    def answer(self, states: list[str | None]) -> list[str]:
        """Takes what the oldest request was answered. Returns the paths that look different now."""
        folder, names = self._asked.pop(0)
        return self._take(folder, dict(zip(names, states, strict=True)))

    def change(self, told: dict[str, Any]) -> list[str]:
        """Takes what the drive tells by itself. Returns the paths that look different now."""
        if told.get("everything"):
            self.ask_all()
            return []
        folder, names = told["folder"], told["names"]
        self._ask_again(folder, names)
        return self._take(folder, dict(zip(names, told["states"], strict=True)))

    def _ask_again(self, folder: str, names: list[str]) -> None:
        """An answer that is still to come may have been given before the change."""
        for asked, these in self._asked:
            if asked == folder and folder in self._folders:
                for name in set(names).intersection(these):
                    self._wanted.setdefault(folder, {})[name] = None

    def _take(self, folder: str, states: dict[str, str | None]) -> list[str]:
        changed = []
        if not folder and "" not in states and "" in self._folders.get("", ()):
            self._wanted.setdefault("", {})[""] = None  # the drive as a whole may look different
        known = self._folders.get(folder)
        for name, state in states.items():
            if known is not None and name in known and known[name] != state:
                known[name] = state
                changed.append(f"{folder}/{name}" if folder else name)
        return changed

    def ask_all(self) -> None:
        """Any state may be another one: all that is known is asked again, and shown until then."""
        self._wanted = OrderedDict(
            (folder, dict.fromkeys(names)) for folder, names in self._folders.items() if names
        )

    def unanswered(self) -> None:
        """The connection is gone: what was asked on it is asked again."""
        for folder, names in self._asked:
            if folder in self._folders:
                self._wanted.setdefault(folder, {}).update(dict.fromkeys(names))
        self._asked.clear()

    def forget(self) -> list[str]:
        """The drive is gone. Returns the paths that look different now."""
        changed = [
            f"{folder}/{name}" if folder else name
            for folder, names in self._folders.items()
            for name, state in names.items()
            if state is not None
        ]
        self._folders.clear()
        self._wanted.clear()
        self._asked.clear()
        self._names = 0
        return changed
