"""States and menus in the reader's language. Pure, but for reading a catalogue."""

from __future__ import annotations

import gettext
import os

ENGLISH = "en"


def mark(text: str) -> str:
    """A text that is translated where it is shown."""
    return text


STATES = {
    "synced": mark("Up to date"),
    "waiting": mark("Waiting"),
    "held": mark("Held"),
    "syncing": mark("Syncing"),
    "problem": mark("Needs you"),
    "conflict": mark("Conflict"),
    "absent": mark("Not here yet"),
    "local": mark("Only on this computer"),
}

EMBLEMS = {
    "synced": "syncin-synced",
    "waiting": "syncin-waiting",
    "held": "syncin-waiting",
    "syncing": "syncin-syncing",
    "problem": "syncin-problem",
    "conflict": "syncin-problem",
    "absent": "syncin-absent",
    "local": "syncin-local",
}
"""The icons are called ``emblem-`` and this."""


def languages(environment: dict[str, str]) -> list[str]:
    """Those that somebody reads, the preferred one first: gettext(3)."""
    locale = next(
        (environment[key] for key in ("LC_ALL", "LC_MESSAGES", "LANG") if environment.get(key)), ""
    )
    if locale.split(".")[0] in {"", "C", "POSIX"}:
        return []
    found = [*environment.get("LANGUAGE", "").split(":"), locale]
    return [each.split(".")[0].split("@")[0].split("_")[0].lower() for each in found if each]


class Words:
    """Texts by the program's own catalogues."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._languages = languages(environment)
        self._folder = ""
        self._catalogue: gettext.NullTranslations = gettext.NullTranslations()

    def use(self, folder: str) -> None:
        """Takes the catalogues in this folder. What cannot be read leaves the texts English."""
        if folder == self._folder:
            return
        self._folder, self._catalogue = folder, gettext.NullTranslations()
        for language in self._languages:
            if language == ENGLISH:
                return
            path = os.path.join(folder, language, "LC_MESSAGES", "program.mo")
            try:
                with open(path, "rb") as file:
                    self._catalogue = gettext.GNUTranslations(file)
            except Exception:  # noqa: BLE001, S112 (a broken file keeps nobody from their files)
                continue
            return

    def say(self, text: str) -> str:
        """The text in the reader's language."""
        return self._catalogue.gettext(text)

    def state(self, state: str | None) -> str:
        """For the column; empty where it is not known."""
        return self.say(STATES[state]) if state in STATES else ""
