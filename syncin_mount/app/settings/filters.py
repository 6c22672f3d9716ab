"""What a synchronization leaves out, as people change it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.phrases import Phrase
from syncin_mount.app.drives.views import stays_here
from syncin_mount.app.synchronizations.change_settings import change_settings
from syncin_mount.app.synchronizations.from_text import filters_from_text
from syncin_mount.config.filters import FilterError, Rule, matcher, objection, parse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from syncin_mount.app.synchronizations.change_settings import SettingsChange
    from syncin_mount.config import Folders, Synchronization

Patterns = tuple[str, ...]
"""Filters as Sync-in stores them."""


def changed(present: Patterns, add: Iterable[str] = (), remove: Iterable[str] = ()) -> Patterns:
    """The filters with the rules of ``add``, as people type them, and without the patterns of
    ``remove``. Raises FilterError for a rule that cannot be, or too many."""
    gone = set(remove)
    kept = [pattern for pattern in present if pattern not in gone]
    after = tuple(dict.fromkeys((*kept, *filters_from_text(add))))
    wrong = objection(after)
    if wrong:
        raise FilterError(Phrase("the filters stay as they are: {wrong}", wrong=wrong))
    return after


async def set_filters(
    folders: Folders, name: str, change: Callable[[Patterns], Patterns]
) -> SettingsChange:
    """Replaces the filters by ``change`` of them, which may raise. Raises ConfigurationError,
    KeyError."""

    def filtered(present: Synchronization) -> Synchronization:
        return replace(present, filters=change(present.filters))

    return await change_settings(folders, name, filtered)


def why_left_out(path: str, patterns: Patterns) -> Rule | str | None:
    """The rule that leaves the path, or a folder above it, out; or the name that is left out
    everywhere; None for what is synchronized."""
    parts = path.strip("/").split("/")
    for length in range(1, len(parts) + 1):
        above = "/".join(parts[:length])
        if stays_here(above):
            return parts[length - 1]
        for pattern in patterns:
            fits = matcher((pattern,))
            if fits is not None and fits(above):
                return parse(pattern)
    return None
