"""docs/reference/page-and-commands.md: what the page can do has its command, and the other way
round."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, cast

from syncin_mount.cli.command_group import COMMANDS
from syncin_mount.web.page import EXCHANGE
from syncin_mount.web.server import routes_of

PAGE = Path(__file__).parents[2] / "docs/reference/page-and-commands.md"

TABLE, _, TERMINAL = PAGE.read_text().partition("## What only the commands do")
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in TABLE.splitlines()
    if line.startswith("| `/api/")
]


def words(text: str) -> set[str]:
    """The commands that are named."""
    return {span.split()[0] for span in re.findall(r"`([a-z][^`]*)`", text)}


def test_each_call_of_the_page_has_its_row():
    nobody = cast("Any", None)
    assert [row[0].strip("`") for row in ROWS] == [
        EXCHANGE,
        *routes_of(nobody, nobody, nobody, nobody),
    ]


def test_each_command_is_on_the_page_or_said_to_be_in_the_terminal_alone():
    on_the_page = set[str]().union(*(words(row[2]) for row in ROWS))
    alone = words(TERMINAL)
    assert on_the_page | alone == COMMANDS.keys()
    assert on_the_page & alone == set()
