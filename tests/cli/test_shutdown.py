"""Shutting down waits for what was not sent: a real supervisor and drive, and a logind on a bus of
the test's own."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import trio

from syncin_mount.config import Folders
from syncin_mount.control.supervision import NAME
from tests.cli.conftest import World
from tests.daemon.test_logind import Logind, bus, manager

__all__ = ["bus", "manager"]
pytestmark = [pytest.mark.usefixtures("mounts"), pytest.mark.timeout(300)]


@pytest.fixture
async def supervised(manager: Logind, world: World) -> AsyncIterator[World]:
    """Its supervisor holds the lock. (The bus is there first.)"""
    manager.delay = 60.0
    await world.log_in()
    await world.add()
    await world.must("up")
    with trio.fail_after(60):
        await manager.taken.receive()
    await world.must("sync", "docs", "--wait")
    yield world
    with trio.CancelScope(shield=True):
        await world.run("down", "--force")


async def test_what_was_written_just_before_is_on_the_server_when_the_lock_goes(
    manager: Logind, supervised: World
):
    (supervised.drive / "last words").write_text("said")
    await manager.say("PrepareForShutdown", True)
    with trio.fail_after(60):
        await manager.released(0)
    assert (supervised.disk / "last words").read_text() == "said"


async def test_a_server_that_is_away_holds_nothing_up_and_is_tried_at_once_on_waking(
    manager: Logind, supervised: World
):
    await supervised.stop()
    (supervised.drive / "last words").write_text("said")
    await manager.say("PrepareForSleep", True)
    with trio.fail_after(manager.delay / 2):
        await manager.released(0)
    await supervised.start()
    await manager.say("PrepareForSleep", False)
    with trio.fail_after(60):
        await manager.taken.receive()
        await supervised.must("sync", "docs", "--wait")
    assert (supervised.disk / "last words").read_text() == "said"
    home = supervised.home
    log = Folders(home, home / "state", home / "run", portable=True).log(NAME).read_text()
    assert "the servers are tried at once" in log
    assert "docs is not waited for (1 waiting): " in log
