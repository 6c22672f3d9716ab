"""The embedded server answers as the real one was recorded, line by line; what is left out is
named, with a reason."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import ModuleType

import pytest
import trio

from tests.devserver import cli_traffic, sync_api, web_api
from tests.devserver.left_out import LEFT_OUT
from tests.devserver.recordings import FILES, Line, load
from tests.devserver.world import World, decoded

SCENES: dict[str, ModuleType] = {
    "sync-api": sync_api,
    "web-api": web_api,
    "cli-traffic": cli_traffic,
}


async def replay_file(file: str, world: World) -> list[str]:
    """Everything that differs, one text a line of the recording."""
    scene = SCENES[file]
    authorize: Callable[[World, Line], Awaitable[str]] = scene.authorize
    different = []
    for line in load(file):
        if line.key in LEFT_OUT:
            continue
        if (prepare := scene.BEFORE.get(line.number)) is not None:
            await prepare(world)
        if line.request is None or line.number in scene.OBSERVED:
            try:
                await scene.OBSERVED[line.number](world, line)
            except AssertionError as error:
                different.append(f"{file}:{line.number} {line.name}: {error!r:.2000}")
            continue
        if any(name.lower() == "authorization" for name in line.request["headers"]):
            world.authorizations[line.number] = await authorize(world, line)
        world.kept[f"path {line.number}"] = decoded(line)
        try:
            reply = await world.replay(line)
        except trio.TooSlowError:
            return [*different, f"{file}:{line.number} {line.name}: no answer"]
        assert line.response is not None
        # the client could not send it all: the body was too large
        if line.response["status"] is None:
            if reply is not None and reply.status != 413:
                different.append(f"{file}:{line.number} {line.name}: got {reply.status}")
            continue
        if reply is None:
            different.append(f"{file}:{line.number} {line.name}: the connection broke")
            continue
        comparison = world.comparison()
        comparison.reply(line, reply)
        different += [
            f"{file}:{line.number} {line.name}: {text:.2000}" for text in comparison.differences
        ]
    return different


@pytest.mark.slow
@pytest.mark.parametrize("file", FILES)
async def test_answers_as_recorded(file: str, tmp_path: Path) -> None:
    async with trio.open_nursery() as nursery:
        world = World(tmp_path / "data", SCENES[file].USERS, nursery)
        await world.start()
        different = await replay_file(file, world)
        await world.stop()
    assert not different, os.linesep.join(["", *different])


def test_every_line_is_replayed_or_left_out_for_a_reason() -> None:
    lines = {line.key: line for file in FILES for line in load(file)}
    assert set(LEFT_OUT) <= set(lines), "a line that is left out must exist"
    assert all(len(reason) > 10 for reason in LEFT_OUT.values())
    for key, line in lines.items():
        observed = SCENES[line.file].OBSERVED
        if line.request is None:
            assert (key in LEFT_OUT) != (line.number in observed), (
                f"{key} is neither asserted nor left out, or both"
            )
        else:
            assert key not in LEFT_OUT or line.number not in observed


def test_what_is_left_out_is_no_route_of_this_server() -> None:
    """A stale entry would hide an answer: what the server does answer is not left out without being
    named here."""
    answered = ("/api/app/sync/", "/api/app/spaces/", "/api/auth/token", "/api/app/shares")
    lines = [
        line
        for file in FILES
        for line in load(file)
        if line.key in LEFT_OUT and line.request is not None
    ]
    known = {
        ("sync-api", 47),
        *((("web-api", n)) for n in (25, 26, 27, 44, 47, 48, 49, 51, 52, 55)),
    }
    assert {
        line.key for line in lines if line.request and line.request["path"].startswith(answered)
    } == known
