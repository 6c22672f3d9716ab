"""The menu below the icon, as a tree of items. Pure."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

from syncin_mount.control.supervision import Phase
from syncin_mount.language import t, tn
from syncin_mount.printable import printable
from syncin_mount.tray.view import Kind, foremost, kind_of, needs, words

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from syncin_mount.tray.view import DriveView

MENU_DRIVES = 30
"""Drives that the menu lists; the rest is counted. More do not fit on a screen."""

MENU_NEEDS = 10
"""What needs somebody, likewise."""

LABEL_LENGTH = 80
"""Characters of a label; what is longer is cut."""


class Verb(enum.Enum):
    """What a click does. ``LOOK``: shows the drive's most urgent need of that place."""

    OPEN = "open"
    SYNC = "sync"
    PAUSE = "pause"
    RESUME = "resume"
    MOUNT = "mount"
    LOOK = "look"
    SYNC_ALL = "sync all"
    PAUSE_ALL = "pause all"
    RESUME_ALL = "resume all"
    PAGE = "page"
    QUIT = "quit"


@dataclass(frozen=True, slots=True)
class Click:
    """What a click on an item does, for which drive (all: an empty name). ``detail`` tells apart
    what is looked at."""

    verb: Verb
    drive: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """One line of the menu. ``key`` identifies it, however its label changes. An empty label is a
    line between groups."""

    key: tuple[str, ...]
    label: str = ""
    click: Click | None = None
    children: tuple[Item, ...] = ()

    @property
    def is_separator(self) -> bool:
        return not self.label


def label(text: str) -> str:
    """As the menu's protocol wants it: one underscore would mark the next letter as the key that
    chooses the item."""
    text = printable(text)
    if len(text) > LABEL_LENGTH:
        text = f"{text[: LABEL_LENGTH - 1]}…"
    return text.replace("_", "__")


def menu(drives: Sequence[DriveView], *, has_page: bool) -> tuple[Item, ...]:
    """The whole of it. ``has_page``: there is a page to open."""
    groups = [
        _needs(drives),
        _drives(drives),
        _all(drives),
        [_item(Verb.PAGE, t("Open the page"))] if has_page else [],
        [_item(Verb.QUIT, t("Unmount all drives and quit"))],
    ]
    return tuple(_separated(groups))


def _separated(groups: Iterable[Sequence[Item]]) -> Iterable[Item]:
    filled = [group for group in groups if group]
    for number, group in enumerate(filled):
        if number:
            yield Item(("separator", str(number)))
        yield from group


def _item(verb: Verb, text: str, drive: str = "", detail: str = "") -> Item:
    click = Click(verb, drive, detail)
    return Item((verb.value, drive, detail), label(text), click)


def _needs(drives: Sequence[DriveView]) -> list[Item]:
    found = [
        _item(Verb.LOOK, f"{need.title} …", need.drive, need.place.value)
        for each in drives
        for need in needs(each)
    ]
    left = len(found) - MENU_NEEDS
    return found if left <= 0 else [*found[:MENU_NEEDS], _more("needs", left)]


def _more(what: str, number: int) -> Item:
    return Item(("more", what), label(tn("and {count} more", "and {count} more", number)))


def _drives(drives: Sequence[DriveView]) -> list[Item]:
    """A submenu for each; of a single one, its items at once."""
    if not drives:
        return [Item(("none",), label(t("No synchronization is enabled")))]
    if len(drives) == 1:
        (only,) = drives
        return [Item(("drive", only.name), _title(only)), *_items(only)]
    shown = foremost(drives, MENU_DRIVES)
    found = [Item(("drive", each.name), _title(each), None, tuple(_items(each))) for each in shown]
    left = len(drives) - len(shown)
    return found if not left else [*found, _more("drives", left)]


def _title(drive: DriveView) -> str:
    return label(f"{drive.name}: {words(drive)}")


def _items(drive: DriveView) -> list[Item]:
    name, up = drive.name, drive.phase is Phase.UP
    found = []
    if up:
        found.append(_item(Verb.OPEN, t("Open folder"), name))
    elif drive.phase in {Phase.DOWN, Phase.WAITING}:
        found.append(_item(Verb.MOUNT, t("Mount"), name))
    if _may_sync(drive):
        found.append(_item(Verb.SYNC, t("Sync now"), name))
    if is_paused(drive):
        found.append(_item(Verb.RESUME, t("Resume"), name))
    else:
        found.append(_item(Verb.PAUSE, t("Pause"), name))
    return found


def is_paused(drive: DriveView) -> bool:
    """As its daemon tells, or as it is configured."""
    return drive.paused or kind_of(drive) is Kind.PAUSED


def _may_sync(drive: DriveView) -> bool:
    return drive.phase is Phase.UP and not is_paused(drive)


def _all(drives: Sequence[DriveView]) -> list[Item]:
    """For several drives at once."""
    if len(drives) < 2:
        return []
    found = []
    if any(map(_may_sync, drives)):
        found.append(_item(Verb.SYNC_ALL, t("Sync all now")))
    if not all(map(is_paused, drives)):
        found.append(_item(Verb.PAUSE_ALL, t("Pause all")))
    if any(map(is_paused, drives)):
        found.append(_item(Verb.RESUME_ALL, t("Resume all")))
    return found
