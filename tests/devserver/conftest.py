"""A running server and a plain HTTP client for it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trio

from syncin_mount.devserver import User
from tests.devserver.world import World, password_of


@pytest.fixture
async def world(tmp_path: Path, nursery: trio.Nursery) -> AsyncIterator[World]:
    users = [
        User(login=login, password=password_of(login), email=f"{login}@example.test")
        for login in ("user1", "user2")
    ]
    world = World(tmp_path / "data", users, nursery)
    await world.start()
    world.personal("docs").mkdir()
    await world.add_path(1, "personal/docs", await world.client("main", "user1"))
    yield world
    await world.stop()
