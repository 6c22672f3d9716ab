"""A sentence names what whoever reads it can do: a command in a terminal, a button on the page. The
same daemon and supervisor say it to both."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.app.test_messages import NAMES_A_COMMAND
from tests.web.browser import new_tab
from tests.web.conftest import World, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300), pytest.mark.usefixtures("mounts")]


@pytest.fixture(scope="module")
def drives(world: World) -> Iterator[World]:
    """``Notes`` has a conflict and a change that is held; ``Full`` cannot be mounted: its mount
    point is not empty."""
    for name in ("Notes", "Full"):
        (world.add(name, "--every", "1d") / "a.txt").write_text("common")
    world.go_up()
    world.must("umount", "Full")
    (world.drive("Full") / "in the way").touch()
    there, here = world.sandbox.server_files / "Notes", world.drive("Notes")
    (here / "a.txt").write_text("from here, and longer")
    (there / "a.txt").write_text("from there")
    os.utime(there / "a.txt", (time.time() + 10,) * 2)
    world.must("sync", "Notes")
    (here / "held").mkdir()
    (change,) = json.loads(world.must("journal", "list", "Notes", "--json"))
    world.must("journal", "hold", "Notes", str(change["number"]))
    world.enter()
    yield world
    assert "Traceback" not in world.folders.log("@supervisor").read_text()


def test_what_waits_says_on_each_side_what_lets_it_go(drives: World):
    (change,) = json.loads(drives.must("journal", "list", "Notes", "--json"))
    assert change["why"] == "You hold it; “journal release” lets it go."
    (entry,) = drives.post("/api/journal", {"name": "Notes"}).json["entries"]
    assert entry["why"] == "You hold it; “Release” in “Waiting” lets it go."


def test_a_conflict_that_somebody_chose_in_leads_to_the_button_that_takes_it_back(drives: World):
    (conflict,) = drives.post("/api/conflicts", {"name": "Notes"}).json["entries"]
    one = {"name": "Notes", "number": conflict["number"]}
    assert drives.post("/api/conflicts/swap", one).status == 200
    refused = drives.post("/api/conflicts/swap", one)
    assert refused.status == 409
    assert refused.json["why"].endswith("undo that first with: “Undo” in “Conflicts”")
    answer = drives.sandbox.run("home", "conflicts", "Notes", "--swap", "a.txt")
    assert "syncin-mount conflicts Notes --undo a.txt" in answer.error


def test_a_drive_that_cannot_be_mounted_names_no_command(browser: Browser, drives: World):
    refused = drives.post("/api/mount", {"name": "Full"})
    assert (refused.status, "is not empty" in refused.json["but"]) == (200, True)
    assert not NAMES_A_COMMAND.search(refused.json["but"])
    answer = drives.sandbox.run("home", "mount", "Full")
    assert "syncin-mount add NAME --import" in answer.error
    with new_tab(browser, drives) as tab:
        tab.enter()
        said = tab.page.get_by_role("region", name="Needs you").get_by_text("is not empty")
        tab.shows(said)
        assert not NAMES_A_COMMAND.search(said.inner_text())
    drives.must("disable", "Full")
    until(lambda: "enabled" in drives.must("list", "--json"), "it is disabled")


def test_each_screen_leads_to_the_assistant_where_there_is_nothing(browser: Browser, drives: World):
    for name in drives.drives:
        drives.sandbox.run("home", "umount", name)
        drives.must("remove", name, "--yes", "--discard-unsent")
    with new_tab(browser, drives) as tab:
        tab.enter()
        lead = tab.page.get_by_role("link", name="Add the first one")
        for screen in ("Transfers", "Waiting", "Conflicts", "Trash", "Explain"):
            tab.page.get_by_role("link", name=screen).click()
            tab.shows(tab.page.get_by_role("heading", name=screen, level=1))
            tab.shows(lead)
            assert lead.get_attribute("href") == "#/add"
        assert tab.faults() == []
        lead.click()
        tab.shows(tab.page.get_by_role("heading", name="Where is the drive to appear"))
