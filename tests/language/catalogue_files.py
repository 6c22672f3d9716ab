"""The files of the catalogues: written from the code, and compiled."""

from __future__ import annotations

import datetime as dt
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from babel.messages import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from syncin_mount.language.catalogues import HELP, PAGE, PROGRAM
from tests.language.extraction import ROOT, texts

LOCALE = ROOT / "syncin_mount/locale"
LANGUAGES = ("de", "fr")
DOMAINS = (PROGRAM, HELP, PAGE)

_THEN = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
"""In each header: a catalogue changes only where a text does."""


def po(language: str, domain: str, locale: Path = LOCALE) -> Path:
    return locale / language / "LC_MESSAGES" / f"{domain}.po"


def read(language: str, domain: str, locale: Path = LOCALE) -> Catalog:
    """The catalogue; an empty one where there is none yet."""
    path = po(language, domain, locale)
    if not path.exists():
        return Catalog(locale=language)
    with path.open("rb") as file:
        return read_po(file, locale=language)


def updated(language: str, domain: str) -> Catalog:
    """The catalogue with exactly the texts that the code has; what was translated stays so."""
    before = read(language, domain)
    now = Catalog(
        locale=language, project="syncin-mount", version="1",
        creation_date=_THEN, revision_date=_THEN,
        last_translator="-", language_team="-", msgid_bugs_address="-",
        fuzzy=False, header_comment="#",
    )  # fmt: skip
    for message in texts(domain):
        if not message.id:
            continue
        known = before.get(message.id)
        now.add(
            message.id,
            known.string if known is not None and not known.fuzzy else None,
            locations=message.locations,
            flags=message.flags,
        )
    return now


def as_po(catalog: Catalog) -> bytes:
    """The file's text."""
    file = io.BytesIO()
    write_po(file, catalog, width=100, sort_output=True, include_lineno=False)
    return file.getvalue()


def compiled(catalog: Catalog, language: str, domain: str) -> dict[str, bytes]:
    """What the program reads, by the files' names."""
    if domain == PAGE:
        found = {}
        for message in catalog:
            if not message.id or not is_done(message.string) or message.fuzzy:
                continue
            key = message.id if isinstance(message.id, str) else message.id[0]
            string: Any = message.string
            found[key] = string if isinstance(string, str) else [*string]
        text = json.dumps(
            {"language": language, "texts": found}, ensure_ascii=False, indent=0, sort_keys=True
        )
        return {f"{domain}.json": f"{text}\n".encode()}
    for message in list(catalog):
        if message.id and not is_done(message.string):
            catalog.delete(message.id)
    file = io.BytesIO()
    write_mo(file, catalog)
    return {f"{domain}.mo": file.getvalue()}


def is_done(string: str | tuple[str, ...] | list[str] | None) -> bool:
    return bool(string) and (isinstance(string, str) or all(string or ()))


def files(locale: Path = LOCALE) -> Iterator[tuple[Path, bytes]]:
    """Each file as it ought to be."""
    for language in LANGUAGES:
        for domain in DOMAINS:
            catalog = updated(language, domain)
            path = po(language, domain, locale)
            yield path, as_po(catalog)
            for name, data in compiled(catalog, language, domain).items():
                yield path.with_name(name), data


def missing(language: str, domain: str) -> list[str]:
    """Texts of the code without a translation."""
    return [
        each.id if isinstance(each.id, str) else each.id[0]
        for each in updated(language, domain)
        if each.id and not is_done(each.string)
    ]
