"""A process that takes the same steps in both folders, one after the other, and tells what each
answered.

Two of them make the two processes of a run. Both are root, if anybody is, and become another user
for a step.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from typing import Any

from tests.mounts.differential.operations import KINDS, Side, Skipped
from tests.mounts.differential.snapshot import Watcher

LIMIT = 60.0
USER = 12345
GROUPS = [54321]
"""A user that no system has, and its second group."""

COARSE = 5
"""CLOCK_REALTIME_COARSE, which Python does not name: the kernel's tick, that file times are taken
from."""

SIDES = "local", "drive"


class Worker:
    """The process as its owner sees it. ``ask`` raises what the other process could not handle
    itself."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()

    def ask(self, order: str, *arguments: Any) -> Any:
        self._pipe.send((order, arguments))
        if not self._pipe.poll(LIMIT):
            raise TimeoutError(f"no answer to {order} {arguments}")
        answer = self._pipe.recv()
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def end(self) -> None:
        self._pipe.close()
        self._process.join(LIMIT)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()


class _Orders:
    def __init__(self) -> None:
        self.sides: list[Side] = []
        self.watchers: list[Watcher] = []
        self.user = 0

    def begin(self, roots: list[bytes]) -> None:
        """An example begins, in new folders."""
        self.sides = [Side(root) for root in roots]
        self.watchers = [Watcher(side) for side in self.sides]
        self.user = 0
        os.umask(0o022)

    def let_go(self) -> None:
        for side in self.sides:
            side.let_go()

    def become(self, user: int) -> None:
        self.user = user

    def step(self, kind: str, arguments: tuple[Any, ...], after: int) -> tuple[list[object], int]:
        """What both sides answered, and when (ns). It begins when the clock that file times come
        from has passed ``after``, the end of the step before."""
        while time.clock_gettime_ns(COARSE) <= after:
            os.sched_yield()
        with _as_user(self.user):
            answers = [_answer(kind, side, arguments) for side in self.sides]
        return answers, time.clock_gettime_ns(time.CLOCK_REALTIME)

    def look(self, tree: bool, contents: bool) -> list[dict[bytes | int, object]]:
        return [watcher.look(tree=tree, contents=contents) for watcher in self.watchers]


def _answer(kind: str, side: Side, arguments: tuple[Any, ...]) -> object:
    try:
        return KINDS[kind](side, *arguments)
    except OSError as error:
        return f"errno {error.errno}"
    except Skipped:
        return "skipped"


@contextlib.contextmanager
def _as_user(user: int) -> Iterator[None]:
    if user == 0:
        yield
        return
    before = os.getgroups()
    os.setgroups(GROUPS)
    os.setegid(user)
    os.seteuid(user)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(before)


def _serve(pipe: Connection) -> None:
    orders = _Orders()
    while True:
        try:
            order, arguments = pipe.recv()
        except EOFError:
            orders.let_go()
            return
        try:
            answer = getattr(orders, order)(*arguments)
        except Exception as error:  # noqa: BLE001 - told to the owner
            answer = error
        pipe.send(answer)
