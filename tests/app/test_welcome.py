"""What happens to files is told in the same three sentences in a terminal and on the page."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from syncin_mount.app.messages.synchronizations import WELCOME
from syncin_mount.language import catalogues

ROOT = Path(__file__).parents[2]


def of_the_page() -> list[str]:
    text = (ROOT / "syncin_mount/web/static/assistant.js").read_text()
    found = re.search(r"^const WELCOME = \[(.*?)^\];", text, re.MULTILINE | re.DOTALL)
    assert found is not None
    said = re.findall(r"t\((.*?)\),\n", found[1], re.DOTALL)
    return ["".join(re.findall(r'"(.*?)"', each)) for each in said]


def test_both_say_the_same():
    assert of_the_page() == list(WELCOME)
    assert len(WELCOME) == 3


@pytest.mark.parametrize("language", ["de", "fr"])
def test_both_say_the_same_in_another_language(language: str):
    program = catalogues.catalogue(language, catalogues.PROGRAM)
    page = json.loads(catalogues.page(language))["texts"]
    assert program is not None
    for text in WELCOME:
        assert program.gettext(text) == page[text] != text
