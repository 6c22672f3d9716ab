"""A plan's identity: the same as long as it would do the same to the same states.

Node ids say nothing here: what nobody knew before gets other ids each time it is looked at. Nor
does the date that goes into the names of conflict copies: the plan to identify must be made without
one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from reconciler.model import Action, Base, Local, Remote

LENGTH = 12
"""Hexadecimal digits."""


def plan_id(actions: Iterable[tuple[Action, str, str | None]]) -> str:
    """Of actions, each with its path and, where it leads somewhere, its new one. The order does not
    matter: actions of one stage have none, and the stages follow from the actions."""
    lines = sorted(repr(_line(*each)) for each in actions)
    text = "\n".join(lines).encode(errors="surrogatepass")
    return hashlib.sha256(text).hexdigest()[:LENGTH]


def _line(action: Action, path: str, new_path: str | None) -> tuple[object, ...]:
    states = _base(action.base), _local(action.local), _remote(action.remote)
    return action.op.value, action.side.value, action.keep, path, new_path, states


def _base(base: Base | None) -> tuple[object, ...] | None:
    """Without the inode: it may be learned from one listing to the next."""
    return (
        None if base is None else (base.kind.value, base.name, base.size, base.mtime, base.version)
    )


def _local(local: Local | None) -> tuple[object, ...] | None:
    return (
        None
        if local is None
        else (local.kind.value, local.name, local.size, local.mtime_ns, local.version)
    )


def _remote(remote: Remote | None) -> tuple[object, ...] | None:
    return (
        None
        if remote is None
        else (remote.kind.value, remote.name, remote.size, remote.mtime, remote.inode)
    )
