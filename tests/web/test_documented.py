"""docs/internals/web-security.md names each attack and its test."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/internals/web-security.md"


def test_each_attack_has_a_test_and_each_test_of_an_attack_is_named():
    tests = {
        name: path.name
        for path in [*(ROOT / "tests/web").glob("test_*.py"), ROOT / "tests/system/test_tcp.py"]
        for name in re.findall(r"^(?:async )?def (test_\w+)", path.read_text(), re.MULTILINE)
    }
    named = set(re.findall(r"`(test_\w+)`", PAGE.read_text()))
    assert len(named) > 20
    assert named - tests.keys() == set()
    attacks = {name for name, file in tests.items() if file == "test_attacks.py"}
    known = {
        "test_the_page_s_own_requests_are_answered",
        "test_a_thousand_and_one_names_are_refused",
    }
    assert attacks - known - named == set()
