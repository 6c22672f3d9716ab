"""Folders that a file manager shows by another path than the drive's own: symbolic links above the
drive, or to it, are followed. Nothing in a drive is touched."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

MOST_LINKS = 40
"""Symbolic links that the kernel follows in one path (path_resolution(7))."""

KNOWN_S = 5.0
"""Seconds that a folder is not looked at again: each file in it asks for it."""

MOST_KNOWN = 1000
"""Folders that are known; then all are forgotten."""


@dataclass(frozen=True)
class Alias:
    """The folder ``path`` of this computer is ``inner`` in the drive that is mounted at
    ``mountpoint``."""

    path: str
    mountpoint: str
    inner: str


def follow(path: str, mountpoints: Iterable[str]) -> Alias | None:
    """The longest beginning of the path that leads to a drive by symbolic links; None where none
    does. Looks at each part of the path up to there. Drives that are mounted in others are met from
    outside only."""
    stops = set(mountpoints)
    own = [part for part in path.split("/") if part not in {"", "."}]
    rest, left = own[::-1], len(own)
    here, links = "/", 0
    while rest:
        name = rest.pop()
        left = min(left, len(rest))
        here = os.path.dirname(here) if name == ".." else os.path.join(here, name)
        if here in stops:
            inner = [part for part in rest[left:][::-1] if part not in {"", "."}]
            return Alias("/" + "/".join(own[: len(own) - left]), here, "/".join(inner))
        try:
            target = os.readlink(here)
        except OSError:  # no link, or nothing
            continue
        links += 1
        if links > MOST_LINKS:
            return None
        here = "/" if target.startswith("/") else os.path.dirname(here)
        rest += [part for part in target.split("/") if part not in {"", "."}][::-1]
    return None


class Links:
    """Remembers for some seconds what was found. ``clock`` is in seconds, and never goes back."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._known: dict[str, tuple[float, Alias | None]] = {}
        self._mountpoints: tuple[str, ...] = ()
        self.aliases: dict[str, dict[str, str]] = {}
        """By mount point, where its folders were met: path and folder in the drive."""

    def use(self, mountpoints: Iterable[str]) -> None:
        """There are these drives now."""
        self._mountpoints = tuple(mountpoints)
        self._known.clear()
        self.aliases = {key: self.aliases.get(key, {}) for key in self._mountpoints}

    def in_drive(self, path: str) -> str | None:
        """The path by the drive's own mount point, or None. Only links to folders are followed: the
        last name is the file itself, unless it is the drive."""
        if not self._mountpoints:
            return None
        folder, _, name = path.rstrip("/").rpartition("/")
        for look, below in ((folder, name), (f"{folder}/{name}", "")):
            alias = self._alias(look)
            if alias is not None and (below or not alias.inner):
                parts = (alias.inner, look[len(alias.path) :].strip("/"), below)
                return "/".join([alias.mountpoint, *filter(None, parts)])
        return None

    def _alias(self, folder: str) -> Alias | None:
        now = self._clock()
        at, alias = self._known.get(folder, (-KNOWN_S, None))
        if folder in self._known and now - at < KNOWN_S:
            return alias
        if len(self._known) >= MOST_KNOWN:
            self._known.clear()
        alias = follow(folder, self._mountpoints)
        self._known[folder] = now, alias
        if alias is not None:
            known = self.aliases[alias.mountpoint]
            if len(known) >= MOST_KNOWN:
                known.clear()
            known[alias.path] = alias.inner
        return alias

    def others(self, mountpoint: str, path: str) -> list[str]:
        """Where else a file manager may show this path of the drive."""
        found = []
        for alias, inner in self.aliases.get(mountpoint, {}).items():
            if not inner or path == inner or path.startswith(f"{inner}/"):
                below = path[len(inner) :].strip("/")
                found.append(f"{alias}/{below}" if below else alias)
        return found
