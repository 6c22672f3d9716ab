"""What Thunar would show, asked without Thunar: run on the system's Python, with a desktop's
environment.

Writes a line of JSON for each line that it reads, which is a file's path: the seconds that its menu
took, and what the menu has.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from gi.repository import GLib

sys.path.insert(0, sys.argv[1])  # the folder of the installed extension
from syncin_filemanager.thunar import SyncinMountThunar


class File:
    """As Thunar hands it."""

    def __init__(self, path: str) -> None:
        self._path = path

    def get_uri(self) -> str:
        return Path(self._path).as_uri()


def main() -> None:
    loop = GLib.MainContext.default()
    thunar = SyncinMountThunar()
    while not thunar._watch.drives:
        loop.iteration(True)
    for line in sys.stdin:
        while loop.iteration(False):
            pass
        file = File(line.rstrip("\n"))
        began = time.monotonic()
        menu = thunar.get_file_menu_items(None, [file])
        took = time.monotonic() - began
        labels = [item.get_property("label") for item in menu[0].get_property("menu").get_items()]
        print(json.dumps({"seconds": took, "labels": labels}), flush=True)


main()
