"""The page in other languages, in a real browser: in a language that nobody speaks, in which what
was forgotten stands out, and in German and French."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from syncin_mount.language.catalogues import FOLDER_VARIABLE, OWN_NAMES
from tests.language.catalogue_files import LOCALE
from tests.language.pseudo import PSEUDO, write_pseudo
from tests.web import conftest
from tests.web.browser import Tab, chromium, new_tab
from tests.web.conftest import World

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("mounts"), pytest.mark.timeout(600)]

mounts = conftest.mounts

SCREENS = ("", "transfers", "waiting", "conflicts", "trash", "explain", "settings", "health", "add")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Whose program knows German, French and that language."""
    folder = tmp_path_factory.mktemp("locale")
    shutil.copytree(LOCALE, folder, dirs_exist_ok=True)
    write_pseudo(folder / PSEUDO / "LC_MESSAGES")
    before = os.environ.get(FOLDER_VARIABLE)
    os.environ[FOLDER_VARIABLE] = str(folder)
    try:
        # the fixture's own function, of which pytest's types tell nothing
        yield from conftest.world.__wrapped__(tmp_path_factory)  # type: ignore[attr-defined]
    finally:
        del os.environ[FOLDER_VARIABLE]
        if before is not None:
            os.environ[FOLDER_VARIABLE] = before


@pytest.fixture(scope="module")
def drives(world: World) -> World:
    """Two, with a conflict, deletions and a change that waits, and one that is disabled."""
    for name in ("Alpha", "Beta", "Gamma"):
        there = world.add(name, "--every", "1d")
        for number in range(5):
            (there / f"{number}.txt").write_text(f"{number}")
    world.must("disable", "Gamma")
    world.must("up")
    there, here = world.sandbox.server_files / "Alpha", world.drive("Alpha")
    for name in ("Alpha", "Beta"):
        world.must("sync", name)
    (here / "0.txt").write_text("from here, and longer")
    (there / "0.txt").write_text("from there")
    os.utime(there / "0.txt", (os.stat(there / "0.txt").st_mtime + 10,) * 2)
    (there / "1.txt").unlink()
    (here / "2.txt").unlink()
    world.must("sync", "Alpha")
    (here / "new.txt").write_text("not sent yet")
    world.must("filter", "add", "Beta", "ends-with:.bak")
    world.must("pause", "Beta")
    return world


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


def show(tab: Tab, screen: str) -> None:
    tab.page.evaluate(f"() => location.hash = '#/{screen}'")
    tab.page.wait_for_function(
        "name => document.querySelector(`nav a[href='#/${name}']`)?.ariaCurrent === 'page'"
        " || name === 'add'",
        arg=screen,
    )
    tab.page.get_by_role("heading", level=1).wait_for()
    tab.page.wait_for_function("() => !document.querySelector('.waits')")
    if screen == "explain":
        tab.page.locator("main form input").fill("0.txt")
        tab.page.locator("main form button[type=submit]").click()
        tab.page.locator(".explained").first.wait_for()


SEEN = """() => {
  const found = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const node = walk.currentNode;
    if (node.parentElement.closest("script, style, code, .path, noscript")) continue;
    found.push(node.textContent);
  }
  for (const each of document.querySelectorAll("[aria-label], [title], [placeholder], [alt]")) {
    if (each.closest(".path, code")) continue;
    for (const name of ["aria-label", "title", "placeholder", "alt"]) {
      if (each.getAttribute(name)) found.push(each.getAttribute(name));
    }
  }
  return [document.title, ...found];
}"""

DATA = re.compile(
    r"Alpha|Beta|Gamma|syncin-mount|cloud|personal|user\w*|drives|\d\.txt|new\.txt|txt|bak"
    r"|https?://\S+|127\.0\.0\.1\S*|localhost\S*|[KMGT]iB|(~|/)[\w./-]+|cloud\.example\.org"
    + "".join(f"|{each}" for each in OWN_NAMES.values())
    + r"|\b\d+[smhd]\b|\d+ (s|min|h|d|B)\b|\b(?:Sync-in|Python|Linux|SHA-256)\b"
)
"""Names, also those of languages, paths, units: the same in every language."""

STILL_ENGLISH = re.compile(r"M\d+ \d+, \w{3}, [\d:]+|@supervisor|\((?:recent|local|remote)\)")
"""A date as the browser has it where it knows no words; the supervisor's name in the logs; the
value of the conflict setting, as the configuration has it."""


def plain_english(shown: list[str]) -> set[str]:
    found = set()
    for text in shown:
        left = DATA.sub("", STILL_ENGLISH.sub("", text))
        if re.search(r"[A-Za-z]{3,}", left):
            found.add(text.strip())
    return found


def test_no_screen_has_a_text_that_was_not_translated(browser: Browser, drives: World) -> None:
    with new_tab(browser, drives, locale=PSEUDO) as tab:
        tab.enter()
        assert tab.page.evaluate("() => document.documentElement.lang") == PSEUDO
        left = {}
        for screen in SCREENS:
            show(tab, screen)
            left[screen] = plain_english(tab.page.evaluate(SEEN))
        assert {screen: each for screen, each in left.items() if each} == {}


@pytest.mark.parametrize(("language", "word"), [("de-DE", "Papierkorb"), ("fr-FR", "Corbeille")])
@pytest.mark.parametrize("width", [1280, 360])
def test_everybody_can_use_it(browser: Browser, drives: World, language, word, width) -> None:
    size = {"width": width, "height": 800}
    with new_tab(browser, drives, viewport=size, locale=language) as tab:
        tab.enter()
        tab.shows(tab.page.get_by_role("link", name=word))
        for screen in SCREENS:
            show(tab, screen)
            assert tab.faults() == [], screen
            assert tab.page.evaluate("() => document.documentElement.scrollWidth") <= width, screen
            assert tab.page.evaluate(OUTSIDE) == [], screen


OUTSIDE = """() => [...document.querySelectorAll("button, a, h1, h2, h3, p, label, dt, dd")]
  .filter((each) => !each.closest("details:not([open]) > :not(summary)"))
  .filter((each) => !each.closest(".path, .hidden, nav, .rows, [hidden], .skip, .crumbs, .steps"))
  .filter((each) => each.getClientRects().length
    && each.getBoundingClientRect().right > innerWidth + 1)
  .map((each) => each.textContent.slice(0, 80))"""
"""Texts that reach beyond the window's right border."""


def test_two_tabs_have_two_languages(browser: Browser, drives: World) -> None:
    with (
        new_tab(browser, drives, locale="de-DE") as german,
        new_tab(browser, drives, locale="fr-FR") as french,
    ):
        german.enter()
        french.enter()
        german.state("Beta", "Pausiert")
        french.state("Beta", "En pause")
        answers = {}
        for tab, tag in ((german, "de"), (french, "fr"), (german, "en")):
            drives.enter()
            answers[tag] = drives.post(
                "/api/explain", {"name": "Nowhere", "path": "x"}, accept_language=tag
            ).json["why"]
            assert tab.wrong == []
        assert len(set(answers.values())) == 3


def test_what_is_set_holds_whatever_the_browser_prefers(browser: Browser, drives: World) -> None:
    file = drives.folders.config_file
    text = file.read_text()
    file.write_text(f'{text}\n[program]\nlanguage = "fr"\n')
    assert 'language = "fr"' in file.read_text()
    try:
        with new_tab(browser, drives, locale="de-DE") as tab:
            tab.enter()
            tab.state("Beta", "En pause")
    finally:
        file.write_text(text)
