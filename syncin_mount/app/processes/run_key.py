"""The supervisor at every log-in on Windows: a value of the user's own Run key in the registry.

No service: a drive's letter belongs to the session that made it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from reconciler.phrases import Phrase, strerror
from syncin_mount.app.errors import NotPossible
from syncin_mount.config.folders import HOME_VARIABLE

if sys.platform == "win32":
    import winreg

assert sys.platform == "win32"

KEY: Final = r"Software\Microsoft\Windows\CurrentVersion\Run"
VALUE: Final = "syncin-mount"


def is_on() -> bool:
    """Whether it starts at every log-in."""
    try:
        with winreg.OpenKey(winreg.HKEY_CURRENT_USER, KEY) as key:
            winreg.QueryValueEx(key, VALUE)
    except OSError:
        return False
    return True


def begin() -> None:
    """Have it started at every log-in, by the interpreter without a window where there is one.
    Raises NotPossible."""
    if os.environ.get(HOME_VARIABLE):
        raise NotPossible(
            Phrase(
                "it cannot start by itself: {variable} is set, and Windows starts it without",
                variable=HOME_VARIABLE,
            )
        )
    without_window = Path(sys.executable).with_name("pythonw.exe")
    program = without_window if without_window.is_file() else Path(sys.executable)
    command = subprocess.list2cmdline([str(program), "-m", "syncin_mount", "up"])
    try:
        with winreg.CreateKey(winreg.HKEY_CURRENT_USER, KEY) as key:
            winreg.SetValueEx(key, VALUE, 0, winreg.REG_SZ, command)
    except OSError as error:
        raise _refused(error) from error


def end() -> bool:
    """End that. Return False where it did not start by itself. Raises NotPossible."""
    try:
        with winreg.OpenKey(winreg.HKEY_CURRENT_USER, KEY, 0, winreg.KEY_SET_VALUE) as key:
            winreg.DeleteValue(key, VALUE)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise _refused(error) from error
    return True


def _refused(error: OSError) -> NotPossible:
    return NotPossible(Phrase("the registry cannot be written to ({why})", why=strerror(error)))
