"""Starts what somebody chose in a menu: a command of the program that serves the drive."""

from __future__ import annotations

from typing import Any

from gi.repository import Gio, GLib

from .drives import HOME_VARIABLE, Drive


def start(drive: Drive, act: str, paths: list[str]) -> None:
    """Returns at once. What goes wrong is told by the command, in a notice on the desktop."""
    launcher = Gio.SubprocessLauncher.new(
        Gio.SubprocessFlags.STDOUT_SILENCE | Gio.SubprocessFlags.STDERR_SILENCE
    )
    launcher.set_cwd("/")  # the file manager's may be in a drive
    if drive.home is None:
        launcher.unsetenv(HOME_VARIABLE)
    else:
        launcher.setenv(HOME_VARIABLE, drive.home, True)
    try:
        process = launcher.spawnv([*drive.command, "desktop", "run", act, "--", *paths])
    except GLib.Error:
        return  # the program was taken away
    process.wait_async(None, _collected)


def _collected(process: Any, result: Any) -> None:
    process.wait_finish(result)
