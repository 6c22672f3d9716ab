"""What the supervisor and the commands say to each other: one JSON line there, one back, by the
same way as to the drives.

Not the drives' API (`control.app`): the supervisor has to be small, and is asked before anything
else is imported. Times are seconds since the epoch.
"""

from __future__ import annotations

import enum
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from reconciler.phrases import Phrase
from syncin_mount.advice import Reader, reader, reader_named, write_for
from syncin_mount.control.messages import encoded
from syncin_mount.control.transport import address, connect, serve_streams
from syncin_mount.language import ENGLISH, current, speak
from syncin_mount.language.choice import of_setting

if TYPE_CHECKING:
    from pathlib import Path

    import trio

    from syncin_mount.config import Folders

log = logging.getLogger(__name__)

NAME = "@supervisor"
"""Where a synchronization's name would stand, for socket and log. No name begins so."""

_LONGEST = 4 * 1024 * 1024
_GRACE = 1.0
"""Seconds that the last answer gets at the end."""


class Phase(enum.Enum):
    """``DOWN``: somebody unmounted it; it stays so until somebody wants it back. ``WAITING``: to be
    started, again after a pause where it failed. ``STOPPING``: it is being unmounted because it is
    not enabled any more."""

    DOWN = "down"
    WAITING = "waiting"
    STARTING = "starting"
    UP = "up"
    STOPPING = "stopping"


class Supervised(msgspec.Struct, frozen=True):
    """How the supervisor sees one drive. ``why`` it is not as it should be, with the ``status``
    that the daemon ended with; ``on_page`` is the same for who reads it on the page, where that is
    another sentence; ``next_try`` when it does something about that."""

    name: str
    phase: Phase
    failures: int = 0
    why: str | None = None
    status: int | None = None
    next_try: float | None = None
    on_page: str | None = None


class What(enum.Enum):
    """``LOOK`` at the configuration and the drives, and tell at once. All others tell when each
    drive that was asked about (all, without a name) is as it is to be, or was tried in vain:
    ``FOLLOW`` the configuration; ``UP``: have it up, and try at once; ``HOLD``: leave it down when
    it is down. ``END``: unmount what is mounted, and end. ``PAGE``: serve the page, and tell its
    address at once."""

    LOOK = "look"
    FOLLOW = "follow"
    UP = "up"
    HOLD = "hold"
    END = "end"
    PAGE = "page"


class Ask(msgspec.Struct, frozen=True):
    """What the supervisor is to do. ``manual`` goes with UP and a name. ``language`` and ``reader``
    (`syncin_mount.advice.Reader`) are whom the sentences of the answer are for; `ask` sets them."""

    what: What
    name: str | None = None
    manual: bool = False
    language: str = ENGLISH
    reader: str = Reader.TERMINAL.value


class Answer(msgspec.Struct, frozen=True):
    """All drives that are supervised now, and what keeps the supervisor from following the
    configuration. ``page`` is where the page is, with a ticket: who has it gets in, once, within
    30 s."""

    drives: tuple[Supervised, ...] = ()
    trouble: str | None = None
    page: str | None = None

    def of(self, name: str) -> Supervised | None:
        return next((each for each in self.drives if each.name == name), None)


class SupervisorError(Exception):
    """The supervisor did not answer. ``str()`` is one sentence."""


class NoSupervisor(SupervisorError):
    """There is none."""


class NothingSupervised(NoSupervisor):
    """No supervisor runs, and one could be started."""

    def __init__(self) -> None:
        super().__init__(Phrase("nothing is supervised"))


def ask(folders: Folders, request: Ask, *, seconds: float | None = 60.0) -> Answer:
    """The supervisor's answer. Blocks, at most for ``seconds`` (None: as long as the work takes).
    Raises NoSupervisor, SupervisorError."""
    log = folders.log(NAME)
    path = folders.socket(NAME)
    request = replace(request, language=current(), reader=reader().value)
    try:
        greeting = address(path).greeting
        there = connect(path, seconds)
    except (BlockingIOError, TimeoutError) as error:  # too many wait to be heard
        why = Phrase("the supervisor does not answer; its log says more: {log}", log=log)
        raise SupervisorError(why) from error
    except OSError as error:
        raise NothingSupervised from error
    with there:
        try:
            there.sendall(greeting + encoded(request) + b"\n")
            with there.makefile("rb") as said:
                return msgspec.json.decode(said.readline(_LONGEST), type=Answer)
        except TimeoutError as error:
            why = Phrase("the supervisor does not answer; its log says more: {log}", log=log)
            cause: Exception = error
        except OSError as error:
            why = Phrase("the supervisor ended meanwhile; its log says more: {log}", log=log)
            cause = error
        except msgspec.MsgspecError as error:
            why = Phrase(
                "the supervisor ended meanwhile, or is of another version; its log says more:"
                " {log}",
                log=log,
            )
            cause = error
    raise SupervisorError(why) from cause


async def serve_supervision(
    path: Path, answer: Callable[[Ask], Awaitable[Answer]], *, task_status: trio.TaskStatus[None]
) -> None:
    """Answers on the socket until cancelled; the file goes then. A caller that hangs up or talks
    nonsense harms nobody: what it asked for is done all the same."""
    import trio  # noqa: PLC0415 (the commands only ask)

    async def talk(stream: trio.SocketStream) -> None:
        line = bytearray()
        try:
            async for part in stream:
                line += part
                if b"\n" in part or len(line) > _LONGEST:
                    break
            if not line:
                return  # somebody only looked whether we are here
            asked = msgspec.json.decode(bytes(line), type=Ask)
            # Of the texts, too, that are said only as they are sent.
            speak(of_setting(asked.language) or ENGLISH)
            write_for(reader_named(asked.reader))
            said = await answer(asked)
            # The answer to END goes out although this ends.
            with trio.move_on_after(_GRACE, shield=True):
                await stream.send_all(encoded(said) + b"\n")
        except (trio.BrokenResourceError, msgspec.MsgspecError) as error:
            log.info("a caller could not be answered: %s", error)

    await serve_streams(path, talk, task_status)
