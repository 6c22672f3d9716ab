"""What must be right for drives to work, looked at one by one: this computer, the configuration,
the servers, the local copies and the mounts.

A finding is a value: what was looked at, how it is, and what helps. `syncin_mount.app.messages`
makes the sentences.
"""

from __future__ import annotations

import enum
import importlib
import os
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import trio

from reconciler.errors import RemoteError
from syncin_mount import __version__
from syncin_mount.addresses import goes_in_clear
from syncin_mount.app.drives.open_drive import hanging, is_mounted
from syncin_mount.app.support.desktop_files import Presence, found_share, user_share
from syncin_mount.config import ConfigurationError, ConfigurationFile, unwritable
from syncin_mount.config.rules import not_there_yet
from syncin_mount.mount_table import (
    LOOK_S,
    is_dead,
    is_drive,
    is_ours,
    mounted_at,
    mounts,
    within,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping

    from syncin_mount.config import Configuration, Folders, Server, Synchronization

FILE_MANAGERS = ("nautilus", "nemo", "caja", "thunar", "dolphin")
"""Those that there is something for."""

DEVICE = Path("/dev/fuse")
INHIBITORS = Path("/run/systemd/inhibit")
"""Where systemd-logind lets programs delay a shutdown."""


class State(enum.Enum):
    """How a check ended."""

    FINE = "fine"
    NOTE = "note"
    WRONG = "wrong"


class Check(enum.Enum):
    """What was looked at, and what was found of it."""

    PROGRAM = "program"
    NO_MOUNTING = "no_mounting"
    DEVICE = "device"
    DEVICE_MISSING = "device_missing"
    DEVICE_CLOSED = "device_closed"
    FUSERMOUNT = "fusermount"
    FUSERMOUNT_MISSING = "fusermount_missing"
    PYFUSE = "pyfuse"
    PYFUSE_UNUSABLE = "pyfuse_unusable"
    LOGIND = "logind"
    LOGIND_MISSING = "logind_missing"
    FILE_MANAGERS = "file_managers"
    FILE_MANAGERS_OLD = "file_managers_old"
    FILE_MANAGERS_WITHOUT = "file_managers_without"
    FOLDERS_UNUSABLE = "folders_unusable"
    DESKTOP_UNWRITABLE = "desktop_unwritable"
    CONFIGURATION = "configuration"
    CONFIGURATION_WRONG = "configuration_wrong"
    SERVER = "server"
    SERVER_REFUSES = "server_refuses"
    SETTINGS_WRONG = "settings_wrong"
    MOUNTED = "mounted"
    NOT_MOUNTED = "not_mounted"
    DAEMON_ALONE = "daemon_alone"
    DAEMON_SILENT = "daemon_silent"
    DRIVE_CRASHED = "drive_crashed"
    MOUNT_OF_OTHERS = "mount_of_others"
    MOUNTPOINT_UNUSABLE = "mountpoint_unusable"
    MOUNTPOINT_NOT_EMPTY = "mountpoint_not_empty"
    COPY = "copy"
    COPY_MISSING = "copy_missing"
    COPY_IN_USE = "copy_in_use"
    COPY_WRONG = "copy_wrong"
    TRASH = "trash"
    TRASH_UNUSABLE = "trash_unusable"
    STRAY_DEAD = "stray_dead"
    STRAY_ALIVE = "stray_alive"


class Remedy(enum.Enum):
    """What helps."""

    LOAD_MODULE = "load_module"
    ASK_FOR_ACCESS = "ask_for_access"
    INSTALL_FUSE = "install_fuse"
    INSTALL_LIBRARY = "install_library"
    UNMOUNT = "unmount"
    MOUNT = "mount"
    END_HUNG = "end_hung"
    """A daemon that does not answer: it is killed, and the drive mounted again."""
    UNMOUNT_OTHER = "unmount_other"
    MAKE_FOLDER = "make_folder"
    EMPTY_FOLDER = "empty_folder"
    MAKE_WRITABLE = "make_writable"
    INSTALL_DESKTOP = "install_desktop"
    TAKE_AWAY = "take_away"
    """A mount whose process is gone: the system takes it away. Never of one that works."""


@dataclass(frozen=True, slots=True)
class Finding:
    """``about`` is the server or drive by its name, "" for this computer. ``data`` is what the
    sentence needs: numbers, paths, errors."""

    check: Check
    state: State
    about: str = ""
    data: Mapping[str, object] = field(default_factory=dict)
    remedy: Remedy | None = None


def _fine(check: Check, about: str = "", **data: object) -> Finding:
    return Finding(check, State.FINE, about, data)


def _note(check: Check, about: str = "", remedy: Remedy | None = None, **data: object) -> Finding:
    return Finding(check, State.NOTE, about, data, remedy)


def _wrong(check: Check, about: str = "", remedy: Remedy | None = None, **data: object) -> Finding:
    return Finding(check, State.WRONG, about, data, remedy)


async def examine(folders: Folders) -> AsyncIterator[Finding]:
    """Each finding as it is found. Asks every server; changes nothing, but opening a local copy
    recovers what a killed process left. Can be cancelled between two findings."""
    for finding in await _blocking(_system):
        yield finding
    trouble = folders.trouble()
    if trouble is not None:
        yield _wrong(Check.FOLDERS_UNUSABLE, why=trouble)
        return
    for finding in await _blocking(_desktop_folders, folders):
        yield finding
    try:
        configuration = await trio.to_thread.run_sync(ConfigurationFile(folders).read)
    except ConfigurationError as error:
        yield _wrong(Check.CONFIGURATION_WRONG, error=error)
        return
    yield _fine(
        Check.CONFIGURATION,
        file=folders.config_file,
        servers=len(configuration.servers),
        synchronizations=len(configuration.synchronizations),
    )
    for server in configuration.servers.values():
        yield await _server(folders, server)
    silent = await hanging(folders, configuration)
    for synchronization in configuration.synchronizations.values():
        is_hanging = synchronization.name in silent
        for finding in await _blocking(_synchronization, folders, synchronization, is_hanging):
            yield finding
    for finding in await _blocking(_strays, configuration):
        yield finding


async def _blocking(look: Callable[..., Iterator[Finding]], *arguments: object) -> list[Finding]:
    return await trio.to_thread.run_sync(lambda: list(look(*arguments)))


def _system() -> Iterator[Finding]:
    python = ".".join(map(str, sys.version_info[:3]))
    yield _fine(Check.PROGRAM, version=__version__, python=python)
    if sys.platform != "linux":
        yield _note(Check.NO_MOUNTING)
        return
    yield _device()
    program = shutil.which("fusermount3")
    if program is None:
        yield _wrong(Check.FUSERMOUNT_MISSING, remedy=Remedy.INSTALL_FUSE)
    else:
        yield _fine(Check.FUSERMOUNT, path=program)
    try:
        # By name: only the frontend may depend on it.
        pyfuse3 = importlib.import_module("pyfuse3")
    except ImportError as error:
        yield _wrong(Check.PYFUSE_UNUSABLE, remedy=Remedy.INSTALL_LIBRARY, why=str(error))
    else:
        yield _fine(Check.PYFUSE, version=pyfuse3.__version__)
    yield _fine(Check.LOGIND) if INHIBITORS.is_dir() else _note(Check.LOGIND_MISSING)
    yield from _file_managers()


def _file_managers() -> Iterator[Finding]:
    """Whether those that there are show the states of files."""
    if not any(map(shutil.which, FILE_MANAGERS)):
        return
    try:
        share, presence = found_share()
    except RuntimeError:  # a user without a home folder has no file manager either
        return
    if presence is Presence.WHOLE:
        yield _fine(Check.FILE_MANAGERS, share=share)
    elif presence is Presence.OLD:
        yield _note(Check.FILE_MANAGERS_OLD, remedy=Remedy.INSTALL_DESKTOP, share=share)
    else:
        yield _note(Check.FILE_MANAGERS_WITHOUT, remedy=Remedy.INSTALL_DESKTOP)


def _desktop_folders(folders: Folders) -> Iterator[Finding]:
    """Whether the user's own folders take what starts at log-in, and what desktop and shell load.
    With SYNCIN_MOUNT_HOME nothing goes there by itself."""
    if folders.portable or sys.platform != "linux":
        return
    for path in (folders.config.parent, user_share()):
        why = unwritable(path)
        if why is not None:
            yield _note(Check.DESKTOP_UNWRITABLE, remedy=Remedy.MAKE_WRITABLE, path=path, why=why)


def _device() -> Finding:
    if not DEVICE.exists():
        return _wrong(Check.DEVICE_MISSING, remedy=Remedy.LOAD_MODULE)
    try:
        os.close(os.open(DEVICE, os.O_RDWR))
    except OSError as error:
        return _wrong(Check.DEVICE_CLOSED, remedy=Remedy.ASK_FOR_ACCESS, why=error.strerror)
    return _fine(Check.DEVICE)


async def _server(folders: Folders, server: Server) -> Finding:
    from syncin_mount.app.accounts.sessions import session_with  # noqa: PLC0415 (start-up time)

    try:
        async with session_with(folders, server) as session:
            await session.check()
    except RemoteError as error:
        make = _note if error.temporary else _wrong
        return make(Check.SERVER_REFUSES, server.name, error=error)
    in_clear = goes_in_clear(server.url)
    data = {
        "login": server.login,
        "url": server.url,
        "in_clear": in_clear,
        "unverified": server.insecure_tls,
    }
    is_safe = not (in_clear or server.insecure_tls)
    return Finding(Check.SERVER, State.FINE if is_safe else State.NOTE, server.name, data)


def _synchronization(
    folders: Folders, synchronization: Synchronization, is_hanging: bool
) -> Iterator[Finding]:
    name = synchronization.name
    refused = not_there_yet(synchronization)
    if refused:
        yield _wrong(Check.SETTINGS_WRONG, name, why=refused)
    running = is_mounted(folders, name)
    if running and is_hanging:
        yield _wrong(Check.DAEMON_SILENT, name, Remedy.END_HUNG, point=synchronization.mountpoint)
    else:
        yield _mount(synchronization, running=running)
    if not running:
        yield _copy(folders, synchronization)
    yield from _trash(folders, synchronization)


def _mount(synchronization: Synchronization, *, running: bool) -> Finding:
    name, point = synchronization.name, synchronization.mountpoint
    mount = mounted_at(point)
    if running and mount is not None:
        return _fine(Check.MOUNTED, name, point=point)
    if running:
        return _wrong(Check.DAEMON_ALONE, name, Remedy.UNMOUNT)
    if mount is not None and is_ours(mount):
        return _wrong(Check.DRIVE_CRASHED, name, Remedy.MOUNT, point=point)
    if mount is not None:
        return _wrong(
            Check.MOUNT_OF_OTHERS, name, Remedy.UNMOUNT_OTHER, point=point, kind=mount.kind
        )
    try:
        is_empty = within(LOOK_S, lambda: next(point.iterdir(), None) is None)
    except OSError as error:
        return _wrong(
            Check.MOUNTPOINT_UNUSABLE, name, Remedy.MAKE_FOLDER, point=point, why=error.strerror
        )
    if not is_empty:
        return _wrong(Check.MOUNTPOINT_NOT_EMPTY, name, Remedy.EMPTY_FOLDER, point=point)
    return _fine(Check.NOT_MOUNTED, name, point=point)


def _copy(folders: Folders, synchronization: Synchronization) -> Finding:
    """Opening it takes its lock, replays its journal and finds what is damaged."""
    from syncin_mount.app.drives import views  # noqa: PLC0415 (start-up time)
    from syncin_mount.app.drives.unmounted import open_replica  # noqa: PLC0415
    from syncin_mount.store import ReplicaError, ReplicaInUse  # noqa: PLC0415

    name = synchronization.name
    try:
        with open_replica(folders, name, look=True) as replica:
            if replica is None:
                return _fine(Check.COPY_MISSING, name)
            waiting = views.waiting(replica, views.filter_of(synchronization.filters))
            return _fine(Check.COPY, name, common=replica.base_count(), waiting=waiting)
    except ReplicaInUse as error:
        return _note(Check.COPY_IN_USE, name, error=error)
    except ReplicaError as error:
        return _wrong(Check.COPY_WRONG, name, error=error)


def _trash(folders: Folders, synchronization: Synchronization) -> Iterator[Finding]:
    """Where the desktop's trash is used (of this session: a daemon may be of another one)."""
    from syncin_mount.trash import find_user_bin  # noqa: PLC0415 (start-up time)

    user_bin, _ = find_user_bin(folders, synchronization)
    if user_bin is None:
        return
    objection = user_bin.objection()
    if objection:
        yield _wrong(Check.TRASH_UNUSABLE, synchronization.name, why=objection)
    else:
        yield _fine(Check.TRASH, synchronization.name, place=user_bin.place)


def _strays(configuration: Configuration) -> Iterator[Finding]:
    """Drives of ours that are mounted where no synchronization has its mount point."""
    points = {each.mountpoint for each in configuration.synchronizations.values()}
    for mount in mounts():
        if is_drive(mount) and mount.point not in points:
            if is_dead(mount.point):
                yield _note(Check.STRAY_DEAD, remedy=Remedy.TAKE_AWAY, point=mount.point)
            else:
                yield _note(Check.STRAY_ALIVE, point=mount.point)
