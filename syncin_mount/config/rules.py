"""What a synchronization may be beside the others: pure checks, each with its sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncin_mount.config import filters
from syncin_mount.config.model import check_name

if TYPE_CHECKING:
    from syncin_mount.config.folders import Folders
    from syncin_mount.config.model import Configuration, Server, Synchronization


def not_there_yet(synchronization: Synchronization) -> str | None:
    """The sentence about a setting that cannot be followed, or not by this version, or None."""
    wrong = filters.objection(synchronization.filters)
    if wrong:
        return f"the filters cannot be used: {wrong}"
    return None


def objection(configuration: Configuration, new: Synchronization, folders: Folders) -> str | None:
    """Why ``new`` cannot be added, or None. Looks at the configuration alone, not at the disk or the server."""
    wrong = check_name(new.name)
    if wrong:
        return f"'{new.name}' cannot be a synchronization's name: {wrong}"
    if new.name in configuration.synchronizations:
        return f"there is a synchronization '{new.name}' already; choose another name, or remove it first"
    for own in (folders.state, folders.config):
        if _overlap(new.mountpoint.parts, own.parts):
            return f"the mount point {new.mountpoint} and the program's own folder {own} are one in the other"
    for other in configuration.synchronizations.values():
        if new.mountpoint == other.mountpoint:
            return f"the mount point {new.mountpoint} is used by '{other.name}' already; choose another folder"
        if _overlap(new.mountpoint.parts, other.mountpoint.parts):
            where = "inside" if other.mountpoint in new.mountpoint.parents else "around"
            return (
                f"the mount point {new.mountpoint} is {where} that of '{other.name}' ({other.mountpoint}); "
                "choose another folder"
            )
        if _one_account(configuration.servers[new.server], configuration.servers[other.server]):
            if new.remote == other.remote:
                return f"the remote folder {new.remote} is synchronized by '{other.name}' already"
            if _overlap(tuple(new.remote.split("/")), tuple(other.remote.split("/"))):
                return (
                    f"the remote folders {new.remote} and {other.remote} (of '{other.name}') are one in the other; "
                    "choose another folder"
                )
    return None


def _one_account(one: Server, other: Server) -> bool:
    return one.name == other.name or (one.url, one.login) == (other.url, other.login)


def _overlap(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Whether one path is the other or lies inside it."""
    shared = min(len(one), len(other))
    return one[:shared] == other[:shared]
