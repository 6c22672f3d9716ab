"""Both versions of a conflict, to be looked at. Reading changes nothing."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import trio

from reconciler.model import Kind
from reconciler.phrases import Phrase, strerror
from reconciler.reporting.conflict import Lost
from syncin_mount import system
from syncin_mount.app.conflicts.journal import Choice
from syncin_mount.control.conflict_messages import (
    READ_MOST,
    ConflictVersion,
    ConflictVersions,
    VersionPart,
)
from syncin_mount.control.service import NotDone

if TYPE_CHECKING:
    from syncin_mount.app.conflicts.places import Places
    from syncin_mount.app.drives.local_bin import LocalBin
    from syncin_mount.control.conflict_messages import ConflictEntry
    from syncin_mount.store import Replica

_NOT_TO_SEE = {
    "server": Phrase("it is in the server's trash alone; bring it back to look at it"),
    "gone": Phrase("it is in no bin any more"),
}


class Versions:
    """Of one replica. Methods raise NotDone with a sentence."""

    def __init__(self, replica: Replica, bin_: LocalBin, places: Places) -> None:
        self._replica = replica
        self._bin = bin_
        self._places = places

    async def both(self, conflict: ConflictEntry) -> ConflictVersions:
        """What is known of each; one that cannot be read says why."""
        named, other = sides(conflict)
        return ConflictVersions(
            conflict,
            await self._told(conflict, "named", named),
            await self._told(conflict, "other", other),
        )

    async def part(
        self, conflict: ConflictEntry, version: str, offset: int, size: int
    ) -> VersionPart:
        """``size`` bytes of a version, or what there are of them from ``offset`` on."""
        fd = await self._open(conflict, version)
        try:
            data = await trio.to_thread.run_sync(
                system.pread, fd, max(0, min(size, READ_MOST)), max(0, offset)
            )
            return VersionPart(data, os.fstat(fd).st_size)
        finally:
            os.close(fd)

    async def _told(self, conflict: ConflictEntry, version: str, side: str) -> ConflictVersion:
        where, path = ("here", conflict.path) if version == "named" else _place(conflict)
        try:
            fd = await self._open(conflict, version)
        except NotDone as error:
            return ConflictVersion(where, path, side, why_not=str(error))
        try:
            found = os.fstat(fd)
        finally:
            os.close(fd)
        size, mtime = found.st_size, found.st_mtime
        node = self._places.look(path) if where in {"here", "copy"} else None
        local = None if node is None else self._replica.local(node)
        if local is not None:  # of files that nobody opened, the disk has no time of their own
            size, mtime = local.size, local.mtime_ns / 1e9
        return ConflictVersion(where, path, side, size, mtime)

    async def _open(self, conflict: ConflictEntry, version: str) -> int:
        if version == "named":
            return self._open_here(conflict.path)
        if conflict.kept in _NOT_TO_SEE:
            raise NotDone(_NOT_TO_SEE[conflict.kept])
        if conflict.kept == "copy" and conflict.copy is not None:
            return self._open_here(conflict.copy)
        if conflict.entry is None:
            raise NotDone(_of_no_content(conflict))
        return await self._bin.open(conflict.entry)

    def _open_here(self, path: str) -> int:
        node = self._places.look(path)
        local = None if node is None else self._replica.local(node)
        if node is None or local is None:
            raise NotDone(Phrase("there is nothing at '{path}' any more", path=path))
        if local.kind is not Kind.FILE:
            raise NotDone(Phrase("'{path}' is no file", path=path))
        if not local.present:
            raise NotDone(
                Phrase("the content of '{path}' is not here yet; open the file first", path=path)
            )
        try:
            content = self._replica.open_content(node)
        except OSError as error:
            raise NotDone(
                Phrase("'{path}' cannot be read now: {why}", path=path, why=strerror(error))
            ) from error
        try:
            return os.dup(content.fd)
        finally:
            content.close()


def sides(conflict: ConflictEntry) -> tuple[str, str]:
    """Whose version has the name, and whose the other one is: ``local``, ``remote``, or empty
    where one cannot tell. Pure."""
    if conflict.lost == Lost.LOCAL.value:
        found = "remote", "local"
    elif conflict.lost == Lost.REMOTE.value:
        found = "local", "remote"
    else:
        return "", ""
    return (found[1], found[0]) if conflict.turned == Choice.SWAP.value else found


def _place(conflict: ConflictEntry) -> tuple[str, str]:
    in_drive = conflict.kept == "copy" and conflict.copy is not None
    return conflict.kept, (conflict.copy or "") if in_drive else conflict.path


def _of_no_content(conflict: ConflictEntry) -> str:
    if conflict.lost == Lost.PLACE.value:
        return Phrase("the sides disagreed about the place alone, so there is one version")
    return Phrase("the other side had deleted it, so there is one version")
