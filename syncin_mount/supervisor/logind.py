"""The computer's end and sleep wait a moment for what is not sent yet: delay locks of
systemd-logind.

A lock is held all the time, and not only while changes wait: what is written in the moment of the
log-out counts, too, and a delay lock costs nothing until logind asks
(https://systemd.io/INHIBITOR_LOCKS/). Then logind tells, the drives send, and the lock is let go:
at once when nothing waits or the server is away, at the latest when logind goes on anyway
(InhibitDelayMaxSec, 5 s unless the administrator chose). Where there is no logind, nothing happens.
"""

from __future__ import annotations

import logging
import sys
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import trio

if TYPE_CHECKING:
    from jeepney import Message
    from jeepney.fds import FileDescriptor
    from jeepney.io.trio import DBusConnection

log = logging.getLogger(__name__)

AGAIN = 60.0
"""Seconds before a bus, or a logind, that was not there is looked for once more."""

PATIENCE = 10.0
"""Seconds that the bus gets to answer."""

MARGIN = 0.5
"""Seconds before logind goes on without us at which we stop waiting ourselves."""

_NAME, _PATH = "org.freedesktop.login1", "/org/freedesktop/login1"
_MANAGER = f"{_NAME}.Manager"
_GOING = ("PrepareForShutdown", "PrepareForSleep")


class _NoLogindError(Exception):
    """It did not do what was asked."""


async def keep_delaying(
    sync_pending: Callable[[], Awaitable[None]], woke: Callable[[], Awaitable[None]]
) -> None:
    """Holds the lock, for ever. ``sync_pending`` sends what waits, and is cancelled when there is
    no more time; ``woke`` is called when the computer goes on after all: it was asleep. No trouble
    of logind's or the bus's comes out."""
    if sys.platform != "linux":
        return
    while True:
        try:
            await _with_bus(sync_pending, woke)
        except Exception as error:  # noqa: BLE001 (whatever ails the bus: the drives do without)
            log.debug("logind does not wait for the drives: %s", _why(error))
        await _rest(AGAIN)


_rest = trio.sleep


def _why(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return str(error) or type(error).__name__


async def _with_bus(
    sync_pending: Callable[[], Awaitable[None]], woke: Callable[[], Awaitable[None]]
) -> None:
    """Until the connection ends. Raises whatever ails it."""
    from jeepney.io.trio import open_dbus_connection  # noqa: PLC0415 (only where there is a bus)

    async with await open_dbus_connection("SYSTEM", enable_fds=True) as connection:
        bus = _Bus(connection)
        await bus.listen()
        lock: FileDescriptor | None = await bus.lock()
        try:
            log.info(
                "shutting down and sleep wait up to %.0f s for what is not sent",
                await bus.longest(),
            )
            while True:
                if await bus.going():
                    with trio.move_on_after(await bus.longest() - MARGIN):
                        await sync_pending()
                    if lock is not None:
                        lock.close()
                    lock = None
                else:
                    lock = lock or await bus.lock()
                    await woke()
        finally:
            if lock is not None:
                lock.close()


class _Bus:
    """What is said to logind and heard from it, by one task. (jeepney's router cannot be cancelled
    while it has a filter.)"""

    def __init__(self, connection: DBusConnection) -> None:
        self._connection = connection
        self._heard: deque[Message] = deque()

    async def listen(self) -> None:
        """From now on signals come."""
        from jeepney import MatchRule, message_bus  # noqa: PLC0415 (as above)

        await self._ask(
            message_bus.AddMatch(
                MatchRule(type="signal", sender=_NAME, interface=_MANAGER, path=_PATH)
            )
        )

    async def lock(self) -> FileDescriptor:
        """A descriptor that holds the lock until it is closed, by us or by our end."""
        from jeepney import DBusAddress, new_method_call  # noqa: PLC0415 (as above)

        what = ("shutdown:sleep", "syncin-mount", "Changes are sent to the server", "delay")
        (held,) = await self._ask(
            new_method_call(DBusAddress(_PATH, _NAME, _MANAGER), "Inhibit", "ssss", what)
        )
        found: FileDescriptor = held
        return found

    async def longest(self) -> float:
        """Seconds that logind waits."""
        from jeepney import DBusAddress, Properties  # noqa: PLC0415 (as above)

        manager = Properties(DBusAddress(_PATH, _NAME, _MANAGER))
        ((_, microseconds),) = await self._ask(manager.get("InhibitDelayMaxUSec"))
        return float(microseconds) / 1e6

    async def going(self) -> bool:
        """The next that logind tells: whether the computer is about to end or sleep, or goes on
        after all."""
        from jeepney import HeaderFields, MessageType, message_bus  # noqa: PLC0415 (as above)

        while True:
            heard = self._heard.popleft() if self._heard else await self._connection.receive()
            fields = heard.header.fields
            if (
                heard.header.message_type is not MessageType.signal
                or fields.get(HeaderFields.member) not in _GOING
            ):
                continue
            # Anybody may send a signal.
            (owner,) = await self._ask(message_bus.GetNameOwner(_NAME))
            if (
                fields.get(HeaderFields.sender) == owner
                and fields.get(HeaderFields.interface) == _MANAGER
            ):
                return bool(heard.body[0])

    async def _ask(self, message: Message) -> Any:
        """The answer's body. Raises _NoLogindError, TooSlowError."""
        from jeepney import HeaderFields, MessageType  # noqa: PLC0415 (as above)

        serial = next(self._connection.outgoing_serial)
        with trio.fail_after(PATIENCE):
            await self._connection.send(message, serial=serial)
            while True:
                reply = await self._connection.receive()
                if reply.header.fields.get(HeaderFields.reply_serial) == serial:
                    break
                self._heard.append(reply)
        if reply.header.message_type is not MessageType.method_return:
            raise _NoLogindError(str(reply.body[0] if reply.body else reply.header.fields))
        return reply.body
