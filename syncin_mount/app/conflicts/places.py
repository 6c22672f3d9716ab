"""Where files of a drive are, and replacing or removing one as a program would."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from reconciler.model import ROOT, Kind
from reconciler.names import free_names
from syncin_mount.app.errors import RestoreFirst
from syncin_mount.control.service import NotDone
from syncin_mount.store import AttrChanged, EntryChanged, NameChanged

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.model import NodeId
    from syncin_mount.store import Replica


class Places:
    """Of one replica. Nothing here waits: between two calls nobody else changes the drive. Methods
    raise NotDone with a sentence, and OSError."""

    def __init__(self, replica: Replica, is_in_flight: Callable[[NodeId], bool]) -> None:
        self._replica = replica
        self._is_in_flight = is_in_flight

    def look(self, path: str) -> NodeId | None:
        """What is at a path, None: nothing."""
        node: NodeId | None = ROOT
        for part in path.split("/"):
            node = None if node is None else self._replica.lookup(node, os.fsencode(part))
        return node

    def place(self, path: str) -> tuple[NodeId, bytes]:
        """The folder of a path, and the name in it. Raises NotDone without the folder."""
        above, _, name = path.rpartition("/")
        parent = self.look(above) if above else ROOT
        if parent is None:
            raise NotDone(f"the folder '{above}' is not there any more")
        return parent, os.fsencode(name)

    def free_beside(self, path: str) -> str:
        """A path like this one that nothing has."""
        above, slash, name = path.rpartition("/")
        parent, _ = self.place(path)
        names = free_names(name, time.strftime("%Y-%m-%d"))
        free = next(
            each
            for each in names
            if each != name and self._replica.lookup(parent, os.fsencode(each)) is None
        )
        return f"{above}{slash}{free}"

    def expect_still(self, node: NodeId, path: str) -> None:
        """Raises NotDone unless this is a file whose content is here, and nobody is busy with
        it."""
        local = self._replica.local(node)
        if local is None or local.kind is not Kind.FILE:
            raise RestoreFirst(f"'{path}' is no file any more")
        if not local.present:
            raise NotDone(
                f"the content of '{path}' is not here yet, and could not be kept; open the file"
                " first, then try again"
            )
        if local.busy or local.open_for_writing or self._is_in_flight(node):
            raise NotDone(f"'{path}' is being written or synchronized; try again in a moment")

    def move(self, path: str, to: str) -> None:
        """rename(2) to a place that nothing has."""
        parent, name = self.place(path)
        new_parent, new_name = self.place(to)
        self._replica.rename(parent, name, new_parent, new_name, no_replace=True)
        self._replica.tell_entry(parent, name)
        self._replica.tell_entry(new_parent, new_name)

    def replace(self, path: str, to: str, node: NodeId, why: str) -> float:
        """rename(2) over ``node`` at ``to``, of which the bin gets a copy before. No program asked
        for it: whoever has it open keeps it, and the kernel hears of both names. Returns since
        when the bin has it."""
        parent, name = self.place(path)
        new_parent, new_name = self.place(to)
        self._replica.copy_to_bin(node, why)
        since = time.time()
        moved, notifier = self._replica.lookup(parent, name), self._replica.notifier
        with notifier.unnaming([each for each in (moved, node) if each is not None]):
            self._replica.rename(parent, name, new_parent, new_name)
        notifier.notify_new_name(parent, name)
        notifier.notify_new_name(new_parent, new_name)
        return since

    def remove(self, path: str, node: NodeId, why: str) -> float:
        """unlink(2) of ``node``, of which the bin gets a copy before. Returns since when."""
        parent, name = self.place(path)
        self._replica.copy_to_bin(node, why)
        since = time.time()
        notifier, was = self._replica.notifier, self._replica.attr(node)
        with notifier.unnaming([node]):
            self._replica.unlink(parent, name)
        folder = self._replica.attr(parent)
        if folder is not None:
            ino = folder.ino
            notifier.notify(EntryChanged(ino, name), AttrChanged(ino), NameChanged(ino, name, was))
        return since
