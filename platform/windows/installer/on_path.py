"""Puts the program's folder on the user's path, or takes it off: ``on_path.py add|remove FOLDER``.

The installer runs it. The path may be longer than a script of the installer can hold. What else is
on it, and how it is written, stays.
"""

from __future__ import annotations

import sys
import winreg


def main(words: list[str]) -> int:
    """Does what is asked for."""
    what, folder = words
    with winreg.CreateKeyEx(
        winreg.HKEY_CURRENT_USER, "Environment", access=winreg.KEY_READ | winreg.KEY_WRITE
    ) as key:
        try:
            path, kind = winreg.QueryValueEx(key, "Path")
        except FileNotFoundError:
            path, kind = "", winreg.REG_EXPAND_SZ
        if kind not in (winreg.REG_SZ, winreg.REG_EXPAND_SZ):
            return 1  # nothing that can be added to
        entries = [each for each in path.split(";") if each]
        others = [each for each in entries if each.lower() != folder.lower()]
        wanted = ";".join([*others, folder] if what == "add" else others)
        if len(entries) != len(others) or what == "add":
            winreg.SetValueEx(key, "Path", 0, kind, wanted)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
