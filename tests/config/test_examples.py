"""The examples are what the program reads and writes."""

from __future__ import annotations

import configparser
import re
import shlex
import shutil
from pathlib import Path

import pytest

from reconciler.model import Conflict, Direction, Mode
from syncin_mount.autostart import user_unit
from syncin_mount.cli.command_group import COMMANDS
from syncin_mount.config import ConfigurationFile, Folders, Scheduler, Trash, Unit
from syncin_mount.config.filters import entered, matcher, objection

EXAMPLES = Path(__file__).parents[2] / "examples"


def rules() -> list[str]:
    """What the command in examples/README.md gives to `filter`."""
    return [
        line
        for line in (EXAMPLES / "filters.txt").read_text().splitlines()
        if not line.startswith("#")
    ]


def test_each_example_is_explained_and_read_here() -> None:
    links = set(re.findall(r"\]\((\S+)\)", (EXAMPLES / "README.md").read_text()))
    assert links == {path.name for path in EXAMPLES.iterdir()} - {"README.md"}
    text = Path(__file__).read_text()
    assert all(name in text for name in links)


def test_the_settings_mean_what_their_comments_say(tmp_path: Path) -> None:
    folders = Folders(tmp_path, tmp_path / "state", tmp_path / "run", portable=True)
    file = ConfigurationFile(folders)
    shutil.copy(EXAMPLES / "config.toml", tmp_path / "config.toml")
    read = file.read()
    docs, photos, handbook = (
        read.synchronizations[name] for name in ("docs", "photos", "handbook")
    )
    assert (read.history.days, read.history.megabytes) == (90, 200)
    assert read.servers["office"].proxy == "http://proxy.example.net:3128"
    assert docs.scheduler == Scheduler()
    assert (photos.mode, photos.trash, photos.limit_down) == (Mode.SECURE, Trash.OWN, None)
    assert photos.limit_up == 2 << 20
    assert (handbook.direction, handbook.conflict, handbook.enabled) == (
        Direction.DOWNLOAD,
        Conflict.REMOTE,
        False,
    )
    assert handbook.scheduler == Scheduler(1, Unit.HOUR)
    left_out = matcher(docs.filters)
    assert left_out is not None
    assert left_out("a/b.bak")
    assert not left_out("a/b.odt")


def test_the_filters_are_accepted_together() -> None:
    assert objection([entered(rule).pattern for rule in rules()]) is None


@pytest.mark.parametrize(
    "path",
    [
        "node_modules/x",
        "a/node_modules",
        "a/.venv/bin/python",
        "r/target/debug/r",
        "a.o",
        "n.txt~",
        "Downloads/unsorted",
    ],
)
def test_the_filters_leave_out(path: str) -> None:
    left_out = matcher(tuple(entered(rule).pattern for rule in rules()))
    assert left_out is not None
    assert left_out(path)


@pytest.mark.parametrize(
    "path", ["my_node_modules/x", "photo.jpg", "targets/debug", "Downloads/x", "notes.odt"]
)
def test_the_filters_leave_in(path: str) -> None:
    left_out = matcher(tuple(entered(rule).pattern for rule in rules()))
    assert left_out is not None
    assert not left_out(path)


def test_the_unit_is_the_one_that_the_program_writes() -> None:
    unit = (EXAMPLES / "syncin-mount.service").read_text()
    [program] = re.findall(r"^ExecStart=(\S+) -m syncin_mount up --foreground$", unit, re.MULTILINE)
    assert unit == user_unit(shlex.split(program)[0], {})


def test_the_desktop_entry_starts_a_command_that_there_is():
    entry = configparser.ConfigParser(interpolation=None)
    # configparser has keys in small letters unless its method is replaced, as its manual says
    entry.optionxform = str  # type: ignore[assignment,method-assign]
    entry.read(EXAMPLES / "syncin-mount.desktop")
    found = entry["Desktop Entry"]
    program, command = found["Exec"].split()
    assert (program, found["Type"], found["Terminal"]) == ("syncin-mount", "Application", "false")
    assert command in COMMANDS
    assert all(found[key].endswith(";") for key in ("Categories", "Keywords"))
