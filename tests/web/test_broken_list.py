"""The list of transfers in a real browser while the program does not answer: it goes on by itself
as soon as the program does, and nobody has to scroll for it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Route

from tests.store.filled_history import fill_recent
from tests.web.browser import Tab, new_tab
from tests.web.conftest import World

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("mounts"), pytest.mark.timeout(300)]

ROWS = 3000
"""More than one answer has, and fewer than two answers more do."""

TRANSFERS = "**/api/transfers"


@pytest.fixture(scope="module")
def filled(world: World) -> Iterator[World]:
    world.add("Long", "--every", "1d")
    world.must("up")
    world.must("sync", "Long")
    world.must("umount", "Long")
    fill_recent(world.folders.replica("Long") / "history.sqlite", ROWS)
    world.must("mount", "Long")
    yield world
    assert "Traceback" not in world.folders.log("@supervisor").read_text()


class Break:
    """Breaks the requests that ``chosen`` says, until it is told to `mend` them."""

    def __init__(
        self, tab: Tab, chosen: Callable[[dict[str, object]], bool], pattern: str = TRANSFERS
    ) -> None:
        self.times = 0
        self._broken = True
        self._chosen = chosen
        tab.page.route(pattern, self._take)

    def mend(self) -> None:
        self._broken = False

    def _take(self, route: Route) -> None:
        before = json.loads(route.request.post_data or "{}").get("before", {})
        if self._broken and self._chosen(before):
            self.times += 1
            route.abort()
        else:
            route.continue_()


def wait_for(tab: Tab, done: Callable[[], bool]) -> None:
    for _ in range(3000):
        if done():
            return
        tab.page.wait_for_timeout(10)
    raise AssertionError("it does not come about")


def loaded(tab: Tab) -> int:
    return int(tab.page.evaluate("Number(document.querySelector('li.row')?.ariaSetSize ?? 0)"))


def test_a_list_goes_on_after_a_request_at_its_end_failed(browser: Browser, filled: World):
    with new_tab(browser, filled) as tab:
        tab.enter()
        broken = Break(tab, bool)
        tab.page.get_by_role("link", name="Transfers").click()
        tab.shows(tab.page.get_by_role("list", name="Transfers"))
        tab.page.keyboard.press("End")
        wait_for(tab, lambda: broken.times > 0)
        tab.shows(tab.page.get_by_text("syncin-mount does not answer"))
        before = loaded(tab)
        broken.mend()
        wait_for(tab, lambda: loaded(tab) > before)


def test_a_list_comes_after_its_first_request_failed(browser: Browser, filled: World):
    with new_tab(browser, filled) as tab:
        tab.enter()
        broken = Break(tab, lambda before: not before)
        tab.page.get_by_role("link", name="Transfers").click()
        wait_for(tab, lambda: broken.times > 0)
        broken.mend()
        tab.shows(tab.page.get_by_role("list", name="Transfers"))


def test_a_screen_comes_after_its_request_was_not_answered(browser: Browser, filled: World):
    with new_tab(browser, filled) as tab:
        tab.enter()
        broken = Break(tab, lambda _: True, "**/api/journal")
        tab.page.get_by_role("link", name="Waiting").click()
        wait_for(tab, lambda: broken.times > 0)
        broken.mend()
        tab.shows(tab.page.get_by_text("Nothing waits"))
