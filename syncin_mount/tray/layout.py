"""The menu with the numbers by which com.canonical.dbusmenu knows items. Pure.

A number belongs to one item for as long as this lives, and never to another: a click on a menu that
has changed meanwhile does what was read there, or nothing. Values are as jeepney takes them:
``(signature, value)``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from syncin_mount.tray.menu import Click, Item

ROOT = 0
"""The number of the menu itself, by the protocol."""

Properties = dict[str, tuple[str, Any]]
Node = tuple[int, Properties, list[tuple[str, Any]]]


@dataclass(frozen=True, slots=True)
class Change:
    """What became different: the menu's ``structure``, or else only the items with these
    numbers."""

    structure: bool = False
    items: tuple[int, ...] = ()

    def __bool__(self) -> bool:
        return self.structure or bool(self.items)


class Layout:
    """The menu as it is now. ``revision`` grows with its structure."""

    def __init__(self) -> None:
        self.revision = 0
        self._last = ROOT
        self._numbers: dict[tuple[str, ...], int] = {}
        self._items: dict[int, Item] = {}
        self._top: tuple[Item, ...] = ()

    def update(self, top: tuple[Item, ...]) -> Change:
        """From now on the menu is this."""
        if top == self._top:
            return Change()
        before, was = self._items, _keys(self._top)
        self._top = top
        everything = list(_all(top))
        numbers = {}
        for each in everything:
            number = self._numbers.get(each.key)
            if number is None:
                self._last += 1
                number = self._last
            numbers[each.key] = number
        self._numbers = numbers
        self._items = {numbers[each.key]: each for each in everything}
        if _keys(top) != was:
            self.revision += 1
            return Change(structure=True)
        changed = [number for number, each in self._items.items() if each != before[number]]
        return Change(items=tuple(changed))

    def click(self, number: int) -> Click | None:
        """What a click on the item does; None for one that does nothing, or is there no more."""
        item = self._items.get(number)
        return None if item is None else item.click

    def has(self, number: int) -> bool:
        return number == ROOT or number in self._items

    def properties(self, number: int, names: Collection[str] = ()) -> Properties:
        """Those of the item that differ from the protocol's defaults, of these names (all, without
        any). Raises KeyError."""
        found = _ROOT if number == ROOT else _properties(self._items[number])
        return {name: value for name, value in found.items() if not names or name in names}

    def group(self, numbers: Collection[int], names: Collection[str] = ()) -> list[Any]:
        """The properties of these items (all, without any), as ``a(ia{sv})``."""
        wanted = numbers or (ROOT, *self._items)
        return [(each, self.properties(each, names)) for each in wanted if self.has(each)]

    def tree(self, parent: int, depth: int, names: Collection[str] = ()) -> Node:
        """What is below the item, so many levels deep (-1: all), as ``(ia{sv}av)``. Raises
        KeyError."""
        children = self._top if parent == ROOT else self._items[parent].children
        below = [
            ("(ia{sv}av)", self.tree(self._numbers[each.key], depth - 1, names))
            for each in (children if depth else ())
        ]
        return parent, self.properties(parent, names), below


_ROOT: Properties = {"children-display": ("s", "submenu")}


def _properties(item: Item) -> Properties:
    if item.is_separator:
        return {"type": ("s", "separator")}
    found: Properties = {"label": ("s", item.label)}
    if item.children:
        found["children-display"] = ("s", "submenu")
    elif item.click is None:
        found["enabled"] = ("b", False)
    return found


def _all(items: Iterable[Item]) -> Iterable[Item]:
    for each in items:
        yield each
        yield from _all(each.children)


def _keys(items: tuple[Item, ...]) -> tuple[object, ...]:
    return tuple((each.key, _keys(each.children)) for each in items)
