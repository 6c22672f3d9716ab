"""Sentences about what was looked at on this computer, and what helps."""

from __future__ import annotations

import shlex
from typing import assert_never

from syncin_mount.app.messages import command, says, sentence
from syncin_mount.app.messages.quantities import count
from syncin_mount.app.support.health import Check, Finding, Remedy

_FOUND = {
    Check.PROGRAM: "syncin-mount {version} on Python {python}",
    Check.NO_MOUNTING: "mounting is for Linux so far; 'sync' works everywhere",
    Check.DEVICE: "/dev/fuse",
    Check.DEVICE_MISSING: "/dev/fuse is not there",
    Check.DEVICE_CLOSED: "/dev/fuse cannot be opened ({why})",
    Check.FUSERMOUNT: "{path}",
    Check.FUSERMOUNT_MISSING: "fusermount3 is not there",
    Check.PYFUSE: "pyfuse3 {version}",
    Check.PYFUSE_UNUSABLE: "pyfuse3 cannot be loaded ({why})",
    Check.LOGIND: "systemd-logind: while 'up' runs, shutting down waits for what is not sent",
    Check.LOGIND_MISSING: (
        "no systemd-logind: shutting down does not wait for what is not sent; it stays here"
    ),
    Check.FOLDERS_UNUSABLE: "{why}",
    Check.CONFIGURATION: "configuration {file}: {servers}, {synchronizations}",
    Check.CONFIGURATION_WRONG: "{error}",
    Check.SERVER: "server {about}: {login} is let in at {url}{warning}",
    Check.SERVER_REFUSES: "server {about}: {error}",
    Check.SETTINGS_WRONG: "{about}: {why}",
    Check.MOUNTED: "{about}: mounted at {point}",
    Check.NOT_MOUNTED: "{about}: not mounted; {point} is free",
    Check.DAEMON_ALONE: "{about}: its daemon runs, but nothing is mounted",
    Check.DRIVE_CRASHED: "{about}: a crashed drive is left over at {point}",
    Check.MOUNT_OF_OTHERS: "{about}: something else ({kind}) is mounted at {point}",
    Check.MOUNTPOINT_UNUSABLE: "{about}: the mount point {point} cannot be used ({why})",
    Check.MOUNTPOINT_NOT_EMPTY: "{about}: the mount point {point} is not empty",
    Check.COPY: (
        "{about}: local copy in order, {common} in common with the server, {waiting} waiting"
    ),
    Check.COPY_MISSING: "{about}: no local copy yet; 'mount' or 'sync' makes it",
    Check.COPY_IN_USE: "{about}: {error}",
    Check.COPY_WRONG: "{about}: {error}",
    Check.TRASH: "{about}: what loses here goes to {place}",
    Check.TRASH_UNUSABLE: "{about}: the desktop's trash cannot be used: {why}",
    Check.STRAY_DEAD: "a crashed drive is left over at {point}",
    Check.STRAY_ALIVE: "a drive at {point} belongs to another profile",
}


@says(Finding)
def _finding(finding: Finding, _drive: str) -> str:
    data = dict(finding.data)
    if "error" in data:
        data["error"] = sentence(data["error"])
    if finding.check is Check.CONFIGURATION:
        for word in ("server", "synchronization"):
            data[f"{word}s"] = count(int(str(data[f"{word}s"])), word)
    if finding.check is Check.SERVER:
        data["warning"] = _warning(finding)
    text = _FOUND[finding.check].format(about=finding.about, **data)
    return text if finding.remedy is None else f"{text}; {_help(finding, finding.remedy)}"


def _warning(finding: Finding) -> str:
    if finding.data["in_clear"]:
        return " (in clear: whoever is in between can read everything)"
    return " (its certificate is not verified)" if finding.data["unverified"] else ""


def _help(finding: Finding, remedy: Remedy) -> str:
    match remedy:
        case Remedy.LOAD_MODULE:
            return "load the kernel module (modprobe fuse), or give the container that device"
        case Remedy.ASK_FOR_ACCESS:
            return "ask for access to it"
        case Remedy.INSTALL_FUSE:
            return "install the package fuse3"
        case Remedy.INSTALL_LIBRARY:
            return "install libfuse3-3, and reinstall syncin-mount"
        case Remedy.UNMOUNT:
            return f"end it: {command('umount', finding.about)}"
        case Remedy.MOUNT:
            return f"mount it again: {command('mount', finding.about)}"
        case Remedy.UNMOUNT_OTHER:
            return "unmount that first"
        case Remedy.MAKE_FOLDER:
            return "make it a folder"
        case Remedy.EMPTY_FOLDER:
            return "move what is in it elsewhere"
        case Remedy.TAKE_AWAY:
            return f"unmount it: {shlex.join(['fusermount3', '-u', str(finding.data['point'])])}"
        case _:
            assert_never(remedy)
