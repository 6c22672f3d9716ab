"""Why a daemon cannot start or do what it is asked."""

from __future__ import annotations

from reconciler.phrases import Phrase


class DaemonError(Exception):
    """``str()`` is one sentence for people: what and why."""


class SupervisorRuns(DaemonError):
    """Another process is the supervisor of these folders."""

    def __init__(self) -> None:
        super().__init__(Phrase("a supervisor runs already"))
