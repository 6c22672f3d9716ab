"""What `cli-traffic.jsonl` takes for granted; see `sync_api`. The tokens are those its own lines
obtain."""

from __future__ import annotations

import gzip
import json
from collections.abc import Awaitable, Callable

from tests.devserver.recordings import Line, load
from tests.devserver.sync_api import USERS as SYNC_USERS
from tests.devserver.wire import begin_upload
from tests.devserver.world import Step, World, until

CLIENT = "client 244b1d34-e1b5-402a-a97d-09114b9e631b"
FOLDER = "cap-15521"
SENT = 17_411_253
WHOLE = (bytes(range(251)) * 119522)[:30_000_000]
USERS = SYNC_USERS
BEFORE: dict[int, Step] = {}
OBSERVED: dict[int, Callable[[World, Line], Awaitable[None]]] = {}


async def authorize(world: World, line: Line) -> str:
    return world.sessions[CLIENT].access


async def heading(world: World, line: Line) -> None:
    """A note between the requests; it says what the client is about to do and asserts nothing of
    the server."""
    assert line.name.startswith("---")
    assert line.response is None


OBSERVED |= {line.number: heading for line in load("cli-traffic") if line.request is None}


async def bodies(world: World) -> None:
    world.personal(FOLDER).mkdir()
    world.bodies |= {16: b"22", 17: b"333", 32: b"eleven byte", 46: WHOLE[SENT:]}


async def interrupted(world: World, line: Line) -> None:
    """The client was stopped when it had sent this much; the listing that follows shows the
    partial."""
    assert line.request is not None
    assert line.request["body"] == f"<{SENT} bytes>"
    target = f"{line.request['path']}?{line.request['query']}"
    token = world.sessions[CLIENT].access
    stream = await begin_upload(world.wire.port, target, token, len(WHOLE), WHOLE[:SENT])
    await stream.aclose()
    await until(
        lambda: (
            world.personal(FOLDER, ".sync-in.big.bin").exists() and not world.server.locks.held()
        )
    )


async def snapshot(world: World) -> None:
    assert world.personal(FOLDER, "big.bin").read_bytes() == WHOLE
    lines = world.replies[55].body.decode().splitlines()[:-1]
    known = {rel: entry for line in lines for rel, entry in json.loads(line).items()}
    body = {"secureDiff": True, "firstSync": False, "defaultFilters": [], "snapshot": known}
    world.bodies[61] = gzip.compress(json.dumps(body).encode())


BEFORE |= {2: bodies, 61: snapshot}
OBSERVED[39] = interrupted
