"""What the daemon and its clients say to each other about the states of many files. The form is
that of `syncin_mount.control.messages`."""

from __future__ import annotations

import enum

import msgspec


class FileState(enum.Enum):
    """How a file or folder stands towards the server. A folder is as what is most urgent in it, in
    the order ``problem``, ``syncing``, ``waiting`` (or ``held``), ``absent``, or is ``synced``.

    ``problem``: somebody has to do something. ``syncing``: it is just being transferred.
    ``waiting``: it changed here and is not on the server yet. ``held``: so, and the user holds it.
    ``conflict``: one was settled, and nobody acknowledged it. ``absent``: its content is not here
    yet. ``local``: it stays on this computer. ``synced``: both sides are the same.
    """

    PROBLEM = "problem"
    SYNCING = "syncing"
    WAITING = "waiting"
    HELD = "held"
    CONFLICT = "conflict"
    ABSENT = "absent"
    LOCAL = "local"
    SYNCED = "synced"


class StatesRequest(msgspec.Struct, frozen=True):
    """Asks for the states of these ``names`` in one ``folder``, a path relative to the synchronized
    folder ("" is that folder itself). The name "" means the folder."""

    folder: str
    names: tuple[str, ...]


class States(msgspec.Struct, frozen=True):
    """The states, in the order of the names; null for a name that is not there."""

    states: tuple[FileState | None, ...]


class StateChange(msgspec.Struct, frozen=True):
    """Files and folders in ``folder`` that may have another state now: their ``names``, and as many
    ``states``. With ``everything`` any state may be another one: those that somebody sees are asked
    for again; the rest is empty then."""

    folder: str = ""
    names: tuple[str, ...] = ()
    states: tuple[FileState, ...] = ()
    everything: bool = False
