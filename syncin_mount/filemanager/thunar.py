"""What Thunar calls. Its extensions can add to menus, and to nothing else: no emblems, no
columns."""

from __future__ import annotations

import os
from typing import Any

from gi.repository import GObject, Thunarx

from . import actions, menu
from .drives import Drive
from .watch import PATIENCE_S, Watch
from .words import Words


class SyncinMountThunar(GObject.GObject, Thunarx.MenuProvider):
    """Made by Thunar."""

    __gtype_name__ = "SyncinMountThunar"

    def __init__(self) -> None:
        super().__init__()
        self._words = Words(dict(os.environ))
        self._watch = Watch(_nothing, self._came, PATIENCE_S)

    def _came(self, drive: Drive) -> None:
        self._words.use(drive.catalogues)

    def get_file_menu_items(self, _window: Any, files: list[Any]) -> list[Any]:
        """For what is selected."""
        return self._items(list(files))

    def get_folder_menu_items(self, _window: Any, folder: Any) -> list[Any]:
        """For the folder that is shown."""
        return self._items([folder])

    def _items(self, files: list[Any]) -> list[Any]:
        found = self._watch.selected([file.get_uri() for file in files])
        items = [] if found is None else menu.items(found[2])
        if found is None or not items:
            return []
        drive, paths, _ = found
        head = Thunarx.MenuItem(
            name="SyncinMount::files", label=menu.HEAD, tooltip="", icon="syncin-mount"
        )
        below = Thunarx.Menu()
        head.set_menu(below)
        for item in items:
            entry = Thunarx.MenuItem(
                name=f"SyncinMount::{item.act}",
                label=self._words.say(item.label),
                tooltip=self._words.say(item.tip),
                icon="",
            )
            entry.connect("activate", self._activated, drive, item.act, paths)
            below.append_item(entry)
        return [head]

    def _activated(self, _entry: Any, drive: Drive, act: str, paths: list[str]) -> None:
        actions.start(drive, act, paths)


def _nothing(_drive: Drive, _paths: list[str]) -> None:
    pass
