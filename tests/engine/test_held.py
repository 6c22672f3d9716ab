"""What the user stops is left alone on both sides, whatever happens to it, until it is let go."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from reconciler.engine.pending_reason import (
    EngineState,
    Hold,
    PendingReason,
    PendingState,
    pending_reason,
)
from reconciler.model import ROOT, Direction, Kind, Local
from reconciler.planner.guards import Danger, Halt
from reconciler.requests.backoff import Retry
from syncin_mount.devserver import CutResponse, Rule
from syncin_mount.store import CannotUndo
from tests.engine.world import Device, World, until

OLD, THEN, LATER = 1_600_000_000, 1_650_000_000, 1_700_000_000


def files(world: World) -> dict[str, bytes]:
    """What the server has."""
    return {path: data for path, data in world.on_disk().items() if data is not None}


def here(device: Device) -> dict[str, bytes]:
    return {path: data for path, data in device.tree().items() if data is not None}


async def agreed(world: World) -> Device:
    """A device, with a document and a file in a folder on both sides."""
    device = await world.device()
    world.put("doc", b"base", mtime=OLD)
    world.put("folder/inside", b"inside", mtime=OLD)
    await device.sync()
    return device


async def test_a_held_edit_stays_here_and_goes_when_it_is_released(world: World):
    device = await agreed(world)
    device.write("doc", b"edited", mtime=THEN)
    device.write("free", b"free", mtime=THEN)
    doc = device.node("doc")
    device.replica.local_changes.hold([doc], held=True)
    report = await device.sync()
    assert files(world) == {"doc": b"base", "folder/inside": b"inside", "free": b"free"}
    assert [(each.path, each.why) for each in report.problems] == [
        ("doc", "You hold it, or a folder that it is in.")
    ]
    device.write("doc", b"edited again", mtime=LATER)
    device.rename("doc", "renamed")
    await device.sync()
    assert set(files(world)) == {"doc", "folder/inside", "free"}
    device.replica.local_changes.hold([doc], held=False)
    await device.sync()
    assert files(world) == {"renamed": b"edited again", "folder/inside": b"inside", "free": b"free"}


async def test_what_happens_to_a_held_file_on_the_server_waits_with_it(world: World):
    device = await agreed(world)
    device.write("doc", b"edited here", mtime=THEN)
    device.replica.local_changes.hold([device.node("doc")], held=True)
    world.put("doc", b"edited there, later", mtime=LATER)
    await device.sync()
    assert device.read("doc") == b"edited here"
    assert files(world)["doc"] == b"edited there, later"
    device.replica.local_changes.hold([device.node("doc")], held=False)
    await device.sync()
    assert device.read("doc") == b"edited there, later"
    assert b"edited here" in device.bin().values()


async def test_a_held_deletion_deletes_nothing_and_keeps_its_folder(world: World):
    device = await agreed(world)
    inside = device.node("folder/inside")
    device.unlink("folder/inside")
    device.replica.local_changes.hold([inside], held=True)
    device.rmdir("folder")
    await device.sync()
    assert files(world) == {"doc": b"base", "folder/inside": b"inside"}
    device.hydrator.want(*device.replica.local_changes.discard(inside).fetch)
    await device.sync()
    assert device.read("folder/inside") == b"inside"
    assert files(world) == {"doc": b"base", "folder/inside": b"inside"}


async def test_with_a_new_folder_all_in_it_is_held(world: World):
    device = await agreed(world)
    device.mkdir("new")
    device.write("new/file", b"new", mtime=THEN)
    device.replica.local_changes.hold([device.node("new")], held=True)
    await device.sync()
    assert files(world) == {"doc": b"base", "folder/inside": b"inside"}
    device.rename("new/file", "file")
    await device.sync()
    assert files(world)["file"] == b"new"


async def test_what_was_discarded_is_fetched_and_the_server_is_not_touched(world: World):
    device = await agreed(world)
    device.write("doc", b"edited", mtime=THEN)
    device.write("new", b"new", mtime=THEN)
    device.rename("folder/inside", "moved")
    changed = [device.node(path) for path in ("doc", "new", "moved")]
    before = (
        world.requests("PUT")
        + world.requests("POST", "/operation/personal")
        + world.requests("MOVE")
    )
    for node in changed:
        device.hydrator.want(*device.replica.local_changes.discard(node).fetch)
    await device.sync()
    assert here(device) == {"doc": b"base", "folder/inside": b"inside"}
    assert device.bin() == {"doc": b"edited", "new": b"new"}
    assert files(world) == {"doc": b"base", "folder/inside": b"inside"}
    assert (
        world.requests("PUT")
        + world.requests("POST", "/operation/personal")
        + world.requests("MOVE")
        == before
    )


async def test_a_version_that_may_have_arrived_cannot_be_discarded_before_that_is_known(
    world: World,
):
    device = await agreed(world)
    device.write("doc", b"edited", mtime=THEN)
    world.faults.add(Rule(effect=CutResponse(), method="PUT", path="*/doc", count=1))
    assert not (await device.sync()).complete
    with pytest.raises(CannotUndo, match="may be on the server already"):
        device.replica.local_changes.discard(device.node("doc"))
    await device.sync()
    with pytest.raises(CannotUndo, match="nothing of it waits any more"):
        device.replica.local_changes.discard(device.node("doc"))
    assert files(world)["doc"] == device.read("doc") == b"edited"


async def test_each_change_tells_why_it_waits(world: World):
    device = await agreed(world)
    why = device.engine.why_waits
    device.write("doc", b"edited")
    doc = device.node("doc")
    assert why(doc, None).state is PendingState.MANUAL
    assert why(doc, Hold.NODE).cause is Hold.NODE
    device.replica.begin_write(doc)
    assert why(doc, None).state is PendingState.WRITING
    device.write("doc", b"whole")
    world.stop_server()
    await device.sync()
    waits = why(doc, None)
    assert waits.state is PendingState.OFFLINE
    assert waits.cause


NOW = EngineState(
    Direction.BOTH, manual=False, halted=None, refused=None, offline=None, debounce=2.0
)
LOCAL = Local(Kind.FILE, ROOT, "a", 1, 1, 1)
ONE: dict[str, Any] = {
    "held": None,
    "acting": False,
    "retry": None,
    "seconds": 5.0,
    "wait_reason": None,
    "listing": False,
    "age": 10.0,
}


HALT = Halt(Danger.MASS_DELETION)
REFUSED = Retry("no right", 0, 3600, 1, lasting=True)


@pytest.mark.parametrize(
    ("circumstances", "one", "expected"),
    [
        ({}, {}, PendingReason(PendingState.NEXT)),
        ({}, {"age": 1.0}, PendingState.SETTLING),
        ({"offline": "away"}, {"age": 1.0}, PendingReason(PendingState.OFFLINE, "away")),
        ({"halted": HALT}, {}, PendingReason(PendingState.HALTED, HALT)),
        ({"refused": "log in"}, {}, PendingReason(PendingState.REFUSED, "log in")),
        ({"direction": Direction.DOWNLOAD}, {}, PendingState.FOLLOWS),
        (
            {"offline": "away"},
            {"retry": Retry("no right", 0, 3600, 1, lasting=True)},
            PendingReason(PendingState.REFUSED, "no right", 5.0),
        ),
        ({}, {"retry": Retry("locked", 0, 2, 1)}, PendingReason(PendingState.LATER, "locked", 5.0)),
        (
            {},
            {"retry": Retry("its folder waits", 0, 0, 1, listed=True)},
            PendingReason(PendingState.WAITS, "its folder waits"),
        ),
        ({}, {"wait_reason": "taken"}, PendingReason(PendingState.WAITS, "taken")),
        ({}, {"listing": True}, PendingState.WAITS),
        ({"manual": True}, {"age": 1.0}, PendingState.MANUAL),
        ({"offline": "away"}, {"held": Hold.FOLDER}, PendingReason(PendingState.HELD, Hold.FOLDER)),
        ({}, {"held": Hold.NODE, "acting": True}, PendingState.SENDING),
    ],
)
def test_the_reason_that_is_told_is_the_one_that_counts(
    circumstances: dict[str, Any], one: dict[str, Any], expected: PendingReason | PendingState
):
    found = pending_reason(LOCAL, replace(NOW, **circumstances), **{**ONE, **one})
    assert found == expected if isinstance(expected, PendingReason) else found.state is expected


async def test_a_running_engine_leaves_what_is_held_alone_and_comes_to_rest(world: World):
    device = await world.device(manual=False)
    world.put("doc", b"base", mtime=OLD)
    await world.settled(device)
    await until(lambda: here(device) == {"doc": b"base"})
    doc = device.node("doc")
    device.write("doc", b"edited", mtime=THEN)
    device.replica.local_changes.hold([doc], held=True)
    device.write("free", b"free", mtime=THEN)
    await until(lambda: "free" in files(world))
    await device.engine.wait_synced()
    assert files(world)["doc"] == b"base"
    device.replica.local_changes.hold([doc], held=False)
    await until(lambda: files(world)["doc"] == b"edited")
