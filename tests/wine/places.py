"""Where the parts lie, and what they are called inside Wine."""

from __future__ import annotations

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
HERE: Final = ROOT / "tests" / "wine"
CACHE: Final = ROOT / ".wine"
"""All that is fetched and made; who removes it has it made anew."""
DOWNLOADS: Final = CACHE / "downloads"
COMPILED: Final = CACHE / "compiled"
WINFSP: Final = CACHE / "winfsp"
"""Where the stand-in for WinFsp's library lies (tests/winfsp/library.c)."""


def python_folder(version: str) -> Path:
    """Where the interpreter of this version ("3.11") lies."""
    return CACHE / f"python-{version}"


def packages_folder(version: str) -> Path:
    """Where the packages for it lie, unpacked."""
    return CACHE / f"packages-{version}"


def prefix_folder(version: str) -> Path:
    """Where Wine's drive C and registry for it lie: what runs in one prefix ends together."""
    return CACHE / f"prefix-{version}"


def inside(path: Path) -> str:
    """The path as a program inside Wine says it: drive Z is the root."""
    return "Z:" + str(path.resolve()).replace("/", "\\")


class CannotSetUp(Exception):
    """Something that is needed cannot be had; the text says what, and why."""
