"""The program's version, what belongs to it, and how it came onto this computer. Nothing here asks
anybody, but for `newest`, which somebody calls who wants to know."""

from __future__ import annotations

import enum
import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from reconciler.phrases import Phrase
from syncin_mount import __version__
from syncin_mount.app.errors import InvalidRequest, NotPossible

PACKAGE = "syncin-mount"
_UPDATES = "updates"
"""The label of the address of releases among the package's URLs, where who packages gives one."""

_OWN_FOLDER = Path("/usr/lib/syncin-mount")
"""Where the package for Debian has the program."""

_OF_ARCHIVE = "installer.py"
"""What an unpacked archive has in the folder of its Python, as no other environment has."""

_PATIENCE_S = 30.0
_LONGEST_ADDRESS = 2000


class Installed(enum.Enum):
    """How the program came onto this computer."""

    DEBIAN = "debian"
    REPOSITORY = "repository"
    ARCHIVE = "archive"
    WHEEL = "wheel"


@dataclass(frozen=True, slots=True)
class About:
    """Versions: of the program, the replicas' format that it writes (it reads all before it), of
    Python, of fusermount3 and pyfuse3 (None: not there)."""

    program: str
    replica_format: int
    python: str
    fusermount: str | None
    pyfuse: str | None
    installed: Installed
    place: Path


@dataclass(frozen=True, slots=True)
class Newest:
    """What ``source`` (an address, or ``apt``) knows of: ``version``, which may be ``newer`` than
    the one here, ``now``."""

    source: str
    now: str
    version: str
    newer: bool


def look() -> About:
    """Return it all. Starts fusermount3 for its version; asks nobody else."""
    from syncin_mount.store.records import FORMAT  # noqa: PLC0415 (start-up time)

    place = Path(__file__).resolve().parents[3]
    return About(
        __version__,
        FORMAT,
        ".".join(map(str, sys.version_info[:3])),
        _fusermount(),
        _version_of("pyfuse3"),
        _installed(place),
        place,
    )


def newest(url: str | None) -> Newest | None:
    """Ask for the newest version: at the ``url``, or apt's own lists where Debian's package is
    installed, or at the address that the package brings. None where nobody is known to ask. Blocks.
    Raises RemoteError, InvalidRequest, NotPossible."""
    place = Path(__file__).resolve().parents[3]
    if url is None and _installed(place) is Installed.DEBIAN:
        return _of_apt()
    url = url or _address()
    if url is None:
        return None
    _require_address(url)
    from syncin_mount.remote.http.releases import (  # noqa: PLC0415 (start-up time)
        is_newer,
        newest_release,
        without_password,
    )

    found = newest_release(url)
    return Newest(without_password(url), __version__, found, is_newer(found, __version__))


def _require_address(url: str) -> None:
    """Raises InvalidRequest for what is no address of a web server."""
    try:
        parts = urlsplit(url)
        fits = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fits = False
    if not fits or len(url) > _LONGEST_ADDRESS or not url.isprintable():
        raise InvalidRequest(
            Phrase(
                "'{address}' is no address; give it as https://example.org/path",
                address=url[:80],
            )
        )


def _of_apt() -> Newest:
    """What the lists on this computer say: they are as old as the last ``apt update``."""
    said = _said("apt-cache", "policy", PACKAGE)
    now = re.search(r"^ *Installed: (\S+)$", said or "", re.MULTILINE)
    candidate = re.search(r"^ *Candidate: (\S+)$", said or "", re.MULTILINE)
    if now is None or candidate is None:
        raise NotPossible(Phrase("apt tells nothing of the package {name}", name=PACKAGE))
    words = ["dpkg", "--compare-versions", candidate[1], "gt", now[1]]
    newer = subprocess.run(words, check=False, timeout=_PATIENCE_S).returncode == 0
    return Newest("apt", now[1], candidate[1], newer)


def _installed(place: Path) -> Installed:
    if place.is_relative_to(_OWN_FOLDER):
        return Installed.DEBIAN
    if any((folder / _OF_ARCHIVE).is_file() for folder in place.parents[2:3]):
        return Installed.ARCHIVE
    try:
        told = importlib.metadata.distribution(PACKAGE).read_text("direct_url.json")
        editable = bool(json.loads(told or "{}").get("dir_info", {}).get("editable"))
    except (importlib.metadata.PackageNotFoundError, ValueError):
        editable = True
    return Installed.REPOSITORY if editable else Installed.WHEEL


def _address() -> str | None:
    try:
        urls = importlib.metadata.metadata(PACKAGE).get_all("Project-URL") or []
    except importlib.metadata.PackageNotFoundError:
        return None
    pairs = (each.partition(",") for each in urls)
    return next((url.strip() for name, _, url in pairs if name.lower() == _UPDATES), None)


def _version_of(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def _fusermount() -> str | None:
    if shutil.which("fusermount3") is None:
        return None
    found = re.search(r"[0-9]+(\.[0-9]+)+", _said("fusermount3", "--version") or "")
    return None if found is None else found[0]


def _said(*words: str) -> str | None:
    try:
        done = subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=_PATIENCE_S,
            env={**os.environ, "LC_ALL": "C.UTF-8"},
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout
