"""Which language somebody reads: by the environment, the browser or the configuration."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from syncin_mount.language import ENGLISH

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_CATEGORIES = ("LC_ALL", "LC_MESSAGES", "LANG")
"""The first that is set names the locale of messages: locale(7)."""

_NO_LANGUAGE = {"", "C", "POSIX"}

_MOST_TAGS = 20
"""Of a browser's list: nobody has more languages."""

_preferred: str | None = None


def of_setting(text: str) -> str | None:
    """The language that a name means (``de``, ``de-AT``, ``de_DE.UTF-8``), where there is a
    catalogue for it."""
    from syncin_mount.language import catalogues  # noqa: PLC0415 (start-up time)

    tag = text.split(".", maxsplit=1)[0].split("@", maxsplit=1)[0].replace("_", "-").lower()
    there = catalogues.languages()
    while tag:
        if tag in there:
            return tag
        tag = tag.rpartition("-")[0]
    return None


def of_environment(environment: Mapping[str, str] | None = None) -> str:
    """As gettext(3) chooses: ``LANGUAGE`` is a list of preferences, ``LC_ALL``, ``LC_MESSAGES`` and
    ``LANG`` name a locale. In the locale C, and where nothing is known, it is English."""
    given = os.environ if environment is None else environment
    locale = next((given[name] for name in _CATEGORIES if given.get(name)), "")
    if locale.split(".")[0] in _NO_LANGUAGE:
        return ENGLISH
    return _first((*given.get("LANGUAGE", "").split(":"), locale))


def of_browser(header: str) -> str:
    """By the request's ``Accept-Language`` (RFC 9110, 12.5.4): what is preferred most, and is
    there."""
    wanted: list[tuple[float, str]] = []
    for part in header.split(",")[:_MOST_TAGS]:
        tag, *parameters = (each.strip() for each in part.split(";"))
        weight = 1.0
        for parameter in parameters:
            if parameter.startswith("q="):
                try:
                    weight = float(parameter[2:])
                except ValueError:
                    weight = 0.0
        if weight > 0:
            wanted.append((weight, tag))
    wanted.sort(key=lambda each: -each[0])
    return _first(tag for _, tag in wanted)


def prefer(language: str | None) -> None:
    """What is set for the program holds for its user from now on, whatever the environment says;
    None: nothing is set."""
    global _preferred  # noqa: PLW0603 (one user, one process)
    _preferred = language


def of_user() -> str:
    """Of the user whose process this is: the one that is set, or the environment's."""
    return _preferred or of_environment()


def _first(tags: Iterable[str]) -> str:
    return next((found for tag in tags if (found := of_setting(tag)) is not None), ENGLISH)


class LanguageSetting:
    """``[program] language`` in the configuration file at ``path``, read by itself: it is wanted
    before anything else, and also where the rest of the configuration cannot be used."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = path
        self._stamp: object = None
        self._now: str | None = None

    def now(self) -> str | None:
        """The language, None where none is set that is there; read again where the file changed."""
        try:
            found = os.stat(self._path)
            stamp = found.st_ino, found.st_mtime_ns, found.st_size
            if stamp != self._stamp:
                with open(self._path, "rb") as file:
                    self._now = _set_in(file.read())
                self._stamp = stamp
        except OSError:
            return None
        return self._now


def _set_in(text: bytes) -> str | None:
    if b"language" not in text:
        return None
    import tomllib  # noqa: PLC0415 (start-up time)

    try:
        said = tomllib.loads(text.decode("utf-8-sig"))["program"]["language"]
    except (ValueError, LookupError, TypeError):
        return None
    return of_setting(said) if isinstance(said, str) else None
