"""Every command explains itself, in 80 columns, and the manual page says the same."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys

import click
import pytest

from syncin_mount.cli.command_group import COMMANDS, group
from syncin_mount.cli.man_page import command_page, commands, pages, program_page

ALL = {" ".join(path): (path, command) for path, command in commands()}


def help_of(path: tuple[str, ...], command: click.Command) -> str:
    context = click.Context(command, info_name=" ".join(("syncin-mount", *path)), terminal_width=80)
    return command.get_help(context)


@pytest.mark.parametrize("name", ALL)
def test_every_option_and_argument_is_explained(name: str):
    _, command = ALL[name]
    assert command.help, "says nothing of itself"
    assert command.get_short_help_str(200)
    for param in command.params:
        if isinstance(param, click.Option):
            assert param.help or param.hidden, f"{param.opts[0]} is not explained"
        else:
            words = re.findall("[A-Z]+", param.make_metavar(click.Context(command))) or [
                (param.name or "").upper()
            ]
            assert all(word in command.help for word in words), f"{words} is not explained"


@pytest.mark.parametrize("name", ALL)
def test_the_help_fits_80_columns(name: str):
    assert [line for line in help_of(*ALL[name]).splitlines() if len(line) > 80] == []


def test_the_first_help_fits_80_columns_and_names_every_command():
    context = click.Context(group, info_name="syncin-mount", terminal_width=80)
    told = group.get_help(context)
    listed = [
        line for line in told.splitlines() if not line.startswith(("      ", "  Use it:", "    "))
    ]
    assert [line for line in listed if len(line) > 80] == []
    assert [name for name in COMMANDS if f"\n  {name} " not in told] == []


def test_the_manual_page_of_a_command_names_all_that_is_below_it():
    for path, command in ALL.values():
        text = command_page(path[0])
        if path[1:]:
            assert f"\n.SS {' '.join(path)}".replace("-", "\\-") in text
        for param in command.params:
            if isinstance(param, click.Option) and not param.hidden:
                assert param.opts[0].replace("-", "\\-") in text


def test_the_manual_page_of_the_program_names_every_page():
    text = program_page().replace("\\-", "-")
    assert [name for name in COMMANDS if f"\n.BR syncin-mount-{name} (1)\n" not in text] == []
    assert list(pages()) == ["syncin-mount", *(f"syncin-mount-{name}" for name in COMMANDS)]


@pytest.mark.skipif(shutil.which("groff") is None, reason="groff is not installed here")
@pytest.mark.parametrize("device", ["utf8", "html"])
@pytest.mark.parametrize("name", pages())
def test_a_manual_page_is_formatted_without_a_warning(name: str, device: str):
    done = subprocess.run(
        ["groff", "-man", "-ww", "-z", f"-T{device}"],
        input=pages()[name].encode(),
        check=True,
        capture_output=True,
        timeout=60,
    )
    assert done.stderr == b""


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        ((), 0, "syncin\\-mount \\- a Sync"),
        (("bin",), 0, ".SS bin list"),
        (("frobnicate",), 2, "there is no command frobnicate\n"),
    ],
)
def test_the_module_prints_a_manual_page(words: tuple[str, ...], status: int, said: str):
    done = subprocess.run(
        [sys.executable, "-m", "syncin_mount.cli.man_page", *words],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == status
    assert said in done.stdout + done.stderr
