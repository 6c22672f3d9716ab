"""The assistant of the page as tests use it, and a program that knows nothing yet."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Locator

from syncin_mount.cli.demo.sandbox import Sandbox
from tests.web.browser import Tab
from tests.web.conftest import PROFILE, World

PICTURES = os.environ.get("ASSISTANT_PICTURES")

WHERE = "Where is the drive to appear on this computer?"
WHICH = "Which folder of the server?"
HOW = "How is it to be kept in step?"
ALL = "Is this what you want?"


@contextmanager
def empty_world(base: Path, *options: str) -> Iterator[World]:
    """A server with files (``options``: further words for ``serve``), and a program that knows
    nothing; the home folder is one of its own. A browser keeps the home that it was started
    with: start it before."""
    with pytest.MonkeyPatch.context() as patch, Sandbox(base) as sandbox:
        home = sandbox.base / "user1"
        home.mkdir()
        patch.setenv("HOME", str(home))
        sandbox.start_server(sandbox.base / "requests.log", *options)
        for path in ("Documents/Letters", "Documents/Taxes", "Photos/Summer", "Music"):
            (sandbox.server_files / path).mkdir(parents=True)
            (sandbox.server_files / path / "there.txt").write_text(path)
        for name in ("Desktop", "Downloads", "Pictures"):
            (home / name).mkdir()
        world = World(sandbox)
        try:
            yield world
        finally:
            sandbox.run(PROFILE, "down", "--force")


def home(world: World) -> Path:
    return world.base / "user1"


class Assistant:
    """The assistant in a tab."""

    def __init__(self, tab: Tab) -> None:
        self.tab = tab
        self.page = tab.page
        self.main = tab.page.get_by_role("main")

    def is_at(self, title: str) -> None:
        self.tab.shows(self.page.get_by_role("heading", name=title, level=2))

    def go_on(self, word: str = "Continue") -> None:
        self.main.get_by_role("button", name=word, exact=True).click()

    def wrong(self) -> Locator:
        return self.main.get_by_role("alert")

    def looks_well(self, name: str) -> None:
        """Nobody is kept out, and nothing is wider than the window."""
        width = self.page.viewport_size
        assert width is not None
        if PICTURES:
            self.page.screenshot(path=f"{PICTURES}/{name}-{width['width']}.png", full_page=True)
        assert self.tab.faults() == [], name
        wide = self.page.evaluate("() => document.documentElement.scrollWidth")
        assert wide <= width["width"], name

    def open_here(self, text: str) -> None:
        self.page.get_by_label("Folder", exact=True).fill(text)
        self.go_on("Open")

    def unfold(self, name: str) -> None:
        self.page.get_by_role("button", name=f"Folders in {name}", exact=True).click()

    def choose(self, name: str) -> None:
        self.page.get_by_role("radio", name=name, exact=True).check()


def begin(at: Assistant) -> None:
    """Up to the folder here, with the first account, however many there are."""
    at.page.evaluate("() => location.hash = '#/add'")
    first = at.page.get_by_role("heading", level=2)
    at.tab.shows(first)
    if first.inner_text() == "Which server?":
        at.page.get_by_role("radio").first.check()
        at.go_on()
    at.is_at(WHERE)
