"""Translations, from the files in ``syncin_mount/locale``: read when somebody needs them first."""

from __future__ import annotations

import functools
import os
from typing import TYPE_CHECKING

from syncin_mount.language import ENGLISH

if TYPE_CHECKING:
    from gettext import NullTranslations

FOLDER_VARIABLE = "SYNCIN_MOUNT_LOCALE"
"""Names another folder with catalogues, for who translates."""

PROGRAM, HELP, PAGE = "program", "help", "page"
"""The domains: what the program says, how commands explain themselves, and the page's own texts."""


_OWN = os.path.join(os.path.dirname(os.path.dirname(__file__)), "locale")


def folder() -> str:
    """Where the catalogues are: ``de/LC_MESSAGES/program.mo``."""
    return os.environ.get(FOLDER_VARIABLE) or _OWN


def _file(language: str, name: str) -> str:
    return os.path.join(folder(), language, "LC_MESSAGES", name)


OWN_NAMES = {ENGLISH: "English", "de": "Deutsch", "fr": "Français"}
"""What each language is called in itself, as lists of languages show it."""


@functools.cache
def languages() -> frozenset[str]:
    """Those that there is a catalogue for, and English."""
    try:
        found = [each for each in os.listdir(folder()) if os.path.isdir(_file(each, ""))]
    except OSError:
        found = []
    return frozenset([ENGLISH, *found])


@functools.cache
def catalogue(language: str, domain: str) -> NullTranslations | None:
    """None for English, and where the file cannot be read: then texts stay English."""
    if language not in languages() - {ENGLISH}:
        return None
    from gettext import GNUTranslations  # noqa: PLC0415 (start-up time)

    path = _file(language, f"{domain}.mo")
    try:
        with open(path, "rb") as file:
            return GNUTranslations(file)
    except Exception as error:  # noqa: BLE001 (a broken file holds up nobody)
        _log("the catalogue %s cannot be read: %s", path, error)
        return None


def page(language: str) -> bytes:
    """The page's texts as JSON, with the language: what is missing or cannot be read is English."""
    if language in languages() - {ENGLISH}:
        path = _file(language, f"{PAGE}.json")
        try:
            with open(path, "rb") as file:
                text = file.read()
            if _is_whole(text):
                return text
            _log("the catalogue %s is damaged", path)
        except OSError as error:
            _log("the catalogue %s cannot be read: %s", path, error)
    return b'{"language": "en", "texts": {}}'


def _is_whole(text: bytes) -> bool:
    import json  # noqa: PLC0415 (start-up time)

    try:
        found = json.loads(text)
    except ValueError:
        return False
    return isinstance(found, dict) and isinstance(found.get("texts"), dict)


def _log(text: str, *values: object) -> None:
    import logging  # noqa: PLC0415 (start-up time)

    logging.getLogger(__name__).warning(text, *values)
