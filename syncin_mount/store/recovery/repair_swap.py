"""Puts the index that a repair built in the place of the damaged one."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from syncin_mount import system

REPAIRING: Final = "repairing"
"""The file that says that a new index is complete and takes the old one's place: with the number of
that repair."""


def finish_repair(folder: Path) -> None:
    """Puts a repair's new index into its place, however far the last process came with it. The lock
    must be held."""
    mark = folder / REPAIRING
    if not mark.exists():
        return
    text = mark.read_text(errors="replace").strip()
    aside = folder / "damaged" / (text if text.isdecimal() else "unknown")
    aside.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in ("journal", "index"):
        if name == "index" and not (folder / "index.new").exists():
            continue  # it is in its place already
        if (folder / name).exists() and not (aside / name).exists():
            system.replace(folder / name, aside / name)
    for path in (aside, aside.parent, folder):
        system.sync_folder(path)
    if (folder / "index.new").exists():
        system.replace(folder / "index.new", folder / "index")
    (folder / "journal").mkdir(mode=0o700, exist_ok=True)
    system.sync_folder(folder)
    mark.unlink()
    system.sync_folder(folder)
