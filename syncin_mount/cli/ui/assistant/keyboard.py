"""Single keys, as pagers and monitors take them."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING

import trio

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

_AT_ONCE = 64
"""Bytes that are read of the keyboard in one call."""


@contextlib.asynccontextmanager
async def until_key(keys: str) -> AsyncIterator[None]:
    """Cancels what is inside when somebody presses one of these keys, without Enter. Without keys,
    a terminal at standard input, or in the background it only runs what is inside."""
    descriptor = _keyboard() if keys else None
    if descriptor is None:
        yield
        return
    wanted = {key.encode()[0] for key in keys}
    with _by_key(descriptor):
        async with trio.open_nursery() as nursery:

            async def look() -> None:
                while True:
                    await trio.lowlevel.wait_readable(descriptor)
                    typed = os.read(descriptor, _AT_ONCE)
                    if not typed:  # the terminal is gone
                        return
                    if wanted.intersection(typed):
                        nursery.cancel_scope.cancel()

            nursery.start_soon(look)
            yield
            nursery.cancel_scope.cancel()


def _keyboard() -> int | None:
    """Standard input, where it is a terminal whose keys come to this process."""
    if sys.platform == "win32":
        return None
    try:
        descriptor = sys.stdin.fileno()
        mine = os.isatty(descriptor) and os.tcgetpgrp(descriptor) == os.getpgrp()
    except (AttributeError, OSError, ValueError):  # there is none
        return None
    return descriptor if mine else None


@contextlib.contextmanager
def _by_key(descriptor: int) -> Iterator[None]:
    """The terminal hands over each key at once, and shows none; as it was, afterwards. Ctrl-C stays
    a signal (termios(3), non-canonical mode)."""
    if sys.platform == "win32":
        yield
        return
    import termios  # noqa: PLC0415 (only where there is a terminal)
    import tty  # noqa: PLC0415

    before = termios.tcgetattr(descriptor)
    try:
        tty.setcbreak(descriptor, termios.TCSANOW)
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
