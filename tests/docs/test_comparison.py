"""The comparison for users has no figure that was not measured."""

from __future__ import annotations

import re

from tests.docs.generate import DOCS

FIGURE = re.compile(r"\d+\.\d+")


def figures(text: str) -> dict[str, set[str]]:
    """The figures of each row of the tables, by its first cell. A row that begins with `…` belongs
    to the one before it."""
    found: dict[str, set[str]] = {}
    name = ""
    for line in text.splitlines():
        first, *rest = line.strip("|").split("|")
        if line.startswith("|") and rest:
            name = name if first.strip().startswith("…") else first.strip()
            found.setdefault(name, set()).update(FIGURE.findall("".join(rest)))
    return found


def unmeasured(shown: str, measured: str) -> dict[str, set[str]]:
    """Figures that no row of that name has; the one that was measured may have a longer name."""
    known = figures(measured)
    wrong = {
        name: found - set().union(*(known[row] for row in known if row.startswith(name)))
        for name, found in figures(shown).items()
    }
    return {name: found for name, found in wrong.items() if found}


def test_each_figure_is_one_of_the_row_that_was_measured() -> None:
    shown = (DOCS / "guide" / "comparison.md").read_text()
    assert unmeasured(shown, (DOCS / "internals" / "performance.md").read_text()) == {}
    assert sum(map(len, figures(shown).values())) >= 15


def test_a_figure_of_nobody_is_seen() -> None:
    measured = "| rename | 0.44 | 1.6, 1.9 | 2 |\n| … again | 0.4 | 1.7 |\n"
    assert unmeasured("| rename | 1.6 and 1.7 |\n", measured) == {}
    assert unmeasured("| rename | 1.8 |\n| unlink | 1.6 |", measured) == {
        "rename": {"1.8"},
        "unlink": {"1.6"},
    }
