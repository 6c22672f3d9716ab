"""Who may use the page: tickets, which the command gets over the Unix socket, and the tokens that
tabs get for them. Pure but for randomness; the clock is given."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

TICKET_S = 30.0
"""Seconds from `syncin-mount ui` to the browser's request: a slow browser's start. Whoever learns
the ticket later has nothing of it."""

IDLE_S = 12 * 3600.0
"""Seconds after which a token ends that no request used: a night with the lid closed. A tab that is
open and visible uses its own all the time."""

MOST_TICKETS = 16
MOST_TOKENS = 64
"""Beyond these the oldest end: memory does not grow by whoever asks."""


@dataclass(slots=True)
class _Token:
    used: float


class Gate:
    """Tickets and tokens that are in force. Only their hashes are kept, so that a comparison tells
    nothing by its time. ``now`` is a clock that only goes forward, in seconds."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._tickets: dict[bytes, float] = {}
        self._exchanged: dict[bytes, bytes] = {}  # ticket, and the token that it became
        self._tokens: dict[bytes, _Token] = {}

    def ticket(self) -> str:
        """A new one. It is good once, for 30 s."""
        self._purge()
        text = secrets.token_urlsafe(32)
        self._tickets[_hash(text)] = self._now() + TICKET_S
        _shorten(self._tickets, MOST_TICKETS)
        return text

    def exchange(self, ticket: str) -> str | None:
        """The token for a ticket, or None. A ticket that comes a second time was seen by somebody:
        the token that it became ends, too."""
        self._purge()
        key = _hash(ticket)
        if key in self._exchanged:
            self._tokens.pop(self._exchanged.pop(key), None)
            return None
        if self._tickets.pop(key, None) is None:
            return None
        token = secrets.token_urlsafe(32)
        self._tokens[_hash(token)] = _Token(self._now())
        self._exchanged[key] = _hash(token)
        _shorten(self._tokens, MOST_TOKENS)
        _shorten(self._exchanged, MOST_TOKENS)
        return token

    def admits(self, token: str) -> bool:
        """Whether it is in force; it stays so for another while."""
        self._purge()
        found = self._tokens.get(_hash(token))
        if found is None:
            return False
        found.used = self._now()
        return True

    def _purge(self) -> None:
        now = self._now()
        self._tickets = {key: end for key, end in self._tickets.items() if now < end}
        self._tokens = {
            key: token for key, token in self._tokens.items() if now < token.used + IDLE_S
        }


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode(errors="surrogatepass")).digest()


def _shorten(table: dict[Any, Any], most: int) -> None:
    while len(table) > most:
        del table[next(iter(table))]
