"""The page's health screen: calls against the real supervisor, and the screen in a real browser."""

from __future__ import annotations

import base64
import io
import json
import os
import signal
import tarfile
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from syncin_mount.control.transport import listener_of
from syncin_mount.system.processes import alive
from tests.web.browser import new_tab
from tests.web.conftest import World, until
from tests.web.lines import lines

PICTURES = os.environ.get("ASSISTANT_PICTURES")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(autouse=True)
def page(world: World) -> Iterator[None]:
    if not world.token:
        (world.add("secret-plans", "--every", "1d") / "there.txt").write_text("there")
        world.must("sync", "secret-plans")
        world.must("disable", "secret-plans")
        world.enter()
    yield
    assert "Traceback" not in world.folders.log("@supervisor").read_text()


def test_what_is_checked_is_told_one_by_one(world: World):
    found = lines(world.post("/api/health"))
    assert {each["event"] for each in found} == {"checked"}
    assert {each["state"] for each in found} <= {"fine", "note", "wrong"}
    assert [each["about"] for each in found if "is let in at" in each["said"]] == ["cloud"]
    assert any("local copy in order" in each["said"] for each in found)


def test_a_report_has_no_names_and_no_log_in(world: World):
    answer = world.post("/api/report")
    assert answer.json["name"].endswith(".tar.gz")
    data = base64.b64decode(answer.json["data"])
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        read = [archive.extractfile(each) for each in archive.getmembers()]
        text = b"".join(each.read() for each in read if each is not None)
    assert b"is let in at" in text
    assert b"secret-plans" not in text
    assert world.password.encode() not in text
    assert world.token.encode() not in text


@pytest.mark.parametrize(
    "body", [{"level": "all"}, {"most": 0}, {"most": 1001}, {"file": "/etc/passwd"}, {"names": 1}]
)
def test_lines_of_something_else_are_not_told(world: World, body: object):
    assert world.post("/api/logs", body).status == 400


def test_names_are_no_paths_to_logs(world: World):
    found = world.post("/api/logs", {"names": ["../../config"], "level": "debug"}).json["lines"]
    assert {each["name"] for each in found} <= {"", "secret-plans", "@supervisor"}


def test_the_latest_lines_come_first_and_some_are_left_out(world: World):
    found = world.post("/api/logs", {"names": ["secret-plans"], "most": 1000}).json["lines"]
    times = [each["time"] for each in found if each["time"] is not None]
    assert times
    assert times == sorted(times, reverse=True)
    assert world.post("/api/logs", {"level": "error"}).json["lines"] == []


@pytest.mark.parametrize("width", [1280, 360])
def test_checks_logs_and_a_report_are_on_a_screen(browser: Browser, world: World, width: int):
    options = {"viewport": {"width": width, "height": 800}}
    scheme = "dark" if width == 360 else "light"
    with new_tab(browser, world, color_scheme=scheme, **options) as tab:
        tab.enter()
        tab.page.get_by_role("link", name="Health").click()
        checks = tab.page.get_by_role("region", name="Checks")
        tab.shows(checks.get_by_text("local copy in order"))
        tab.shows(checks.get_by_text("is let in at"))
        checks.get_by_text("are looked at…").wait_for(state="detached")
        logs = tab.page.get_by_role("region", name="Logs")
        logs.get_by_label("Whose").select_option("secret-plans")
        tab.shows(logs.get_by_role("listitem").first)
        assert tab.faults() == []
        assert tab.page.evaluate("() => document.documentElement.scrollWidth") <= width
        if PICTURES:
            tab.page.screenshot(path=f"{PICTURES}/health-{width}.png", full_page=True)
        logs.get_by_label("How urgent").select_option("error")
        tab.shows(logs.get_by_text("Nothing like that is logged."))
        with tab.page.expect_download() as saved:
            checks.get_by_role("button", name="Make a report").click()
        assert saved.value.suggested_filename.endswith(".tar.gz")
        tab.shows(tab.page.get_by_text("look at it before you send it"))


def test_a_drive_whose_daemon_was_killed_is_mounted_again(
    browser: Browser, world: World, mounts: None
):
    del mounts
    world.must("mount", "secret-plans")
    daemon = listener_of(world.folders.socket("secret-plans"))
    assert daemon is not None
    os.kill(daemon, signal.SIGKILL)
    until(lambda: not alive(daemon), "the daemon's end")
    with new_tab(browser, world) as tab:
        tab.enter()
        tab.page.get_by_role("link", name="Health").click()
        checks = tab.page.get_by_role("region", name="Checks")
        crashed = checks.get_by_role("listitem").filter(has_text="a crashed drive is left over")
        tab.shows(crashed)
        crashed.get_by_role("button", name="Mount").click()
        tab.shows(checks.get_by_text(f"mounted at {world.drive('secret-plans')}"))
        tab.shows(checks.get_by_text("All is in order."))
        assert crashed.count() == 0
    assert (world.drive("secret-plans") / "there.txt").read_text() == "there"
    assert json.loads(world.must("list", "--json"))[0]["enabled"] is False
    world.must("umount", "secret-plans")
