"""Every screen for somebody who wants no motion: nothing is animated, not even for a moment."""

from __future__ import annotations

import os

import pytest
from playwright.sync_api import Browser

from tests.web.browser import Tab, new_tab
from tests.web.conftest import World

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("mounts"), pytest.mark.timeout(300)]

WATCH = """
window.moved = new Set();
const look = () => {
  for (const each of document.getAnimations()) {
    if (each.playState === "running") {
      window.moved.add(each.animationName || each.transitionProperty || "another");
    }
  }
  requestAnimationFrame(look);
};
look();
"""
"""Collects what runs in any frame."""

SCREENS = (
    "", "transfers", "waiting", "conflicts", "trash", "explain", "settings", "health", "add",
)  # fmt: skip


@pytest.fixture(scope="module")
def drive(world: World) -> World:
    """One that downloads slowly, so that its bar is at work."""
    there = world.add("Notes")
    world.go_up()
    world.must("limit", "Notes", "--down", "100K")
    (there / "large.bin").write_bytes(os.urandom(40_000_000))
    return world


def through_all(tab: Tab) -> set[str]:
    """Every screen; what moved meanwhile."""
    tab.page.add_init_script(WATCH)
    tab.enter()
    bar = tab.card("Notes").get_by_role("progressbar")
    if not bar.is_visible():
        tab.card("Notes").get_by_role("button", name="Sync now").click()
    tab.shows(bar)
    moved: set[str] = set()
    for screen in SCREENS:
        tab.page.evaluate(f"() => location.hash = '#/{screen}'")
        tab.shows(tab.page.get_by_role("heading", level=1))
        tab.page.wait_for_timeout(300)  # frames in which something could run
        moved |= set(tab.page.evaluate("[...window.moved]"))
    return moved


def test_nothing_moves_where_nobody_wants_it(browser: Browser, drive: World):
    with new_tab(browser, drive) as tab:
        assert through_all(tab), "what moves for everybody else is not seen"
    with new_tab(browser, drive, reduced_motion="reduce") as tab:
        assert through_all(tab) == set()
