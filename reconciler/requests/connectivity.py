"""Whether the server can be reached: a state that is seen, shown, and ends by itself.

Engine, executor and hydrator share one ``Connectivity``. Whoever meets an unreachable server says
``lost``; whoever gets an answer says ``alive``. Retries are this state with growing pauses, not
loops inside requests.
"""

from __future__ import annotations

import logging
import math

import trio

log = logging.getLogger(__name__)

FIRST_DELAY_SECONDS = 1.0
LONGEST_DELAY_SECONDS = 60.0


class Connectivity:
    """``online`` is None until the server was asked for the first time. Times are trio's clock, in
    seconds."""

    def __init__(self) -> None:
        self.online: bool | None = None
        self.paused = False
        self.why = ""
        self.retry_at = 0.0
        self.lost_at: float | None = None
        """When the server was lost, None while it is there."""
        self._delay = FIRST_DELAY_SECONDS
        self._changed = trio.Event()

    def pause(self, why: str) -> None:
        """Nothing is to be asked of the server: offline until ``resume``, whatever anybody meets
        meanwhile."""
        self.paused = True
        self.online, self.why, self.retry_at = False, why, math.inf
        self._announce()

    def resume(self) -> None:
        """The server may be asked again; whether it is there is not known."""
        self.paused = False
        self.online, self.why, self.retry_at = None, "", trio.current_time()
        self.lost_at = None
        self._delay = FIRST_DELAY_SECONDS
        self._announce()

    def alive(self) -> None:
        """The server answered."""
        if self.paused:
            return
        self._delay = FIRST_DELAY_SECONDS
        self.why = ""
        self.lost_at = None
        if self.online is not True:
            log.info("online")
            self.online = True
            self._announce()

    def lost(self, why: str) -> None:
        """The server could not be reached. ``retry_at`` moves away with every failure, up to a
        minute.

        Failures that come while a retry is already waited for (many requests dying together) count
        once.
        """
        if self.paused:
            return
        now = trio.current_time()
        self.why = why
        if self.online is not False or now >= self.retry_at:
            self.retry_at = now + self._delay
            self._delay = min(self._delay * 2, LONGEST_DELAY_SECONDS)
        if self.online is not False:
            log.info("offline: %s", why)
            self.lost_at = now
            self.online = False
            self._announce()

    def retry_now(self) -> None:
        """Somebody wants it tried at once (``sync``, the network came back)."""
        if self.paused:
            return
        self.retry_at = trio.current_time()
        self._delay = FIRST_DELAY_SECONDS
        self._announce()

    @property
    def in_backoff(self) -> bool:
        """The server was lost a moment ago and is not to be asked before ``retry_at``."""
        return self.online is False and trio.current_time() < self.retry_at

    async def wait_change(self) -> None:
        """Returns at the next change of ``online`` or call of ``retry_now``."""
        await self._changed.wait()

    async def wait_online(self) -> None:
        """Returns once the server has answered after the last loss, or may be asked again after a
        pause."""
        while self.online is False:
            await self._changed.wait()

    def _announce(self) -> None:
        self._changed.set()
        self._changed = trio.Event()
