"""A home folder that nobody knows: a user without account and ``HOME``, as in containers, and
``~NAME`` where there is no such user. One sentence tells; what needs no home folder works."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.cli.conftest import World

SAID = (
    "the home folder is not known; set HOME to its whole path, or write the path of what you mean"
    " without '~'"
)
NOBODY = "~no-such-user"


@pytest.mark.parametrize("words", [("status",), ("list",), ("doctor",), ("up",), ("down",)])
async def test_of_the_program(world: World, words: tuple[str, ...]) -> None:
    done = await world.run(*words, home=Path(NOBODY, "home"), process=True)
    assert (done.status, done.error) == (1, f"syncin-mount: {SAID}\n")


async def test_of_a_mount_point(world: World) -> None:
    await world.log_in()
    words = ("add", "docs", "--server", "home", "--remote", "personal/docs", "--mountpoint")
    assert await world.refused(*words, f"{NOBODY}/drive", status=1) == SAID


async def test_of_what_file_managers_load(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", NOBODY)
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    assert await world.refused("desktop", "install", status=1, process=True) == SAID


async def test_the_rest_works(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", NOBODY)
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    manager = world.base / "bin" / "nautilus"
    manager.parent.mkdir()
    manager.write_text("#!/bin/sh\n")
    manager.chmod(0o755)
    monkeypatch.setenv("PATH", str(manager.parent), prepend=os.pathsep)
    await world.log_in()
    done = await world.run("doctor", process=True)
    assert done.error == ""
    assert "server home: user1 is let in" in done.out
