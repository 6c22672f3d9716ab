"""Other clients are asked about: a real server over HTTP, with entries that are odd."""

from __future__ import annotations

import pytest
import trio

from syncin_mount.app.runtime import other_clients
from syncin_mount.app.runtime.other_clients import Neighbours
from syncin_mount.devserver import Reply, Rule
from tests.engine.world import Device, World, until

LATER = "2026-01-01T00:00:05.000Z"


def neighbours(world: World, device: Device) -> Neighbours:
    assert device.registration is not None
    return Neighbours(world._sessions["a"], device.registration, device.link, manual=False)


def asked(world: World) -> int:
    return world.requests("GET", "/sync/clients")


STRANGE: dict[str, object] = {
    "a number": 17,
    "a very long text": "x" * 100_000,
    "a list": [1],
    "settings of a version to come": None,
}


@pytest.mark.parametrize("what", STRANGE)
async def test_strange_entries_hide_no_other_and_fill_no_log(
    world: World, what: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(other_clients, "ASK_EVERY", 0.05)
    monkeypatch.setattr(other_clients, "SHARE", 1.0)
    device = await world.device("a", follow=True)
    await world.device("b", follow=True)
    device.link.alive()
    _, theirs = world.server.store.state.paths
    asker, moves = neighbours(world, device), []
    asker.on_move = lambda: moves.append(trio.current_time())
    theirs.settings["lastSync"] = STRANGE[what]
    theirs.settings["diffMode"] = "a mode of tomorrow"
    async with trio.open_nursery() as nursery:
        await nursery.start(asker.run)
        await until(lambda: asked(world) >= 3)
        assert moves == []
        theirs.settings["lastSync"] = LATER
        await until(lambda: len(moves) == 1)
        nursery.cancel_scope.cancel()
    assert "understood" not in caplog.text


async def test_a_server_that_refuses_is_asked_seldom(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each question with a log-in that is not accepted any more is a failed log-in for the server,
    which may lock the account or the address for that."""
    monkeypatch.setattr(other_clients, "ASK_EVERY", 0.05)
    monkeypatch.setattr(other_clients, "SHARE", 1.0)
    device = await world.device("a", follow=True)
    device.link.alive()
    refusal = Rule(effect=Reply(401), path="*/sync/clients")
    world.faults.add(refusal)
    async with trio.open_nursery() as nursery:
        await nursery.start(neighbours(world, device).run)
        await until(lambda: world.faults.acted(refusal) > 0)
        before = asked(world)
        with trio.move_on_after(1.0):
            await until(lambda: asked(world) > before + 2)
            pytest.fail("it is asked again and again")
        nursery.cancel_scope.cancel()


async def test_what_could_not_be_told_is_told_later(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(other_clients, "ASK_ALONE_EVERY", 0.05)
    device = await world.device("a", follow=True)
    [path] = world.server.store.state.paths
    refusal = Rule(effect=Reply(500), path="*/sync/paths", method="PUT", count=1)
    world.faults.add(refusal)
    teller = neighbours(world, device)
    async with trio.open_nursery() as nursery:
        await nursery.start(teller.run)
        teller.note_sent()
        await until(lambda: world.faults.acted(refusal) > 0)
        await until(lambda: path.settings.get("lastSync") is not None)
        nursery.cancel_scope.cancel()
