"""Which package `reconciler` this program loads: its own, wherever it is installed.

A wheel has it as `syncin_mount/_own/reconciler`, since a top-level package of that name in
site-packages could overwrite somebody else's, or be overwritten
(docs/internals/decisions/0026-own-packages-in-site-packages.md). The repository has it beside
`syncin_mount`. Standard library alone, and little of it: every command loads this.
"""

from __future__ import annotations

import os
import sys
from importlib.machinery import ModuleSpec, PathFinder

TYPE_CHECKING = False  # as `typing` has it, which takes milliseconds to load

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

NAME = "reconciler"


def folder(package: str = os.path.dirname(os.path.abspath(__file__))) -> str:
    """Return the folder that has `reconciler`, for the `syncin_mount` that lies in ``package``."""
    own = os.path.join(package, "_own")
    return own if os.path.isdir(own) else os.path.dirname(package)


class OwnPackages:
    """A finder for `sys.meta_path` that knows one name, and leaves all others to those behind
    it."""

    def __init__(self, where: str) -> None:
        self._where = where

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return PathFinder.find_spec(NAME, [self._where]) if name == NAME else None


def lead() -> None:
    """Have this process import our `reconciler`. Raises ImportError when it has another already."""
    where = folder()
    loaded = sys.modules.get(NAME)
    file = None if loaded is None else getattr(loaded, "__file__", None)
    ours = os.path.join(where, NAME, "__init__.py")
    if loaded is not None and (file is None or os.path.realpath(file) != os.path.realpath(ours)):
        raise ImportError(
            f"this process has loaded another package with the name '{NAME}' ({file}), and"
            " syncin_mount needs its own; import syncin_mount first, or in a process of its own"
        )
    if not any(isinstance(each, OwnPackages) for each in sys.meta_path):
        sys.meta_path.insert(0, OwnPackages(where))
