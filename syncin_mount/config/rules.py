"""What a synchronization may be beside the others: pure checks, each with its sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncin_mount.config import filters
from syncin_mount.config.model import check_name

if TYPE_CHECKING:
    from pathlib import Path

    from syncin_mount.config.folders import Folders
    from syncin_mount.config.model import Configuration, Server, Synchronization


def not_there_yet(synchronization: Synchronization) -> str | None:
    """The sentence about a setting that cannot be followed, or not by this version, or None."""
    wrong = filters.objection(synchronization.filters)
    if wrong:
        return f"the filters cannot be used: {wrong}"
    return None


def objection(configuration: Configuration, new: Synchronization, folders: Folders) -> str | None:
    """Why ``new`` cannot be added, or None. Looks at the configuration alone, not at the disk or
    the server."""
    return (
        name_objection(configuration, new.name)
        or mountpoint_objection(configuration, new.mountpoint, folders)
        or remote_objection(configuration, configuration.servers[new.server], new.remote)
    )


def name_objection(configuration: Configuration, name: str) -> str | None:
    """Why no new synchronization can have this name, or None."""
    wrong = check_name(name)
    if wrong:
        return f"'{name}' cannot be a synchronization's name: {wrong}"
    if name in configuration.synchronizations:
        return (
            f"there is a synchronization '{name}' already; choose another name, or remove it first"
        )
    return None


def mountpoint_objection(
    configuration: Configuration, mountpoint: Path, folders: Folders
) -> str | None:
    """Why no new synchronization can be mounted there, or None."""
    for own in (folders.state, folders.config):
        if _overlap(mountpoint.parts, own.parts):
            return (
                f"the mount point {mountpoint} overlaps with the program's own folder {own}; choose"
                " another folder"
            )
    for other in configuration.synchronizations.values():
        if mountpoint == other.mountpoint:
            return (
                f"the mount point {mountpoint} is used by '{other.name}' already; choose another"
                " folder"
            )
        if _overlap(mountpoint.parts, other.mountpoint.parts):
            where = "inside" if other.mountpoint in mountpoint.parents else "around"
            return (
                f"the mount point {mountpoint} is {where} that of '{other.name}'"
                f" ({other.mountpoint}); choose another folder"
            )
    return None


def remote_objection(configuration: Configuration, server: Server, remote: str) -> str | None:
    """Why no new synchronization can be of this folder of the server, or None."""
    other = remote_user(configuration, server, remote)
    if other is None:
        return None
    if remote == other.remote:
        return f"'{remote}' is synchronized as '{other.name}' already"
    return (
        f"'{remote}' overlaps with '{other.remote}' (synchronized as '{other.name}'); choose"
        " another folder"
    )


def remote_user(
    configuration: Configuration, server: Server, remote: str
) -> Synchronization | None:
    """The synchronization of this folder of the server, of one in it or of one that it is in."""
    parts = tuple(remote.split("/"))
    for other in configuration.synchronizations.values():
        ours = _one_account(server, configuration.servers[other.server])
        if ours and _overlap(parts, tuple(other.remote.split("/"))):
            return other
    return None


def _one_account(one: Server, other: Server) -> bool:
    return one.name == other.name or (one.url, one.login) == (other.url, other.login)


def _overlap(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Whether one path is the other or lies inside it."""
    shared = min(len(one), len(other))
    return one[:shared] == other[:shared]
