"""`open`: to the file manager, to the browser, or only told."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from syncin_mount.app.drives.addresses import address_on_server
from syncin_mount.config import Server
from tests.cli.conftest import World

SERVER = Server("home", "https://files.example.org/cloud", "user1", "id")


@pytest.mark.parametrize(
    ("remote", "shown"),
    [
        ("personal/docs", "files/personal/docs"),
        ("personal/a b/ü#?", "files/personal/a%20b/%C3%BC%23%3F"),
        ("spaces/team/docs", "files/team/docs"),
        ("shares/report", "shares/report"),
    ],
)
def test_where_the_server_shows_a_folder(remote: str, shown: str):
    assert address_on_server(SERVER, remote) == f"https://files.example.org/cloud/#/spaces/{shown}"


@pytest.fixture
def desktop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A desktop whose program that opens things writes down what, and cannot open what is called
    bad."""
    opened, folder = tmp_path / "opened", tmp_path / "bin"
    folder.mkdir()
    script = folder / "xdg-open"
    script.write_text(
        f'#!/bin/sh\nprintf "%s\\n" "$@" >> {opened}\ncase "$1" in *bad*) exit 4;; esac\n'
    )
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("DISPLAY", ":7")
    return opened


@pytest.mark.usefixtures("mounts")
async def test_a_drive_is_opened_when_it_is_mounted(world: World, desktop: Path):
    await world.log_in()
    await world.add()
    assert "mount docs" in await world.refused("open", "docs", status=1)
    await world.must("mount", "docs")
    assert await world.must("open", "docs") == ""
    assert await world.must("open", "docs", "--remote") == ""
    assert desktop.read_text().splitlines() == [
        str(world.drive),
        f"{world.url}/#/spaces/files/personal/docs",
    ]
    assert await world.must("open", "docs", "--print") == f"{world.drive}\n"
    await world.must("umount", "docs")


async def test_without_a_desktop_the_address_is_told(world: World, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    await world.log_in()
    await world.add()
    assert (
        await world.must("open", "docs", "--remote")
        == f"{world.url}/#/spaces/files/personal/docs\n"
    )


@pytest.mark.usefixtures("desktop")
async def test_what_cannot_be_opened_is_said(world: World):
    await world.log_in()
    (world.dev.files_of("user1") / "bad").mkdir()
    await world.must(
        "add",
        "bad",
        "--server",
        "home",
        "--remote",
        "personal/bad",
        "--mountpoint",
        str(world.drive),
    )
    assert "status 4" in await world.refused("open", "bad", "--remote", status=1)
