"""The embedded server on loopback, and a session with it."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Generator
from pathlib import Path

import pytest
import trio

from syncin_mount.devserver import DevServer, User, serve
from syncin_mount.remote import Folder, ServerAccount, Session, register
from syncin_mount.remote.registrations import register_path
from tests.server.support import PASSWORD, Memory, World, settings


@pytest.fixture
def dev(tmp_path: Path) -> Generator[DevServer]:
    server = DevServer(
        tmp_path / "data",
        [User(login="user1", password=PASSWORD), User(login="user2", password=PASSWORD)],
    )
    (server.files_of("user1") / "x").mkdir()
    yield server
    server.close()


@pytest.fixture
async def url(dev: DevServer, nursery: trio.Nursery) -> str:
    running = await nursery.start(serve, dev)
    return str(running.url)


@pytest.fixture
async def world(dev: DevServer, url: str) -> AsyncIterator[World]:
    client_id = str(uuid.uuid4())
    store = Memory(await register(url, "user1", PASSWORD, None, client_id))
    async with Session(ServerAccount("home", url, "user1", client_id), store) as session:
        known = await register_path(session, settings("personal/x"))
        yield World(dev, url, session, store, Folder(session, "personal/x", known.id))
