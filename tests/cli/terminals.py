"""Commands in a real terminal of 80 columns."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pexpect
import trio

from tests.cli.conftest import LIMIT, World

ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def environment(world: World, **more: str) -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in {"NO_COLOR", "COLUMNS", "LINES"}
    }
    return {**kept, "SYNCIN_MOUNT_HOME": str(world.home), "TERM": "xterm-256color", **more}


class Terminal:
    """What somebody sees and types."""

    def __init__(self, child: pexpect.spawn) -> None:
        self.child = child
        self.seen = ""

    async def expect(self, pattern: Any) -> str:
        """Waits until it is shown; all that was shown until then since the last time, the pattern
        included."""
        await trio.to_thread.run_sync(partial(self.child.expect, pattern))
        after = self.child.after if isinstance(self.child.after, str) else ""
        said = str(self.child.before) + after
        self.seen += said
        return said

    async def answer(self, question: str, text: str) -> str:
        """Waits for the question and types the text. What was shown before it."""
        said = await self.expect(question)
        self.child.sendline(text)
        return said

    async def end(self) -> int:
        """The exit status."""
        await self.expect(pexpect.EOF)
        await trio.to_thread.run_sync(self.child.wait)
        return int(self.child.exitstatus)

    async def interrupt(self) -> int:
        """Ctrl-C at a question, once more for each second without an end. The exit status.

        A SIGINT that comes between Python's last bytecode and the select of its readline is heeded
        only at the next key or signal (CPython, `readline_until_enter_or_signal`)."""
        for _ in range(round(LIMIT)):
            self.child.sendintr()
            with contextlib.suppress(pexpect.TIMEOUT):
                await trio.to_thread.run_sync(partial(self.child.expect, pexpect.EOF, timeout=1))
                break
        return await self.end()

    def lines(self) -> list[str]:
        """All that was shown, without what steers the terminal."""
        return ESCAPE.sub("", self.seen).replace("\r", "").split("\n")


@contextmanager
def terminal(world: World, *words: str, **more: str) -> Iterator[Terminal]:
    """The command in a terminal, ended at the latest here."""
    child = pexpect.spawn(
        sys.executable,
        ["-m", "syncin_mount", *words],
        env=environment(world, **more),
        dimensions=(24, 80),
        timeout=LIMIT,
        encoding="utf-8",
        cwd=str(world.base),
    )
    try:
        yield Terminal(child)
    finally:
        child.close(force=True)
