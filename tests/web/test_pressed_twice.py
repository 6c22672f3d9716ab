"""A button that is pressed twice does one thing, and says of it what is so."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.web.browser import new_tab
from tests.web.conftest import World, until
from tests.web.lines import lines

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300), pytest.mark.usefixtures("mounts")]


@pytest.fixture(scope="module")
def drives(world: World) -> Iterator[World]:
    """``Notes`` runs once a day, so that a plan can be looked at."""
    (world.add("Notes", "--every", "1d") / "there.txt").write_text("there")
    world.go_up()
    world.enter()
    yield world
    assert "Traceback" not in world.folders.log("@supervisor").read_text()


def plan_of(world: World) -> str:
    [plan] = [
        each
        for each in lines(world.post("/api/simulate", {"name": "Notes"}))
        if each["event"] == "plan"
    ]
    return str(plan["report"]["plan"])


def test_a_plan_is_carried_out_once(browser: Browser, drives: World):
    there = drives.sandbox.server_files / "Notes"
    (drives.drive("Notes") / "first.txt").write_text("here")
    asked = {"names": ["Notes"], "plan": plan_of(drives)}
    answers = [drives.post("/api/sync", asked) for _ in range(3)]
    assert [(each.status, each.json) for each in answers] == [(200, {"but": None})] * 3
    until((there / "first.txt").exists, "the upload")
    assert drives.post("/api/sync", asked).status == 200
    runs = [row for row in drives.must("transfers", "Notes").splitlines() if "first.txt" in row]
    assert len(runs) == 1
    with new_tab(browser, drives) as tab:
        tab.enter()
        tab.shows(tab.card("Notes").get_by_text("Synced: 1 change", exact=False))
        (drives.drive("Notes") / "second.txt").write_text("here")
        tab.card("Notes").get_by_role("button", name="Simulate").click()
        tab.page.get_by_role("button", name="Do exactly this").dblclick()
        until((there / "second.txt").exists, "the upload")
        tab.shows(tab.card("Notes").get_by_text(re.compile("^Synced: 1 change")))
        assert tab.page.get_by_text("is not what would be done").count() == 0


def test_another_plan_is_not_taken_for_the_same(browser: Browser, drives: World):
    (drives.drive("Notes") / "third.txt").write_text("here")
    old = plan_of(drives)
    (drives.drive("Notes") / "fourth.txt").write_text("here")
    drives.post("/api/sync", {"names": ["Notes"], "plan": old})
    with new_tab(browser, drives) as tab:
        tab.enter()
        tab.shows(tab.card("Notes").get_by_text("is not what would be done now", exact=False))
    assert not (drives.sandbox.server_files / "Notes/third.txt").exists()
    drives.must("sync", "Notes")


def test_a_removal_is_done_once(drives: World):
    look = drives.post("/api/remove/look", {"name": "Notes"}).json["look"]
    answers = [drives.post("/api/remove", {"look": look}) for _ in range(2)]
    assert [(each.status, each.json) for each in answers] == [(200, {"but": None})] * 2
    assert "Notes" not in drives.must("list", "--json")
