"""A drive gets another name, and keeps everything else: settings, mount point, registration, local
copy with its journal, bin and history, and log.

The name is in the configuration and in paths, which cannot change at one instant. So the
configuration goes first, in one write that says both names (`Synchronization.former_name`); then
the local copy and the logs move; then the former name is forgotten. Whoever reads the configuration
for a command completes what a kill left (`finish_renames`) before anything opens a local copy, so
none is ever made anew beside the one that is still under the former name.
"""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import trio

from reconciler.phrases import Phrase
from syncin_mount.app.drives.open_drive import is_mounted
from syncin_mount.app.errors import InvalidRequest, NotPossible
from syncin_mount.app.processes.mounting import is_there, mount_again, status_of, unmount
from syncin_mount.app.processes.supervisor_client import told
from syncin_mount.app.synchronizations.change_settings import newest_settings, send_settings
from syncin_mount.config import ConfigurationFile
from syncin_mount.config.rules import name_objection
from syncin_mount.control.failures import ControlError
from syncin_mount.control.supervision import Ask, SupervisorError, What
from syncin_mount.errors import DaemonError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from reconciler.errors import RemoteError
    from syncin_mount.config import Configuration, Folders, Synchronization

_PATIENCE_S = 5.0
"""How long another process gets to complete a rename."""


async def rename_drive(folders: Folders, old: str, new: str) -> RemoteError | None:
    """Renames the synchronization ``old``, which must not be mounted. Returns why the server could
    not be told: the next run tells it. Raises InvalidRequest and NotPossible before anything is
    changed, ReplicaInUse, NewerFormat and what else is wrong with the format number,
    ConfigurationError, OSError; KeyError where there is no ``old``."""
    file = ConfigurationFile(folders)
    configuration = await trio.to_thread.run_sync(file.read)
    before = configuration.synchronizations[old]
    _check(folders, configuration, old, new)
    newer, clock = await newest_settings(folders, configuration.servers[before.server], before)

    def renamed(now: Configuration) -> Configuration:
        present = now.synchronizations[old]
        if newer.timestamp > present.timestamp:
            present = replace(newer, mountpoint=present.mountpoint, trash=present.trash)
        _check(folders, now, old, new)
        moment = int(time.time() if clock is None else clock)
        after = replace(
            present,
            name=new,
            former_name=old,
            timestamp=max(moment, present.timestamp + 1),
        )
        return now.without_synchronization(old).with_synchronization(after)

    with contextlib.ExitStack() as stack:
        lock = _locked(folders.replica(old))  # it may wait for who only looks
        await trio.to_thread.run_sync(stack.enter_context, lock)
        written = await trio.to_thread.run_sync(file.update, renamed)
        _move(folders, old, new)
    written = await trio.to_thread.run_sync(file.update, lambda now: _forgotten(now, new))
    after = written.synchronizations[new]
    if after.path_id is None:
        return None
    return await send_settings(folders, written.servers[after.server], after)


@dataclass(frozen=True, slots=True)
class Renamed:
    """``not_sent`` is why the server could not be told: the next run tells it. ``mounted``: the
    drive was, and is again; else ``not_mounted`` says why not, where it was."""

    not_sent: RemoteError | None
    mounted: bool
    not_mounted: Exception | None = None


async def rename(folders: Folders, old: str, new: str, *, force: bool = False) -> Renamed:
    """`rename_drive`, mounted or not: a mounted drive is unmounted for a moment (with ``force``
    also while files are open), and mounted again, under its former name where the rename failed.
    Raises as `rename_drive` and `unmount` do."""
    configuration = await trio.to_thread.run_sync(ConfigurationFile(folders).read)
    before = configuration.synchronizations[old]
    refused = name_objection(configuration, new)
    if refused:
        raise (NotPossible if new in configuration.synchronizations else InvalidRequest)(refused)
    _require_known(folders.replica(old))  # a later program may have it mounted: it goes on
    was_mounted, manual = is_there(folders, before), False
    if was_mounted:
        if is_mounted(folders, old):
            manual = (await status_of(folders, old)).manual
        await unmount(folders, before, force=force)
    await trio.to_thread.run_sync(told, folders, Ask(What.HOLD, old))
    try:
        not_sent = await rename_drive(folders, old, new)
    except BaseException:
        if was_mounted:
            with trio.CancelScope(shield=True):
                await _mount_again(folders, (old, new), manual=manual)
        raise
    if not was_mounted:
        await trio.to_thread.run_sync(told, folders, Ask(What.FOLLOW, new))
        return Renamed(not_sent, mounted=False)
    not_mounted = await _mount_again(folders, (new,), manual=manual)
    return Renamed(not_sent, mounted=not_mounted is None, not_mounted=not_mounted)


async def _mount_again(folders: Folders, names: Iterable[str], *, manual: bool) -> Exception | None:
    """Mounts the first of the names that is configured. Returns why it could not be."""
    configured = ConfigurationFile(folders).read().synchronizations
    here = next(configured[name] for name in names if name in configured)
    try:
        await mount_again(folders, here, manual=manual)
    except (NotPossible, DaemonError, SupervisorError, ControlError) as error:
        return error
    return None


def finish_renames(folders: Folders, configuration: Configuration) -> Configuration:
    """Completes what was interrupted, and returns the configuration as it is then; without one, the
    same at once. Raises NotPossible while another process is about it, ConfigurationError,
    OSError."""
    for name, each in configuration.synchronizations.items():
        if each.former_name is None:
            continue
        with _locked(folders.replica(each.former_name), patience_s=_PATIENCE_S):
            _move(folders, each.former_name, name)
        configuration = ConfigurationFile(folders).update(
            # mypy cannot infer a lambda with a default
            lambda now, name=name: _forgotten(now, name)  # type: ignore[misc]
        )
    return configuration


def _check(folders: Folders, configuration: Configuration, old: str, new: str) -> None:
    refused = name_objection(configuration, new)
    if refused:
        exists = new in configuration.synchronizations
        raise (NotPossible if exists else InvalidRequest)(refused)
    if is_mounted(folders, old):
        raise NotPossible(Phrase("'{old}' is mounted", old=old))
    if os.path.lexists(folders.replica(new)):
        raise NotPossible(
            Phrase(
                "there is a local copy of another drive in {replica}; choose another name,"
                " or move it away",
                replica=folders.replica(new),
            )
        )
    _require_known(folders.replica(old))


def _require_known(replica: Path) -> None:
    """Raises NewerFormat for a local copy that a later program wrote, another ReplicaError for one
    whose format number cannot be read."""
    from syncin_mount.store.format_version import require_known  # noqa: PLC0415 (start-up time)

    require_known(replica)


def _forgotten(now: Configuration, name: str) -> Configuration:
    """Without the former name."""
    present: Synchronization | None = now.synchronizations.get(name)
    if present is None or present.former_name is None:
        return now
    return now.with_synchronization(replace(present, former_name=None))


@contextlib.contextmanager
def _locked(replica: Path, *, patience_s: float = 0.0) -> Iterator[None]:
    """No process has the local copy open meanwhile, and none opens it. One that is not there needs
    no lock."""
    from syncin_mount.store import ReplicaInUse  # noqa: PLC0415 (start-up time)
    from syncin_mount.store.lock import take_lock  # noqa: PLC0415

    until = time.monotonic() + patience_s
    while True:
        try:
            descriptor = take_lock(replica)
        except (FileNotFoundError, NotADirectoryError):
            yield
            return
        except ReplicaInUse:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)
            continue
        break
    try:
        yield
    finally:
        os.close(descriptor)


def _move(folders: Folders, old: str, new: str) -> None:
    """The local copy and the logs. What was moved already stays where it is."""
    with contextlib.suppress(FileNotFoundError):
        if not os.path.lexists(folders.replica(new)):
            folders.replica(old).rename(folders.replica(new))
            _sync_folder(folders.replicas)
    former, log = folders.log(old), folders.log(new)
    for path in (former, *former.parent.glob(f"{_escaped(former.name)}.[0-9]")):
        target = log.with_name(log.name + path.name.removeprefix(former.name))
        # A log is of use, and no reason to fail.
        with contextlib.suppress(OSError):
            if not target.exists():
                path.rename(target)
    folders.socket(old).unlink(missing_ok=True)


def _escaped(name: str) -> str:
    import glob  # noqa: PLC0415 (start-up time)

    return glob.escape(name)


def _sync_folder(folder: Path) -> None:
    """The rename is on the disk when this returns."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
