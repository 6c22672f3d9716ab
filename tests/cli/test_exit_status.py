"""What `sync` tells the shell where a content did not come."""

from __future__ import annotations

import pytest

from syncin_mount.devserver import Reply, Rule
from tests.cli.conftest import World


@pytest.mark.parametrize("status", [404, 502, 500])
async def test_a_content_that_was_not_fetched_is_not_done(world: World, status: int):
    """Of one that the server lists and denies, `sync` once said that all was done."""
    await world.log_in()
    (world.disk / "denied").write_text("there")
    (world.disk / "other").write_text("there, too")
    await world.add()
    rule = Rule(effect=Reply(status), method="GET", path="*/denied")
    world.dev.faults.add(rule)
    done = await world.run("sync", "docs")
    assert done.status == 1, done
    world.dev.faults.clear()
    await world.must("sync", "docs")
