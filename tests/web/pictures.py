"""`./dev pictures`: the pictures of the page in docs/pictures, of real drives in a real browser."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Browser, Page, ViewportSize

from syncin_mount.cli.demo.sandbox import Sandbox
from tests.web.browser import chromium
from tests.web.conftest import PROFILE, World

TARGET = Path(__file__).parents[2] / "docs/pictures"
SIZE: ViewportSize = {"width": 1100, "height": 720}


def main() -> None:
    """Takes all of them."""
    TARGET.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        home = Path(folder) / "home"
        os.environ["HOME"] = str(home / "drives")  # so that paths are shown from there
        with Sandbox(home) as sandbox:
            sandbox.start_server(sandbox.base / "requests.log")
            sandbox.log_in(PROFILE, "cloud")
            world = World(sandbox)
            try:
                set_the_scene(world)
                take(browser, world)
            finally:
                sandbox.run(PROFILE, "down", "--force")


def set_the_scene(world: World) -> None:
    """Four drives: up to date, at work, paused, and one that needs somebody."""
    for name, options in (
        ("Documents", ()),
        ("Photos", ("--direction", "download")),
        ("Music", ()),
        ("Projects", ("--every", "1d")),
    ):
        there = world.add(name, *options)
        for number in range(1, 41):
            (there / f"{WORDS[number % len(WORDS)]} {number:02}.{KINDS[name]}").write_bytes(
                b"x" * 3000 * number
            )
    for name in ("Recipes", "Travel"):
        (world.sandbox.server_files / name).mkdir()
    world.must("limit", "Photos", "--down", "1M")
    world.must("up")
    for name in ("Documents", "Music", "Projects"):
        world.must("sync", name)
    world.must("pause", "Music")
    (world.drive("Music") / "Encore 41.ogg").write_bytes(b"x" * 90_000)
    (world.drive("Music") / "Letter 05.ogg").rename(world.drive("Music") / "Ballad 05.ogg")
    for name in ("Budget 08.odt", "Minutes 16.odt", "Plan 20.odt"):
        (world.sandbox.server_files / "Documents" / name).unlink()
    world.must("sync", "Documents")
    here, there = world.drive("Documents"), world.sandbox.server_files
    (here / "Letters").mkdir()
    (here / "Letters/Offer.odt").write_bytes(b"x" * 48_000)
    make_a_conflict(world)
    world.must("desktop", "install")
    for path in sorted((there / "Projects").iterdir())[:30]:
        path.unlink()
    world.sandbox.run(PROFILE, "sync", "Projects")
    (there / "Photos/Summer.tiff").write_bytes(os.urandom(40_000_000))
    world.must("limit", "Photos", "--down", "600K")
    world.sandbox.run(PROFILE, "sync", "Documents")


def make_a_conflict(world: World) -> None:
    """Of a text: both sides had edited other lines of it."""
    here, there = world.drive("Documents"), world.sandbox.server_files / "Documents"
    (there / "Offer.md").write_text(OFFER)
    world.must("sync", "Documents")
    (here / "Offer.md").write_text(OFFER.replace("14 days", "30 days").replace("two", "three"))
    (there / "Offer.md").write_text(OFFER.replace("14 days", "10 days") + "\nVAT is included.\n")
    os.utime(there / "Offer.md", (time.time() + 10,) * 2)
    world.must("sync", "Documents")
    (here / "Offer.md").read_bytes()


OFFER = """# Offer

We build the shelves in oak, and deliver them to your house.

- Boards: two, 180 cm long
- Price: 640 euros
- Payment: within 14 days

We look forward to your answer.
"""
TIDY = """() => {
    for (const each of document.querySelectorAll(".checks li")) {
        if (each.innerText.includes("belongs to another profile")) each.remove();
    }
    const texts = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
        texts.currentNode.data = texts.currentNode.data
            .replace(/[/]tmp[/]\\w+[/]home[/]home/g, "/home/user1/.config/syncin-mount")
            .replace(/[/]tmp[/]\\w+[/]home[/]drives/g, "/home/user1");
    }
}"""
"""Without drives of whatever else runs here, and with folders as somebody has them."""

WORDS = ("Report", "Budget", "Minutes", "Invoice", "Sketch", "Letter", "Plan")
KINDS = {"Documents": "odt", "Photos": "jpg", "Music": "ogg", "Projects": "md"}


def take(browser: Browser, world: World) -> None:
    """The first screen, a plan, and each other screen."""
    context = browser.new_context(viewport=SIZE)
    page = enter(context.new_page(), world)
    page.get_by_role("article", name="Photos").get_by_role("progressbar").wait_for()
    page.get_by_text("s left").first.wait_for()
    shoot(page, "page", full_page=True)
    page.get_by_role("button", name="Look at the plan").click()
    page.get_by_text("Do exactly this").wait_for()
    shoot(page, "page-plan")
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Transfers").click()
    page.get_by_role("list", name="Transfers").get_by_role("listitem").first.wait_for()
    shoot(page, "page-transfers")
    page.get_by_role("link", name="Conflicts").click()
    page.get_by_role("region", name="The lines of both versions").wait_for()
    shoot(page, "page-conflict", full_page=True)
    page.get_by_role("link", name="Settings").click()
    page.get_by_role("heading", name="Settings", level=1).wait_for()
    page.get_by_text(world.sandbox.url).first.wait_for()
    shoot(page, "page-settings")
    go(page, "Waiting", "Music")
    page.get_by_text("Encore 41.ogg").first.wait_for()
    shoot(page, "page-waiting")
    go(page, "Trash", "Documents")
    page.get_by_text("Offer.md").first.wait_for()
    shoot(page, "page-trash")
    go(page, "Explain", "Music")
    page.locator("main form input").fill("Encore 41.ogg")
    page.locator("main form button[type=submit]").click()
    page.locator(".flow").first.wait_for()
    shoot(page, "page-explain")
    page.get_by_role("link", name="Health").click()
    page.get_by_text("are looked at…").wait_for()
    page.get_by_text("are looked at…").wait_for(state="detached")
    page.get_by_role("list", name="The last lines").get_by_role("listitem").first.wait_for()
    page.evaluate(TIDY)
    shoot(page, "page-health")
    add(page)
    context.close()


def go(page: Page, screen: str, drive: str) -> None:
    page.get_by_role("link", name=screen).click()
    page.get_by_role("heading", name=screen, level=1).wait_for()
    page.get_by_role("combobox", name="Synchronization", exact=True).select_option(drive)


def add(page: Page) -> None:
    """The assistant, where a folder of the server is chosen."""
    main = page.get_by_role("main")
    page.evaluate("() => location.hash = '#/add'")
    page.get_by_label("Folder", exact=True).wait_for()
    main.get_by_role("button", name="Continue", exact=True).click()
    folder = page.get_by_role("radio", name="Recipes", exact=True)
    folder.check()
    shoot(page, "page-assistant")


def enter(page: Page, world: World) -> Page:
    ticket = world.open_page()
    page.goto(f"http://{world.host}/#ticket={ticket}")
    page.get_by_role("article", name="Projects").wait_for()
    return page


FOOT = 40
"""Pixels below the last thing that is shown."""


def shoot(page: Page, name: str, *, full_page: bool = False) -> None:
    """What is seen without the empty rest of the window; with ``full_page``, in a window that is as
    high as the page: what is below one is not drawn."""
    if full_page:
        height = page.evaluate("() => document.documentElement.scrollHeight")
        page.set_viewport_size({**SIZE, "height": height})
        page.wait_for_timeout(500)
    seen = page.viewport_size or SIZE
    if page.locator("dialog").count() == 0:
        end = page.evaluate("""() => Math.max(...[...document.querySelectorAll("main *")]
            .map((each) => each.getBoundingClientRect().bottom))""")
        seen["height"] = min(seen["height"], int(end) + FOOT)
    page.screenshot(
        path=TARGET / f"{name}.png", animations="disabled", clip={"x": 0, "y": 0, **seen}
    )
    page.set_viewport_size(SIZE)


if __name__ == "__main__":
    main()
