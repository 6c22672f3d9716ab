"""What the conflict setting and the direction decide: each in one function, by cases.

A new setting is a new case in each; the type checker names those that lack it.
"""

from __future__ import annotations

from typing import assert_never

from reconciler.model import Base, Conflict, Local, Remote, Settings, Side


def local_wins(local: Local, remote: Remote, conflict: Conflict) -> bool:
    """Whether the local content replaces the server's, where both changed. ``recent``: the later
    second, then the larger size, then local."""
    match conflict:
        case Conflict.RECENT:
            return (local.mtime, local.size) >= (remote.mtime, remote.size)
        case Conflict.LOCAL:
            return True
        case Conflict.REMOTE:
            return False
        case _:
            assert_never(conflict)


def local_time_wins(local: Local, remote: Remote, base: Base | None, conflict: Conflict) -> bool:
    """Whose time two equal contents get. Of files that met, one is a copy of the other, and what is
    later is the time of the copying. So by `recent` the server's time is taken here: it is what all
    other computers have, which would each take every file for edited if it changed, and it costs no
    request (an import has tens of thousands)."""
    if base is None and conflict is Conflict.RECENT:
        return False
    return local_wins(local, remote, conflict)


def change_wins(changed: Side, conflict: Conflict) -> bool:
    """Whether a change on that side wins over a deletion on the other. No time tells when something
    was deleted, so by ``recent`` the change does."""
    match conflict:
        case Conflict.RECENT:
            return True
        case Conflict.LOCAL:
            return changed is Side.LOCAL
        case Conflict.REMOTE:
            return changed is Side.REMOTE
        case _:
            assert_never(conflict)


def side_without_time(conflict: Conflict) -> Side:
    """The side that wins where no time tells which is newer: places, and equal files."""
    match conflict:
        case Conflict.RECENT | Conflict.LOCAL:
            return Side.LOCAL
        case Conflict.REMOTE:
            return Side.REMOTE
        case _:
            assert_never(conflict)


def stays_of_equals(settings: Settings) -> Side:
    """Whose version stays when two of the same size and second were taken for equal and are not:
    that of the side that is followed or set to win, and by `recent` the local one."""
    return settings.direction.leader or side_without_time(settings.conflict)
