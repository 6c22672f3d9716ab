"""Files by their paths on this computer, as file managers name them: the drive that they are in,
and what is pending of them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.phrases import Phrase
from syncin_mount.app.drives.addresses import address_on_server
from syncin_mount.app.errors import DriveHangs, InvalidRequest, NotPossible
from syncin_mount.mount_table import LOOK_S, followed, within

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from syncin_mount.app.drives.drive import Drive
    from syncin_mount.config import Configuration, Synchronization
    from syncin_mount.control.messages import Changed


@dataclass(frozen=True, slots=True)
class InDrive:
    """Files of one drive; the paths are relative to its mount point, "" being that itself."""

    synchronization: Synchronization
    paths: tuple[str, ...]


def in_drive(configuration: Configuration, paths: Sequence[str]) -> InDrive:
    """The drive that these files are in. Raises InvalidRequest where that is not one drive."""
    found = [_placed(configuration, path) for path in paths]
    names = {synchronization.name for synchronization, _ in found}
    if len(names) != 1:
        raise InvalidRequest(Phrase("The files are in several drives; choose files of one"))
    return InDrive(found[0][0], tuple(path for _, path in found))


def _placed(configuration: Configuration, path: str) -> tuple[Synchronization, str]:
    found = drive_at(configuration, path)
    if found is None:
        raise InvalidRequest(Phrase("'{path}' is in no drive of syncin-mount", path=path))
    return found


def drive_at(configuration: Configuration, path: str) -> tuple[Synchronization, str] | None:
    """The synchronization whose mount point the path leads to or into, and the path relative to it;
    None where it leads to none. A relative path begins in the current folder. No drive is touched,
    as it may hang: its own symbolic links are not followed."""
    points = {each.mountpoint: each for each in configuration.synchronizations.values()}
    try:
        place = followed(path, points)
    except OSError:  # the current folder is gone
        return None
    innermost = next((each for each in (place, *place.parents) if each in points), None)
    if innermost is None:
        return None
    below = os.path.relpath(place, innermost)
    return points[innermost], "" if below == "." else below


def address_of(configuration: Configuration, files: InDrive) -> str:
    """Where the server's web interface shows the folder of the first of these files, or the folder
    that it is. Looks whether it is one. Raises DriveHangs where the drive does not tell that within
    seconds."""
    synchronization, path = files.synchronization, files.paths[0]
    try:
        if path and not within(LOOK_S, (synchronization.mountpoint / path).is_dir):
            path = path.rpartition("/")[0]
    except TimeoutError as error:
        raise DriveHangs(synchronization.name) from error
    remote = f"{synchronization.remote}/{path}" if path else synchronization.remote
    return address_on_server(configuration.servers[synchronization.server], remote)


async def change_pending(drive: Drive, paths: Iterable[str], *, hold: bool) -> list[Changed]:
    """Holds or releases what is pending of these files, and of what is in those that are folders.
    Raises NotPossible where nothing is."""
    wanted = tuple(paths)
    numbers = [
        each.sequence
        for each in await drive.journal(everything=False)
        if each.held is not hold
        and any(_concerns(each.new_path or each.path, path) for path in wanted)
    ]
    if not numbers:
        raise NotPossible(
            Phrase("Nothing of it is held")
            if not hold
            else Phrase("Nothing of it waits to be uploaded")
        )
    return await (drive.hold(numbers) if hold else drive.release(numbers))


def _concerns(path: str, top: str) -> bool:
    return not top or path == top or path.startswith(f"{top}/")
