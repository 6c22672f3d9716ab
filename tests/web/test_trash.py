"""The trash in a real browser: a very long one is emptied, which is seen, and stopped."""

from __future__ import annotations

import json
import os

import pytest

from reconciler.model import ROOT
from syncin_mount.app.drives.unmounted import open_replica
from tests.store.support import at, make
from tests.web.browser import Tab
from tests.web.conftest import World, until

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("mounts"), pytest.mark.timeout(300)]

MANY = 5000


@pytest.fixture(scope="module")
def drives(world: World) -> World:
    """``Old`` has very many entries in its trash, ``Small`` has one, and one on the server."""
    for name in ("Old", "Small"):
        there = world.add(name, "--every", "1d")
        (there / "kept.txt").write_text("kept")
        (there / "deleted.txt").write_text("deleted")
        world.must("sync", name)
    with open_replica(world.folders, "Old") as replica:
        assert replica is not None
        for number in range(MANY):
            make(replica, f"old {number}.txt", data=b"old")
            replica.delete_local(at(replica, f"old {number}.txt"), keep=True, why="deleted")
    with open_replica(world.folders, "Small") as replica:
        assert replica is not None
        make(replica, "here.txt", data=b"here")
        replica.delete_local(at(replica, "here.txt"), keep=True, why="deleted")
        replica.unlink(ROOT, b"deleted.txt")
    world.must("sync", "Small")
    world.must("up")
    return world


def entries_left(world: World) -> int:
    return len(json.loads(world.must("bin", "list", "Old", "--local", "--json")))


def delete_all(tab: Tab) -> None:
    tab.page.get_by_role("checkbox", name="Choose all").check()
    tab.page.get_by_role("button", name="Delete for good…").click()
    tab.page.get_by_role("dialog").get_by_role("button", name="Delete for good").click()


def test_emptying_a_very_long_trash_is_seen_and_stopped(tab: Tab):
    page = tab.page
    page.get_by_role("link", name="Trash").click()
    tab.shows(page.get_by_text("5,000 entries", exact=True))
    delete_all(tab)
    work = page.get_by_role("region", name="Deleting for good")
    bar = work.get_by_role("progressbar")
    tab.shows(bar)
    until(lambda: int(bar.get_attribute("aria-valuenow") or 0) >= 2, "progress")
    assert tab.faults() == []
    if folder := os.environ.get("SHOTS"):
        page.screenshot(path=f"{folder}/emptying.png")
    work.get_by_role("button", name="Stop").click()
    tab.shows(page.get_by_role("status").get_by_text("of 5,000 entries deleted for good"))
    work.wait_for(state="detached")
    left = entries_left(tab.world)
    assert 0 < left < MANY
    tab.shows(page.get_by_text(f"{left:,} entries", exact=True))
    delete_all(tab)
    tab.shows(page.get_by_role("heading", name="The trash is empty"))
    assert entries_left(tab.world) == 0


def test_what_is_in_one_trash_is_never_chosen_in_another(tab: Tab):
    page = tab.page
    page.get_by_role("link", name="Trash").click()
    page.get_by_label("Synchronization").select_option("Small")
    rows = page.get_by_role("list", name="Trash").get_by_role("listitem")
    tab.shows(rows.filter(has_text="here.txt"))
    page.get_by_role("checkbox", name="Choose all").check()
    page.get_by_label("Which trash").select_option("server")
    tab.shows(rows.filter(has_text="deleted.txt"))
    assert rows.filter(has_text="here.txt").count() == 0
    assert page.get_by_role("button", name="Delete for good…").is_disabled()
    page.get_by_label("Search").fill("nothing")
    tab.shows(page.get_by_text("Nothing here has “nothing” in its path."))
    page.get_by_label("Search").fill("DELETED")
    page.get_by_role("checkbox", name="Choose all").check()
    page.get_by_role("button", name="Restore").click()
    tab.shows(page.get_by_role("status").get_by_text("1 of 1 entry restored"))
    assert (tab.world.sandbox.server_files / "Small/deleted.txt").read_text() == "deleted"


def test_what_lost_on_the_server_leads_to_its_trash(tab: Tab):
    page, world = tab.page, tab.world
    there, here = world.sandbox.server_files / "Small/kept.txt", world.drive("Small/kept.txt")
    world.must("edit", "Small", "--conflict", "local")
    here.write_text("this computer's, and it wins")
    there.write_text("the server's")
    world.must("sync", "Small")
    page.get_by_role("link", name="Conflicts").click()
    page.get_by_label("Synchronization").select_option("Small")
    one = page.get_by_role("listitem").filter(has_text="kept.txt")
    tab.shows(one.get_by_text("They cannot be compared: it is in the server's trash alone"))
    one.get_by_role("link", name="Restore it").click()
    tab.shows(page.get_by_role("heading", name="Trash", level=1))
    rows = page.get_by_role("list", name="Trash").get_by_role("listitem")
    tab.shows(rows.filter(has_text="kept.txt"))
    assert rows.count() == 1
    assert page.get_by_label("Synchronization").input_value() == "Small"
    assert page.get_by_label("Which trash").input_value() == "server"


def test_what_cannot_be_restored_says_why(tab: Tab):
    page, world = tab.page, tab.world
    page.get_by_role("link", name="Trash").click()
    page.get_by_label("Synchronization").select_option("Small")
    rows = page.get_by_role("list", name="Trash").get_by_role("listitem")
    tab.shows(rows.filter(has_text="here.txt"))
    world.must("bin", "empty", "Small", "--local", "--yes")
    page.get_by_role("checkbox", name="Choose all").check()
    page.get_by_role("button", name="Restore").click()
    tab.shows(page.get_by_role("status").get_by_text("the bin has no entry"))
    tab.shows(page.get_by_role("heading", name="The trash is empty"))
