"""What a synchronization may be beside the others: pure checks, each with its sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.phrases import Phrase
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
        return Phrase("the filters cannot be used: {wrong}", wrong=wrong)
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
        return Phrase(
            "'{name}' cannot be a synchronization's name: {wrong}", name=name, wrong=wrong
        )
    if name in configuration.synchronizations:
        return Phrase(
            "there is a synchronization '{name}' already; choose another name, or remove it first",
            name=name,
        )
    return None


def mountpoint_objection(
    configuration: Configuration, mountpoint: Path, folders: Folders
) -> str | None:
    """Why no new synchronization can be mounted there, or None."""
    for own in (folders.state, folders.config):
        if _overlap(mountpoint.parts, own.parts):
            return Phrase(
                "the mount point {mountpoint} overlaps with the program's own folder {own};"
                " choose another folder",
                mountpoint=mountpoint,
                own=own,
            )
    for other in configuration.synchronizations.values():
        if mountpoint == other.mountpoint:
            return Phrase(
                "the mount point {mountpoint} is used by '{other}' already; choose another folder",
                mountpoint=mountpoint,
                other=other.name,
            )
        if _overlap(mountpoint.parts, other.mountpoint.parts):
            named = {"mountpoint": mountpoint, "other": other.name, "place": other.mountpoint}
            if other.mountpoint in mountpoint.parents:
                return Phrase(
                    "the mount point {mountpoint} is inside that of '{other}' ({place}); choose"
                    " another folder",
                    **named,
                )
            return Phrase(
                "the mount point {mountpoint} is around that of '{other}' ({place}); choose"
                " another folder",
                **named,
            )
    return None


def remote_objection(configuration: Configuration, server: Server, remote: str) -> str | None:
    """Why no new synchronization can be of this folder of the server, or None."""
    other = remote_user(configuration, server, remote)
    if other is None:
        return None
    if remote == other.remote:
        return Phrase(
            "'{remote}' is synchronized as '{other}' already", remote=remote, other=other.name
        )
    return Phrase(
        "'{remote}' overlaps with '{theirs}' (synchronized as '{other}'); choose another folder",
        remote=remote,
        theirs=other.remote,
        other=other.name,
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
