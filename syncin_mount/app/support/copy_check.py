"""Whether the local copy of a drive is sound, and putting it in order.

`examine_copy` and `repair_copy` are for who has the copy at rest; `checking` has a mounted drive at
rest meanwhile.
"""

from __future__ import annotations

import enum
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import trio

from syncin_mount.app.errors import NotPossible
from syncin_mount.app.processes.at_rest import at_rest
from syncin_mount.control.failures import ControlError
from syncin_mount.errors import DaemonError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from syncin_mount.config import Folders

TELL_EVERY_S = 0.25
"""Seconds between two that tell how far it is."""


class Part(enum.Enum):
    """What is being done."""

    UNMOUNTING = "unmounting"
    COMPARING = "comparing"
    REPAIRING = "repairing"
    READING = "reading"
    MOUNTING = "mounting"


@dataclass(frozen=True, slots=True)
class Working:
    """So much of the contents was read, of so much."""

    part: Part
    files: int = 0
    files_in_all: int = 0
    bytes: int = 0
    bytes_in_all: int = 0


@dataclass(frozen=True, slots=True)
class Checked:
    """``found`` are clauses about what is wrong, or was before a repair; ``left`` is what still is.
    ``aside`` is where the damaged files lie; ``bases_ended``: the next run is a first one.
    ``there``: whether there is a local copy at all."""

    found: tuple[str, ...]
    left: tuple[str, ...] = ()
    repaired: bool = False
    aside: Path | None = None
    bases_ended: bool = False
    there: bool = True


@dataclass(frozen=True, slots=True)
class Ended:
    """``checked`` is what was found; None, with ``error``, where it could not be looked. Then the
    drive was mounted again, or ``not_mounted`` says why it was not."""

    checked: Checked | None
    error: Exception | None = None
    not_mounted: Exception | None = None


def examine_copy(folder: Path, *, contents: bool, tell: Callable[[Working], None]) -> Checked:
    """Blocks; what ``tell`` raises ends it, with nothing changed. Raises ReplicaError, OSError."""
    if not folder.is_dir():
        return Checked((), there=False)
    from syncin_mount.store import check  # noqa: PLC0415 (start-up time)

    tell(Working(Part.COMPARING))
    found = [str(each) for each in check(folder)]
    if contents and not found:
        found = _read(folder, tell, heal=False)
    return Checked(tuple(found), tuple(found))


def repair_copy(folder: Path, *, contents: bool, tell: Callable[[Working], None]) -> Checked:
    """The same, and what is wrong is put in order. Raises as `store.maintenance.repair` does."""
    if not folder.is_dir():
        return Checked((), there=False)
    from syncin_mount.store.maintenance.repair import repair  # noqa: PLC0415 (start-up time)

    tell(Working(Part.REPAIRING))
    done = repair(folder)
    found, left = [*done.said], [str(each) for each in done.left]
    if contents and not left:
        found += _read(folder, tell, heal=True)
        left = _read(folder, tell, heal=False) if found else []
    return Checked(
        tuple(found),
        tuple(left),
        repaired=True,
        aside=done.aside,
        bases_ended=done.bases_ended,
    )


def _read(folder: Path, tell: Callable[[Working], None], *, heal: bool) -> list[str]:
    from syncin_mount.store import Replica  # noqa: PLC0415 (start-up time)
    from syncin_mount.store.maintenance.content_check import (  # noqa: PLC0415
        look_at_contents,
        size_of_contents,
    )

    files, size = 0, 0

    def on_read(length: int) -> None:
        nonlocal files, size
        files, size = files + (length == 0), size + length
        tell(Working(Part.READING, files, files_in_all, size, bytes_in_all))

    replica = Replica.open(folder)
    try:
        files_in_all, bytes_in_all = size_of_contents(replica)
        return [each.what for each in look_at_contents(replica, heal=heal, on_read=on_read)]
    finally:
        replica.close()


@asynccontextmanager
async def checking(
    folders: Folders, name: str, *, contents: bool, repair: bool
) -> AsyncIterator[AsyncIterator[Working | Ended]]:
    """How far it is, and `Ended` in the end. A mounted drive is unmounted meanwhile, and mounted
    again, however this ends. Left early, it stops at the next piece of a content; the comparison of
    index and journal, and a repair, come to their end first."""
    send, receive = trio.open_memory_channel[Working | Ended](100)
    async with trio.open_nursery() as nursery, receive:
        nursery.start_soon(_check, folders, name, contents, repair, send)
        yield receive
        nursery.cancel_scope.cancel()


async def _check(
    folders: Folders,
    name: str,
    contents: bool,
    repair: bool,
    send: trio.MemorySendChannel[Working | Ended],
) -> None:
    from syncin_mount.store import ReplicaError  # noqa: PLC0415 (start-up time)

    look = repair_copy if repair else examine_copy
    checked, rest = None, None
    async with send:
        try:
            await send.send(Working(Part.UNMOUNTING))
            async with at_rest(folders, name) as rest:
                checked = await trio.to_thread.run_sync(
                    lambda: look(folders.replica(name), contents=contents, tell=_teller(send))
                )
                if rest.was_mounted:
                    await send.send(Working(Part.MOUNTING))
            await send.send(Ended(checked, not_mounted=rest.not_mounted))
        except (ControlError, DaemonError, NotPossible, OSError, ReplicaError) as error:
            not_mounted = None if rest is None else rest.not_mounted
            await send.send(Ended(None, error, not_mounted))


def _teller(send: trio.MemorySendChannel[Working | Ended]) -> Callable[[Working], None]:
    """For the thread: tells now and then, and raises Cancelled once nobody waits any more."""
    told = 0.0
    part: Part | None = None

    def tell(working: Working) -> None:
        nonlocal told, part
        trio.from_thread.check_cancelled()
        now = time.monotonic()
        if working.part is part and now - told < TELL_EVERY_S:
            return
        told, part = now, working.part
        trio.from_thread.run(send.send, working)

    return tell
