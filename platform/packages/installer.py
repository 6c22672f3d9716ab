"""Puts the unpacked archive on the path: links below a folder that lead into the archive's.

What it makes it writes down, in PREFIX/share/syncin-mount/archive.json, and takes away exactly
that. What is there already and is not its own stays as it is.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from syncin_mount.app.support.desktop_files import exec_words
from syncin_mount.autostart import SHIPPED_IN, UNIT, shipped_unit

NAME = "syncin-mount"
PROGRAM = Path("bin", NAME)
ENTRY = Path("share/applications", f"{NAME}.desktop")
LIST = Path("share", NAME, "archive.json")


class Refused(Exception):
    """``str()`` is one sentence: what, why, and what to do."""


@dataclass
class Made:
    """What an installation made, in this order: folders, links with where they lead, and files with
    what they say."""

    folders: list[str] = field(default_factory=list)
    links: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raises TypeError for what a damaged list may say."""
        if [type(each) for each in vars(self).values()] != [list, dict, dict]:
            raise TypeError("it is no list of folders, links and files")

    def is_own(self, path: Path) -> bool:
        """Whether that is still as it was made."""
        if path.is_symlink():
            return self.links.get(str(path)) == str(path.readlink())
        try:
            return path.is_file() and self.files.get(str(path)) == path.read_text(errors="replace")
        except OSError:
            return False


def wanted(home: Path, prefix: Path, python: str) -> Made:
    """Return what belongs below ``prefix``; ``home`` has the unpacked archive, and ``python`` is
    its interpreter."""
    made = Made(links={str(prefix / PROGRAM): str(home / PROGRAM)})
    share = home / "share"
    for file in sorted(path for path in share.rglob("*") if path.is_file()):
        made.links[str(prefix / "share" / file.relative_to(share))] = str(file)
    # The desktop may have another path than the shells.
    del made.links[str(prefix / ENTRY)]
    started = f"Exec={exec_words((str(prefix / PROGRAM),))} "
    entry = (home / ENTRY).read_text(encoding="utf-8")
    made.files[str(prefix / ENTRY)] = entry.replace(f"Exec={NAME} ", started)
    units = prefix / "lib" / "systemd" / "user"
    if str(units) in SHIPPED_IN:
        made.files[str(units / UNIT)] = shipped_unit(python)
    return made


def former(prefix: Path) -> Made:
    """Return what an earlier installation made; nothing where there was none. Raises Refused for a
    list that cannot be read."""
    path = prefix / LIST
    try:
        return Made(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return Made()
    except (OSError, ValueError, TypeError) as error:
        raise Refused(
            f"{path}, the list of what was installed, cannot be read ({error}); take away by hand"
            f" what leads to an unpacked {NAME}, and then the list"
        ) from error


def install(home: Path, prefix: Path, python: str) -> list[Path]:
    """Make it all, in place of what an earlier installation made. Return what is another's, and was
    left alone. Raises Refused, before anything is changed, where another program has the name, and
    OSError."""
    old, new = former(prefix), wanted(home, prefix, python)
    others = [
        path
        for path in map(Path, [*new.links, *new.files])
        if os.path.lexists(path) and not old.is_own(path)
    ]
    if prefix / PROGRAM in others:
        raise Refused(
            f"{prefix / PROGRAM} is there already, and not from an archive; remove that"
            f" installation of {NAME} first, or name another folder with --prefix"
        )
    for path in others:
        new.links.pop(str(path), None)
        new.files.pop(str(path), None)
    remove(prefix)
    listed = prefix / LIST
    new.folders = [str(each) for each in _missing([*map(Path, [*new.links, *new.files]), listed])]
    for folder in new.folders:
        Path(folder).mkdir()
    # First the list: what is interrupted now can be taken away.
    listed.write_text(json.dumps(vars(new), indent=1) + "\n", encoding="utf-8")
    for link, target in new.links.items():
        Path(link).symlink_to(target)
    for file, text in new.files.items():
        Path(file).write_text(text, encoding="utf-8")
    return others


def remove(prefix: Path) -> bool:
    """Take away what an installation made and nobody changed. Return whether there was one. Raises
    Refused, OSError."""
    made = former(prefix)
    for path in map(Path, [*made.links, *made.files]):
        if made.is_own(path):
            path.unlink()
    there = (prefix / LIST).exists()
    (prefix / LIST).unlink(missing_ok=True)
    for folder in reversed(made.folders):
        try:
            Path(folder).rmdir()
        except OSError:
            continue  # something of somebody's is in it, or it is gone
    return there


def _missing(files: list[Path]) -> Iterator[Path]:
    """Yield every folder of theirs that is not there, outer ones first."""
    seen: set[Path] = set()
    for file in files:
        for folder in reversed(file.parents):
            if folder not in seen and not folder.exists():
                yield folder
            seen.add(folder)


def _parsed(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="install.sh",
        description=f"Put {NAME} on the path, with its manual pages, completions and entry in the"
        " desktop's menu: links that lead into this folder, which has to stay.",
    )
    usual = Path("/usr/local") if os.geteuid() == 0 else Path.home() / ".local"
    parser.add_argument(
        *("--prefix", "-p"),
        metavar="DIR",
        type=Path,
        default=usual,
        help="the folder that has bin and share (default: ~/.local, and for root /usr/local)",
    )
    parser.add_argument(
        "--uninstall", action="store_true", help="take away what was put there, and nothing else"
    )
    return parser.parse_args(words)


def main(words: list[str]) -> int:
    """Do what is asked, and tell it. Return 1 where that cannot be done."""
    asked = _parsed(words)
    home = Path(__file__).resolve().parents[1]
    prefix = Path(os.path.abspath(asked.prefix))
    os.umask(0o022)
    try:
        if asked.uninstall:
            return _removed(home, prefix)
        others = install(home, prefix, sys.executable)
    except Refused as error:
        print(f"install.sh: {error}.", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"install.sh: {error.filename}: {error.strerror}.", file=sys.stderr)
        return 1
    _tell(home, prefix, others)
    return 0


def _removed(home: Path, prefix: Path) -> int:
    if not remove(prefix):
        raise Refused(f"nothing of the archive of {NAME} is installed below {prefix}")
    print(f"Removed from {prefix}. Settings and local copies are where they were.")
    print(f"When no drive is mounted any more, {home} can be removed.")
    return 0


def _tell(home: Path, prefix: Path, others: list[Path]) -> None:
    for path in others:
        print(f"{path} is not from an archive, and was left as it is.")
    print(f"Installed: {prefix / PROGRAM}, which leads to {home}")
    if shutil.which(NAME) != str(prefix / PROGRAM):
        print(f"This shell finds no {NAME} there yet: log in again, or put {prefix}/bin on PATH.")
    if shutil.which("fusermount3") is None:
        print("fusermount3 is missing: install your distribution's package fuse3.")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
