"""The first screen in a real browser, with real drives."""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Awaitable, Callable

import msgspec
import pytest
import trio
from playwright.sync_api import Browser

from syncin_mount.app.accounts.sessions import session_with
from syncin_mount.app.synchronizations.registration import wire
from syncin_mount.config import ConfigurationFile, Synchronization
from syncin_mount.remote import Session
from syncin_mount.remote.errors import Endpoint
from syncin_mount.remote.http.transport import JSON, Call
from syncin_mount.remote.registrations import delete_path
from tests.web.browser import Tab, new_tab
from tests.web.conftest import PROFILE, World, until

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("mounts"), pytest.mark.timeout(300)]

ODD = "<img src=x onerror=alert(1)>&lt;b&gt;.txt"


@pytest.fixture(scope="module")
def drives(world: World) -> World:
    """``Notes`` follows by itself; ``Archive`` runs once a day, so that a plan can be looked at."""
    for name, options in (("Notes", ()), ("Archive", ("--every", "1d"))):
        there = world.add(name, *options)
        for number in range(30):
            (there / f"{number}.txt").write_text(f"{number}")
    world.go_up()
    return world


def test_each_synchronization_has_a_card_with_its_state(tab: Tab):
    for name in ("Notes", "Archive"):
        tab.state(name, "Up to date")
        tab.shows(tab.card(name).get_by_text("Both sides are the same"))
        link = tab.card(name).get_by_role("link", name=f"personal/{name}")
        assert f"/#/spaces/files/personal/{name}" in (link.get_attribute("href") or "")
    tab.shows(tab.page.get_by_text("2 synchronizations · 60 files and folders"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_everybody_can_use_it(browser: Browser, drives: World, scheme: str, width: int):
    size = {"width": width, "height": 800}
    with new_tab(browser, drives, viewport=size, color_scheme=scheme) as tab:
        tab.enter()
        tab.state("Notes", "Up to date")
        assert tab.faults() == []
        assert tab.page.evaluate("() => document.documentElement.scrollWidth") <= width
        for opens, what in (("Simulate", "dialog"), ("More for Notes", None)):
            tab.card("Notes").get_by_label(opens).or_(
                tab.card("Notes").get_by_role("button", name=opens)
            ).click()
            if what:
                tab.shows(tab.page.get_by_text("Nothing: both sides are the same"))
            assert tab.faults() == []
            tab.page.keyboard.press("Escape")


def test_a_pause_is_seen_in_every_tab(browser: Browser, tab: Tab):
    with new_tab(browser, tab.world) as other:
        other.enter()
        pause(tab, "Until you resume it")
        for each in (tab, other):
            each.state("Notes", "Paused")
        assert "paused = true" in tab.world.folders.config_file.read_text()
        other.card("Notes").get_by_role("button", name="Resume").click()
        for each in (tab, other):
            each.state("Notes", "Up to date")


def pause(tab: Tab, until: str) -> None:
    tab.card("Notes").locator("summary", has_text="Pause").click()
    tab.card("Notes").get_by_role("button", name=until).click()


def test_a_pause_may_end_by_itself(tab: Tab):
    pause(tab, "For 1 hour")
    tab.shows(tab.card("Notes").get_by_text(re.compile(r"^Nothing is transferred until .*\d:\d\d")))
    tab.card("Notes").get_by_role("button", name="Resume").click()
    tab.state("Notes", "Up to date")
    pause(tab, "Until tomorrow")
    tab.shows(tab.card("Notes").get_by_text("until tomorrow, 06:00"))
    assert tab.faults() == []
    tab.card("Notes").get_by_role("button", name="Resume").click()
    tab.state("Notes", "Up to date")


def test_a_plan_is_looked_at_and_exactly_that_is_done(tab: Tab):
    world = tab.world
    (world.sandbox.server_files / "Archive/year").mkdir()
    (world.sandbox.server_files / "Archive/year/from there.txt").write_text("there")
    (world.drive("Archive") / "from here.txt").write_text("here")
    tab.card("Archive").get_by_role("button", name="Simulate").click()
    plan = tab.page.get_by_role("dialog")
    tab.shows(plan.get_by_text("from here.txt"))
    tab.shows(plan.get_by_text("from there.txt"))
    tab.shows(plan.get_by_text("Upload", exact=True).first)
    assert tab.faults() == []
    assert not (world.sandbox.server_files / "Archive/from here.txt").exists()
    plan.get_by_role("button", name="Do exactly this").click()
    tab.shows(tab.card("Archive").get_by_text(re.compile("^Synced: ")))
    assert (world.sandbox.server_files / "Archive/from here.txt").read_text() == "here"
    assert (world.drive("Archive") / "year/from there.txt").read_text() == "there"


def account_page(
    world: World, change: Callable[[Session, Synchronization], Awaitable[None]]
) -> None:
    """Somebody changes the synchronization ``Archive`` on the server's page."""
    configuration = ConfigurationFile(world.folders).read()
    ours = configuration.synchronizations["Archive"]

    async def do() -> None:
        server = configuration.servers[ours.server]
        async with session_with(world.folders, server) as session:
            await change(session, ours)

    until(lambda: time.time() > ours.timestamp + 1, "a later second, which makes it newer")
    # Playwright has an event loop in this thread.
    thread = threading.Thread(target=trio.run, args=(do,))
    thread.start()
    thread.join()


def test_one_that_the_server_does_not_have_is_registered_again(tab: Tab):
    async def remove(session: Session, ours: Synchronization) -> None:
        assert ours.path_id is not None
        await delete_path(session, ours.path_id)

    account_page(tab.world, remove)
    number = ConfigurationFile(tab.world.folders).read().synchronizations["Archive"].path_id
    needs = tab.page.get_by_role("region", name="Needs you")
    again = needs.get_by_role("button", name="Register again")

    def halted() -> bool:
        tab.world.sandbox.run(PROFILE, "sync", "Archive")
        return again.is_visible()

    until(halted, "the halt")
    tab.shows(needs.get_by_text("the server has no synchronization of “personal/Archive”"))
    assert "syncin-mount" not in needs.inner_text()
    assert needs.get_by_role("button").count() == 1
    assert tab.faults() == []
    again.click()
    tab.state("Archive", "Up to date")
    again.wait_for(state="detached")
    assert ConfigurationFile(tab.world.folders).read().synchronizations["Archive"].path_id != number


def test_one_that_was_disabled_on_the_account_page_is_enabled(tab: Tab):
    world = tab.world

    async def disable(session: Session, ours: Synchronization) -> None:
        there = msgspec.structs.replace(wire(ours), enabled=False)
        where = f"api/app/sync/clients/{session.account.client_id}/paths/{ours.path_id}"
        content = msgspec.json.encode(there)
        await session.send(Call(Endpoint.PATHS, "PUT", where, headers=JSON, content=content))

    account_page(world, disable)
    needs = tab.page.get_by_role("region", name="Needs you")
    enable = needs.get_by_role("button", name="Enable")

    def halted() -> bool:
        world.sandbox.run(PROFILE, "sync", "Archive")
        return enable.is_visible()

    until(halted, "the halt")
    tab.shows(needs.get_by_text("was disabled on the account page").first)
    tab.state("Archive", "Disabled")
    assert tab.faults() == []
    enable.click()
    enable.wait_for(state="detached")
    tab.state("Archive", "Up to date")


def test_a_halt_is_looked_at_and_let_pass(tab: Tab):
    there = tab.world.sandbox.server_files / "Archive"
    gone = [each for each in sorted(there.glob("*.txt")) if each.stem.isdigit()]
    for each in gone:
        each.unlink()
    tab.card("Archive").get_by_role("button", name="Sync now").click()
    needs = tab.page.get_by_role("region", name="Needs you")
    tab.shows(needs.get_by_text("files, more than half of all, would be deleted here"))
    tab.state("Archive", "Needs you")
    assert tab.faults() == []
    assert (tab.world.drive("Archive") / gone[0].name).exists()
    needs.get_by_role("button", name="Look at the plan").click()
    tab.shows(tab.page.get_by_role("dialog").get_by_text(gone[0].name, exact=True))
    tab.enter("halt/Archive")  # as a notice leads there
    plan = tab.page.get_by_role("dialog")
    tab.shows(plan.get_by_role("listitem").filter(has_text="30 Delete here").first)
    tab.shows(plan.get_by_text(gone[0].name, exact=True))
    plan.get_by_role("button", name="Do exactly this").click()
    needs.wait_for(state="detached")
    assert not (tab.world.drive("Archive") / gone[0].name).exists()
    tab.state("Archive", "Up to date")


def test_a_refused_log_in_is_renewed(tab: Tab):
    world = tab.world
    spoil_tokens(world)
    world.must("umount", "Notes")
    world.must("mount", "Notes")
    tab.state("Notes", "Needs you")
    needs = tab.page.get_by_role("region", name="Needs you")
    needs.get_by_role("button", name="Log in again").first.click()
    dialog = tab.page.get_by_role("dialog")
    assert tab.faults() == []
    dialog.get_by_label("Password").fill("wrong")
    dialog.get_by_role("button", name="Log in", exact=True).click()
    tab.shows(dialog.get_by_role("alert"))
    dialog.get_by_label("Password").fill(world.password)
    dialog.get_by_role("button", name="Log in", exact=True).click()
    dialog.wait_for(state="detached")
    needs.wait_for(state="detached")
    tab.state("Notes", "Up to date")
    log = world.folders.log("@supervisor").read_text()
    assert world.password not in log


def spoil_tokens(world: World) -> None:
    """The server will not accept what this computer has."""
    for token in world.folders.tokens.iterdir():
        token.write_text("spoiled")


def test_names_are_text_and_nothing_else(tab: Tab):
    (tab.world.drive("Archive") / ODD).write_text("odd")
    tab.card("Archive").get_by_role("button", name="Simulate").click()
    tab.shows(tab.page.get_by_role("dialog").get_by_text(ODD))
    assert tab.page.locator("img[src=x]").count() == 0
    tab.page.keyboard.press("Escape")
    (tab.world.drive("Archive") / ODD).unlink()


def test_limits_are_set_for_all(tab: Tab):
    tab.page.get_by_label("More for all").click()
    tab.page.get_by_role("button", name="Limit the bandwidth of all").click()
    dialog = tab.page.get_by_role("dialog")
    dialog.get_by_label("Upload").fill("500")
    dialog.get_by_role("button", name="Save").click()
    for name in ("Notes", "Archive"):
        tab.shows(tab.card(name).get_by_text("500 KiB/s up"))
    tab.world.must("limit", "--all", "--up", "off")
    tab.card("Notes").get_by_text("500 KiB/s up").wait_for(state="detached")


def test_disabled_and_enabled_again(tab: Tab):
    tab.card("Notes").get_by_label("More for Notes").click()
    tab.card("Notes").get_by_role("button", name="Disable").click()
    tab.state("Notes", "Disabled")
    assert not tab.world.drive("Notes").is_mount()
    tab.card("Notes").get_by_role("button", name="Enable", exact=True).first.click()
    tab.state("Notes", "Up to date")
    assert tab.world.drive("Notes").is_mount()


def test_all_are_synchronized_one_after_another(tab: Tab):
    tab.page.locator("summary", has_text="Sync all").click()
    tab.page.get_by_role("button", name="One after another").click()
    for name in ("Notes", "Archive"):
        tab.shows(tab.card(name).get_by_text(re.compile("^Synced: ")))


def test_the_keyboard_reaches_everything(tab: Tab):
    page = tab.page
    wanted = set(page.locator("a:visible, button:visible, summary:visible").all_inner_texts())
    page.evaluate("() => document.activeElement.blur()")
    seen = set[str]()
    for _ in range(60):
        page.keyboard.press("Tab")
        seen.add(page.evaluate("() => document.activeElement.innerText"))
    assert wanted - {""} <= seen
    card = tab.card("Notes")
    card.get_by_role("button", name="Simulate").focus()
    page.keyboard.press("Enter")
    tab.shows(page.get_by_role("dialog"))
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="detached")
    assert page.evaluate("() => document.activeElement.innerText") == "Simulate"
    card.get_by_label("More for Notes").focus()
    page.keyboard.press("Enter")
    tab.shows(card.get_by_role("button", name="Disable"))
    page.keyboard.press("Escape")
    card.get_by_role("button", name="Disable").wait_for(state="hidden")


def test_nothing_moves_where_somebody_wants_that(browser: Browser, drives: World):
    moving = """() => [...document.querySelectorAll("*")].filter((each) => {
        const style = getComputedStyle(each);
        return style.animationName !== "none" || style.transitionDuration !== "0s";
    }).length"""
    with new_tab(browser, drives, reduced_motion="reduce") as tab:
        tab.enter()
        tab.card("Notes").get_by_role("button", name="Simulate").click()
        assert tab.page.evaluate(moving) == 0


HIDE = """(hidden) => {
    Object.defineProperty(document, "hidden", { get: () => hidden, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
}"""


def test_a_hidden_page_asks_for_nothing(tab: Tab):
    page = tab.page
    with page.expect_event("requestfailed", lambda request: request.url.endswith("/watch")):
        page.evaluate(HIDE, arg=True)
    before = len(tab.asked)
    # It would ask again after some 1.5 s.
    page.wait_for_timeout(2500)
    assert len(tab.asked) == before
    with page.expect_request("**/api/watch"):
        page.evaluate(HIDE, arg=False)
    tab.state("Notes", "Up to date")


def test_a_reloaded_page_says_how_to_get_in_again(tab: Tab):
    tab.page.reload()
    tab.shows(tab.page.get_by_text("syncin-mount ui"))
    assert tab.faults() == []
    tab.enter()
    tab.state("Notes", "Up to date")


def test_the_tab_says_when_the_supervisor_is_gone_and_goes_on_with_a_new_ticket(tab: Tab):
    world, pid = tab.world, tab.world.supervisor
    os.kill(pid, 9)
    tab.shows(tab.page.get_by_role("alert").get_by_text("syncin-mount does not answer"))
    assert tab.faults() == []
    with tab.page.expect_event("requestfailed"):
        pass  # it asks again, in vain
    tab.state("Notes", "Up to date")  # what it knew last
    assert world.drive("Notes").is_mount()
    tab.enter()
    assert world.supervisor != pid
    tab.state("Notes", "Up to date")
    assert tab.page.get_by_role("alert").count() == 0


def test_a_removed_synchronization_goes(tab: Tab):
    tab.world.must("down", "--force")
    tab.world.must("remove", "Notes", "--yes")
    tab.enter()
    tab.shows(tab.card("Archive"))
    assert tab.card("Notes").count() == 0


def test_a_configuration_that_cannot_be_read_is_told(tab: Tab):
    file = tab.world.folders.config_file
    before = file.read_text()
    file.write_text("no = [")
    try:
        tab.shows(tab.page.get_by_text(f"{file}, line 1").first)
        for hidden in (True, False):  # looked at anew
            tab.page.evaluate(HIDE, arg=hidden)
        tab.shows(tab.page.get_by_text(f"{file}, line 1").first)
    finally:
        file.write_text(before)
    tab.page.get_by_text(f"{file}, line 1").first.wait_for(state="detached")
    tab.shows(tab.card("Archive"))
