"""A connection to the session's message bus: what is asked, what is told, and what others ask.

Everything has a time limit, so that a bus that hangs harms nobody; whatever else ails it ends the
connection with an error. jeepney speaks the protocol, and the loop is ours: its router cannot be
cancelled while it has a filter, and has nothing for calls from others.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import trio

if TYPE_CHECKING:
    from jeepney import Message

PATIENCE = 10.0
"""Seconds that the bus, and whoever is asked over it, get for one answer."""

LONGEST_MESSAGE = 1024 * 1024
"""Bytes of one message to us. Nobody has a reason to send more."""

BUS = "org.freedesktop.DBus"


class BusError(Exception):
    """It did not answer as it should. ``name`` is the error's name on the bus, where it has one."""

    def __init__(self, what: str, name: str = "") -> None:
        super().__init__(what)
        self.name = name


def has_session_bus() -> bool:
    """Whether a session's bus is named to this process."""
    return sys.platform == "linux" and bool(os.environ.get("DBUS_SESSION_BUS_ADDRESS"))


def why(error: BaseException) -> str:
    """In some words; of several errors the first."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return str(error) or type(error).__name__


Handle = Callable[["Message"], Awaitable[None]]
"""Is given each call and signal that arrives, one after another. It must not `SessionBus.ask`: no
answer would be read meanwhile."""


@contextlib.asynccontextmanager
async def open_session_bus(handle: Handle | None = None) -> AsyncIterator[SessionBus]:
    """A connection, for as long as this is open. Raises whatever ails the bus, at any time, as an
    exception group perhaps. Cancelled, the connection ends."""
    with trio.fail_after(PATIENCE):
        stream = await trio.open_unix_socket(_address())
    async with stream, trio.open_nursery() as nursery:
        bus = SessionBus(stream, handle)
        with trio.fail_after(PATIENCE):
            await _authenticate(stream)
            nursery.start_soon(bus.receive)
            await bus.ask(_hello())
        yield bus
        nursery.cancel_scope.cancel()


def _address() -> str:
    from jeepney.bus import get_bus  # noqa: PLC0415 (only where there is a bus)

    # No generator of jeepney's may end in one of ours.
    try:
        address: str = get_bus("SESSION")
    except Exception as error:
        raise BusError(f"no address of a bus ({type(error).__name__}: {error})") from error
    return address


async def _authenticate(stream: trio.SocketStream) -> None:
    from jeepney.auth import BEGIN, Authenticator  # noqa: PLC0415 (as above)

    authenticator = Authenticator(enable_fds=False, inc_null_byte=True)
    for line in authenticator:
        await stream.send_all(line)
        answer = await stream.receive_some(4096)
        if not answer:
            raise BusError("the bus hung up")
        authenticator.feed(answer)
    await stream.send_all(BEGIN)


def _hello() -> Message:
    from jeepney import message_bus  # noqa: PLC0415 (as above)

    return message_bus.Hello()


@dataclass(slots=True)
class _Asked:
    """What nobody has answered yet."""

    answered: trio.Event = field(default_factory=trio.Event)
    reply: Message | None = None


class SessionBus:
    """The connection. Any number of tasks may use it."""

    def __init__(self, stream: trio.SocketStream, handle: Handle | None) -> None:
        self._stream = stream
        self._handle = handle
        self._serials = itertools.count(1)
        self._sending = trio.Lock()
        self._asked: dict[int, _Asked] = {}

    async def ask(self, message: Message, *, patience: float | None = None) -> tuple[Any, ...]:
        """The answer's body. Raises BusError when it is an error, or does not come within
        ``patience`` seconds (None: PATIENCE)."""
        from jeepney import HeaderFields, MessageType  # noqa: PLC0415 (as above)

        serial = next(self._serials)
        asked = self._asked[serial] = _Asked()
        try:
            with trio.move_on_after(PATIENCE if patience is None else patience):
                await self.tell(message, serial)
                await asked.answered.wait()
        finally:
            del self._asked[serial]
        reply = asked.reply
        if reply is None:
            raise BusError("it does not answer")
        if reply.header.message_type is MessageType.method_return:
            return tuple(reply.body)
        name = str(reply.header.fields.get(HeaderFields.error_name, ""))
        raise BusError(str(reply.body[0]) if reply.body else name, name)

    async def tell(self, message: Message, serial: int | None = None) -> None:
        """Sends it. Raises BusError where the bus takes nothing any more, and whatever else ails
        the connection. Cancelled in the middle of it, the connection ends."""
        number = next(self._serials) if serial is None else serial
        data = message.serialise(number)
        async with self._sending:
            with trio.move_on_after(PATIENCE):
                try:
                    await self._stream.send_all(data)
                except trio.Cancelled:
                    # What is half sent cannot be gone on with.
                    await trio.aclose_forcefully(self._stream)
                    raise
                return
        raise BusError("the bus takes nothing any more")

    async def receive(self) -> None:
        """Reads until the bus hangs up. Raises BusError then, and for what is no message."""
        from jeepney.low_level import Parser  # noqa: PLC0415 (as above)

        parser = Parser()
        async for data in self._stream:
            parser.add_data(data)
            while (message := parser.get_next_message()) is not None:
                await self._take(message)
            if (parser.next_msg_size or 0) > LONGEST_MESSAGE:
                raise BusError("a message is too long")
        raise BusError("the bus hung up")

    async def _take(self, message: Message) -> None:
        from jeepney import HeaderFields  # noqa: PLC0415 (as above)

        serial = message.header.fields.get(HeaderFields.reply_serial)
        if serial is None:
            if self._handle is not None:
                await self._handle(message)
            return
        asked = self._asked.get(serial)
        if asked is not None:
            asked.reply = message
            asked.answered.set()
