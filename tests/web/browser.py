"""A real browser: Debian's Chromium, driven by Playwright, and axe-core to judge what it shows."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Route, sync_playwright

from tests.web.buttons import PRESSES, TELL, buttons, marked
from tests.web.conftest import World

AXE = files("axe_playwright_python") / "axe.min.js"
"""Only the script is used: it is pinned, and no copy of it lies in the repository."""

PATIENCE_MS = 30_000

_SCRIPTS = "|".join(script for script, found in buttons().items() if found)
WITH_BUTTONS = re.compile(f"^http://127[.]0[.]0[.]1:[0-9]+/({_SCRIPTS})$")
"""The page's scripts that have any."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser, without a window. Skips the test where it is not installed."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("chromium is not installed: ./dev test --all installs it")
    # It shows our own page alone; root and most containers can have no sandbox.
    options = ["--no-sandbox"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=options)
        yield browser
        browser.close()


@dataclass
class Tab:
    """A tab with the page in it. ``wrong`` collects what a good page never does: errors, dialogs,
    and requests to anybody else."""

    world: World
    page: Page
    wrong: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        page = self.page
        page.set_default_timeout(PATIENCE_MS)
        page.on("console", lambda said: self._heard(said.type, said.text))
        page.on("pageerror", lambda error: self.wrong.append(f"error: {error}"))
        page.on("request", lambda request: self._asks(request.url))

        def dialog(shown: Any) -> None:
            self.wrong.append(f"dialog: {shown.message}")
            shown.dismiss()

        page.on("dialog", dialog)

    def _heard(self, kind: str, text: str) -> None:
        # A refused or broken request is the page's own to tell; the browser notes it all the same.
        if kind in {"error", "warning"} and "Failed to load resource" not in text:
            self.wrong.append(f"{kind}: {text}")

    def _asks(self, url: str) -> None:
        self.asked.append(url)
        # A picture that the page itself holds asks nobody.
        if urlsplit(url.removeprefix("blob:")).netloc not in self.hosts:
            self.wrong.append(f"asks {url}")

    def enter(self, place: str = "") -> None:
        """With a new ticket, which the address has no more afterwards."""
        ticket = self.world.open_page()
        self.hosts.add(self.world.host)
        self.page.goto("about:blank")
        self.page.goto(f"http://{self.world.host}/#ticket={ticket}{place and f'&at={place}'}")
        self.page.get_by_role("heading", level=1).wait_for()
        assert "ticket" not in self.page.url

    def card(self, name: str) -> Locator:
        return self.page.get_by_role("article", name=name, exact=True)

    def shows(self, locator: Locator) -> None:
        """Waits until it is seen."""
        locator.wait_for(state="visible")

    def state(self, name: str, word: str) -> None:
        """Waits until the card has this word."""
        self.shows(self.card(name).get_by_text(word, exact=True))

    def faults(self) -> list[str]:
        """What axe-core finds in what is shown now."""
        if not self.page.evaluate("() => 'axe' in window"):
            # Playwright puts it there past the page's own policy.
            self.page.evaluate(AXE.read_text())
        found = self.page.evaluate("async () => (await axe.run()).violations")
        return [
            f"{each['id']}: {node['html'][:200]} {node['failureSummary']}"
            for each in found
            for node in each["nodes"]
        ]


@contextmanager
def new_tab(browser: Browser, world: World, **options: Any) -> Iterator[Tab]:
    """In a window of its own; closed at the end, where nothing may have gone wrong in it."""
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
    count_presses(context)
    tab = Tab(world, context.new_page())
    try:
        yield tab
        assert tab.wrong == []
    finally:
        context.close()


def count_presses(context: BrowserContext) -> None:
    """Has `PRESSES` know which buttons of the page are pressed in it. Scripts that have any come
    from the sources then; `test_static` reads what the program itself serves."""

    def mark(route: Route) -> None:
        script = urlsplit(route.request.url).path.removeprefix("/")
        route.fulfill(body=marked(script), content_type="text/javascript; charset=utf-8")

    context.expose_function("tellPressed", PRESSES.take)
    context.add_init_script(TELL)
    context.route(WITH_BUTTONS, mark)
