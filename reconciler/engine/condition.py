"""What the engine is doing, when it lists next, and what stops it: errors become states here.

Each pass, a run or a push, ends in order or by an error. An error that is about no file becomes a
*halt* (a person decides), a *refusal* (the log-in is not accepted), *offline* (the connectivity
knows) or a *failure* (the server is there and lets us in, and the pass came to no end).
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable

import trio

from reconciler.engine.next_step import Halting
from reconciler.errors import ListingBroken, Missing, RemoteError, Unauthorized, Unreachable
from reconciler.phrases import Phrase, strerror
from reconciler.planner.guards import Halt, Halted, root_gone
from reconciler.ports import Progress
from reconciler.reporting.report import Report
from reconciler.requests.backoff import FIRST_DELAY_SECONDS, LONGEST_DELAY_SECONDS
from reconciler.requests.connectivity import Connectivity
from reconciler.requests.reachability import Reach

log = logging.getLogger(__name__)

LISTING_EVERY = 20.0
"""Seconds between listings when they are cheap; a costly one is repeated after ``LISTING_SHARE``
times its duration."""

LISTING_SHARE = 30

SEEN_SHARE = 5
"""The same, where a look into a folder has shown that a listing would find something."""

REFUSED_LOGIN_SECONDS = 60.0
"""Seconds after which a log-in that was refused is tried again: it may have been renewed, or a
permission be back. It costs the server one small request."""


class Condition:
    """Shared by the passes. Times are trio's clock, in seconds; ``last_run_ns`` is wall time.

    ``activity`` says what is being done. ``halted`` is what a guard found, and
    ``only_deletions_halted`` that all else goes on. ``refused`` says why the log-in is not
    accepted, ``failure`` why the last run came to no end, where the server is there and lets us in.
    ``runs_ended`` counts the runs that came to an end, whichever.
    """

    def __init__(
        self,
        link: Connectivity,
        reach: Reach,
        *,
        listing_every: float,
        last_run_ns: int | None,
        name: Callable[[], str],
    ) -> None:
        self._link = link
        self._reach = reach
        self._listing_every = listing_every
        self._name = name
        self._failures_in_a_row = 0
        self._listed_at, self._cost = -math.inf, 0.0
        self.woken = trio.Event()
        self.activity = ""
        self.halted: Halt | None = None
        self.only_deletions_halted = False
        self.refused: str | None = None
        self.refused_until = -math.inf
        self.failure: str | None = None
        self.failed_until = -math.inf
        self.listing_due = -math.inf
        self.runs_ended = 0
        self.last_run_ns = last_run_ns

    # what is to come ------------------------------------------------------------------------------
    def wake(self) -> None:
        """Something changed: the engine looks what is to be done."""
        self.woken.set()

    def list_soon(self) -> None:
        """The server is not as the base says: a run is due."""
        self.list_within(0.0)
        self.wake()

    def list_within(self, seconds: float) -> None:
        """A run is due after so many seconds at the latest."""
        self.listing_due = min(self.listing_due, trio.current_time() + seconds)

    def list_as_seen(self) -> None:
        """A look into one folder showed what only a listing explains: it comes at once, or where
        listings are costly, after some times the duration of the last one."""
        self.list_within(max(0.0, self._listed_at + self._cost * SEEN_SHARE - trio.current_time()))
        self.wake()

    def postpone_listing(self, started: float) -> float:
        """Puts the next listing off, by the cost of one that started then, and says until when."""
        now = trio.current_time()
        self._listed_at, self._cost = now, now - started
        self.listing_due = now + max(self._listing_every, (now - started) * LISTING_SHARE)
        return self.listing_due

    def forget_failures(self) -> None:
        """Somebody wants everything tried at once."""
        self.refused_until = self.failed_until = -math.inf

    # what is -------------------------------------------------------------------------------------
    @property
    def halting(self) -> Halting:
        """How much a guard has stopped."""
        if self.halted is None:
            return Halting.NOTHING
        return Halting.DELETIONS if self.only_deletions_halted else Halting.EVERYTHING

    def is_refused(self) -> bool:
        """Whether the server is not to be asked, as it refused the log-in a moment ago."""
        return trio.current_time() < self.refused_until

    def stops_all(self) -> bool:
        """Whether something keeps everything from being sent, as far as is known."""
        is_halted = self.halting is Halting.EVERYTHING
        return is_halted or self.refused is not None or self._link.online is False

    def set_activity(self, activity: str) -> None:
        """Says what is being done."""
        self.activity = activity

    def comparing(self, progress: Progress, done: int, of: int, *, there: bool = False) -> None:
        """Contents are being compared by their checksums; ``there``: the server computes them."""
        self.activity = (
            Phrase("asking for checksums, {done} of {total}", done=done, total=of)
            if there
            else Phrase("comparing contents, {done} of {total}", done=done, total=of)
        )
        progress.comparing(done, of, there=there)

    # how a pass ended -----------------------------------------------------------------------------
    def note_listed(self, started: float) -> None:
        """A listing that began then is complete."""
        self._link.alive()
        self.refused = None
        self.postpone_listing(started)

    def note_run(self, report: Report) -> None:
        """A run is over, by whatever."""
        if not (report.offline or report.refused):
            self.failure, self._failures_in_a_row = None, 0
        self.runs_ended += 1

    def halt(self, why: Halt) -> Halt:
        """What a guard found, which is also returned: a person decides how it goes on."""
        if self.halted != why:
            log.warning("halted: %s", why)
        self.halted = why
        self.postpone_listing(trio.current_time())
        return why

    def refuse(self, error: Unauthorized) -> str:
        """The log-in is not accepted: somebody has to renew it, which is noticed after a while."""
        if self.refused is None:
            log.warning("the server refuses the log-in: %s", error)
        self.refused = str(error)
        self.refused_until = trio.current_time() + REFUSED_LOGIN_SECONDS
        return self.refused

    async def note_error(self, error: Exception, report: Report, started: float) -> None:
        """A run that ``started`` then was ended by the error, which the report tells. Raises what
        is neither the server's, nor a guard's, nor the local disk's."""
        match error:
            case Unreachable() | ListingBroken():
                report.offline = await self._broke_off(error)
            case Unauthorized():
                report.refused = self.refuse(error)
            case Halted():  # by what the server answered
                self._link.alive()
                report.halted = self.halt(error.halt)
            case Missing():
                self._link.alive()
                log.debug("the listing found no folder: %s", error)
                report.halted = self.halt(root_gone(self._name()))
            case RemoteError():
                report.refused = self._fail(str(error), self.postpone_listing(started))
                log.warning("the server refused the run: %s", error)
            case OSError():
                why = Phrase("the local disk refused it: {why}", why=strerror(error))
                report.refused = self._fail(why, self.postpone_listing(started))
                log.error("%s", why)
            case _:
                raise error

    async def _broke_off(self, error: Unreachable | ListingBroken) -> str:
        """A run could not come to its end; why, in a sentence. Where the server is there all the
        same, the next listing comes after a pause that grows, and what can be sent without it goes
        on."""
        met = error if isinstance(error, Unreachable) else Unreachable(str(error))
        try:
            if await self._reach.is_away(met):
                return self._link.why
        except Unauthorized as refusal:
            return self.refuse(refusal)
        delay = min(FIRST_DELAY_SECONDS * 2**self._failures_in_a_row, LONGEST_DELAY_SECONDS)
        self._failures_in_a_row += 1
        self.listing_due = trio.current_time() + delay
        return self._fail(str(error), self.listing_due)

    def _fail(self, why: str, until: float) -> str:
        """The run ended before its end, for a reason that is about no file. It is not tried before
        ``until``."""
        if self.failure != why:
            log.info("the run came to no end: %s", why)
        self.failure, self.failed_until = why, until
        return why

    async def stops_push(self, error: RemoteError) -> bool:
        """Whether a push that ended by the error ended for every file: the server is away, or the
        log-in is not accepted."""
        try:
            if isinstance(error, Unauthorized):
                raise error
            return isinstance(error, Unreachable) and await self._reach.is_away(error)
        except Unauthorized as refusal:
            self.refuse(refusal)
            return True
