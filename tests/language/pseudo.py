"""A language that nobody speaks: what was forgotten stands out in it."""

from __future__ import annotations

import json
import re
from pathlib import Path

from babel.messages import Catalog
from babel.messages.mofile import write_mo

from syncin_mount.language.catalogues import HELP, PAGE, PROGRAM
from tests.language.extraction import texts

PSEUDO = "eo"
"""A language that there is no catalogue for; Esperanto, as browsers must know it."""

_PLAIN, _STRANGE = (
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "αɓςδεƒɠɦιʝκλɱησρɋяʂƭυνωχʏʐАБҪДЄҒҨҤІЈКԼМЍОРԚЯЅТЏѶШХҮЗ",
)
_LETTERS = str.maketrans(_PLAIN, _STRANGE)

_KEPT = re.compile(r"(\{[^{}]*\}|%\(\w+\)s|“[^”]*”|`[^`]*`|(?<!\w)'[^']*'|--[a-z-]+)")
"""Values and commands in a text."""


def strange(text: str) -> str:
    """The text in letters that no English text has; values and commands stay."""
    parts = _KEPT.split(text)
    return "".join(part if at % 2 else part.translate(_LETTERS) for at, part in enumerate(parts))


def write_pseudo(folder: Path) -> None:
    """Puts catalogues of that language there."""
    folder.mkdir(parents=True)
    for domain in (PROGRAM, HELP, PAGE):
        found = Catalog(locale=PSEUDO)
        for message in texts(domain):
            if message.id:
                forms = (message.id,) if isinstance(message.id, str) else message.id
                said = [strange(each) for each in forms]
                found.add(message.id, said[0] if isinstance(message.id, str) else tuple(said))
        with (folder / f"{domain}.mo").open("wb") as file:
            write_mo(file, found)
        if domain == PAGE:
            shown = {
                (each.id if isinstance(each.id, str) else each.id[0]): each.string
                for each in found
                if each.id
            }
            everything = {"language": PSEUDO, "texts": shown}
            (folder / "page.json").write_text(json.dumps(everything), encoding="utf-8")
