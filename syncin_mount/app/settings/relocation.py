"""A drive gets another mount point: it is unmounted for a moment where it is mounted."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import trio

from syncin_mount.app.errors import NotPossible
from syncin_mount.app.processes.at_rest import at_rest
from syncin_mount.app.synchronizations.editing import edit
from syncin_mount.app.synchronizations.mountpoint import check_mountpoint
from syncin_mount.config import ConfigurationFile
from syncin_mount.config.rules import objection

if TYPE_CHECKING:
    from pathlib import Path

    from syncin_mount.app.synchronizations.editing import Edited, Edits
    from syncin_mount.config import Folders


@dataclass(frozen=True, slots=True)
class Relocated:
    """``not_mounted`` is why a drive that was mounted is not mounted again."""

    edited: Edited
    not_mounted: Exception | None = None


async def relocate(folders: Folders, name: str, edits: Edits) -> Relocated:
    """`editing.edit` with another mount point, whatever is mounted. What can be told beforehand is
    told while the drive is still there; where the change fails, it is mounted again as it was.
    Raises as `edit` and `unmount` do."""
    configuration = await trio.to_thread.run_sync(ConfigurationFile(folders).read)
    before = configuration.synchronizations[name]
    if edits.mountpoint is None or edits.mountpoint == before.mountpoint:
        return Relocated(await edit(folders, name, edits))
    await trio.to_thread.run_sync(_check, folders, name, edits.mountpoint)
    async with at_rest(folders, name) as rest:
        edited = await edit(folders, name, edits)
    return Relocated(edited, rest.not_mounted)


def _check(folders: Folders, name: str, place: Path) -> None:
    """Raises NotPossible where no drive can be mounted."""
    configuration = ConfigurationFile(folders).read()
    present = configuration.synchronizations[name]
    refused = objection(
        configuration.without_synchronization(name), replace(present, mountpoint=place), folders
    )
    if refused:
        raise NotPossible(refused)
    check_mountpoint(place)
