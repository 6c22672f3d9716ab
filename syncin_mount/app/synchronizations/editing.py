"""Other settings for a synchronization."""

from __future__ import annotations

import os
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

import trio

from reconciler.model import Conflict, Direction, Mode
from reconciler.phrases import Phrase
from syncin_mount.app.drives.open_drive import is_mounted
from syncin_mount.app.errors import MustBeUnmounted, NotPossible
from syncin_mount.app.settings.bookmarks import move_bookmark
from syncin_mount.app.synchronizations.change_settings import change_settings
from syncin_mount.app.synchronizations.mountpoint import check_mountpoint
from syncin_mount.config import ConfigurationFile, Scheduler, Trash
from syncin_mount.config.filters import FilterError
from syncin_mount.config.filters import objection as filters_objection
from syncin_mount.config.rules import objection
from syncin_mount.deep_tree import make_folders

if TYPE_CHECKING:
    from syncin_mount.app.synchronizations.change_settings import SettingsChange
    from syncin_mount.config import Configuration, Folders, Synchronization


@dataclass(frozen=True, slots=True)
class Edits:
    """What changes; None stays as it is. ``mountpoint`` is absolute (`mountpoint.absolute`),
    ``filters`` are patterns (`from_text.filters_from_text`), all of them."""

    direction: Direction | None = None
    mode: Mode | None = None
    conflict: Conflict | None = None
    scheduler: Scheduler | None = None
    trash: Trash | None = None
    mountpoint: Path | None = None
    filters: tuple[str, ...] | None = None

    @property
    def given(self) -> dict[str, object]:
        """By the setting's name."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: value for name, value in values.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Edited:
    """``changes`` are settings with what they were and what they are. ``mounted``: a drive follows
    with its next run; but the trash only when it is mounted again."""

    change: SettingsChange
    changes: tuple[tuple[str, object, object], ...]
    mounted: bool

    @property
    def waits_for_mount(self) -> bool:
        """Whether something holds from the next mount on."""
        return self.mounted and self.change.after.trash is not self.change.before.trash


async def edit(folders: Folders, name: str, edits: Edits) -> Edited:
    """Changes these settings, here and on the server. Raises NotPossible for a mount point that
    cannot be one (MustBeUnmounted while the drive is mounted), FilterError, KeyError,
    ConfigurationError; nothing is changed then."""
    if edits.mountpoint is not None:
        await trio.to_thread.run_sync(_make_mountpoint, folders, name, edits.mountpoint)
    if edits.filters is not None:
        wrong = filters_objection(edits.filters)
        if wrong:
            raise FilterError(Phrase("the filters stay as they are: {wrong}", wrong=wrong))
    given = edits.given

    def edited(present: Synchronization) -> Synchronization:
        # the names and types of Edits are those of Synchronization
        return replace(present, **given)  # type: ignore[arg-type]

    def check(now: Configuration, after: Synchronization) -> None:
        # The server was asked meanwhile: somebody else may have been quicker.
        _require_place(folders, now, name, after.mountpoint)

    change = await change_settings(folders, name, edited, check)
    if change.before.mountpoint != change.after.mountpoint:
        moved = (folders, change.before.mountpoint, change.after.mountpoint, name)
        await trio.to_thread.run_sync(move_bookmark, *moved)
    changes = tuple(
        (word, getattr(change.before, word), getattr(change.after, word))
        for word in (each.name for each in fields(Edits))
        if getattr(change.before, word) != getattr(change.after, word)
    )
    return Edited(change, changes, is_mounted(folders, name))


def _make_mountpoint(folders: Folders, name: str, place: Path) -> None:
    """Raises NotPossible unless the drive can be mounted there next time."""
    configuration = ConfigurationFile(folders).read()
    if place == configuration.synchronizations[name].mountpoint:
        return
    _require_place(folders, configuration, name, place)
    check_mountpoint(place)
    make_folders(os.fsencode(place))


def _require_place(folders: Folders, now: Configuration, name: str, place: Path) -> None:
    """Raises NotPossible where the drive cannot get this mount point, by the configuration and what
    is mounted."""
    present = now.synchronizations[name]
    if place == present.mountpoint:
        return
    if is_mounted(folders, name):
        raise MustBeUnmounted(name, for_another_place=True)
    refused = objection(
        now.without_synchronization(name), replace(present, mountpoint=place), folders
    )
    if refused:
        raise NotPossible(refused)
