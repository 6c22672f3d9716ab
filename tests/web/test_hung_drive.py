"""A drive whose daemon hangs (it is stopped): nobody waits for it without end, it is told, and it
can be ended. Real processes, stopped by a signal."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from playwright.sync_api import Browser

from syncin_mount.config.folders import HOME_VARIABLE
from syncin_mount.control.transport import listener_of
from syncin_mount.mount_table import mounted_at
from syncin_mount.system.processes import alive
from tests.web.browser import new_tab
from tests.web.conftest import PROFILE, World, until
from tests.web.lines import lines

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300), pytest.mark.usefixtures("mounts")]

ANSWERED_S = 40.0
"""Seconds in which everything answers on a machine that is busy: ten until it is known that the
daemon hangs, and one for each question after that."""

AT_ONCE = 16
"""Commands that run at the same time: most of them wait."""

COMMANDS = (
    "doctor",
    "list",
    "list --json",
    "status",
    "status --json",
    "status Notes",
    "status {drive}/folder",
    "show Notes",
    "explain Notes 1.txt",
    "explain {drive}/1.txt",
    "explain {link}/1.txt",
    "logs",
    "logs Notes",
    "open Notes --print",
    "ui --print",
    "transfers Notes",
    "journal list Notes",
    "bin list Notes",
    "conflicts Notes",
    "filter list Notes",
    "filter try Notes *.x",
    "server list",
    "clients list",
    "settings",
    "check Notes",
    "mount Notes",
    "umount Notes",
    "sync Notes --dry-run",
    "remote ls personal",
    "desktop run server {drive}/folder",
    "desktop run hold {drive}/1.txt",
    "desktop run explain {link}/1.txt",
    "add New --server cloud --remote personal/New --mountpoint {drive}/folder",
    "add New --server cloud --remote personal/New --mountpoint {link}/folder",
    "doctor --collect {base}/report.tar.gz",
)
"""What reads, and what begins by looking."""

NAME = {"name": "Notes"}
CALLS: tuple[tuple[str, dict[str, object]], ...] = (
    ("health", {}),
    ("report", {}),
    ("logs", {}),
    ("transfers", {"names": ["Notes"]}),
    ("journal", {**NAME}),
    ("trash", {**NAME}),
    ("conflicts", {**NAME}),
    ("explain", {**NAME, "path": "1.txt"}),
    ("settings", {**NAME}),
    ("show", {**NAME}),
    ("check", {**NAME}),
    ("filters", {**NAME}),
    ("filters/folder", {**NAME, "path": ""}),
    ("filters/try", {**NAME, "add": ["*.x"]}),
    ("accounts", {}),
    ("clients", {"server": "cloud"}),
    ("program", {}),
    ("remove/look", {**NAME}),
    ("simulate", {**NAME}),
    ("mount", {**NAME}),
    ("assistant/here", {}),
    ("assistant/here", {"path": "{drive}"}),
    ("assistant/here", {"path": "{drive}/folder"}),
    ("assistant/here", {"path": "{link}/folder"}),
    ("assistant/here", {"path": "{base}/drives"}),
    ("assistant/there", {"server": "cloud", "path": "personal"}),
)


@pytest.fixture(scope="module")
def drives(world: World) -> Iterator[World]:
    """``Notes`` runs once a day, so that nothing happens by itself."""
    there = world.add("Notes", "--every", "1d")
    (there / "folder").mkdir()
    (there / "1.txt").write_text("one")
    (world.sandbox.server_files / "New").mkdir()
    world.add("Other", "--every", "1d")
    world.go_up()
    world.enter()
    (world.base / "link").symlink_to(world.drive("Notes"))
    yield world
    assert "Traceback" not in world.folders.log("@supervisor").read_text()


@pytest.fixture
def hung(drives: World) -> Iterator[int]:
    """The daemon, which hangs meanwhile."""
    drives.sandbox.run(PROFILE, "mount", "Notes")
    daemon = listener_of(drives.folders.socket("Notes"))
    assert daemon
    os.kill(daemon, signal.SIGSTOP)
    try:
        yield daemon
    finally:
        with contextlib.suppress(ProcessLookupError):  # some tests end it
            os.kill(daemon, signal.SIGCONT)


def filled(world: World, text: str) -> str:
    places = {"drive": world.drive("Notes"), "link": world.base / "link", "base": world.base}
    return text.format(**places)


def answer(world: World, words: list[str]) -> str:
    """What the command says, or that it does not come back."""
    command = [sys.executable, "-m", "syncin_mount", *words]
    environment = {**os.environ, HOME_VARIABLE: str(world.base / PROFILE), "PATH": "/usr/bin:/bin"}
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            env=environment,
            timeout=ANSWERED_S,
        )
    except subprocess.TimeoutExpired:
        return f"does not come back: {words}"
    return f"traceback: {words}" if "Traceback" in done.stderr else done.stdout + done.stderr


@pytest.mark.usefixtures("hung")
def test_every_command_that_reads_comes_back(drives: World):
    words = [filled(drives, each).split() for each in COMMANDS]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        said = dict(zip(COMMANDS, pool.map(lambda each: answer(drives, each), words), strict=True))
    assert [each for each in said.values() if each.startswith(("does not", "traceback"))] == []
    end = "umount --force Notes"
    for each in (
        "status",
        "explain {link}/1.txt",
        "mount Notes",
        "desktop run server {drive}/folder",
    ):
        assert ("does not answer" in said[each], end in said[each]) == (True, True), said[each]
    doctor = next(each for each in said["doctor"].splitlines() if "Notes" in each)
    assert doctor.startswith("WRONG  Notes: its daemon does not answer")
    assert doctor.endswith("then mount it again: syncin-mount umount --force Notes")
    assert "is inside that of 'Notes'" in said[COMMANDS[-2]]


@pytest.mark.usefixtures("hung")
def test_every_call_of_the_page_that_reads_is_answered(drives: World):
    def ask(at: int) -> tuple[float, int]:
        path, body = CALLS[at]
        told = {
            key: filled(drives, value) if isinstance(value, str) else value
            for key, value in body.items()
        }
        began = time.monotonic()
        status = drives.post(f"/api/{path}", told).status
        return time.monotonic() - began, status

    with ThreadPoolExecutor(AT_ONCE) as pool:
        took = list(zip(CALLS, pool.map(ask, range(len(CALLS))), strict=True))
    assert [each for each in took if each[1][0] > ANSWERED_S] == []
    assert [each for each in took if each[1][1] not in {200, 409}] == []


def test_so_many_asked_it_in_vain_that_nobody_is_heard_and_it_still_hangs(drives: World, hung: int):
    """Who only looks is never accepted: the queue is full soon, and nobody can connect."""
    socket = drives.folders.socket("Notes")
    assert {listener_of(socket) for _ in range(300)} == {hung}
    said = drives.sandbox.run(PROFILE, "status", "Notes").error
    assert "does not answer" in said
    drives.must("umount", "--force", "Notes")
    assert not alive(hung)


def test_health_ends_it_and_nothing_is_lost_that_was_saved(
    browser: Browser, drives: World, hung: int
):
    os.kill(hung, signal.SIGCONT)
    drives.must("pause", "Notes")  # nothing of it goes to the server before
    (drives.drive("Notes") / "saved.txt").write_text("saved")
    os.kill(hung, signal.SIGSTOP)
    with new_tab(browser, drives) as tab:
        tab.enter()
        tab.page.get_by_role("link", name="Health").click()
        checks = tab.page.get_by_role("region", name="Checks")
        silent = checks.get_by_role("listitem").filter(has_text="its daemon does not answer")
        tab.shows(silent)
        silent.get_by_role("button", name="End and mount again…").click()
        dialog = tab.page.get_by_role("dialog", name="End Notes and mount it again")
        tab.shows(dialog.get_by_text("Nothing is lost that was saved"))
        assert tab.faults() == []
        dialog.get_by_role("button", name="End and mount again", exact=True).click()
        tab.shows(checks.get_by_text(f"mounted at {drives.drive('Notes')}"))
        assert silent.count() == 0
    assert not alive(hung)
    assert (drives.drive("Notes") / "saved.txt").read_text() == "saved"
    drives.must("resume", "Notes")
    drives.must("sync", "Notes")
    assert (drives.sandbox.server_files / "Notes" / "saved.txt").read_text() == "saved"


def test_its_card_ends_it_after_telling_what_that_means(browser: Browser, drives: World, hung: int):
    with new_tab(browser, drives) as tab:
        tab.enter()
        needs = tab.page.get_by_role("region", name="Needs you")
        button = needs.get_by_role("button", name="End and mount again…")
        tab.shows(button)
        tab.state("Notes", "Does not answer")
        assert needs.get_by_role("button", name="Try again").count() == 0
        assert tab.faults() == []
        button.focus()
        tab.page.keyboard.press("Enter")
        dialog = tab.page.get_by_role("dialog", name="End Notes and mount it again")
        tab.shows(dialog.get_by_text("Programs that use the drive now get an error"))
        dialog.get_by_role("button", name="Cancel").click()
        dialog.wait_for(state="detached")
        assert alive(hung)
        button.click()
        dialog.get_by_role("button", name="End and mount again", exact=True).click()
        dialog.wait_for(state="detached")
        tab.state("Notes", "Up to date")
        assert button.count() == 0
    assert not alive(hung)


def test_mount_says_that_it_hangs_and_ends_nothing_unasked(drives: World, hung: int):
    refused = drives.post("/api/mount", {"name": "Notes"})
    assert refused.status == 409
    assert "“End and mount again…” in “Health”" in refused.json["why"]
    assert alive(hung)
    os.kill(hung, signal.SIGCONT)
    assert drives.post("/api/mount", {"name": "Notes", "end_hung": True}).status == 200
    assert listener_of(drives.folders.socket("Notes")) == hung, "one that answers is left alone"


def test_one_that_is_disabled_is_ended_and_mounted_again(drives: World, hung: int):
    os.kill(hung, signal.SIGCONT)
    drives.must("disable", "Notes")
    drives.must("mount", "Notes")
    daemon = listener_of(drives.folders.socket("Notes"))
    assert daemon
    os.kill(daemon, signal.SIGSTOP)
    assert drives.post("/api/mount", {"name": "Notes", "end_hung": True}).status == 200
    assert not alive(daemon)
    assert mounted_at(drives.drive("Notes")) is not None
    drives.must("enable", "Notes")
    until(lambda: is_told(drives, "mounted at"), "it is in order")


def test_what_changes_something_comes_back_and_harms_no_other_drive(drives: World, hung: int):
    said = answer(drives, ["disable", "Notes"])
    assert "as soon as that is possible: the daemon does not answer" in said
    assert answer(drives, ["enable", "Notes"])
    assert "syncin-mount umount --force Notes" in answer(drives, ["down"])
    assert mounted_at(drives.drive("Other")) is None
    assert alive(hung)
    os.kill(hung, signal.SIGCONT)
    drives.must("up")


def is_told(world: World, text: str) -> bool:
    found = lines(world.post("/api/health"))
    return any(each["about"] == "Notes" and text in each["said"] for each in found)
