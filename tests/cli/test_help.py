"""Every command explains itself, in 80 columns, and the manual page says the same."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys

import click
import pytest

from syncin_mount.cli.command_group import COMMANDS, group
from syncin_mount.cli.man_page import commands, page

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


def test_the_manual_page_names_everything():
    text = page()
    for path, command in ALL.values():
        assert f"\n.SS {' '.join(path)}".replace("-", "\\-") in text
        for param in command.params:
            if isinstance(param, click.Option) and not param.hidden:
                assert param.opts[0].replace("-", "\\-") in text


@pytest.mark.skipif(shutil.which("groff") is None, reason="groff is not installed here")
@pytest.mark.parametrize("device", ["utf8", "html"])
def test_the_manual_page_is_formatted_without_a_warning(device: str):
    made = subprocess.run(
        [sys.executable, "-m", "syncin_mount.cli.man_page"],
        check=True,
        capture_output=True,
        timeout=60,
    ).stdout
    done = subprocess.run(
        ["groff", "-man", "-ww", "-z", f"-T{device}"],
        input=made,
        check=True,
        capture_output=True,
        timeout=60,
    )
    assert done.stderr == b""
