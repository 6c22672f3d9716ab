"""Where programs look and work: whoever keeps the drive fresh asks the server about these folders
first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncin_mount.vfs.folders import parent_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from reconciler.model import NodeId
    from syncin_mount.store import Replica
    from syncin_mount.vfs.folders import OpenFolders
    from syncin_mount.vfs.open_file import OpenFile


class Visits:
    """Of one file system. ``tell`` is called with each folder that is opened, and with the folder
    of each file that is; whoever wants to hear of it sets it."""

    def __init__(
        self, replica: Replica, folders: OpenFolders, handles: Mapping[int, tuple[OpenFile, bool]]
    ) -> None:
        self.tell: Callable[[NodeId], None] = lambda _folder: None
        self._replica = replica
        self._folders = folders
        self._handles = handles
        folders.on_open = lambda folder: self.tell(folder)  # noqa: PLW0108 (what is set later)

    def of_file(self, file: OpenFile) -> None:
        """The file has just been opened."""
        if file.node is not None:
            self.tell(parent_of(self._replica, file.node))

    def open_now(self) -> Iterator[NodeId]:
        """The folders that are open at this moment, and those of open files."""
        yield from self._folders.open_now()
        for file, _ in self._handles.values():
            if file.node is not None:
                yield parent_of(self._replica, file.node)
