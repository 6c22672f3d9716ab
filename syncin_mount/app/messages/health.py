"""Sentences about what was looked at on this computer, and what helps."""

from __future__ import annotations

import shlex
from typing import assert_never

from syncin_mount.app.messages import remedies, says, sentence
from syncin_mount.app.messages.quantities import servers, synchronizations
from syncin_mount.app.support.health import Check, Finding, Remedy
from syncin_mount.language import mark, t

_FOUND = {
    Check.PROGRAM: mark("syncin-mount {version} on Python {python}"),
    Check.NO_MOUNTING: mark("mounting is for Linux so far; synchronizing works everywhere"),
    Check.DEVICE: mark("/dev/fuse"),
    Check.DEVICE_MISSING: mark("/dev/fuse is not there"),
    Check.DEVICE_CLOSED: mark("/dev/fuse cannot be opened ({why})"),
    Check.FUSERMOUNT: "{path}",
    Check.FUSERMOUNT_MISSING: mark("fusermount3 is not there"),
    Check.PYFUSE: mark("pyfuse3 {version}"),
    Check.PYFUSE_UNUSABLE: mark("pyfuse3 cannot be loaded ({why})"),
    Check.LOGIND: mark(
        "systemd-logind: shutting down waits for what is not sent while drives are supervised"
    ),
    Check.LOGIND_MISSING: mark(
        "no systemd-logind: shutting down does not wait for what is not sent; it stays here"
    ),
    Check.FILE_MANAGERS: mark("file managers: they show the states of files ({share})"),
    Check.FILE_MANAGERS_OLD: mark("what file managers load is of another version ({share})"),
    Check.FILE_MANAGERS_WITHOUT: mark("file managers show no states of files"),
    Check.FOLDERS_UNUSABLE: "{why}",
    Check.DESKTOP_UNWRITABLE: mark(
        "{path} cannot be written ({why}): nothing for log-in, desktop or shell can be set up there"
    ),
    Check.CONFIGURATION: mark("configuration {file}: {servers}, {synchronizations}"),
    Check.CONFIGURATION_WRONG: "{error}",
    Check.SERVER: mark("server {about}: {login} is let in at {url}{warning}"),
    Check.SERVER_REFUSES: mark("server {about}: {error}"),
    Check.SETTINGS_WRONG: "{about}: {why}",
    Check.MOUNTED: mark("{about}: mounted at {point}"),
    Check.NOT_MOUNTED: mark("{about}: not mounted; {point} is free"),
    Check.DAEMON_ALONE: mark("{about}: its daemon runs, but nothing is mounted"),
    Check.DAEMON_SILENT: mark(
        "{about}: its daemon does not answer, and whoever uses {point} waits for it"
    ),
    Check.DRIVE_CRASHED: mark("{about}: a crashed drive is left over at {point}"),
    Check.MOUNT_OF_OTHERS: mark("{about}: something else ({kind}) is mounted at {point}"),
    Check.MOUNTPOINT_UNUSABLE: mark("{about}: the mount point {point} cannot be used ({why})"),
    Check.MOUNTPOINT_NOT_EMPTY: mark("{about}: the mount point {point} is not empty"),
    Check.COPY: mark(
        "{about}: local copy in order, {common} in common with the server, {waiting} waiting"
    ),
    Check.COPY_MISSING: mark("{about}: no local copy yet; it is made once the drive is mounted"),
    Check.COPY_IN_USE: "{about}: {error}",
    Check.COPY_WRONG: "{about}: {error}",
    Check.TRASH: mark("{about}: what loses here goes to {place}"),
    Check.TRASH_UNUSABLE: mark("{about}: the desktop's trash cannot be used: {why}"),
    Check.STRAY_DEAD: mark("a crashed drive is left over at {point}"),
    Check.STRAY_ALIVE: mark("a drive at {point} belongs to another profile"),
}


_BUTTONS = {Remedy.MOUNT, Remedy.END_HUNG}
"""The page has a button for it beside the text."""


@says(Finding)
def _finding(finding: Finding, _drive: str) -> str:
    data = dict(finding.data)
    if "error" in data:
        data["error"] = sentence(data["error"])
    if finding.check is Check.CONFIGURATION:
        data["servers"] = servers(int(str(data["servers"])))
        data["synchronizations"] = synchronizations(int(str(data["synchronizations"])))
    if finding.check is Check.SERVER:
        data["warning"] = _warning(finding)
    text = t(_FOUND[finding.check], about=finding.about, **data)
    if finding.remedy is None or (finding.remedy in _BUTTONS and remedies.on_page()):
        return text
    return f"{text}; {_help(finding, finding.remedy)}"


def _warning(finding: Finding) -> str:
    if finding.data["in_clear"]:
        warning = t("(in clear: whoever is in between can read everything)")
    elif finding.data["unverified"]:
        warning = t("(its certificate is not verified)")
    else:
        return ""
    return f" {warning}"


def _help(finding: Finding, remedy: Remedy) -> str:  # noqa: C901, PLR0912 (a table)
    match remedy:
        case Remedy.LOAD_MODULE:
            return t("load the kernel module (modprobe fuse), or give the container that device")
        case Remedy.ASK_FOR_ACCESS:
            return t("ask for access to it")
        case Remedy.INSTALL_FUSE:
            return t("install the package fuse3")
        case Remedy.INSTALL_LIBRARY:
            return t("install libfuse3-3, and reinstall syncin-mount")
        case Remedy.UNMOUNT:
            return t("end it: {command}", command=remedies.unmount(finding.about))
        case Remedy.MOUNT:
            return t("mount it again: {command}", command=remedies.mount(finding.about))
        case Remedy.END_HUNG:
            return t(
                "end it, then mount it again: {command}",
                command=remedies.end_hung(finding.about),
            )
        case Remedy.UNMOUNT_OTHER:
            return t("unmount that first")
        case Remedy.MAKE_FOLDER:
            return t("make it a folder")
        case Remedy.EMPTY_FOLDER:
            if remedies.on_page():
                return t("move what is in it elsewhere")
            import_it = remedies.import_files(finding.about)
            return t("import it ({command}), or move it elsewhere", command=import_it)
        case Remedy.MAKE_WRITABLE:
            return t("make it writable for you")
        case Remedy.INSTALL_DESKTOP:
            return t("have them shown: {command}", command=remedies.install_desktop())
        case Remedy.TAKE_AWAY:
            unmount = shlex.join(["fusermount3", "-u", str(finding.data["point"])])
            return t("unmount it: {command}", command=unmount)
        case _:
            assert_never(remedy)
