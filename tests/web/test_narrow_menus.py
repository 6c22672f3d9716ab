"""On a narrow window every menu can be read and used whole, wherever a language's words put its
button."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from tests.web.browser import new_tab
from tests.web.conftest import World

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("mounts"), pytest.mark.timeout(300)]

WIDTH = 360


@pytest.fixture(scope="module")
def drives(world: World) -> World:
    for name in ("Music", "A name of several words"):
        world.add(name, "--every", "1d")
    world.must("up")
    return world


@pytest.mark.parametrize("language", ["en", "de", "fr"])
def test_no_menu_hangs_over_the_edge(browser: Browser, drives: World, language: str):
    size = {"width": WIDTH, "height": 740}
    with new_tab(browser, drives, viewport=size, locale=language) as tab:
        tab.enter()
        tab.page.locator("article.card, .card").nth(1).wait_for()
        menus = tab.page.locator("details.menu")
        seen = 0
        for menu in menus.all():
            if not menu.is_visible():
                continue
            menu.locator("summary").click()
            items = menu.locator(".items")
            items.wait_for()
            tab.page.wait_for_function(
                """([items, width]) => {
                  const { left, right } = items.getBoundingClientRect();
                  return left >= 0 && right <= width;
                }""",
                arg=[items.element_handle(), WIDTH],
                timeout=3000,
            )
            seen += 1
            tab.page.keyboard.press("Escape")
        assert seen >= 4
