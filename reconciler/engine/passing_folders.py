"""Folders that a listing shows, and that may not be there any more, or go again by themselves. They
are left alone for a while: whoever worked in one would keep it alive, and it would be there twice.

*Where a folder has just left.* Another device may have looked into a folder before this one moved
it away, and sent a file to its path afterwards. The server makes missing parents, so the path is
there again, as a folder that nobody made. That device brings the file to where the folder is, and
removes the other one, after its next listing (``revived_folders``). Nothing that the server says
tells such a folder from one that somebody made, but that it goes.

*At two places.* No folder has two names. One that moves while a listing walks through the tree is
listed at both.
"""

from __future__ import annotations

from reconciler.lookups import Lookups
from reconciler.model import Kind, NodeId, Place
from reconciler.phrases import Phrase
from reconciler.trees.remote_tree import RemoteTree

RECENT = 120.0
"""Seconds after our move in which what is new in the place may be such a folder."""

HOLD = 60.0
"""Seconds for which it is left alone, from the first listing that shows it on: the other device's
upload, its look afterwards and its listing fit into them."""

AGAIN = 1.0
"""Seconds after which another listing tells where a folder is that was at two places."""

MAY_GO = Phrase("It came to a place that a folder has just left, and may go again by itself.")
IS_TWICE = Phrase("It was listed at two places; the next listing tells where it is.")


class PassingFolders:
    """Outlives the runs. Times are of trio's clock, in seconds."""

    def __init__(self) -> None:
        self._left: dict[Place, float] = {}
        self._seen: dict[Place, float] = {}
        self._twice: set[tuple[Place, int]] = set()

    def leave(self, place: Place, now: float) -> None:
        """A folder is about to be moved away from a place on the server."""
        self._left[place] = now
        self._seen.pop(place, None)

    def withhold(self, tree: RemoteTree, known: Lookups, began: float) -> float:
        """What a listing that began then shows is to be left alone: ``tree`` does not know it from
        now on. Seconds until the last of it may be taken for what it is; 0 when there is none."""
        longest = self._withhold_twice(tree)
        for place, left in list(self._left.items()):
            folder = tree.child(place.parent, place.name)
            if folder is None or not _is_new(tree, known, folder):
                self._seen.pop(place, None)
                if began - left > RECENT:
                    del self._left[place]
                continue
            seconds = self._seen.setdefault(place, began) + HOLD - began
            if seconds <= 0:
                del self._left[place], self._seen[place]
                continue
            tree.withhold(folder, MAY_GO)
            longest = max(longest, seconds)
        return longest

    def _withhold_twice(self, tree: RemoteTree) -> float:
        """A server that calls several folders by one inode does so in the next listing, too."""
        before, self._twice = self._twice, set()
        found = 0.0
        for folder, inode in tree.twice.items():
            state = tree.get(folder)
            if state is None or tree.unknown(folder) is not None:
                continue
            self._twice.add((state.place, inode))
            if (state.place, inode) not in before:
                tree.withhold(folder, IS_TWICE)
                found = AGAIN
        return found


def _is_new(tree: RemoteTree, known: Lookups, folder: NodeId) -> bool:
    state = tree.get(folder)
    if state is None or state.kind is not Kind.FOLDER or tree.unknown(folder) is not None:
        return False
    return known.base(folder) is None and known.local(folder) is None
