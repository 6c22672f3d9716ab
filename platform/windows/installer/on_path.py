"""Puts the program's folder on the user's path, or takes it off: ``on_path.py add|remove FOLDER``.

The installer runs it. The path may be longer than a script of the installer can hold. What else is
on it, and how it is written, stays.
"""

from __future__ import annotations

import sys


def changed(path: str, what: str, folder: str) -> str:
    """Return the path with the folder at its end, where it is not on it yet, or without it.
    Windows does not tell capitals from small letters."""
    entries = path.split(";")
    is_there = any(each.lower() == folder.lower() for each in entries)
    if what == "remove":
        return ";".join(each for each in entries if each.lower() != folder.lower())
    if is_there:
        return path
    return f"{path}{';' if path and not path.endswith(';') else ''}{folder}"


def main(words: list[str]) -> int:
    """Do what is asked for. Return 1 where the path is nothing that can be added to."""
    assert sys.platform == "win32"
    import winreg  # noqa: PLC0415 (of Windows alone)

    what, folder = words
    with winreg.CreateKeyEx(
        winreg.HKEY_CURRENT_USER,
        "Environment",
        access=winreg.KEY_READ | winreg.KEY_WRITE,
    ) as key:
        try:
            path, kind = winreg.QueryValueEx(key, "Path")
        except FileNotFoundError:
            path, kind = "", winreg.REG_EXPAND_SZ
        if not isinstance(path, str):
            return 1
        wanted = changed(path, what, folder)
        if wanted != path:
            winreg.SetValueEx(key, "Path", 0, kind, wanted)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
