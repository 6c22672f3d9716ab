"""Names that are no part of a synchronization, matched alike on both sides.

The default names are those of the official client, so that both leave out the same. ``.sync-in.``
begins the server's partial uploads: such an entry is never part of the tree, and a local file of
that name is never sent. Nor is what programs put beside a document for as long as it is open on
this computer: it says nothing on another one, and everybody else would see it come and go.
"""

from __future__ import annotations

import re
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
PASSING_FIRST = frozenset(".~")
"""What names that ``is_passing`` begin with."""

_PASSING = re.compile(
    r"\.sync-in\..*"  # the server's partial uploads, and ours beside a file
    r"|\.~lock\..*#"  # LibreOffice's lock
    r"|~\$.*"  # Microsoft Office's owner file
    r"|\..*\.sw[nopx]",  # vim's swap file
    re.DOTALL,
)


def is_passing(name: str) -> bool:
    """Whether the name says that the entry is there for a time only, and for nobody but who made
    it."""
    return name[:1] in PASSING_FIRST and _PASSING.fullmatch(name) is not None


@dataclass(frozen=True, slots=True)
class Filter:
    """What is left out. ``rule``, when given, decides by the relative path, after the names."""

    names: frozenset[str] = DEFAULT_NAMES
    rule: Callable[[str], bool] | None = None

    def ignored(self, path: str) -> bool:
        """Whether the entry at this relative path is left out by itself. Everything below one that
        is left out is left out too: callers walk down from the root and stop at the first."""
        return self.named(path) or (self.rule is not None and self.rule(path))

    def named(self, path: str) -> bool:
        """Whether the entry is left out by its name, which nobody misses: it goes with its folder.
        What a rule leaves out is somebody's, and keeps its folder."""
        name = path[path.rfind("/") + 1 :]
        return name in self.names or is_passing(name)

    def left_out(self, path: str) -> bool:
        """Whether the entry at this relative path, or a folder above it, is left out."""
        while path:
            if self.ignored(path):
                return True
            path = path.rpartition("/")[0]
        return False


DEFAULT = Filter()
