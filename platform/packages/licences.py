"""The copyright file of a package: the licence of everything inside, from what each brings."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from email.parser import HeaderParser
from pathlib import Path

_TEXTS = re.compile(r"(licen[cs]e|copying|notice|authors)", re.IGNORECASE)

_APACHE = re.compile(r"\s*Apache License\s+Version 2\.0, January 2004.*", re.DOTALL)

HEAD = """\
syncin-mount: a Sync-in folder as a drive that works offline.
Copyright The syncin-mount maintainers. Licence: AGPL-3.0-or-later, at the end.

Inside are the Python packages that the program needs, in @PACKAGES@,
and in syncin_mount/web/static/vendor two scripts of the page. Each has its licence below.
"""

INSIDE = """\
Compiled modules contain, beside what their own licences below cover:

  cryptography: OpenSSL, Copyright The OpenSSL Project Authors, Apache-2.0
  google-re2: Abseil, Copyright The Abseil Authors, Apache-2.0;
    pybind11, Copyright (c) 2016 Wenzel Jakob and others, BSD-3-Clause
  lmdb: LMDB, Copyright Howard Chu, Symas Corp., OLDAP-2.8
  xxhash: xxHash, Copyright (c) Yann Collet, BSD-2-Clause

The text of Apache-2.0 is in /usr/share/common-licenses/Apache-2.0.
"""


def licences(
    root: Path, packages: Path, place: str, others: Iterable[tuple[str, str, str]] = ()
) -> str:
    """Return the whole file. ``packages`` has the distributions with their metadata, which are in
    ``place`` once they are installed. ``others``: what else is inside, by name, licence in few
    words, and text. Raises ValueError for a distribution that brings no licence."""
    parts = [
        HEAD.replace("@PACKAGES@", place),
        INSIDE,
    ]
    for name, told, text in sorted([*_components(root, packages), *others]):
        parts.append(f"{name}\nLicence: {told}\n\n{text.strip()}")
    parts.append("syncin-mount\nLicence: AGPL-3.0-or-later\n\n" + (root / "LICENSE").read_text())
    return f"\n\n{'-' * 78}\n\n".join(part.strip() for part in parts) + "\n"


def _components(root: Path, packages: Path) -> Iterator[tuple[str, str, str]]:
    for folder in packages.glob("*.dist-info"):
        metadata = HeaderParser().parsestr((folder / "METADATA").read_text(encoding="utf-8"))
        name = f"{metadata['Name']} {metadata['Version']}"
        if metadata["Name"] == "syncin-mount":
            continue
        texts = [
            _text(file)
            for file in sorted(folder.rglob("*"))
            if file.is_file() and _TEXTS.match(file.name)
        ]
        if not texts:
            raise ValueError(f"{name} brings no text of its licence")
        yield name, _told(metadata), "\n\n".join(texts)
    vendor = root / "syncin_mount" / "web" / "static" / "vendor"
    for file in sorted(vendor.glob("LICENSE.*")):
        yield file.suffix[1:], "see below", _text(file)


def _text(file: Path) -> str:
    """Return what it says, without the one long text that every Debian system has."""
    return _APACHE.sub(
        "(the text of Apache-2.0: /usr/share/common-licenses/Apache-2.0)",
        file.read_text(encoding="utf-8", errors="replace"),
    )


def _told(metadata: object) -> str:
    """Return what the metadata says in few words, if it does."""
    get = metadata.get_all  # type: ignore[attr-defined] # a Message at run time
    classifiers = [
        each.rpartition(" :: ")[2]
        for each in get("Classifier", [])
        if each.startswith("License ::")
    ]
    for said in [*get("License-Expression", []), *get("License", [])]:
        if said != "UNKNOWN" and "\n" not in said:
            return str(said)
    return ", ".join(classifiers) or "see below"
