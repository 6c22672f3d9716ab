"""Whether a drive can be mounted at a place, and taking away what a crashed daemon left there."""

from __future__ import annotations

import errno
import os
import re
import shutil
import stat
import subprocess
from pathlib import Path

from reconciler.phrases import Phrase, strerror
from syncin_mount.vfs import MountError, MountpointNotEmpty

DEVICE = Path("/dev/fuse")
CONNECTIONS = Path("/sys/fs/fuse/connections")


def mounted_type(mountpoint: Path) -> str | None:
    """The type of the file system that is mounted exactly there (the topmost one), or None."""
    fields = _mount(mountpoint)
    return None if fields is None else fields[fields.index("-", 6) + 1]


def _mount(mountpoint: Path) -> list[str] | None:
    """What is mounted exactly there, the topmost one: its line of the mount table. The place itself
    is not touched.

    From proc_pid_mountinfo(5): field 3 is the device, field 5 the mount point with blanks and
    backslashes as octal escapes; the type is the first field after the lone hyphen.
    """
    place = os.path.abspath(mountpoint)
    found = None
    for line in (
        os.fsdecode(Path("/proc/self/mountinfo").read_bytes()).removesuffix("\n").split("\n")
    ):
        fields = line.split(" ")
        if re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), fields[4]) == place:
            found = fields
    return found


def device(mountpoint: Path) -> tuple[int, int] | None:
    """The major and minor number of what is mounted exactly there. The place itself is not
    touched."""
    fields = _mount(mountpoint)
    if fields is None:
        return None
    major, _, minor = fields[2].partition(":")
    return int(major), int(minor)


def let_wait(mountpoint: Path, count: int) -> bool:
    """Lets ``count`` writes and read-aheads of the drive that is mounted there be asked for at the
    same time; further ones wait in the kernel, first come first served (12 by default). Whether
    that was possible.

    From the kernel's Documentation/filesystems/fuse.rst, "Control filesystem": ``max_background``.
    """
    found = device(mountpoint)
    if found is None:
        return False
    try:
        (CONNECTIONS / str(found[1]) / "max_background").write_text(f"{count}\n")
    except OSError:  # it is not mounted, or not more than that is allowed
        return False
    return True


def abort(mountpoint: Path) -> bool:
    """Ends the connection of the drive that is mounted there: whoever waits for it, its own process
    included, gets an error. Whether that was possible.

    From the kernel's Documentation/filesystems/fuse.rst, "Control filesystem": the connection's
    folder has the number of the mount's device, and belongs to whoever mounted it.
    """
    fields = _mount(mountpoint)
    if fields is None or not fields[fields.index("-", 6) + 1].startswith("fuse"):
        return False
    try:
        (CONNECTIONS / fields[2].partition(":")[2] / "abort").write_text("1")
    except OSError:
        return False
    return True


def is_stale(mountpoint: Path) -> bool:
    """Whether the process that served this mount is gone.

    statfs(2) always asks that process; stat(2) would be answered out of the kernel's long-lived
    attributes.
    """
    try:
        os.statvfs(mountpoint)
    except OSError as error:
        return error.errno in {errno.ENOTCONN, errno.ECONNABORTED}
    return False


def detach(mountpoint: Path) -> None:
    """Takes a mount away, whoever still uses it. Raises MountError."""
    done = subprocess.run(
        ["fusermount3", "-u", "-z", os.path.abspath(mountpoint)],
        capture_output=True,
        text=True,
        errors="replace",
        timeout=30,
        check=False,
    )
    if done.returncode != 0 and mounted_type(mountpoint) is not None:
        raise MountError(
            Phrase(
                "{mountpoint} is still mounted and cannot be unmounted: {why}; unmount it"
                " by hand with: umount -l {mountpoint}",
                mountpoint=mountpoint,
                why=done.stderr.strip() or "fusermount3 failed",
            )
        )


def prepare(mountpoint: Path) -> None:
    """See ``syncin_mount.vfs.Frontend.prepare``."""
    _check_system()
    taken = mounted_type(mountpoint)
    if is_stale(mountpoint):
        detach(mountpoint)
    elif taken is not None:
        raise MountError(
            Phrase(
                "{mountpoint} is a mount point already (file system type {kind}); unmount"
                " that first or choose another folder.",
                mountpoint=mountpoint,
                kind=taken,
            )
        )
    _check_folder(mountpoint)


def _check_system() -> None:
    if shutil.which("fusermount3") is None:
        raise MountError(
            Phrase(
                "The program fusermount3 is missing, without which nothing can be mounted;"
                " install it (Debian: apt install fuse3)."
            )
        )
    try:
        is_device = stat.S_ISCHR(DEVICE.stat().st_mode)
    except FileNotFoundError:
        is_device = False
    if not is_device:
        raise MountError(
            Phrase(
                "This system has no {device}, without which nothing can be mounted; load the"
                " kernel module (modprobe fuse), or give the container the device {device}.",
                device=DEVICE,
            )
        )
    if not os.access(DEVICE, os.R_OK | os.W_OK):
        raise MountError(
            Phrase(
                "You may not use {device}, without which nothing can be mounted; ask whoever"
                " runs this system.",
                device=DEVICE,
            )
        )


def _check_folder(mountpoint: Path) -> None:
    try:
        with os.scandir(mountpoint) as entries:
            first = next(entries, None)
    except FileNotFoundError:
        raise MountError(
            Phrase(
                "{mountpoint} does not exist; make an empty folder there first.",
                mountpoint=mountpoint,
            )
        ) from None
    except NotADirectoryError:
        raise MountError(
            Phrase(
                "{mountpoint} is not a folder; choose an empty folder to mount at.",
                mountpoint=mountpoint,
            )
        ) from None
    except PermissionError:
        raise MountError(
            Phrase(
                "You may not read {mountpoint}; choose a folder of your own.", mountpoint=mountpoint
            )
        ) from None
    except OSError as error:
        raise MountError(
            Phrase(
                "{mountpoint} cannot be used: {why}; choose another folder.",
                mountpoint=mountpoint,
                why=strerror(error),
            )
        ) from None
    if first is not None:
        raise MountpointNotEmpty(mountpoint, first.name)
    if not os.access(mountpoint, os.W_OK):
        raise MountError(
            Phrase(
                "You may not write in {mountpoint}; choose a folder of your own.",
                mountpoint=mountpoint,
            )
        )
