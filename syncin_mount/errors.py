"""Why a daemon cannot start or do what it is asked."""

from __future__ import annotations


class DaemonError(Exception):
    """``str()`` is one sentence for people: what, why, what to do."""
