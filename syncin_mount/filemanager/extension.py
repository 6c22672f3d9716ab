"""What Nautilus, Nemo and Caja call: one source, as their interfaces differ in names alone.

Each call answers from what is known. What is not known is asked, and the file is looked at again
when the drive has answered.
"""

from __future__ import annotations

import os
from typing import Any

from gi.repository import GObject

from . import actions, drives, menu
from .drives import Drive
from .watch import Watch
from .words import EMBLEMS, Words, mark

ATTRIBUTE = "syncin_state"
COLUMN = "Sync-in"
COLUMN_TIP = mark("How the file stands towards the server")


class Files:
    """The drives, and what a file manager shows of them. ``module`` is its own one."""

    def __init__(self, module: Any) -> None:
        self._module = module
        self._words = Words(dict(os.environ))
        self._watch = Watch(self._changed, self._came)

    def _came(self, drive: Drive) -> None:
        """Its folder may be shown already."""
        self._words.use(drive.catalogues)
        self._invalidate(drives.uri(drive, ""))

    def _changed(self, drive: Drive, paths: list[str]) -> None:
        for path in paths:
            for uri in self._watch.uris(drive, path):
                self._invalidate(uri)

    def _invalidate(self, uri: str) -> None:
        """Has it looked at again, where somebody sees it."""
        file = self._module.FileInfo.lookup_for_uri(uri)
        if file is not None:
            file.invalidate_extension_info()

    def update(self, file: Any) -> None:
        """Gives the file its emblem, and its cell of the column."""
        found = self._watch.look_up(file.get_uri())
        if found is None:
            return
        state = found[3]
        emblem = EMBLEMS.get(state) if state is not None else None
        if emblem is not None:
            file.add_emblem(emblem)
        file.add_string_attribute(ATTRIBUTE, self._words.state(state))

    def column(self) -> Any:
        """The one with the state."""
        return self._module.Column(
            name="SyncinMount::state",
            attribute=ATTRIBUTE,
            label=COLUMN,
            description=self._words.say(COLUMN_TIP),
        )

    def menu(self, files: list[Any], *, background: bool = False) -> list[Any]:
        """For what is selected, or for the folder that is shown. Empty where that is not all in one
        drive."""
        found = self._watch.selected([file.get_uri() for file in files])
        items = [] if found is None else menu.items(found[2])
        if found is None or not items:
            return []
        drive, paths, _ = found
        where = "background" if background else "files"
        head = self._module.MenuItem(
            name=f"SyncinMount::{where}", label=menu.HEAD, tip="", icon="syncin-mount"
        )
        below = self._module.Menu()
        head.set_submenu(below)
        for item in items:
            entry = self._module.MenuItem(
                name=f"SyncinMount::{where}-{item.act}",
                label=self._words.say(item.label),
                tip=self._words.say(item.tip),
                icon="",
            )
            entry.connect("activate", self._activated, drive, item.act, paths)
            below.append_item(entry)
        return [head]

    def _activated(self, _entry: Any, drive: Drive, act: str, paths: list[str]) -> None:
        actions.start(drive, act, paths)


def provider(module: Any) -> type:
    """The class that the file manager whose ``module`` this is makes an object of."""

    class SyncinMountFiles(
        GObject.GObject, module.InfoProvider, module.ColumnProvider, module.MenuProvider
    ):
        __gtype_name__ = "SyncinMountFiles"

        def __init__(self) -> None:
            super().__init__()
            self._files = Files(module)

        def update_file_info(self, file: Any) -> None:
            self._files.update(file)

        def get_columns(self) -> list[Any]:
            return [self._files.column()]

        def get_file_items(self, *arguments: Any) -> list[Any]:
            # The last one is the files; those of older versions have a window before it.
            return self._files.menu(list(arguments[-1]))

        def get_background_items(self, *arguments: Any) -> list[Any]:
            return self._files.menu([arguments[-1]], background=True)

    return SyncinMountFiles
