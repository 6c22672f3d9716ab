"""Long lists in few lines: what has the same reason is one line a folder. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Sequence

T = TypeVar("T")

SHORT = 20
"""So many items are listed one by one; of more, each folder and reason is a line."""

_QUOTED = re.compile(r"'[^']*'|‘[^’]*’|“[^”]*”|„[^“]*“|« [^»]* »")
"""As English, German and French have them."""


@dataclass(frozen=True, slots=True)
class Group(Generic[T]):
    """Items of one kind below one folder, in their order. ``path`` is the folder's, with a slash at
    its end, or the one item's own; empty for several at the top."""

    path: str
    items: tuple[T, ...]

    @property
    def first(self) -> T:
        return self.items[0]

    @property
    def count(self) -> int:
        return len(self.items)


def is_long(items: Sequence[object]) -> bool:
    """Whether they are more than somebody reads one by one."""
    return len(items) > SHORT


def kind_of(reason: str) -> str:
    """A reason without the names in it: what waits for one folder and what waits for another wait
    alike."""
    return _QUOTED.sub("'…'", reason)


def shared(reasons: Sequence[str]) -> str:
    """One reason for all: theirs, or without the names in which they differ."""
    return reasons[0] if len(set(reasons)) == 1 else kind_of(reasons[0])


def grouped(
    items: Iterable[T],
    path: Callable[[T], str],
    kind: Callable[[T], Hashable],
    most: int = SHORT,
) -> list[Group[T]]:
    """The items by folder and kind, in the order of their first ones. The folders are as deep as
    ``most`` lines allow: else those above stand for them; what is alone has a line of its own."""
    todo = [(each, path(each).strip("/").split("/")[:-1], kind(each)) for each in items]
    depth = max((len(folders) for _, folders, _ in todo), default=0)
    while True:
        found: dict[tuple[tuple[str, ...], Hashable], list[T]] = {}
        for each, folders, what in todo:
            found.setdefault((tuple(folders[:depth]), what), []).append(each)
        if len(found) <= most or not depth:
            break
        # A tree may be very deep, and most of its folders hold few: not each depth is worth a look.
        depth = min(depth - 1, 64)
    return [
        Group(
            "".join(f"{each}/" for each in folders) if len(some) > 1 else path(some[0]), tuple(some)
        )
        for (folders, _), some in found.items()
    ]
