"""What the desktop's parts need of the page in the browser, where there is one."""

from __future__ import annotations

import enum
from typing import Protocol


class Place(enum.Enum):
    """A place of the page where something can be seen to."""

    START = "start"
    HALT = "halt"
    LOG_IN = "log-in"
    PROBLEMS = "problems"
    CONFLICTS = "conflicts"
    EXPLAIN = "explain"
    TRASH = "trash"
    ADD = "add"
    """The assistant for a new synchronization."""


class Page(Protocol):
    """The page, where it is served."""

    async def address(self, place: Place, drive: str) -> str:
        """Where it is in the browser, at that place of that drive (START: an empty name): good for
        one tab, and soon. Raises an error whose text is one sentence."""
        ...
