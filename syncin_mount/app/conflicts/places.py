"""Where files of a drive are, and replacing or removing one as a program would."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from reconciler.model import ROOT, Kind
from reconciler.names import free_names
from reconciler.phrases import Phrase
from syncin_mount.app.conflicts.journal import Whereabouts
from syncin_mount.app.errors import RestoreFirst
from syncin_mount.control.service import NotDone
from syncin_mount.store import AttrChanged, EntryChanged, NameChanged
from syncin_mount.store.name_texts import to_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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
            node = None if node is None else self._replica.lookup(node, to_bytes(part))
        return node

    def place(self, path: str) -> tuple[NodeId, bytes]:
        """The folder of a path, and the name in it. Raises NotDone without the folder."""
        above, _, name = path.rpartition("/")
        parent = self.look(above) if above else ROOT
        if parent is None:
            raise NotDone(Phrase("the folder '{above}' is not there any more", above=above))
        return parent, to_bytes(name)

    def free_beside(self, path: str) -> str:
        """Another path like this one, which nothing has. Raises NotDone without the folder."""
        self.place(path)
        return next(each for each in self._free(path) if each != path)

    def free_at(self, path: str) -> str:
        """This path, or one like it, which nothing has."""
        return next(self._free(path))

    def _free(self, path: str) -> Iterator[str]:
        above, slash, name = path.rpartition("/")
        names = free_names(name, time.strftime("%Y-%m-%d"))
        paths = (f"{above}{slash}{each}" for each in names)
        return (each for each in paths if self.look(each) is None)

    def expect_still(self, node: NodeId, path: str) -> None:
        """Raises NotDone unless this is a file whose content is here, and nobody is busy with
        it."""
        local = self._replica.local(node)
        if local is None or local.kind is not Kind.FILE:
            raise RestoreFirst(Phrase("'{path}' is no file any more", path=path))
        if not local.present:
            raise NotDone(
                Phrase(
                    "the content of '{path}' is not here yet, and could not be kept; open the"
                    " file first, then try again",
                    path=path,
                )
            )
        if not local.may_be_exchanged or self._is_in_flight(node):
            raise NotDone(
                Phrase(
                    "'{path}' is being written or synchronized; try again in a moment", path=path
                )
            )

    def move(self, path: str, to: str) -> None:
        """rename(2) to a place that nothing has."""
        parent, name = self.place(path)
        new_parent, new_name = self.place(to)
        self._replica.rename(parent, name, new_parent, new_name, no_replace=True)
        self._replica.tell_entry(parent, name)
        self._replica.tell_entry(new_parent, new_name)

    def exchange(self, path: str, other: str) -> None:
        """Each gets the other's name, in one step."""
        parent, name = self.place(path)
        other_parent, other_name = self.place(other)
        self._replica.rename(parent, name, other_parent, other_name, exchange=True)
        self._replica.tell_entry(parent, name)
        self._replica.tell_entry(other_parent, other_name)

    def keep(self, path: str, node: NodeId, why: str) -> Whereabouts:
        """The bin gets a copy of ``node``, which is at ``path`` and `expect_still`. Where that
        is."""
        sequence = self._replica.copy_to_bin(node, why)
        entry = None if sequence is None else self._replica.bin.entry(sequence)
        assert entry is not None
        return Whereabouts(path, why, entry.time_ns / 1e9, mark=entry.mark)

    def put_over(self, path: str, to: str, node: NodeId) -> None:
        """rename(2) over ``node`` at ``to``. No program asked for it: whoever has it open keeps it,
        and the kernel hears of both names."""
        parent, name = self.place(path)
        new_parent, new_name = self.place(to)
        moved, notifier = self._replica.lookup(parent, name), self._replica.notifier
        with notifier.unnaming([each for each in (moved, node) if each is not None]):
            self._replica.rename(parent, name, new_parent, new_name)
        notifier.notify_new_name(parent, name)
        notifier.notify_new_name(new_parent, new_name)

    def remove(self, path: str, node: NodeId) -> None:
        """unlink(2) of ``node``, which is at ``path``."""
        parent, name = self.place(path)
        notifier, was = self._replica.notifier, self._replica.attr(node)
        with notifier.unnaming([node]):
            self._replica.unlink(parent, name)
        folder = self._replica.attr(parent)
        if folder is not None:
            ino = folder.ino
            notifier.notify(EntryChanged(ino, name), AttrChanged(ino), NameChanged(ino, name, was))

    def sync_journal(self) -> None:
        """Returns when what was changed survives a power cut. Blocks: call it in a thread."""
        self._replica.sync_journal()
