"""A click on a folder: the desktop's program is given it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.web.conftest import World, until


@pytest.mark.slow
def test_the_folder_is_opened_and_a_missing_desktop_is_told(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    script, opened = tmp_path / "xdg-open", tmp_path / "opened"
    script.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {opened}.new; mv {opened}.new {opened}\n')
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    for name in ("DBUS_SESSION_BUS_ADDRESS", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    world.add("docs")
    world.must("disable", "docs")
    world.enter()
    refused = world.post("/api/open", {"name": "docs"})
    assert refused.status == 409
    assert str(world.drive("docs")) in refused.json["why"]
    world.must("down")
    monkeypatch.setenv("DISPLAY", ":7")
    world.enter()
    answer = world.post("/api/open", {"name": "docs"})
    assert (answer.status, answer.json) == (200, {"but": None})
    until(opened.exists, "the file manager's start")
    assert opened.read_text() == f"{world.drive('docs')}\n"
    assert world.post("/api/open", {"name": "other"}).status == 409
