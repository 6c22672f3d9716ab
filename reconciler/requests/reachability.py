"""Tells a server that is away from one that only fails at one thing.

A cut connection, a time-out, a gateway's page or anything else that no Sync-in server says may mean
that the server is away. It may as well be about the one file that was asked for: a proxy that
forbids a name, a content that a scanner holds up, an answer that this program does not understand.
So whoever meets such a thing asks the server for its greeting, which is about no file. Only a
server that does not answer that is away.
"""

from __future__ import annotations

import trio

from reconciler.errors import NoConnection, RemoteError, Unauthorized, Unreachable
from reconciler.phrases import Phrase
from reconciler.ports import RemoteFolder
from reconciler.requests.connectivity import Connectivity

PATIENCE = 15.0
"""Seconds that the answer to the greeting may take."""


class Reach:
    """Shared by all that ask one server. What it finds out is told to the ``link``."""

    def __init__(self, remote: RemoteFolder, link: Connectivity) -> None:
        self._remote = remote
        self._link = link
        self._asking = trio.Lock()
        self._begun = 0
        self._answered = 0
        """The number of the last greeting that was sent, and of the one that ``why`` came of."""
        self._why: str | None = None

    async def is_away(self, error: Unreachable) -> bool:
        """Whether the server is away, after a request ended with ``error``. One greeting, at most,
        answers all who met their errors before it was sent. Raises Unauthorized where the log-in is
        not accepted any more."""
        if isinstance(error, NoConnection):  # it is about no file: nothing was asked for yet
            self._link.lost(str(error))
            return True
        before = self._begun
        async with self._asking:
            if self._answered <= before:
                self._begun += 1
                number = self._begun
                self._why = await self._greeted()
                self._answered = number
            why = self._why
        if why is None:
            self._link.alive()
            return False
        self._link.lost(why)
        return True

    async def _greeted(self) -> str | None:
        """None when the server answered; else why it counts as away."""
        with trio.move_on_after(PATIENCE):
            try:
                await self._remote.greet()
            except Unauthorized:
                raise
            except RemoteError as error:
                return str(error)
            return None
        return Phrase(
            "The server does not answer within {seconds} seconds; check that it runs"
            " and the network works",
            seconds=round(PATIENCE),
        )

    async def ends_all(self, error: RemoteError) -> bool:
        """Whether what ended one request would end every other, too. Raises Unauthorized as
        `is_away`."""
        if isinstance(error, Unreachable):
            return await self.is_away(error)
        return isinstance(error, Unauthorized) and await self.is_locked_out()

    async def is_locked_out(self) -> bool:
        """Whether the log-in is refused for everything, after it was for one request."""
        try:
            await self._remote.is_there()
        except Unauthorized:
            return True
        except RemoteError:
            return False
        return False
