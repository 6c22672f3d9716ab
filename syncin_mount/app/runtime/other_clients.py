"""The account's other clients: this one tells the server when it sent something, and looks where
others say that they did. The server passes ``lastSync`` of every registration on to all clients of
the account (docs/reference/server-protocol.md, "Clients")."""

from __future__ import annotations

import datetime as dt
import logging
from typing import TYPE_CHECKING

import trio

from reconciler.errors import RemoteError
from reconciler.planner.guards import Halted
from syncin_mount.remote.registrations import signs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from reconciler.requests.connectivity import Connectivity
    from syncin_mount.app.synchronizations.registration import Registration
    from syncin_mount.remote import Session
    from syncin_mount.remote.registrations import Sign

log = logging.getLogger(__name__)

ASK_EVERY = 3.0
"""Seconds between two questions about other clients, where one synchronizes the same files."""

ASK_ALONE_EVERY = 60.0
"""The same where none does, and after a question that was not answered."""

SHARE = 100.0
"""The pause after a question is at least this many times its own duration."""

TELL_EVERY = 2.0
"""Seconds between two times that the others are told at least."""


class OtherClients:
    """What the last answer told of the others."""

    def __init__(self) -> None:
        self._last: dict[tuple[str, int], str | None] | None = None

    def moved(self, told: Iterable[Sign], remote: str) -> bool:
        """Whether a client other than this one has sent something since the last answer, in the
        folder ``remote``, in one above it or in one below it. The first answer tells nothing."""
        now = {
            (sign.client, sign.path): sign.last_sync
            for sign in told
            if not sign.is_ours and _overlap(sign.remote, remote)
        }
        before, self._last = self._last, now
        return before is not None and any(
            last is not None and before.get(key) != last for key, last in now.items()
        )

    @property
    def is_alone(self) -> bool:
        """Whether no other client synchronizes any of these files, as far as is known."""
        return self._last is not None and not self._last


def _overlap(one: str, two: str) -> bool:
    first, second = f"{one}/", f"{two}/"
    return first.startswith(second) or second.startswith(first)


class Neighbours:
    """Tells the others, and asks about them. ``on_move`` is called when one has sent something.
    Nobody is asked while runs have a schedule, or are ``manual``."""

    def __init__(
        self,
        session: Session,
        registration: Registration,
        link: Connectivity,
        *,
        manual: bool,
    ) -> None:
        self.on_move: Callable[[], None] = lambda: None
        self._session = session
        self._registration = registration
        self._link = link
        self._manual = manual
        self._others = OtherClients()
        self._sent = trio.Event()

    def note_sent(self) -> None:
        """Something was changed on the server just now."""
        self._sent.set()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """For ever. No trouble with the server ends it."""
        task_status.started()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._ask_regularly)
            while True:
                await self._sent.wait()
                told = await self.tell()
                await trio.sleep(TELL_EVERY if told else ASK_ALONE_EVERY)

    async def tell(self) -> bool:
        """Tells the others now, where something was sent since they were told. Whether there is
        nothing left to tell."""
        if not self._sent.is_set():
            return True
        self._sent = trio.Event()
        now = dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        try:
            await self._registration.tell_last_sync(now)
        except (RemoteError, Halted) as error:
            log.debug("other clients are not told: %s", error)
            self._sent.set()
            return False
        return True

    async def _ask_regularly(self) -> None:
        pause = ASK_EVERY
        while True:
            await trio.sleep(pause)
            scheduled = self._registration.synchronization.scheduler.seconds is not None
            if self._link.online is not True or scheduled or self._manual:
                continue
            began = trio.current_time()
            try:
                told = await signs(self._session)
            except RemoteError as error:
                log.debug("other clients cannot be asked about: %s", error)
                every = ASK_ALONE_EVERY  # a log-in that is refused is not tried all the time
            else:
                if self._others.moved(told, self._registration.synchronization.remote):
                    self.on_move()
                every = ASK_ALONE_EVERY if self._others.is_alone else ASK_EVERY
            pause = max(every, (trio.current_time() - began) * SHARE)
