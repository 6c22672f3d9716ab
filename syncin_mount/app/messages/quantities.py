"""Numbers as sentences have them."""

from __future__ import annotations

from syncin_mount.language import tn
from syncin_mount.language.numbers import number


def size(count: int) -> str:
    """Bytes for people: ``812 B``, ``4.0 KiB``, ``1.2 GiB``."""
    value = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024:
            return f"{number(count)} B" if unit == "B" else f"{number(value, 1)} {unit}"
        value /= 1024
    return f"{number(value, 1)} TiB"


def files(count: int) -> str:
    """So many files."""
    return tn("{count} file", "{count} files", count)


def files_and_folders(count: int) -> str:
    """So many files and folders."""
    return tn("{count} file or folder", "{count} files and folders", count)


def folders(count: int) -> str:
    """So many folders."""
    return tn("{count} folder", "{count} folders", count)


def changes(count: int) -> str:
    """So many changes."""
    return tn("{count} change", "{count} changes", count)


def entries(count: int) -> str:
    """So many entries."""
    return tn("{count} entry", "{count} entries", count)


def conflicts(count: int) -> str:
    """So many conflicts."""
    return tn("{count} conflict", "{count} conflicts", count)


def problems(count: int) -> str:
    """So many problems."""
    return tn("{count} problem", "{count} problems", count)


def servers(count: int) -> str:
    """So many servers."""
    return tn("{count} server", "{count} servers", count)


def synchronizations(count: int) -> str:
    """So many synchronizations."""
    return tn("{count} synchronization", "{count} synchronizations", count)
