"""The copyright file of a package: the licence of everything inside, from what each brings."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from email.message import Message
from email.parser import HeaderParser
from pathlib import Path
from types import MappingProxyType

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

@MODULES@

The text of Apache-2.0 is in /usr/share/common-licenses/Apache-2.0.
"""

COMPILED = {
    "cryptography": """\
  cryptography: OpenSSL, Copyright The OpenSSL Project Authors, Apache-2.0""",
    "google-re2": """\
  google-re2: Abseil, Copyright The Abseil Authors, Apache-2.0;
    pybind11, Copyright (c) 2016 Wenzel Jakob and others, BSD-3-Clause""",
    "lmdb": """\
  lmdb: LMDB, Copyright Howard Chu, Symas Corp., OLDAP-2.8""",
    "xxhash": """\
  xxhash: xxHash, Copyright (c) Yann Collet, BSD-2-Clause""",
}
"""By distribution, what is in its compiled modules."""

COMMON = "/usr/share/common-licenses"
"""Where Debian has the licences that many packages name."""


def licences(
    root: Path,
    packages: Path,
    place: str,
    others: Iterable[tuple[str, str, str]] = (),
    texts: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """Return the whole file. ``packages`` has the distributions with their metadata, which are in
    ``place`` once they are installed. ``others``: what else is inside, by name, licence in few
    words, and text. ``texts``: by name, the licences of distributions that bring none. Raises
    ValueError for another that brings none."""
    inside = {_metadata(folder)["Name"] for folder in packages.glob("*.dist-info")}
    modules = "\n".join(told for name, told in COMPILED.items() if name in inside)
    parts = [
        HEAD.replace("@PACKAGES@", place),
        INSIDE.replace("@MODULES@", modules),
    ]
    for name, told, text in sorted([*_components(root, packages, texts), *others]):
        parts.append(f"{name}\nLicence: {told}\n\n{text.strip()}")
    parts.append("syncin-mount\nLicence: AGPL-3.0-or-later\n\n" + (root / "LICENSE").read_text())
    return f"\n\n{'-' * 78}\n\n".join(part.strip() for part in parts) + "\n"


def put(text: str, place: Path, shown: str) -> None:
    """Write the file into a folder, which will be called ``shown``, with the licences of Debian's
    common folder that it names."""
    place.mkdir(exist_ok=True)
    for name in sorted(set(re.findall(rf"{COMMON}/([\w.+-]*\w)", text))):
        if Path(COMMON, name).exists():
            shutil.copy(Path(COMMON, name).resolve(), place / name)
    (place / "copyright").write_text(text.replace(COMMON, shown), encoding="utf-8")


def _metadata(folder: Path) -> Message:
    return HeaderParser().parsestr((folder / "METADATA").read_text(encoding="utf-8"))


def _components(
    root: Path, packages: Path, known: Mapping[str, str]
) -> Iterator[tuple[str, str, str]]:
    for folder in packages.glob("*.dist-info"):
        metadata = _metadata(folder)
        name = f"{metadata['Name']} {metadata['Version']}"
        if metadata["Name"] == "syncin-mount":
            continue
        texts = [
            _text(file)
            for file in sorted(folder.rglob("*"))
            if file.is_file() and _TEXTS.match(file.name)
        ]
        texts = texts or [known[each] for each in [metadata["Name"]] if each in known]
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


def _told(metadata: Message) -> str:
    """Return what the metadata says in few words, if it does."""
    get = metadata.get_all
    classifiers = [
        each.rpartition(" :: ")[2]
        for each in get("Classifier", [])
        if each.startswith("License ::")
    ]
    for said in [*get("License-Expression", []), *get("License", [])]:
        if said != "UNKNOWN" and "\n" not in said:
            return str(said)
    return ", ".join(classifiers) or "see below"
