"""A hundred synchronizations on the first screen, in a real browser."""

from __future__ import annotations

from dataclasses import replace

import pytest
from playwright.sync_api import Browser

from syncin_mount.config import Configuration, ConfigurationFile
from tests.web.browser import new_tab
from tests.web.conftest import World

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

CARDS, PORTION = 100, 4

COUNT = """
window.portions = [];
new MutationObserver((changes) => {
  const added = changes.flatMap((each) => [...each.addedNodes])
    .flatMap((each) => each.querySelectorAll
      ? [...each.querySelectorAll("article"), ...(each.matches("article") ? [each] : [])] : []);
  if (added.length) window.portions.push(added.length);
}).observe(document, { childList: true, subtree: true });
"""
"""How many cards came to be between two moments at which the page could answer."""


def test_many_cards_are_drawn_in_portions(browser: Browser, world: World):
    world.add("Notes")

    def many(now: Configuration) -> Configuration:
        notes = replace(now.synchronizations["Notes"], enabled=False, path_id=None)
        for number in range(1, CARDS):
            name = f"n{number}"
            one = replace(notes, name=name, remote=f"personal/{name}", mountpoint=world.drive(name))
            now = now.with_synchronization(one)
        return now

    ConfigurationFile(world.folders).update(many)
    with new_tab(browser, world) as tab:
        tab.page.add_init_script(COUNT)
        tab.enter()
        tab.shows(tab.card(f"n{CARDS - 1}"))
        portions = tab.page.evaluate("window.portions")
        assert sum(portions) == CARDS
        assert max(portions) <= PORTION
