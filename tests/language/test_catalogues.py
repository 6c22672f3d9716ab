"""No text is left out of the catalogues, and none of their translations is broken."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator

import pytest
from babel.messages import Catalog

from syncin_mount.language.catalogues import HELP, PAGE, PROGRAM
from tests.language import javascript
from tests.language.catalogue_files import DOMAINS, LANGUAGES, files, is_done, read, updated
from tests.language.extraction import CODE, KEYWORDS, OWN, ROOT, scripts
from tests.language.unmarked import code, name_of

PAIRS = [(language, domain) for language in LANGUAGES for domain in DOMAINS]

COMPLETE = {PROGRAM, HELP, PAGE}
"""Domains of which every text is translated."""


def test_the_files_are_what_the_code_and_the_translations_say() -> None:
    wrong = [
        path.relative_to(ROOT).as_posix()
        for path, wanted in files()
        if not path.exists() or path.read_bytes() != wanted
    ]
    assert wrong == [], "run ./dev messages"


@pytest.mark.parametrize(("language", "domain"), PAIRS)
def test_every_text_is_translated(language: str, domain: str) -> None:
    left = [each.id for each in updated(language, domain) if each.id and not is_done(each.string)]
    if domain in COMPLETE:
        assert left == []
    else:
        assert left, f"all of {domain} is translated: put it into COMPLETE"


@pytest.mark.parametrize(("language", "domain"), PAIRS)
def test_nothing_is_guessed(language: str, domain: str) -> None:
    assert [each.id for each in read(language, domain) if each.fuzzy and each.id] == []


@pytest.mark.parametrize("domain", [PROGRAM, HELP])
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_terminal_shows_them_as_they_are(language: str, domain: str) -> None:
    """No-break spaces would become escapes there (`syncin_mount.printable`)."""
    found = [each.string for each in read(language, domain) if each.id]
    texts = [form for each in found for form in ([each] if isinstance(each, str) else each or ())]
    assert [each for each in texts if re.search("[\xa0\u202f]", str(each))] == []


@pytest.mark.parametrize(("language", "domain"), PAIRS)
def test_translations_have_the_values_commands_and_lines_of_the_text(language: str, domain: str):
    assert [*_misfits(read(language, domain))] == []


_VALUE = re.compile(r"\{\w*\}|%\(\w+\)s")
_COMMAND = re.compile(r"(?<![\w-])--[a-z][a-z-]+|\b(?:sync|journal|bin) (?:-|release|restore)")
_BLOCK = re.compile("\b")


def _misfits(catalog: Catalog) -> Iterator[str]:
    for message in catalog:
        if not message.id or not is_done(message.string):
            continue
        texts = [message.id] if isinstance(message.id, str) else [*message.id]
        found = [message.string] if isinstance(message.string, str) else [*(message.string or ())]
        allowed = [_signs(each) for each in texts]
        for number, each in enumerate(found):
            wanted = allowed[min(number, len(allowed) - 1)]
            # A form for one thing alone need not tell how many there are.
            loose = [wanted, wanted - Counter(["{count}"])]
            if _signs(str(each)) not in (loose if len(found) > 1 and number == 0 else [wanted]):
                yield f"{texts[0]!r}: {each!r}"


def _signs(text: str) -> Counter[str]:
    found = (*_VALUE.findall(text), *_COMMAND.findall(text), *_BLOCK.findall(text))
    return Counter(found)


@pytest.mark.parametrize(
    ("text", "translation"),
    [
        ("{a} of {b}", "{a} von {c}"),
        ("{a} of {b}", "{a} von"),
        ("give it with --code", "geben Sie ihn mit --kode an"),
        ("look with “sync --dry-run”", "ansehen mit „synchronisieren“"),
        ("a\n\n\b\nb", "a\n\nb"),
        (("{count} file", "{count} files"), ("{count} Datei", "Dateien")),
    ],
)
def test_a_translation_that_does_not_fit_is_found(text, translation) -> None:
    catalog = Catalog(locale="de")
    catalog.add(text, translation)
    assert [*_misfits(catalog)]


# --- what nobody marked ---------------------------------------------------------------------------

NOT_SAID = {
    "Bearer": "HTTP",
    "Escape": "a key's name",
    "ArrowDown": "a key's name",
    "ArrowUp": "a key's name",
    "Enter": "a key's name",
    "Tab": "a key's name",
    "syncin-mount": "the program's name",
    "syncin-mount ui": "a command",
    "syncin-mount add": "a command",
    "syncin-mount conflicts": "a command",
    "--all": "an option",
    "logged in": "the program's word for a client",
    "logged out": "the program's word for a client",
    "head back": "a class of the style",
    "root gone": "the program's word for a halt",
    "rel=noopener noreferrer": "HTML",
    "placeholder=cloud.example.org": "an example",
    "placeholder=~/Kept": "an example",
}
"""What stands in the page's scripts and is the same in every language, or is no text; why."""


@pytest.mark.parametrize("name", sorted(scripts()))
def test_the_page_says_nothing_that_is_not_marked(name: str) -> None:
    found = [
        f"{line}: {text}"
        for line, text in javascript.forgotten(scripts()[name])
        if text not in NOT_SAID and text.strip() not in NOT_SAID
    ]
    assert found == []


def test_no_text_is_marked_where_the_extraction_is_blind() -> None:
    """Inside an f-string, or with a text that is no literal: of these no catalogue would know."""
    wrong = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in code(CODE)
        if not path.relative_to(ROOT).as_posix().startswith(OWN)
        for line in blind(path.read_text(encoding="utf-8"))
    ]
    assert wrong == []


def blind(source: str) -> Iterator[int]:
    """Lines of such calls."""
    tree = ast.parse(source)
    inside = {
        id(each)
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
        for each in ast.walk(node)
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or name_of(node.func) not in {*KEYWORDS}:
            continue
        literal = node.args and isinstance(node.args[0], ast.Constant)
        of_text = bool(node.args) and isinstance(node.args[0], ast.JoinedStr | ast.BinOp)
        if (literal and id(node) in inside) or of_text:
            yield node.lineno


@pytest.mark.parametrize("source", ["f\"{t('a')}\"", 't(f"a {b}")', 't("a" + b)'])
def test_the_search_finds_where_the_extraction_is_blind(source: str) -> None:
    assert [*blind(source)]
    assert not [*blind('f"{t(table[a])}"; t("a", b=f"{c}"); Text("")')]


def test_help_is_in_a_catalogue_of_its_own() -> None:
    assert len([*updated("de", HELP)]) > 250
