"""Follows how a drive is: the calls that the supervisor has open all the time, for the tray icon
and, while somebody sees it, for the page.

Without the client of the commands: that would cost the supervisor 8 MiB. It is one request without
a body, and the answer is a line of JSON a chunk (RFC 9112, 7.1).
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import aclosing
from typing import TYPE_CHECKING, TypeVar

import msgspec
import trio

from reconciler.phrases import Phrase
from syncin_mount.advice import READER_HEADER, reader
from syncin_mount.control import silence
from syncin_mount.control.messages import Call, Status, Summary
from syncin_mount.control.state_messages import StateChange
from syncin_mount.control.transport import address, is_overrun, is_strangers, open_stream
from syncin_mount.language import current

if TYPE_CHECKING:
    from pathlib import Path

PATIENCE = 30.0
"""Seconds that the daemon gets to begin its answer."""

SILENT_S = 15.0
"""Seconds without a change after which a daemon is asked whether it is still there: one that hangs
would look up to date for ever."""

LONGEST_CHUNK = 1024 * 1024
"""Bytes of one line or chunk. Sentences are as long as they are."""


_T = TypeVar("_T")


class NotTold(Exception):
    """The daemon does not tell how the drive is. ``str()`` is one sentence."""


class Silent(NotTold):
    """Its daemon is there, and says nothing."""

    def __init__(self) -> None:
        super().__init__(Phrase("the daemon does not answer"))


async def expect_answers(path: Path, patience: float | None = None) -> None:
    """Raises Silent unless the daemon there answers within ``patience`` seconds (None: what
    one gets), and NotTold where none is there. Cancelled, the connection ends."""
    given = silence.patience(path) if patience is None else patience
    try:
        async with _told(path, Call.STATUS, Status, given):
            pass
    except Silent:
        if patience is None:
            silence.silent(path)
        raise


@contextlib.asynccontextmanager
async def watch_drive(path: Path) -> AsyncIterator[AsyncIterator[Summary]]:
    """How the drive is whose daemon listens at ``path``, and each time that this changes
    how it is then, about once a second at most. Ends when the daemon does. Raises NotTold, also
    while it is followed. Cancelled, the connection ends."""
    async with _told(path, Call.WATCH, Summary) as summaries:
        yield summaries


@contextlib.asynccontextmanager
async def follow_drive(
    path: Path, patience: float = PATIENCE
) -> AsyncIterator[AsyncIterator[Status]]:
    """As `watch_drive`, in full, and about twice a second while it works. The daemon gets
    ``patience`` seconds to begin its answer; otherwise this raises Silent."""
    async with _told(path, Call.FOLLOW, Status, patience) as statuses:
        yield statuses


@contextlib.asynccontextmanager
async def follow_states(
    path: Path, patience: float = PATIENCE
) -> AsyncIterator[AsyncIterator[StateChange]]:
    """Which files and folders change their state, of the drive whose daemon listens at
    ``path``. Otherwise as `follow_drive`."""
    async with _told(path, Call.STATE_CHANGES, StateChange, patience) as changes:
        yield changes


async def follow_living(path: Path, see: Callable[[Status], None]) -> None:
    """Has ``see`` called with each state of the drive whose daemon listens at ``path``.
    Returns when the stream ends; raises NotTold, which is Silent where the daemon hangs. Cancelled,
    its connections end."""
    heard: float | None = None
    why: NotTold | None = None

    async def expect_alive() -> None:
        nonlocal heard, why
        last = trio.current_time()
        while why is None:
            await trio.sleep_until(last + SILENT_S)
            if heard is not None and heard <= last:
                try:
                    await expect_answers(path)
                except NotTold as error:
                    why = error
                    nursery.cancel_scope.cancel()
                last = trio.current_time()
            else:
                last = trio.current_time() if heard is None else heard

    async with trio.open_nursery() as nursery:
        nursery.start_soon(expect_alive)
        try:
            async with follow_drive(path, silence.ANSWERS_S) as changes:
                async for status in changes:
                    heard = trio.current_time()
                    see(status)
        except NotTold as error:
            why = error
        nursery.cancel_scope.cancel()
    if why is not None:
        raise why


@contextlib.asynccontextmanager
async def _told(
    path: Path, call: Call, kind: type[_T], patience: float = PATIENCE
) -> AsyncIterator[AsyncIterator[_T]]:
    if is_strangers(path):
        raise NotTold(Phrase("another user's process listens there"))
    with _translated():
        with trio.fail_after(patience):
            while is_overrun(path):  # noqa: ASYNC110 (the kernel tells nobody)
                await trio.sleep(0.1)
            where = address(path)
            stream = await open_stream(path)
        async with stream:
            answer = _Answer(stream)
            method, place = call.value
            headers = {
                "host": where.host,
                **where.headers,
                "content-length": "0",
                "accept-language": current(),
                READER_HEADER: reader().value,
            }
            lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
            request = f"{method} {place} HTTP/1.1\r\n{lines}\r\n"
            with trio.fail_after(patience):
                await stream.send_all(request.encode())
                status = (await answer.line()).split()[1:2]
                silence.heard(path)
                if status != [b"200"]:
                    raise NotTold(Phrase("the daemon is of another version"))
                while await answer.line():
                    pass
            async with aclosing(_decoded(answer, kind)) as told:
                yield told


async def _decoded(answer: _Answer, kind: type[_T]) -> AsyncGenerator[_T, None]:
    decoder = msgspec.json.Decoder(kind)
    while chunk := await answer.chunk():
        for line in chunk.splitlines():
            yield decoder.decode(line)


class _Answer:
    """What comes, piece by piece. Raises NotTold when nothing comes any more."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self._stream = stream
        self._rest = bytearray()

    async def line(self) -> bytes:
        """Without its end."""
        while (end := self._rest.find(b"\r\n")) < 0:
            await self._more()
        return self._take(end)

    async def chunk(self) -> bytes:
        """Empty when the answer is whole."""
        size = int(await self.line(), 16)
        while len(self._rest) < size + 2:
            await self._more()
        return self._take(size)

    def _take(self, size: int) -> bytes:
        """So many bytes, and what ends them."""
        found = bytes(self._rest[:size])
        del self._rest[: size + 2]
        return found

    async def _more(self) -> None:
        if len(self._rest) > LONGEST_CHUNK:
            raise NotTold(Phrase("the daemon's answer makes no sense"))
        data = await self._stream.receive_some()
        if not data:
            raise NotTold(Phrase("the daemon ended"))
        self._rest += data


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (trio.TooSlowError, BlockingIOError) as error:
        raise Silent from error
    except (OSError, trio.BrokenResourceError) as error:
        raise NotTold(Phrase("nothing is mounted under this name")) from error
    except (msgspec.MsgspecError, ValueError) as error:
        raise NotTold(Phrase("the daemon is of another version")) from error
