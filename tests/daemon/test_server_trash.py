"""The server's trash has whatever size, depth and pace the server likes; looking through it ends.
Mock clock."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import cast

import pytest
import trio
from trio.testing import MockClock

from syncin_mount.app.drives import server_trash
from syncin_mount.app.drives.server_trash import ENTRIES, LOOKING, ServerTrash
from syncin_mount.remote import Session
from syncin_mount.remote.browse import TrashItem

Items = Callable[[str], list[TrashItem]]


def item(name: str, *, folder: bool = True) -> TrashItem:
    return TrashItem(name, folder, 0, 1, 1)


def trash_of(monkeypatch: pytest.MonkeyPatch, items: Items, seconds: float) -> ServerTrash:
    async def listed(_session: Session, path: str) -> list[TrashItem]:
        await trio.sleep(seconds)
        return items(path)

    async def nothing(*_: object, **__: object) -> list[object]:
        return []

    monkeypatch.setattr(server_trash, "trash_items", listed)
    monkeypatch.setattr(server_trash, "tree", cast(Callable[..., Awaitable[object]], nothing))
    return ServerTrash(cast(Session, None), "personal/x")


@pytest.mark.parametrize(
    ("items", "seconds"),
    [
        (lambda _path: [item("a")], 0.05),
        (lambda _path: [item("a"), item("b")], 0.05),
        (lambda _path: [item(str(n)) for n in range(100)], 0.05),
        (lambda _path: [item("a"), item("f", folder=False)], 20.0),
        (lambda _path: [item("n" * 250)], 1.0),
    ],
    ids=["deep", "twice as many on each level", "wide", "slow", "long names"],
)
async def test_looking_through_it_ends(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch, items: Items, seconds: float
) -> None:
    trash = trash_of(monkeypatch, items, seconds)
    began = trio.current_time()
    await trash.entries()
    assert trio.current_time() - began <= LOOKING + 3 * seconds
    assert trash.left_out > 0


async def test_more_entries_than_anybody_reads_are_not_listed(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = [item(f"f{n}", folder=False) for n in range(ENTRIES + 5)]
    trash = trash_of(monkeypatch, lambda path: many if path.endswith("x") else [], 0.01)
    assert len(await trash.entries()) == ENTRIES
    assert trash.left_out == 5


async def test_a_trash_with_an_end_is_listed_whole(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    below = {
        "personal/x": [item("d"), item("e"), item("f", folder=False)],
        "personal/x/d": [item("g", folder=False)],
    }
    asked: list[str] = []

    def items(path: str) -> list[TrashItem]:
        asked.append(path)
        return below.get(path, [])

    trash = trash_of(monkeypatch, items, 0.01)
    assert {entry.path: entry.folder for entry in await trash.entries()} == {
        "e": True,
        "f": False,
        "d/g": False,
    }
    assert trash.left_out == 0
    assert asked.count("personal/x/d") == 1, "no folder is asked for twice"
