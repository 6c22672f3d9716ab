"""Paths that people give."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from syncin_mount.cli.exit_status import CommandError
from syncin_mount.cli.ui import output

if TYPE_CHECKING:
    from syncin_mount.config import Synchronization


def inside(synchronization: Synchronization, path: str) -> str:
    """The path relative to the synchronized folder. Raises CommandError."""
    found = path
    if path.startswith("/"):
        try:
            found = str(Path(path).relative_to(synchronization.mountpoint))
        except ValueError as error:
            raise CommandError(
                f"'{output.printable(path)}' is not in {synchronization.mountpoint}; give a path in"
                " there, or one relative to it"
            ) from error
    parts = [part for part in found.split("/") if part not in {"", "."}]
    if not parts or ".." in parts:
        raise CommandError(
            f"'{output.printable(path)}' is no file or folder in the synchronized folder"
        )
    if not found.isprintable() and any("\ud800" <= letter <= "\udfff" for letter in found):
        raise CommandError(
            f"'{output.printable(path)}' is not UTF-8: the server cannot hold it, it stays here"
        )
    return "/".join(parts)
