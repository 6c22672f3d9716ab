"""How a level of the server's folders is shown, and what an answer to it means. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from syncin_mount.app.accounts.remote_folders import (
    RemoteFolder,
    in_order,
    is_read_only,
    nobody,
    objection,
)
from syncin_mount.app.messages import sentence
from syncin_mount.language import mark, t

if TYPE_CHECKING:
    from syncin_mount.config import Synchronization
    from syncin_mount.remote.browse import RemoteItem

PAGE = 30
"""Folders that are shown at once: what a terminal of usual height keeps on screen with a question
below."""


def unsuited(
    item: RemoteItem, user: Callable[[str], Synchronization | None] = nobody
) -> str | None:
    """Why the item cannot be synchronized, as a clause, or None. ``user`` says which
    synchronization of this computer is in the way of a path."""
    found = objection(item, user)
    return None if found is None else sentence(found)


def note(item: RemoteItem, user: Callable[[str], Synchronization | None] = nobody) -> str:
    """What is said beside an item: why it cannot be chosen, or how; "" for one that can be, with
    all rights."""
    return remark(RemoteFolder(item, objection(item, user), is_read_only(item)))


def remark(found: RemoteFolder) -> str:
    """The same, of a folder that was looked at."""
    if found.objection is not None:
        return sentence(found.objection)
    return t("read-only: a drive of it follows the server") if found.read_only else ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What somebody wants at a level: exactly one of these. ``number`` counts from 0."""

    number: int | None = None
    up: bool = False
    here: bool = False
    more: bool = False
    make: str | None = None
    path: str | None = None
    only: str | None = None


def understood(text: str) -> Answer:
    """What an answer means: see `HELP`."""
    text = text.strip()
    if not text:
        return Answer(more=True)
    if text == "..":
        return Answer(up=True)
    if text == ".":
        return Answer(here=True)
    if text.startswith("+"):
        return Answer(make=text[1:].strip())
    if text.isascii() and text.isdigit() and len(text) < 10:
        return Answer(number=int(text) - 1)
    if "/" in text:
        return Answer(path=text.strip("/"))
    return Answer(only=text)


HELP = mark(
    "A number or a path opens a folder, “..” goes up, “.” chooses what is open;\n"
    "“+ NAME” makes a folder in it, any other text shows only the names with"
    " that."
)


def beside(name: str, aside: str) -> str:
    """The remark behind the name, in a column of its own where there is room."""
    return f"{name:<28} {aside}".rstrip()


@dataclass(frozen=True, slots=True)
class Level:
    """The folders in a folder, as they are shown: those with ``only`` in their names, from
    ``first`` on."""

    items: tuple[RemoteItem, ...]
    only: str = ""
    first: int = 0

    @property
    def found(self) -> list[RemoteItem]:
        """All that fit ``only``, in order."""
        wanted = self.only.casefold()
        return [
            item
            for item in in_order(self.items)
            if item.is_folder and wanted in item.name.casefold()
        ]

    def next_page(self) -> Level:
        """The next ones, or the first ones again after the last."""
        first = self.first + PAGE
        return replace(self, first=first if first < len(self.found) else 0)

    def lines(
        self, notes: Callable[[RemoteItem], str], printable: Callable[[str], str]
    ) -> list[str]:
        """What is shown, in 80 columns as far as the names allow."""
        found = self.found
        shown = found[self.first : self.first + PAGE]
        lines = []
        for number, item in enumerate(shown, self.first + 1):
            name = f"{number:>4}  {printable(item.path.rpartition('/')[2])}/"
            aside = notes(item)
            lines.append(beside(name, aside))
        rest = len(found) - self.first - len(shown)
        if rest > 0:
            lines.append(t("      … {rest} more: Enter shows them", rest=rest))
        if not found:
            lines.append(
                t("      no folder has “{only}” in its name", only=printable(self.only))
                if self.only
                else t("      no folders")
            )
        return lines
