"""What a desktop reads of the program: its entry, its icons, its description."""

from __future__ import annotations

import configparser
import struct
import subprocess
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from syncin_mount.cli.command_group import COMMANDS
from tests.programs import needs

ROOT = Path(__file__).parents[2]
SHARE = ROOT / "platform" / "linux" / "share"
ENTRY = SHARE / "applications" / "syncin-mount.desktop"
[METAINFO] = (SHARE / "metainfo").iterdir()


def entry() -> configparser.SectionProxy:
    parser = configparser.RawConfigParser()
    # keys keep their case, as the documentation of configparser has it
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read(ENTRY, encoding="utf-8")
    return parser["Desktop Entry"]


def test_the_entry_opens_the_page() -> None:
    program, command = entry()["Exec"].split()
    assert program == "syncin-mount"
    assert command == "ui"
    assert command in COMMANDS


@pytest.mark.parametrize("key", ["GenericName", "Comment", "Keywords"])
@pytest.mark.parametrize("language", ["de", "fr"])
def test_the_entry_speaks_every_language_of_the_program(key: str, language: str) -> None:
    assert entry()[f"{key}[{language}]"] != entry()[key]


def test_the_icon_is_the_one_of_the_page() -> None:
    icons = SHARE / "icons" / "hicolor"
    drawn = icons / "scalable" / "apps" / f"{entry()['Icon']}.svg"
    assert drawn.read_bytes() == (ROOT / "syncin_mount/web/static/icon.svg").read_bytes()
    sizes = [path for path in icons.iterdir() if path.name != "scalable"]
    assert {path.name for path in sizes} >= {"16x16", "32x32", "48x48", "256x256"}
    for size in sizes:
        data = (size / "apps" / "syncin-mount.png").read_bytes()
        assert data.startswith(b"\x89PNG")
        width, height = struct.unpack(">II", data[16:24])
        assert f"{width}x{height}" == size.name


def test_the_description_belongs_to_the_entry() -> None:
    described = ET.parse(METAINFO).getroot()
    assert METAINFO.name == f"{described.findtext('id')}.metainfo.xml"
    assert described.findtext("launchable") == ENTRY.name
    assert described.findtext("icon") == entry()["Icon"]
    licence = described.findtext("project_license") or "none"
    assert licence in (ROOT / "pyproject.toml").read_text()


@pytest.mark.parametrize(
    ("words", "file"),
    [
        (("appstreamcli", "validate", "--no-net"), METAINFO),
        (("desktop-file-validate",), ENTRY),
    ],
)
def test_the_desktops_own_tools_have_no_objection(words: tuple[str, ...], file: Path) -> None:
    needs(words[0])
    done = subprocess.run([*words, file], check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
