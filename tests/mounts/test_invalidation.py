"""The kernel is told in a thread; who asks waits until it was."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import SimpleNamespace

import pyfuse3
import pytest
import trio
import trio.testing

from syncin_fuse.invalidation import Invalidator
from syncin_mount.store import Change, EntryChanged


class Names:
    """What the invalidator needs of a file system's names."""

    def __init__(self) -> None:
        self.heard: Callable[[Change], None] = lambda _change: None
        self.passed_on: Callable[[], object] = lambda: None

    def listen(self, heard: Callable[[Change], None], passed_on: Callable[[], object]) -> None:
        self.heard, self.passed_on = heard, passed_on


async def test_who_asks_waits_until_the_kernel_was_told(monkeypatch: pytest.MonkeyPatch) -> None:
    began, goes_on = threading.Event(), threading.Event()
    told: list[bytes] = []

    def slow(_parent: int, name: bytes) -> None:
        began.set()
        assert goes_on.wait(20)
        told.append(name)

    monkeypatch.setattr(pyfuse3, "invalidate_entry", slow)
    names = Names()
    fs = SimpleNamespace(names=names, forget=lambda _inodes: None)
    # it needs no more of a file system than this
    invalidator = Invalidator(fs, lambda _name: None)  # type: ignore[arg-type]
    with trio.fail_after(20):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(invalidator.run)
            names.heard(EntryChanged(1, b"first"))
            await trio.to_thread.run_sync(began.wait)
            names.heard(EntryChanged(1, b"second"))
            asked = trio.Event()

            async def ask() -> None:
                await invalidator.passed_on()
                asked.set()

            nursery.start_soon(ask)
            await trio.testing.wait_all_tasks_blocked(0.01)
            assert not asked.is_set()
            goes_on.set()
            await asked.wait()
            assert told == [b"first", b"second"]
            await invalidator.stop()
            await invalidator.passed_on()  # unmounted: there is nobody to be told
