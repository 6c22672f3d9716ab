"""The first start of a desktop user: the assistant, what happens to files, and log-in."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from syncin_mount.autostart import UNIT
from tests.web.assistant import ALL, HOW, WHICH, Assistant, empty_world, home
from tests.web.browser import new_tab
from tests.web.conftest import PROFILE, World, until

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("mounts"), pytest.mark.timeout(600)]

SYSTEMCTL = """\
#!/bin/sh
echo "$@" >> {folder}/calls
if [ -e {folder}/refuse ]; then echo 'Failed to connect to bus' >&2; exit 1; fi
if [ "$2" = show ]; then cat {folder}/state; fi
"""


@pytest.fixture
def systemctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Notes in ``calls`` what it is asked; ``state`` has what it says of the unit, and with
    ``refuse`` it refuses. No systemd runs where the tests do."""
    folder = tmp_path / "programs"
    folder.mkdir()
    (folder / "systemctl").write_text(SYSTEMCTL.format(folder=folder))
    (folder / "systemctl").chmod(0o755)
    (folder / "state").write_text("disabled\n")
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))
    return folder


@pytest.fixture
def new(browser: Browser, systemctl: Path, tmp_path: Path) -> Iterator[World]:
    del browser, systemctl  # they are there before the supervisor is
    with empty_world(tmp_path / "world") as found:
        yield found


def test_the_desktop_s_entry_leads_to_the_assistant_as_long_as_there_is_no_drive(
    new: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The entry is `syncin-mount ui`."""
    script, opened = tmp_path / "xdg-open", tmp_path / "opened"
    script.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {opened}.new; mv {opened}.new {opened}\n')
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("DISPLAY", ":7")
    new.must("ui")
    until(opened.exists, "the browser's start")
    assert opened.read_text().endswith("&at=add/\n")
    opened.unlink()
    new.sandbox.log_in(PROFILE, "cloud")
    new.add("docs")
    new.must("disable", "docs")
    new.must("ui")
    until(opened.exists, "the browser's second start")
    assert "&at=" not in opened.read_text()


def test_from_the_welcome_to_log_in(browser: Browser, new: World, systemctl: Path):
    new.sandbox.log_in(PROFILE, "cloud")
    with new_tab(browser, new) as tab:
        tab.enter("add/")
        at = Assistant(tab)
        welcome = at.main.locator(".welcome li")
        expect(welcome).to_have_count(3)
        at.looks_well("welcome")
        at.go_on()
        at.is_at(WHICH)
        expect(welcome).to_have_count(0)
        at.choose("Music")
        at.go_on()
        at.is_at(HOW)
        at.go_on()
        at.is_at(ALL)
        at.go_on("Start")
        at.is_at("Music is mounted")
        offer = at.main.get_by_role("button", name="From every log-in on")
        tab.shows(offer)
        at.looks_well("offer")
        (systemctl / "refuse").touch()
        offer.click()
        tab.shows(at.wrong().get_by_text("systemd does not do it (Failed to connect to bus)"))
        (systemctl / "refuse").unlink()
        offer.click()
        tab.shows(at.page.get_by_text("Your drives are there from every log-in on."))
        expect(offer).to_have_count(0)
        # The supervisor runs: it serves the page.
        assert f"--user enable {UNIT}\n" in (systemctl / "calls").read_text()
        at.main.get_by_role("link", name="To the synchronizations").click()
        tab.state("Music", "Up to date")
        assert (home(new) / "Sync-in").is_mount()

        (systemctl / "state").write_text("enabled\n")
        at.page.get_by_role("link", name="Settings", exact=True).click()
        switch = at.page.get_by_label("Drives from every log-in on")
        expect(switch).to_be_checked()
        at.looks_well("settings")
        (systemctl / "state").write_text("disabled\n")
        switch.uncheck()
        until(
            lambda: f"--user disable {UNIT}\n" in (systemctl / "calls").read_text(), "the end of it"
        )
        expect(switch).not_to_be_checked()


@pytest.mark.parametrize("state", ["enabled\n", None])
def test_where_it_is_on_or_cannot_be_nothing_is_offered(
    browser: Browser, new: World, systemctl: Path, state: str | None
):
    if state is None:
        (systemctl / "refuse").touch()
    else:
        (systemctl / "state").write_text(state)
    new.sandbox.log_in(PROFILE, "cloud")
    with new_tab(browser, new) as tab:
        tab.enter()
        at = Assistant(tab)
        at.page.evaluate("() => location.hash = '#/add'")
        at.go_on()
        at.is_at(WHICH)
        at.choose("Music")
        at.go_on()
        at.is_at(HOW)
        at.go_on()
        at.is_at(ALL)
        at.go_on("Start")
        tab.state("Music", "Up to date")
        at.page.get_by_role("link", name="Settings", exact=True).click()
        tab.shows(at.page.get_by_label("Icon in the desktop's tray"))
        switch = at.page.get_by_label("Drives from every log-in on")
        expect(switch).to_have_count(0 if state is None else 1)
