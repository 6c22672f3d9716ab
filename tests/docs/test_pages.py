"""The pages of docs/ are whole: generated parts are fresh, links lead somewhere, the commands that
they name exist."""

from __future__ import annotations

import re
import shlex
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from syncin_mount.cli.command_group import COMMANDS, group
from syncin_mount.control.messages import Call
from tests.docs import share
from tests.docs.generate import DOCS, PARTS, ROOT, pages, stale
from tests.docs.wrapping import WIDTH

ALL = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted(DOCS.rglob("*.md"))]
INDEX = DOCS / "index.md"
OTHERS = [ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md"]
WITH_COMMANDS = [
    page for page in [*ALL, *OTHERS] if page.name != "CHANGELOG.md" and "records" not in page.parts
]
"""Changes and records name what was there at their time."""


def names(pages: list[Path]) -> list[str]:
    return [str(page.relative_to(ROOT)) for page in pages]


# --- generated parts ------------------------------------------------------------------------------


def test_generated_parts_say_what_the_code_says():
    assert list(stale()) == [], "run ./dev docs"


def test_manual_pages_and_completions_say_what_the_code_says():
    assert list(share.stale()) == [], "run ./dev docs"


def test_each_generated_part_is_on_a_page():
    marked = [
        name
        for page in pages()
        for name in re.findall(r"<!-- generated: (\S+) -->", page.read_text())
    ]
    assert sorted(marked) == sorted(PARTS)


def test_every_command_and_call_has_its_place():
    commands = (DOCS / "reference" / "commands.md").read_text()
    assert re.findall(r"^## (\S+)$", commands, re.MULTILINE) == list(COMMANDS)
    api = (DOCS / "reference" / "control-api.md").read_text()
    assert set(re.findall(r"^### `(GET|POST) (/\S+)`$", api, re.MULTILINE)) == {
        call.value for call in Call
    }


# --- links ----------------------------------------------------------------------------------------


def without_blocks(text: str) -> str:
    return re.sub(r"^ *```.*?^ *```$", "", text, flags=re.DOTALL | re.MULTILINE)


def without_code(text: str) -> str:
    return re.sub(r"`[^`\n]*`", "``", without_blocks(text))


def links(page: Path) -> list[str]:
    return re.findall(r"\]\(([^)\s]+)\)", without_code(page.read_text()))


def anchors(page: Path) -> set[str]:
    """The names of a page's headings, as GitHub and GitLab make them."""
    found = set()
    for title in re.findall(r"^#+ (.*)$", without_blocks(page.read_text()), re.MULTILINE):
        letters = (c for c in title.lower() if c in " -_" or unicodedata.category(c)[0] in "LN")
        found.add("".join(letters).replace(" ", "-"))
    return found


@pytest.mark.parametrize("page", ALL, ids=names(ALL))
def test_links_lead_somewhere(page: Path):
    for link in links(page):
        path, _, anchor = link.partition("#")
        if "://" in link:
            continue
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{link}: there is no {target}"
        assert target.is_relative_to(ROOT), f"{link} leads out of the repository"
        assert not anchor or anchor in anchors(target), f"{link}: no heading there is called so"


def test_every_page_is_found_from_the_index():
    found, todo = set[Path](), [INDEX]
    while todo:
        page = todo.pop()
        if page in found or page.suffix != ".md" or not page.is_relative_to(DOCS):
            continue
        found.add(page)
        todo += [
            (page.parent / link.partition("#")[0]).resolve()
            for link in links(page)
            if "://" not in link
        ]
    assert names(sorted(set(DOCS.rglob("*.md")) - found)) == []


# --- form -----------------------------------------------------------------------------------------


NARROW = [page for page in ALL if page.name != "CHANGELOG.md"]


@pytest.mark.parametrize("page", NARROW, ids=names(NARROW))
def test_no_line_is_too_long(page: Path):
    """A link, and what a program printed, stay whole."""
    text = re.sub(r"^```console$.*?^```$", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    long = [
        line
        for line in text.splitlines()
        if len(line) > WIDTH and not re.match(r"\S*\(?https?://\S+$", line)
    ]
    assert long == []


# --- commands -------------------------------------------------------------------------------------

_ENDS = {"|", "||", "&&", ";", "&", ">", ">>", "<", "<<<", "#", "…", "..."}


def command_lines(page: Path) -> Iterator[list[str]]:
    """The words behind `syncin-mount` in a page's code, without those that are wrong on purpose:
    tests/cli/test_exit_table.py runs them."""
    text = re.sub(r"(?ms)<!-- tested: .*?(?=^## |\Z)", "", page.read_text())
    blocks = re.findall(
        r"^ *```(?:console|sh|bash|text)?\n(.*?)^ *```$", text, re.DOTALL | re.MULTILINE
    )
    spans = re.findall(r"`([^`\n]+)`", without_blocks(text))
    lines = [line for block in blocks for line in re.sub(r"\\\n(> )?", "", block).splitlines()]
    for line in lines:
        for found in re.findall(r"(?:^|[ $(])(?:syncin-mount|\./dev run) (?=[a-z-])(.*)", line):
            yield words(found)
    for span in spans:
        called = re.fullmatch(r"(?:syncin-mount|\./dev run) (?=[a-z-])(.*)", span)
        if called:
            yield words(called[1])
        elif " --" in span and span.split()[0] in COMMANDS:
            yield words(span)


def words(line: str) -> list[str]:
    lexer = shlex.shlex(line, posix=True, punctuation_chars="();<>|&")
    lexer.whitespace_split = True
    lexer.commenters = "#"
    found = []
    try:
        for word in lexer:
            if word in _ENDS or word.startswith((")", "|", ">", "<", "&", ";")):
                break
            found.append(word)
    except ValueError:  # a quote that the page leaves open
        pass
    return found


def is_placeholder(word: str) -> bool:
    return word.upper() == word or "|" in word or "…" in word


def objection(line: list[str]) -> str | None:
    """Why the program would not take this line, or None. The words in capitals stand for
    anything."""
    command: click.Command = group
    todo = list(line)
    options = {"--help", "--debug", "-h"}
    while todo:
        word = todo.pop(0)
        if word.startswith("-") and word != "-":
            name, _, value = word.partition("=")
            context = click.Context(command)
            param = next(
                (p for p in command.get_params(context) if name in (*p.opts, *p.secondary_opts)),
                None,
            )
            if param is None and name not in options:
                return f"{command.name or 'syncin-mount'} has no {name}"
            takes = (
                isinstance(param, click.Option)
                and not param.is_flag
                and not value
                and not param._flag_needs_value
            )
            if takes and todo:
                value = todo.pop(0)
            choices = param.type.choices if param and isinstance(param.type, click.Choice) else ()
            if value and choices and not is_placeholder(value) and value not in choices:
                return f"{name} is none of {', '.join(choices)}: {value}"
        elif isinstance(command, click.Group) and word.upper() != word:
            below = command.get_command(click.Context(command), word)
            own = any(isinstance(param, click.Argument) for param in command.params)
            listing = (
                type(command).parse_args is not click.Group.parse_args and command is not group
            )
            if below is None and not own and not listing:
                return f"{command.name or 'syncin-mount'} has no command {word}"
            command = below or (command.commands["list"] if listing else command)
    return None


@pytest.mark.parametrize("page", WITH_COMMANDS, ids=names(WITH_COMMANDS))
def test_commands_on_the_page_exist(page: Path):
    wrong = {" ".join(line): why for line in command_lines(page) if (why := objection(line))}
    assert wrong == {}


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("sync docs --dry-run", False),
        ("sync --limit-up 2M docs", False),
        ("filter add docs ends-with:.bak", False),
        ("bin restore docs 17 --to letters", False),
        ("journal hold docs 17", False),
        ("server add home URL --login user1", False),
        ("mount --debug docs", False),
        ("carry docs", True),
        ("sync docs --dry", True),
        ("server renew home", True),
        ("filter test docs --all x", True),
        ("edit docs --conflict recent", False),
        ("edit docs --conflict newest", True),
        ("add docs --direction=both", False),
        ("add docs --direction=down", True),
    ],
)
def test_what_the_program_does_not_know_is_found(line: str, wrong: bool):
    assert (objection(line.split()) is not None) is wrong
