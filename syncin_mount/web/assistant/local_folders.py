"""The folders of this computer, as somebody looks for one: bounded in number and time. All of it
blocks."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from reconciler.phrases import Phrase, strerror
from syncin_mount.app.errors import InvalidRequest, NotPossible
from syncin_mount.app.synchronizations.mountpoint import absolute, check_mountpoint, holds_something
from syncin_mount.app.synchronizations.suggestions import suggested_mountpoint
from syncin_mount.config.rules import mountpoint_objection
from syncin_mount.language import ENGLISH, current, said, t
from syncin_mount.mount_table import mounted_at
from syncin_mount.printable import printable

if TYPE_CHECKING:
    from syncin_mount.config import Configuration, Folders

MOST_FOLDERS = 1000
"""Folders that are told of one level: somebody who looks for another one types its path."""

MOST_ENTRIES = 50_000
"""Entries of a folder that are looked at: a second's work."""


class LocalFolder(msgspec.Struct, frozen=True):
    """A folder in the one that is shown. ``why`` it cannot be chosen, as a clause."""

    name: str
    path: str
    why: str | None = None


class Place(msgspec.Struct, frozen=True):
    """``path`` is the folder that is asked about, ``short`` the same with ``~``; ``why`` it cannot
    be chosen. ``holds``: it has something in it. ``shown`` is the folder whose ``folders`` are
    told: the same, or the nearest above it that is there; ``more`` are not told, ``trouble`` is why
    none are. ``home`` is where the user's own begin."""

    path: str
    short: str
    exists: bool
    why: str | None
    holds: bool
    shown: str
    folders: tuple[LocalFolder, ...]
    home: str = ""
    more: int = 0
    trouble: str | None = None


class LocalFolders:
    """With the settings as they are at the moment."""

    def __init__(self, folders: Folders, configuration: Configuration) -> None:
        self._folders = folders
        self._configuration = configuration

    def look(self, text: str | None) -> Place:
        """The folder of this path, a free one without any. Raises InvalidRequest for what is no
        path, NotPossible."""
        if text is None:
            return self._look(suggested_mountpoint(Path.home(), self._is_free))
        place = _path_of(text)
        try:
            return self._look(place)
        except OSError as error:  # too long, or gone in this moment
            raise NotPossible(
                t(
                    "{name} cannot be opened ({strerror})",
                    name=printable(text[:80]),
                    strerror=error.strerror,
                )
            ) from error

    def _look(self, place: Path) -> Place:
        drive = self._drive_around(place)
        if drive is not None:  # it may hang, and nothing in it can be chosen
            above = self._look(drive.parent)
            why = mountpoint_objection(self._configuration, place, self._folders)
            known = {"path": str(place), "short": in_home(place), "exists": True, "holds": True}
            return msgspec.structs.replace(above, why=why, **known)
        shown = next(each for each in (place, *place.parents) if each.is_dir())
        names, trouble = _names_in(shown)
        told = [
            LocalFolder(name, str(shown / name), self._note(shown / name))
            for name in names[:MOST_FOLDERS]
        ]
        return Place(
            str(place),
            in_home(place),
            place.is_dir(),
            self.objection(place),
            place.is_dir() and trouble is None and holds_something(place),
            str(shown),
            tuple(told),
            str(Path.home()),
            len(names) - len(told),
            trouble,
        )

    def _drive_around(self, place: Path) -> Path | None:
        """The mount point of the mounted drive that it is or is in."""
        points = {each.mountpoint for each in self._configuration.synchronizations.values()}
        found = next((each for each in (place, *place.parents) if each in points), None)
        return None if found is None or mounted_at(found) is None else found

    def make(self, parent: str, name: str) -> Place:
        """Makes a folder, and looks into it. Raises NotPossible."""
        name = name.strip()
        if not name or name in {".", ".."} or "/" in name or printable(name) != name:
            raise InvalidRequest(t("'{name}' cannot be a folder's name", name=printable(name)))
        made = _path_of(parent) / name
        if self._drive_around(made) is not None:
            raise NotPossible(
                t(
                    "'{name}' cannot be made here ({strerror})",
                    name=name,
                    strerror=Phrase("this folder is a drive"),
                )
            )
        try:
            made.mkdir()
        except FileExistsError as error:
            raise NotPossible(t("there is a '{name}' already", name=name)) from error
        except OSError as error:
            raise NotPossible(
                t("'{name}' cannot be made here ({strerror})", name=name, strerror=error.strerror)
            ) from error
        return self.look(str(made))

    def objection(self, place: Path) -> str | None:
        """Why it can be no drive's folder, as a sentence, or None."""
        refused = mountpoint_objection(self._configuration, place, self._folders)
        if refused:
            return refused
        try:
            check_mountpoint(place, may_hold=True)
        except NotPossible as error:
            return str(error)
        if place.is_dir() and not os.access(place, os.R_OK | os.W_OK | os.X_OK):
            return Phrase("you cannot write to {place}; choose another folder", place=place)
        return None

    def _is_free(self, place: Path) -> bool:
        return self.objection(place) is None and not holds_something(place)

    def _note(self, place: Path) -> str | None:
        """The same, short enough to stand beside the folder in a list."""
        refused = mountpoint_objection(self._configuration, place, self._folders)
        if refused:
            if current() != ENGLISH:  # where a sentence may begin otherwise
                return said(refused)
            return refused.removeprefix(f"the mount point {place} ").partition(";")[0]
        if not os.access(place, os.R_OK | os.W_OK | os.X_OK):
            return Phrase("you cannot write there")
        return None


def in_home(path: Path) -> str:
    """``~/Documents`` for what is in the home folder."""
    home = Path.home()
    return f"~/{path.relative_to(home)}" if home in path.parents else str(path)


def _path_of(text: str) -> Path:
    """What somebody typed; from the home folder, where it begins nowhere."""
    if not text.strip() or "\0" in text:
        raise InvalidRequest(t("type the path of a folder"))
    try:
        return absolute(str(Path.home() / Path(text.strip()).expanduser()))
    except (RuntimeError, OSError) as error:  # nobody's home; a path without end
        raise InvalidRequest(
            t("'{text}' is no path of this computer", text=printable(text))
        ) from error


def _names_in(folder: Path) -> tuple[list[str], str | None]:
    """The folders that are not hidden, in people's order; why they cannot be told."""
    names = []
    try:
        with os.scandir(folder) as found:
            for number, each in enumerate(found):
                if number >= MOST_ENTRIES:
                    break
                if not each.name.startswith(".") and _is_text(each.name) and _is_folder(each):
                    names.append(each.name)
    except OSError as error:
        return [], Phrase(
            "what is in {folder} cannot be seen ({why})", folder=folder, why=strerror(error)
        )
    return sorted(names, key=lambda name: (name.casefold(), name)), None


def _is_text(name: str) -> bool:
    """A name that is none can be nobody's answer."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False
