"""How a text is said in another language, and what becomes of catalogues that are no good."""

from __future__ import annotations

import io
import json
import logging
import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages import Catalog
from babel.messages.mofile import write_mo

from reconciler.errors import Refused
from reconciler.phrases import Phrase, counted
from syncin_mount.language import catalogues, said, speaking, t, tn
from syncin_mount.language.numbers import number

broken = pytest.mark.expected_log(
    r"the catalogue .* (cannot be read|is damaged)", level=logging.WARNING
)


@pytest.fixture
def locale(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of catalogues with a German one in it."""
    monkeypatch.setenv(catalogues.FOLDER_VARIABLE, str(tmp_path))
    folder = tmp_path / "de/LC_MESSAGES"
    folder.mkdir(parents=True)
    catalog = Catalog(locale="de")
    catalog.add("'{drive}' is {how}", "„{drive}“ ist {how}")
    catalog.add("paused", "angehalten")
    catalog.add("wrong {here}", "falsch {there}")
    catalog.add("broken {here}", "kaputt {")
    catalog.add(("{count} file of {drive}", "{count} files of {drive}"),
                ("{count} Datei von {drive}", "{count} Dateien von {drive}"))  # fmt: skip
    with (folder / "program.mo").open("wb") as file:
        write_mo(file, catalog)
    _forget()
    yield folder
    monkeypatch.undo()
    _forget()


def _forget() -> None:
    catalogues.languages.cache_clear()
    catalogues.catalogue.cache_clear()


def test_english_is_what_the_code_has(locale):
    assert t("'{drive}' is {how}", drive="docs", how="paused") == "'docs' is paused"
    assert t("{no value} is put in") == "{no value} is put in"
    assert tn("{count} file of {drive}", "{count} files of {drive}", 1, drive="x") == "1 file of x"
    assert tn("{count} file of {drive}", "{count} files of {drive}", 0, drive="x") == "0 files of x"


def test_a_text_is_said_in_the_language_of_the_context(locale):
    with speaking("de"):
        assert t("'{drive}' is {how}", drive="{x}", how="auf") == "„{x}“ ist auf"
        text = "{count} file of {drive}", "{count} files of {drive}"
        assert tn(*text, 1, drive="a") == "1 Datei von a"
        assert tn(*text, 1234, drive="a") == "1.234 Dateien von a"
        assert t("nobody translated this") == "nobody translated this"
    with speaking("fr"):
        assert t("paused") == "paused"


def test_a_translation_that_does_not_fit_gives_way(locale):
    with speaking("de"):
        assert t("wrong {here}", here=1) == "wrong 1"
        assert t("broken {here}", here=1) == "broken 1"


def test_what_a_lower_package_hands_up_is_said_in_every_language(locale):
    phrase = Phrase("'{drive}' is {how}", drive="docs", how=Phrase("paused"))
    files = counted("{count} file of {drive}", "{count} files of {drive}", 2, drive="docs")
    assert (phrase, files) == ("'docs' is paused", "2 files of docs")
    for value in (phrase, ValueError(phrase), Refused(phrase), str(Refused(phrase))):
        assert said(value) == "'docs' is paused"
        with speaking("de"):
            assert said(value) == "„docs“ ist angehalten"
            assert t("'{drive}' is {how}", drive="x", how=value) == "„x“ ist „docs“ ist angehalten"
    with speaking("de"):
        assert said(files) == "2 Dateien von docs"
        again = pickle.loads(pickle.dumps((phrase, files)))
        assert [said(each) for each in again] == ["„docs“ ist angehalten", "2 Dateien von docs"]
        assert said(ValueError("plain")) == "plain"


@broken
@pytest.mark.parametrize("damage", [b"", b"\xde\x12\x04\x95", b"nonsense", None])
def test_a_broken_catalogue_leaves_english(locale: Path, damage: bytes | None):
    file = locale / "program.mo"
    if damage is None:
        file.unlink()
        file.mkdir()
    else:
        file.write_bytes(damage)
    with speaking("de"):
        assert t("paused") == "paused"
        assert tn("{count} file", "{count} files", 2) == "2 files"


@broken
@pytest.mark.parametrize("damage", ["", "nonsense", '{"language": "de"}', "[1]", "\xff"])
def test_a_broken_catalogue_of_the_page_leaves_english(locale: Path, damage: str):
    english = {"language": "en", "texts": {}}
    assert json.loads(catalogues.page("de")) == english
    (locale / "page.json").write_text(damage, encoding="latin-1")
    assert json.loads(catalogues.page("de")) == english
    (locale / "page.json").write_text('{"language": "de", "texts": {"a": "b"}}')
    assert json.loads(catalogues.page("de"))["texts"] == {"a": "b"}
    assert json.loads(catalogues.page("../de")) == english


@broken
def test_an_incomplete_file_is_no_catalogue(locale: Path):
    catalog = Catalog(locale="de")
    catalog.add("paused", "angehalten")
    whole = io.BytesIO()
    write_mo(whole, catalog)
    for length in range(0, len(whole.getvalue()), 7):
        _forget()
        (locale / "program.mo").write_bytes(whole.getvalue()[:length])
        with speaking("de"):
            assert t("paused") in {"paused", "angehalten"}


def test_numbers_are_as_the_reader_writes_them():
    assert number(1234.56, 1) == "1234.6"
    with speaking("de"):
        assert number(1234.56, 1) == "1.234,6"
    with speaking("fr"):
        assert number(1234.56, 1) == "1 234,6"
    with speaking("zz"):
        assert number(1234.56, 1) == "1234.6"
