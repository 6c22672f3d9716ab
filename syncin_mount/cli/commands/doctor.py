"""`doctor`: looks at everything that must be right, and says what to do about what is not."""

from __future__ import annotations

import enum
import importlib
import os
import shlex
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.errors import RemoteError
from syncin_mount import __version__, advice
from syncin_mount.addresses import goes_in_clear
from syncin_mount.app.drives.open_drive import is_mounted
from syncin_mount.app.messages import sentence
from syncin_mount.cli.exit_status import CommandError, Exit
from syncin_mount.cli.ui import output
from syncin_mount.config import ConfigurationError, ConfigurationFile, Folders
from syncin_mount.config.rules import not_there_yet

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syncin_mount.config import Configuration, Server, Synchronization


class Verdict(enum.Enum):
    """How a check ended."""

    FINE = "ok"
    NOTE = "note"
    WRONG = "WRONG"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what was looked at, and what to do where something is wrong."""

    verdict: Verdict
    what: str


@click.command()
@click.option(
    "--collect",
    is_flag=False,
    flag_value="",
    metavar="[FILE]",
    help="Write what a bug report needs to an archive: FILE, or one in this folder.",
)
@click.option(
    "--with-names",
    is_flag=True,
    help="With --collect: leave the names of files, users and servers in it.",
)
@output.json_option
def command(collect: str | None, with_names: bool, as_json: bool) -> None:
    """Check this computer, the configuration, the servers, the local copies and the mounts.

    Each line says what to do. Exit status 1 when something is wrong.

    With --collect, write versions, settings, logs, states, failures and what the checks say to a
    tar.gz archive. No content of files is in it, no password and no token, and names are replaced
    by x1, x2, … Look at it before you send it to anybody.
    """
    if with_names and collect is None:
        raise click.UsageError("--with-names goes with --collect")
    if collect is not None:
        _collect(collect, with_names=with_names, as_json=as_json)
        return
    findings: list[Finding] = []
    for finding in _findings():
        findings.append(finding)
        if not as_json:
            output.say(f"{finding.verdict.value:<5}  {output.printable(finding.what)}")
    if as_json:
        output.emit_json([{"verdict": f.verdict.name.lower(), "what": f.what} for f in findings])
    raise SystemExit(
        Exit.UNFINISHED if any(f.verdict is Verdict.WRONG for f in findings) else Exit.DONE
    )


def _collect(file: str, *, with_names: bool, as_json: bool) -> None:
    from syncin_mount.app.support.support_report import (  # noqa: PLC0415
        default_path,
        write_report,
    )

    path = Path(file).absolute() if file else default_path()
    folders = Folders.find()

    def said() -> list[str]:
        return [f"{finding.verdict.value:<5}  {finding.what}" for finding in _findings()]

    try:
        parts = write_report(path, folders, said, with_names=with_names)
    except FileExistsError:
        raise CommandError(f"there is a file {path} already; give another name") from None
    except OSError as error:
        raise CommandError(
            f"the report cannot be written to {path} ({error.strerror}); give another place",
            Exit.UNFINISHED,
        ) from error
    if as_json:
        found = [{"name": part.name, "what": part.what} for part in parts]
        output.emit_json({"file": str(path), "names": with_names, "parts": found})
        return
    for part in parts:
        output.say(f"{part.name:<20}  {part.what}")
    output.say()
    output.say(f"The report is in {output.printable(str(path))}")
    if with_names:
        output.warn("names of your files, folders, users and servers are in it")
    else:
        output.say(
            "Names of files, folders, users and servers are replaced, the same by the same; words"
            " that the program"
        )
        output.say("uses itself may have stayed.")
    output.say("Look at it before you send it to anybody.")


def _findings() -> Iterator[Finding]:
    yield from _system()
    folders = Folders.find()
    wrong = folders.trouble()
    if wrong is not None:
        yield Finding(Verdict.WRONG, wrong)
        return
    try:
        configuration = ConfigurationFile(folders).read()
    except ConfigurationError as error:
        yield Finding(Verdict.WRONG, sentence(error))
        return
    yield Finding(Verdict.FINE, f"configuration {folders.config_file}: {_counts(configuration)}")
    for server in configuration.servers.values():
        yield _server(folders, server)
    for synchronization in configuration.synchronizations.values():
        yield from _synchronization(folders, synchronization)
    yield from _strays(configuration)


def _counts(configuration: Configuration) -> str:
    servers = output.count(len(configuration.servers), "server")
    return f"{servers}, {output.count(len(configuration.synchronizations), 'synchronization')}"


def _system() -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    yield Finding(Verdict.FINE, f"syncin-mount {__version__} on Python {version}")
    if sys.platform != "linux":
        yield Finding(Verdict.NOTE, "mounting is for Linux so far; 'sync' works everywhere")
        return
    yield _device()
    program = shutil.which("fusermount3")
    if program is None:
        yield Finding(Verdict.WRONG, "fusermount3 is not there; install the package fuse3")
    else:
        yield Finding(Verdict.FINE, program)
    try:
        # By name: only the frontend may depend on it.
        pyfuse3 = importlib.import_module("pyfuse3")
    except ImportError as error:
        yield Finding(
            Verdict.WRONG,
            f"pyfuse3 cannot be loaded ({error}); install libfuse3-3, and reinstall syncin-mount",
        )
    else:
        yield Finding(Verdict.FINE, f"pyfuse3 {pyfuse3.__version__}")
    yield _logind()


def _logind() -> Finding:
    if Path("/run/systemd/inhibit").is_dir():
        return Finding(
            Verdict.FINE,
            "systemd-logind: while 'up' runs, shutting down waits for what is not sent",
        )
    return Finding(
        Verdict.NOTE,
        "no systemd-logind: shutting down does not wait for what is not sent; it stays here",
    )


def _device() -> Finding:
    device = Path("/dev/fuse")
    if not device.exists():
        return Finding(
            Verdict.WRONG,
            "/dev/fuse is not there; load the kernel module (modprobe fuse), or give the container"
            " that device",
        )
    try:
        os.close(os.open(device, os.O_RDWR))
    except OSError as error:
        return Finding(
            Verdict.WRONG, f"/dev/fuse cannot be opened ({error.strerror}); ask for access to it"
        )
    return Finding(Verdict.FINE, "/dev/fuse")


def _server(folders: Folders, server: Server) -> Finding:
    tls = " (its certificate is not verified)" if server.insecure_tls else ""
    tls = (
        " (in clear: whoever is in between can read everything)"
        if goes_in_clear(server.url)
        else tls
    )
    try:
        output.run_async(_ask, folders, server)
    except RemoteError as error:
        return Finding(
            Verdict.NOTE if error.temporary else Verdict.WRONG,
            f"server {server.name}: {sentence(error)}",
        )
    return Finding(
        Verdict.NOTE if tls else Verdict.FINE,
        f"server {server.name}: {server.login} is let in at {server.url}{tls}",
    )


async def _ask(folders: Folders, server: Server) -> None:
    from syncin_mount.app.accounts.sessions import session_with  # noqa: PLC0415 (start-up time)

    async with session_with(folders, server) as session:
        await session.check()


def _synchronization(folders: Folders, synchronization: Synchronization) -> Iterator[Finding]:
    from syncin_mount.mount_table import is_ours, mounted_at  # noqa: PLC0415 (start-up time)

    name, point = synchronization.name, synchronization.mountpoint
    refused = not_there_yet(synchronization)
    if refused:
        yield Finding(Verdict.WRONG, f"{name}: {refused}")
    running = is_mounted(folders, name)
    mount = mounted_at(point)
    if running and mount is not None:
        yield Finding(Verdict.FINE, f"{name}: mounted at {point}")
    elif running:
        yield Finding(
            Verdict.WRONG,
            f"{name}: its daemon runs, but nothing is mounted; end it:"
            f" {advice.command('umount', name)}",
        )
    elif mount is not None and is_ours(mount):
        yield Finding(
            Verdict.WRONG,
            f"{name}: a crashed drive is left over at {point}; mount it again:"
            f" {advice.command('mount', name)}",
        )
    elif mount is not None:
        yield Finding(
            Verdict.WRONG,
            f"{name}: something else ({mount.kind}) is mounted at {point}; unmount that first",
        )
    else:
        yield _point(synchronization)
    if not running:
        yield _replica(folders, synchronization)
    yield from _trash(folders, synchronization)


def _trash(folders: Folders, synchronization: Synchronization) -> Iterator[Finding]:
    """Where the desktop's trash is used (of this session: a daemon may be of another one)."""
    from syncin_mount.trash import find_user_bin  # noqa: PLC0415 (start-up time)

    user_bin, _ = find_user_bin(folders, synchronization)
    if user_bin is None:
        return
    objection = user_bin.objection()
    if objection:
        yield Finding(
            Verdict.WRONG,
            f"{synchronization.name}: the desktop's trash cannot be used: {objection}",
        )
    else:
        yield Finding(
            Verdict.FINE, f"{synchronization.name}: what loses here goes to {user_bin.place}"
        )


def _point(synchronization: Synchronization) -> Finding:
    name, point = synchronization.name, synchronization.mountpoint
    try:
        empty = next(point.iterdir(), None) is None
    except OSError as error:
        return Finding(
            Verdict.WRONG,
            f"{name}: the mount point {point} cannot be used ({error.strerror}); make it a folder",
        )
    if not empty:
        return Finding(
            Verdict.WRONG,
            f"{name}: the mount point {point} is not empty; move what is in it elsewhere",
        )
    return Finding(Verdict.FINE, f"{name}: not mounted; {point} is free")


def _replica(folders: Folders, synchronization: Synchronization) -> Finding:
    """Opening it takes its lock, replays its journal and finds what is damaged."""
    from syncin_mount.app.drives import views  # noqa: PLC0415
    from syncin_mount.app.drives.unmounted import open_replica  # noqa: PLC0415 (start-up time)
    from syncin_mount.store import ReplicaError, ReplicaInUse  # noqa: PLC0415

    name = synchronization.name
    try:
        with open_replica(folders, name) as replica:
            if replica is None:
                return Finding(
                    Verdict.FINE, f"{name}: no local copy yet; 'mount' or 'sync' makes it"
                )
            waiting = views.waiting(replica, views.filter_of(synchronization.filters))
            return Finding(
                Verdict.FINE,
                f"{name}: local copy in order, {replica.base_count()} in common with the server,"
                f" {waiting} waiting",
            )
    except ReplicaInUse as error:
        return Finding(Verdict.NOTE, f"{name}: {sentence(error)}")
    except ReplicaError as error:
        return Finding(Verdict.WRONG, f"{name}: {sentence(error)}")


def _strays(configuration: Configuration) -> Iterator[Finding]:
    """Drives of ours that are mounted where no synchronization has its mount point."""
    from syncin_mount.mount_table import is_dead, is_ours, mounts  # noqa: PLC0415 (start-up time)

    points = {each.mountpoint for each in configuration.synchronizations.values()}
    for mount in mounts():
        if is_ours(mount) and mount.source.startswith("syncin") and mount.point not in points:
            if is_dead(mount.point):
                take_away = shlex.join(["fusermount3", "-u", str(mount.point)])
                what = f"a crashed drive is left over at {mount.point}; unmount it: {take_away}"
            else:
                what = f"a drive at {mount.point} belongs to another profile"
            yield Finding(Verdict.NOTE, what)
