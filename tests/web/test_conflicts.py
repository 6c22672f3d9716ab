"""Conflicts in a real browser: both versions seen side by side, chosen, and that undone."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator

from tests.web.browser import Tab, new_tab
from tests.web.conftest import Answer, World, until
from tests.web.images import png

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("mounts"), pytest.mark.timeout(300)]

HERE = "A shopping list\nmilk\nbread\ntea <img src=x onerror=alert(1)>\n" + "same\n" * 30 + "end\n"
THERE = "A shopping list\nmilk\nbread\ncoffee <script>alert(1)</script>\n" + "same\n" * 30 + "End\n"
SVG = '<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><text>{}</text></svg>'
FILES: dict[str, tuple[bytes, bytes]] = {
    "list.txt": (HERE.encode(), THERE.encode()),
    "both.txt": (b"from here", b"from there"),
    "kept.txt": (b"stays here", b"stays there"),
    "photo.png": (png(200, 80, 60), png(60, 120, 200)),
    "drawing.svg": (SVG.format("here").encode(), SVG.format("there").encode()),
    "data.bin": (b"\0\1\2", b"\0\1\2\3"),
    "gone.txt": (b"lost", b"won"),
}
"""What this computer had, which lost, and what the server had."""


def make_conflicts(world: World) -> None:
    there = world.add("Notes", "--every", "1d")
    for name in FILES:
        (there / name).write_text("common")
    world.go_up()
    here = world.drive("Notes")
    for name, (ours, theirs) in FILES.items():
        (here / name).write_bytes(ours)
        (there / name).write_bytes(theirs)
        os.utime(there / name, (time.time() + 10,) * 2)
    world.must("sync", "Notes")
    for name in FILES:
        (here / name).read_bytes()  # downloaded by now


@pytest.fixture(scope="module")
def drives(world: World) -> World:
    """With a conflict for each of the files, of which the server's version won."""
    make_conflicts(world)
    return world


@pytest.fixture
def tab(browser: Browser, drives: World) -> Iterator[Tab]:
    with new_tab(browser, drives) as found:
        found.enter("conflicts/Notes")
        found.shows(found.page.get_by_role("heading", name="Conflicts", level=1))
        yield found


def one(tab: Tab, name: str) -> Locator:
    return tab.page.locator("li.conflict").filter(
        has=tab.page.get_by_role("heading", name=name, exact=True)
    )


def compare(tab: Tab, name: str) -> Locator:
    """Both versions of this file, seen."""
    # The first one opens by itself. What is below it moves then, also from under a click.
    tab.shows(tab.page.locator("li.conflict .versions").first)
    found = one(tab, name)
    tab.shows(found)
    if found.get_by_role("button", name="Compare").count():
        found.get_by_role("button", name="Compare").click()
    tab.shows(found.locator(".versions"))
    return found


def content(world: World, name: str) -> bytes:
    return (world.drive("Notes") / name).read_bytes()


def test_texts_are_compared_line_by_line_and_are_text_only(tab: Tab):
    found = compare(tab, "list.txt")
    lines = found.get_by_role("region", name="The lines of both versions")
    tab.shows(lines)
    changed = lines.locator(".diff.changed")
    assert changed.count() == 2
    left, right = changed.first.locator("code").all_inner_texts()
    assert "coffee <script>alert(1)</script>" in left
    assert "tea <img src=x onerror=alert(1)>" in right
    assert changed.nth(1).locator("code b").all_inner_texts() == ["E", "e"]
    tab.shows(lines.get_by_text("24 equal lines"))
    named = found.get_by_role("region", name="The version in the file")
    assert "The server's version" in named.inner_text()
    assert "in the file now" in named.inner_text()
    assert "the later one" in named.inner_text()
    assert (
        "This computer's version"
        in found.get_by_role("region", name="The other version").first.inner_text()
    )


def test_pictures_are_seen_beside_one_another(tab: Tab):
    images = compare(tab, "photo.png").get_by_role("img")
    until(lambda: images.count() == 2, "both pictures")
    widths = "all => all.map(each => each.naturalWidth)"
    until(lambda: images.evaluate_all(widths) == [320, 320], "the pictures")
    sources = images.evaluate_all("all => all.map(each => each.src)")
    assert all(each.startswith("blob:http://127.0.0.1:") for each in sources)


def test_a_drawing_with_a_script_is_shown_as_its_text(tab: Tab):
    found = compare(tab, "drawing.svg")
    tab.shows(found.get_by_role("region", name="The lines of both versions"))
    assert "onload" in found.inner_text()
    assert found.locator("img, .lines svg").count() == 0


def test_of_what_is_no_text_size_and_time_are_told(tab: Tab):
    found = compare(tab, "data.bin")
    tab.shows(found.get_by_text("They are no text, so only size and time are compared."))
    assert "4 B" in found.get_by_role("region", name="The version in the file").inner_text()
    assert "3 B" in found.get_by_role("region", name="The other version").inner_text()


def test_one_is_turned_round_and_that_undone_also_after_a_new_start(tab: Tab):
    found = compare(tab, "both.txt")
    found.get_by_role("button", name="Keep the other").click()
    tab.shows(found.get_by_text("You chose the other version"))
    assert content(tab.world, "both.txt") == b"from here"
    named = found.get_by_role("region", name="The version in the file")
    tab.shows(named.get_by_text("This computer's version"))
    (tab.world.drive("Notes") / "both.txt").write_bytes(b"from here, and edited since")
    tab.world.sandbox.run("home", "down", "--force")
    tab.world.must("up")
    tab.enter("conflicts/Notes")
    tab.shows(tab.page.get_by_role("heading", name="Conflicts", level=1))
    tab.page.get_by_label("Show acknowledged ones, too").check()
    found = compare(tab, "both.txt")
    tab.shows(found.get_by_text("You chose the other version"))
    found.get_by_role("button", name="Undo").click()
    tab.shows(found.get_by_role("button", name="Keep the other"))
    assert content(tab.world, "both.txt") == b"from there"
    assert "from here, and edited since" in [
        path.read_text()
        for path in Path(tab.world.folders.replica("Notes") / "bin").rglob("both.txt")
    ]


def test_both_are_kept_and_one_is_acknowledged_and_both_undone(tab: Tab):
    world = tab.world
    found = compare(tab, "kept.txt")
    found.get_by_role("button", name="Keep both").click()
    tab.shows(found.get_by_text("You kept both versions"))
    [beside] = world.drive("Notes").glob("kept (restored *).txt")
    assert beside.read_bytes() == b"stays here"
    found.get_by_role("button", name="Undo").click()
    tab.shows(found.get_by_role("button", name="Keep both"))
    assert not [*world.drive("Notes").glob("kept (restored *).txt")]
    found.get_by_role("button", name="Keep this one").click()
    tab.shows(found.get_by_text("acknowledged", exact=True))
    found.get_by_role("button", name="Undo").click()
    found.get_by_text("acknowledged", exact=True).wait_for(state="detached")
    assert content(world, "kept.txt") == b"stays there"


def test_what_cannot_be_compared_any_more_says_so(tab: Tab):
    (tab.world.drive("Notes") / "gone.txt").unlink()
    found = compare(tab, "gone.txt")
    tab.shows(found.get_by_text("They cannot be compared: there is nothing at 'gone.txt' any more"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_everybody_can_compare(browser: Browser, drives: World, scheme: str, width: int):
    size = {"width": width, "height": 800}
    with new_tab(browser, drives, viewport=size, color_scheme=scheme) as tab:
        tab.enter("conflicts/Notes")
        for name in ("list.txt", "photo.png"):
            found = compare(tab, name)
            tab.shows(found.get_by_role("button", name="Keep the other"))
            if name == "photo.png":
                tab.shows(found.get_by_role("img").nth(1))
            assert tab.faults() == []
            assert tab.page.evaluate("() => document.documentElement.scrollWidth") <= width
            if folder := os.environ.get("SHOTS"):
                tab.page.screenshot(path=f"{folder}/{name}-{scheme}-{width}.png", full_page=True)


def test_a_comparison_is_reached_and_scrolled_with_the_keyboard(tab: Tab):
    found = compare(tab, "list.txt")
    lines = found.get_by_role("region", name="The lines of both versions")
    tab.shows(lines)
    found.get_by_role("button", name="Hide").focus()
    seen: list[str] = []
    for _ in range(5):
        tab.page.keyboard.press("Tab")
        seen.append(
            tab.page.evaluate(
                "() => document.activeElement.ariaLabel || document.activeElement.innerText"
            )
        )
    assert [each.strip() for each in seen[:4]] == [
        "Keep this one",
        "Keep the other",
        "The lines of both versions, side by side",
        "Keep both",
    ]


def test_a_version_is_given_to_the_page_alone_and_is_a_picture(drives: World):
    drives.enter()
    found = drives.post("/api/conflicts", {"name": "Notes", "everything": True}).json["entries"]
    numbers = {each["path"]: each["number"] for each in found}

    def ask(name: str, **changed: str | None) -> Answer:
        body = {"name": "Notes", "number": numbers[name], "version": "other"}
        token = changed.pop("token", None)
        return drives.post("/api/conflicts/version", body, token=token, **changed)

    answer = ask("photo.png")
    assert (answer.status, answer.headers["content-type"]) == (200, "image/png")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert FILES["photo.png"][0] in answer.body
    for name in ("drawing.svg", "list.txt", "data.bin"):
        refused = ask(name)
        assert refused.status == 409
        assert "no picture" in refused.json["why"]
    assert ask("photo.png", token="wrong").status == 401
    assert ask("photo.png", origin="http://evil.example").status == 403
    odd: dict[str, tuple[dict[str, object], ...]] = {
        "409": ({"number": 99}, {"number": -1}),
        "400": ({"version": "../secret"}, {"number": "1"}, {"path": "/etc/passwd"}),
    }
    for status, bodies in odd.items():
        for each in bodies:
            body = {"name": "Notes", "number": 1, "version": "other", **each}
            assert drives.post("/api/conflicts/version", body).status == int(status)
    head = drives.headers()
    assert drives.ask("GET", "/api/conflicts/version", head).status == 404
