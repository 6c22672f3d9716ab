"""The program without a command: three things, by what is there already."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.test_startup import _HEAVY

DRIVE = '[servers.home]\nurl = "https://x.example"\n[synchronizations.docs]\nserver = "home"\n'


def said(home: Path, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "syncin_mount"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, "SYNCIN_MOUNT_HOME": str(home), **environment},
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def commands(text: str) -> list[str]:
    return [line.split()[1] for line in text.splitlines() if line.startswith("  syncin-mount ")]


@pytest.mark.parametrize(
    "configuration", [None, "", "# synchronizations: none\n", "[synchronizations]\n"]
)
def test_without_a_drive_it_says_how_to_get_one(tmp_path: Path, configuration: str | None):
    if configuration is not None:
        (tmp_path / "config.toml").write_text(configuration)
    text = said(tmp_path)
    assert commands(text) == ["demo", "add", "ui"]
    assert text.endswith("\nAll commands: syncin-mount --help\n")


def test_with_drives_it_says_what_one_does_with_them(tmp_path: Path):
    (tmp_path / "config.toml").write_text(DRIVE)
    assert commands(said(tmp_path)) == ["status", "up", "ui"]


@pytest.mark.parametrize("configuration", [b"[synchronizations\n", b"[[[broken", b"\xff\xfe"])
def test_with_a_broken_configuration_it_says_what_is_wrong_with_that(
    tmp_path: Path, configuration: bytes
):
    (tmp_path / "config.toml").write_bytes(configuration)
    done = subprocess.run(
        [sys.executable, "-m", "syncin_mount"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, "SYNCIN_MOUNT_HOME": str(tmp_path)},
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"syncin-mount: {tmp_path / 'config.toml'}")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("language", ["en", "de", "fr"])
@pytest.mark.parametrize("configuration", ["", DRIVE])
def test_it_fits_80_columns_in_each_language(tmp_path: Path, language: str, configuration: str):
    (tmp_path / "config.toml").write_text(configuration)
    text = said(
        tmp_path, LANGUAGE=language, LC_ALL="C.UTF-8" if language == "en" else "de_DE.UTF-8"
    )
    assert [line for line in text.splitlines() if len(line) > 80] == []
    assert len(commands(text)) == 3


def test_it_needs_nothing_heavy(tmp_path: Path):
    (tmp_path / "config.toml").write_text(DRIVE)
    program = f"""
import sys
from syncin_mount.cli.command_group import group
group.main([], standalone_mode=False)
heavy = [name for name in {_HEAVY!r} if name in sys.modules]
sys.exit(f"imported: {{heavy}}" if heavy else 0)
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
        env={**os.environ, "SYNCIN_MOUNT_HOME": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr
