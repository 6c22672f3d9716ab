"""The tour and the tutorial: every command says what the page says."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.tour.script import PAGES, agrees, commands, recorded, shell, with_recorded


@pytest.mark.timeout(600)
@pytest.mark.skipif(
    not os.access("/dev/fuse", os.R_OK | os.W_OK) or shutil.which("fusermount3") is None,
    reason="no /dev/fuse or no fusermount3 here",
)
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_command_says_what_the_page_says(page: Path, tmp_path: Path):
    home = tmp_path / "home"
    home.mkdir()
    with shell(home) as bash:
        for command in commands(page.read_text()):
            said = bash.run(command.text)
            where = f"docs/{page.name}, line {command.line + 1}: {command.text}"
            assert agrees(command.said, said), "\n".join(
                [where, "says:", *said, "the page says:", *command.said]
            )


PAGE_OF_TWO = """Text.
```console
$ one
said
$ two \\
> more
```
$ not a command
"""


def test_commands_are_found_and_their_outputs_replaced():
    assert [(each.text, each.said) for each in commands(PAGE_OF_TWO)] == [
        ("one", ["said"]),
        ("two \\\nmore", []),
    ]
    expected = PAGE_OF_TWO.replace("said\n", "new\nnewer\n").replace("> more\n", "> more\nx\n")
    assert with_recorded(PAGE_OF_TWO, [["new", "newer"], ["x"]]) == expected


@pytest.mark.parametrize(
    ("expected", "said", "same"),
    [
        (["a"], ["a"], True),
        (["a"], ["a", "b"], False),
        (["a … c"], ["a xyz c"], True),
        (["a … c"], ["a b d"], False),
        (["a", "…", "c"], ["a", "1", "2", "c"], True),
        (["a", "…", "c"], ["a", "1", "2"], False),
        (["a.c"], ["abc"], False),
        ([], [], True),
        ([], ["x"], False),
    ],
)
def test_the_page_describes_an_output(expected: list[str], said: list[str], same: bool):
    assert agrees(expected, said) is same


def test_what_differs_from_run_to_run_is_left_open():
    line = "docs  2026-11-26 11:45:27  4bae3d6f-7ae9-43d9-97ee-8dd61c2131ea  12.5 ms  3 files"
    assert recorded([line]) == ["docs  …  …  …  3 files"]
    assert agrees(recorded([line]), [line])
