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


@pytest.mark.usefixtures("mounts")
async def test_what_is_tried_again_is_no_success_and_said_so(world: World):
    """A gateway's answer to one file: `status` once said idle, and `sync --wait` that it cannot be
    sent."""
    await world.log_in()
    await world.add()
    await world.must("mount", "docs")
    await world.must("sync", "docs")
    world.dev.faults.add(Rule(effect=Reply(502), path="*/held up"))
    (world.drive / "held up").write_text("only here")
    done = await world.run("sync", "docs")
    assert done.status == 1
    assert "\nnow:       waits\n" in await world.must("status", "docs")
    assert "waits" in (await world.must("status")).splitlines()[1].split()
    assert "is tried again" in await world.refused("sync", "docs", "--wait", status=1)
    world.dev.faults.clear()
    await world.must("sync", "docs")
    assert "\nnow:       idle\n" in await world.must("status", "docs")
    assert (world.disk / "held up").read_text() == "only here"
