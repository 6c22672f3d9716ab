"""The documentation as a site: its links lead somewhere, it asks no other host for anything, in its
files and in a real browser, its search finds what people look for, and it fits a telephone.

All of it is one file, so that the site is built once.
"""

from __future__ import annotations

import functools
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page

from tests.docs.generate import DOCS, ROOT
from tests.docs.site import source
from tests.site.html_parts import Parts, objections
from tests.web.browser import AXE

# --- files ----------------------------------------------------------------------------------------

NAMES = {
    "http://www.w3.org/2000/svg",  # of a language
    "https://snowballstem.org/",  # in a comment
    "https://clipboardjs.com/",  # in a comment
    "https://codepen.io/mildrenben/pen/rVBrpK",  # in a comment
    "https://developer.mozilla.org/en-US/docs/Web/JavaScript/Guide/Regular",  # in a comment
    "//Search.lastresults",  # a comment itself
}
"""Addresses in scripts and style sheets that nothing is loaded from."""

ADDRESS = re.compile(r"(?:https?:)?//[a-zA-Z0-9-]+\.[a-zA-Z][a-zA-Z0-9./@-]*")


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Parts]:
    return {page: Parts(page.read_text()) for page in site.rglob("*.html")}


def test_every_page_is_there(pages: dict[Path, Parts], site: Path) -> None:
    written = [*DOCS.rglob("*.md"), *(ROOT / name for name in source.BESIDE)]
    wanted = {site / str(source.place(page)).replace(".md", ".html") for page in written}
    assert wanted - pages.keys() == set()
    assert pages.keys() - wanted == {site / "search.html"}


def test_links_and_anchors_lead_somewhere(pages: dict[Path, Parts]) -> None:
    assert {page: wrong for page in pages if (wrong := objections(page, pages))} == {}
    assert sum(len(page.links) for page in pages.values()) > 1000


def test_what_leads_nowhere_is_seen(pages: dict[Path, Parts], site: Path, tmp_path: Path) -> None:
    page = site / "extra.html"
    text = '<a href="index.html#none">1</a><a href="gone.html">2</a><img src="x.png">'
    with_it = {**pages, page: Parts(text + '<a href="index.html#start">3</a>')}
    assert objections(page, with_it) == ["index.html#none", "gone.html", "x.png"]


def test_nothing_is_loaded_from_another_host(pages: dict[Path, Parts], site: Path) -> None:
    for page, parts in pages.items():
        foreign = [each for each in parts.loads if urlsplit(each).netloc]
        assert foreign == [], page
        assert "default-src 'self'" in parts.policy, page
    code = [*site.rglob("*.js"), *site.rglob("*.css"), *site.rglob("*.svg")]
    assert len(code) > 8
    for path in code:
        if path.name != "searchindex.js":  # words of the pages
            assert set(ADDRESS.findall(path.read_text())) - NAMES == set(), path


def test_nothing_of_the_machine_is_in_it(site: Path) -> None:
    """Where it was built is nobody's business."""
    for path in site.rglob("*"):
        if path.suffix in {".html", ".js", ".css"}:
            assert str(ROOT) not in path.read_text(), path


# --- in a browser ---------------------------------------------------------------------------------

NARROW = {"width": 360, "height": 740}
GROUPS = ["Start", "Guide", "Reference", "Internals"]


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    """A server of files, as any provider has it."""
    handler = functools.partial(Quiet, directory=str(site))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def reading(
    browser: Browser, base: str, expected: tuple[str, ...] = (), **options: Any
) -> Iterator[Page]:
    """A tab. Requests to anything but the site are stopped, and fail the test; so do errors that
    have none of the ``expected`` words."""
    context = browser.new_context(**options)
    wrong: list[str] = []

    def pass_on(route: Any) -> None:
        if route.request.url.startswith((base, "data:")):
            route.continue_()
        else:
            wrong.append(route.request.url)
            route.abort()

    context.route("**/*", pass_on)
    page = context.new_page()
    page.on("pageerror", lambda error: wrong.append(f"error: {error}"))
    page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    page.goto(f"{base}index.html")
    try:
        yield page
        assert [each for each in wrong if not any(map(each.__contains__, expected))] == []
    finally:
        context.close()


def find(page: Page, words: str) -> list[str]:
    """The titles that the search finds."""
    page.get_by_role("textbox", name="Search").first.fill(words)
    page.keyboard.press("Enter")
    page.locator("#search-results .search-summary", has_text="found").wait_for()
    # The summary says how many there are, and they are shown one after another.
    page.locator("#search-results ul.search li").first.wait_for()
    return page.locator("#search-results ul.search li > a").all_inner_texts()


def test_the_navigation_has_four_groups(browser: Browser, address: str) -> None:
    with reading(browser, address) as page:
        assert page.locator(".sidebar-tree .caption").all_text_contents() == GROUPS
        assert page.locator(".sidebar-tree > ul").count() == len(GROUPS)
        page.locator(".sidebar-tree").get_by_role("link", name="Conflicts", exact=True).click()
        page.get_by_role("heading", level=1, name="Conflicts").wait_for()


ANSWERS = {
    "Installation": "sudo apt install",
    "Conflicts": "The other version goes to a trash, never away.",
    "Deleted files": "syncin-mount bin restore docs",
    "Servers without a desktop": "syncin-mount up --at-login --for-user",
}
"""Links of the start page's table, and what whoever follows them sees without scrolling far."""


def test_the_start_page_answers_with_one_click(browser: Browser, address: str) -> None:
    with reading(browser, address) as page:
        for link, answer in ANSWERS.items():
            page.goto(f"{address}index.html")
            page.locator("article table").get_by_role("link", name=link, exact=True).click()
            there = page.locator("article").get_by_text(answer).first
            there.wait_for()
            box = there.bounding_box()
            assert box is not None
            assert 0 <= box["y"] < 900, (link, box)


SEARCHES = {
    "install": "Installation",
    "two people edit": "Everyday use",
    "deleted file back": "Everyday use",
    "systemd cron": "Servers without a desktop",
    "Network is unreachable": "Troubleshooting",
    "crashed drive is left over": "What doctor says",
}


def test_the_search_finds_what_people_look_for(browser: Browser, address: str) -> None:
    with reading(browser, address) as page:
        for words, title in SEARCHES.items():
            found = find(page, words)[:3]
            assert any(each.startswith(title) for each in found), (words, found)


def test_it_is_read_from_a_folder_too(browser: Browser, site: Path) -> None:
    """The search finds pages there, too; only the lines around what was found are missing, as a
    page of a folder may not read others."""
    with reading(browser, f"file://{site}/") as page:
        page.get_by_role("link", name="Installation").first.click()
        page.get_by_role("heading", level=1, name="Installation").wait_for()
    with reading(browser, f"file://{site}/", expected=("fetch", "Failed to load")) as page:
        assert find(page, "systemd cron")[0].startswith("Servers without a desktop")


def test_every_page_of_the_guide_fits_its_screen(
    browser: Browser, address: str, site: Path
) -> None:
    pages = ["index.html", "install.html", *(f"guide/{p.name}" for p in site.glob("guide/*.html"))]
    assert len(pages) > 20
    with reading(browser, address, viewport=NARROW) as page:
        for name in pages:
            page.goto(address + name)
            width = page.evaluate("() => document.scrollingElement.scrollWidth")
            assert width <= NARROW["width"], name
        for wide in (800, 1100, 1280, 1600):
            page.set_viewport_size({"width": wide, "height": 900})
            width = page.evaluate("() => document.scrollingElement.scrollWidth")
            assert width <= wide


def test_everybody_can_read_it(browser: Browser, address: str) -> None:
    """axe-core judges contrast, names and structure of what our pages have in them."""
    with reading(browser, address) as page:
        page.goto(f"{address}guide/everyday.html")
        page.evaluate(AXE.read_text())
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            # Whoever uses the keyboard gets to what scrolls by the browser itself.
            found = page.evaluate(
                "async () => (await axe.run('article',"
                " {rules: {'scrollable-region-focusable': {enabled: false}}})).violations"
            )
            said = [(each["id"], node["html"][:200]) for each in found for node in each["nodes"]]
            assert said == [], scheme


def test_commands_are_copied_without_what_they_print(browser: Browser, address: str) -> None:
    with reading(browser, address) as page:
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page.goto(f"{address}tutorial.html")
        block = page.locator(".highlight", has_text="mkdir practice").first
        block.hover()
        block.get_by_role("button", name="Copy").click()
        copied = page.evaluate("() => navigator.clipboard.readText()")
        assert copied.splitlines()[0] == "mkdir practice"
        assert "$" not in copied.splitlines()[1][:2]
        assert "8001\n" not in f"{copied}\n".replace("--port 8001", "")
