"""What each file's time on the server may be. Pure.

An edit that keeps size and second is sent with a later second, so that every client sees it; here
the file keeps its own (docs/reference/conflict-table.md). Nothing else makes the two times differ.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict

from syncin_mount.cli.demo.tree_compare import TreeEntry
from tests.crash.model import FILE


def version(content: bytes, mtime_ns: int) -> TreeEntry:
    """A file's content at a time."""
    return TreeEntry(FILE, len(content), hashlib.sha256(content).hexdigest(), mtime_ns // 10**9)


class Versions:
    """Every content that there ever was, by size and second. ``explain`` says whether they are why
    a file has a later second on the server."""

    def __init__(self) -> None:
        self._known: defaultdict[int, set[tuple[int, str]]] = defaultdict(set)

    def note(self, thing: TreeEntry) -> None:
        if thing.kind == FILE:
            self._known[thing.size].add((thing.mtime, thing.digest))

    def explain(self, here: TreeEntry, there: TreeEntry) -> bool:
        """Other contents of this size must have the local second and every one up to the server's.
        One of them may have been sent with a later second for the same reason."""
        if (here.kind, here.size, here.digest) != (there.kind, there.size, there.digest):
            return False
        taken: set[int] = set()
        for second, digest in sorted(self._known[here.size]):
            if digest != here.digest:
                while second in taken:
                    second += 1  # noqa: PLW2901
                taken.add(second)
        return here.mtime < there.mtime and taken.issuperset(range(here.mtime, there.mtime))
