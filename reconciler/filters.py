"""Names that are no part of a synchronization, matched alike on both sides.

The default names are those of the official client, so that both leave out the same. ``.sync-in.`` begins the server's
partial uploads: such an entry is never part of the tree, and a local file of that name is never sent.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

DEFAULT_NAMES = frozenset(
    {
        ".AppleDesktop",
        ".AppleDouble",
        ".DAV",
        ".DS_Store",
        ".DocumentRevisions-V100",
        ".MobileBackups",
        ".Spotlight-V100",
        ".TemporaryItems",
        ".desktop",
        ".fseventsd",
        ".localized",
        ".swp",
        ".thumbnails",
        "Icon?",
        "Thumbs.db",
        "__MACOSX",
        "__pycache__",
        "desktop.ini",
    }
)
PARTIAL_PREFIX = ".sync-in."


@dataclass(frozen=True, slots=True)
class Filter:
    """What is left out. ``rule``, when given, decides by the relative path, after the names."""

    names: frozenset[str] = DEFAULT_NAMES
    rule: Callable[[str], bool] | None = None

    def ignored(self, path: str) -> bool:
        """Whether the entry at this relative path is left out by itself. Everything below one that is left out is
        left out too: callers walk down from the root and stop at the first."""
        return self.named(path) or (self.rule is not None and self.rule(path))

    def named(self, path: str) -> bool:
        """Whether the entry is left out by its name, which nobody misses: it goes with its folder. What a rule leaves
        out is somebody's, and keeps its folder."""
        name = path[path.rfind("/") + 1 :]
        return name in self.names or name.startswith(PARTIAL_PREFIX)

    def left_out(self, path: str) -> bool:
        """Whether the entry at this relative path, or a folder above it, is left out."""
        while path:
            if self.ignored(path):
                return True
            path = path.rpartition("/")[0]
        return False


DEFAULT = Filter()
