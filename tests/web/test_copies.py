"""A drive's details, and the check of its local copy, on the page: real drives, real damage."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import threading
import time
from collections.abc import Iterator

import pytest
import trio
from playwright.sync_api import Browser

from syncin_mount.app.processes.at_rest import at_rest
from syncin_mount.control.transport import listener_of
from syncin_mount.mount_table import mounted_at
from syncin_mount.system.processes import alive
from tests.web.browser import Tab, new_tab
from tests.web.conftest import LIMIT, World, until
from tests.web.lines import lines

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300), pytest.mark.usefixtures("mounts")]


LARGE_GIB = 400


@pytest.fixture(scope="module")
def drives(world: World) -> Iterator[World]:
    """``Notes`` runs once a day, so that nothing happens by itself."""
    there = world.add("Notes", "--every", "1d", "--filter", "*.tmp")
    for number in range(40):
        (there / f"{number}.txt").write_text(f"content {number}" * 50)
    world.go_up()
    world.enter()
    yield world
    assert "Traceback" not in world.folders.log("@supervisor").read_text()


def choose(tab: Tab, word: str) -> None:
    """Of the menu of the card."""
    card = tab.card("Notes")
    card.get_by_label("More for Notes").click()
    card.get_by_role("button", name=word, exact=True).click()


def is_mounted(world: World) -> bool:
    return os.path.ismount(world.drive("Notes"))


def corrupt(world: World, text: str) -> None:
    """A disk returns other bytes than were saved: of the same size, behind the program's back."""
    for path in (world.folders.replica("Notes") / "objects").rglob("*"):
        if path.is_file() and path.read_bytes() == text.encode():
            before = path.stat()
            path.chmod(0o600)
            path.write_bytes(b"X" * len(text))
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
            return
    raise AssertionError(text)


def test_details_are_what_show_tells(tab: Tab, drives: World):
    choose(tab, "Details…")
    dialog = tab.page.get_by_role("dialog", name="Details of Notes")
    told = dialog.locator("dl")
    tab.shows(told.get_by_text("number", exact=False))
    text = told.inner_text()
    for each in (
        "personal/Notes",
        str(drives.drive("Notes")),
        "*.tmp",
        "Every 1d",
        "set as here",
        str(drives.folders.replica("Notes")),
    ):
        assert each in text
    assert tab.faults() == []


def test_a_sound_copy_is_told_and_the_drive_is_there_again(tab: Tab, drives: World):
    choose(tab, "Check…")
    dialog = tab.page.get_by_role("dialog", name="Check the local copy of Notes")
    tab.shows(dialog.get_by_text("unmounted meanwhile"))
    assert tab.faults() == []
    dialog.get_by_label("Read all contents").check()
    dialog.get_by_role("button", name="Check", exact=True).click()
    tab.shows(dialog.get_by_text("all is in order"))
    assert tab.faults() == []
    assert is_mounted(drives)
    dialog.locator("footer").get_by_role("button", name="Close").click()
    tab.state("Notes", "Up to date")


def test_a_content_that_changed_on_the_disk_is_found_and_repaired(tab: Tab, drives: World):
    corrupt(drives, "content 7" * 50)
    choose(tab, "Check…")
    dialog = tab.page.get_by_role("dialog", name="Check the local copy of Notes")
    dialog.get_by_label("Read all contents").check()
    dialog.get_by_role("button", name="Check", exact=True).click()
    tab.shows(dialog.get_by_text("7.txt: its content changed on the disk by itself"))
    assert tab.faults() == []
    dialog.get_by_role("button", name="Repair", exact=True).click()
    tab.shows(dialog.get_by_text("the server's version comes back"))
    dialog.locator("footer").get_by_role("button", name="Close").click()
    tab.state("Notes", "Up to date")
    drives.must("sync", "Notes")
    assert (drives.drive("Notes") / "7.txt").read_text() == "content 7" * 50


def test_an_open_file_keeps_it_from_being_checked_and_nothing_else(drives: World):
    with (drives.drive("Notes") / "1.txt").open():
        told = lines(drives.post("/api/check", {"name": "Notes"}))
    assert told[-1]["event"] == "refused"
    assert "cannot be unmounted" in told[-1]["why"]
    assert "--" not in told[-1]["why"]
    assert is_mounted(drives)


def test_a_drive_at_rest_stays_at_rest(tab: Tab, drives: World):
    drives.must("umount", "Notes")
    tab.state("Notes", "Not mounted")
    tab.shows(tab.card("Notes").get_by_text(re.compile(r"^40 · 1\d\.\d KiB$")))
    told = lines(drives.post("/api/check", {"name": "Notes"}))
    assert [each["event"] for each in told] == ["at", "at", "found"]
    assert (told[-1]["lines"], told[-1]["repairable"]) == (["all is in order"], False)
    assert not is_mounted(drives)
    drives.must("mount", "Notes")


def test_stopped_it_ends_soon_and_the_drive_is_there_again(browser: Browser, drives: World):
    ends_soon(browser, drives, stops=True)


def test_with_its_tab_closed_it_ends_soon_and_the_drive_is_there_again(
    browser: Browser, drives: World
):
    ends_soon(browser, drives, stops=False)


def ends_soon(browser: Browser, drives: World, *, stops: bool) -> None:
    large = drives.drive("Notes") / "large"
    with large.open("wb") as file:  # of zeros that no disk has: reading them takes minutes
        file.truncate(LARGE_GIB << 30)
    with new_tab(browser, drives) as tab:
        tab.enter()
        choose(tab, "Check…")
        dialog = tab.page.get_by_role("dialog", name="Check the local copy of Notes")
        dialog.get_by_label("Read all contents").check()
        dialog.get_by_role("button", name="Check", exact=True).click()
        tab.shows(dialog.get_by_text("Reading the contents"))
        tab.shows(dialog.get_by_text(f"of {LARGE_GIB} GiB"))
        began = time.monotonic()
        if stops:
            dialog.get_by_role("button", name="Stop").click()
            tab.shows(dialog.get_by_text("It was stopped."))
    until(lambda: is_mounted(drives), "it is mounted again")
    assert time.monotonic() - began < 20
    assert large.stat().st_size == LARGE_GIB << 30
    large.unlink()


def test_two_do_not_look_into_one_copy(drives: World):
    said = json.dumps({"name": "Notes"}).encode()
    head = drives.headers(authorization=f"Bearer {drives.token}", content_length=str(len(said)))
    lines_of_head = "".join(f"{name}: {value}\r\n" for name, value in head.items())
    with socket.create_connection(("127.0.0.1", drives.port), timeout=LIMIT) as first:
        first.sendall(f"POST /api/check HTTP/1.1\r\n{lines_of_head}\r\n".encode() + said)
        told = b""
        while b"unmounting" not in told:
            told += first.recv(65536)
        refused = drives.post("/api/check", {"name": "Notes"})
        assert (refused.status, "being checked already" in refused.json["why"]) == (409, True)
    # That it is mounted says nothing: it may be about to be unmounted.
    until(lambda: drives.post("/api/check", {"name": "Notes"}).status == 200, "it is free again")
    assert is_mounted(drives)


def test_a_daemon_that_hangs_is_not_waited_for_without_end(drives: World):
    daemon = listener_of(drives.folders.socket("Notes"))
    assert daemon is not None
    os.kill(daemon, signal.SIGSTOP)
    try:
        told = lines(drives.post("/api/check", {"name": "Notes"}))
    finally:
        os.kill(daemon, signal.SIGCONT)
    assert told[-1]["event"] == "refused"
    assert "does not answer" in told[-1]["why"], told
    assert is_mounted(drives)
    assert "1.txt" in os.listdir(drives.drive("Notes"))


def test_what_is_not_there_is_not_looked_into(drives: World):
    for call in ("show", "check"):
        refused = drives.post(f"/api/{call}", {"name": "nothing"})
        assert (refused.status, "no synchronization" in refused.json["why"]) == (409, True)
    assert drives.post("/api/check", {"name": "Notes", "folder": "/etc"}).status == 400


def test_stopped_while_its_daemon_still_ends_the_drive_is_there_again(drives: World):
    point = drives.drive("Notes")

    daemon = listener_of(drives.folders.socket("Notes"))
    assert daemon

    def go_on() -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(daemon, signal.SIGCONT)

    goes_on = threading.Timer(1.0, go_on)

    async def stop_when_gone(scope: trio.CancelScope) -> None:
        while mounted_at(point) is not None:  # noqa: ASYNC110 (the kernel tells nobody)
            await trio.sleep(0.001)
        with contextlib.suppress(ProcessLookupError):  # it may be quicker than this
            os.kill(daemon, signal.SIGSTOP)
            goes_on.start()
        scope.cancel()

    async def rest() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(stop_when_gone, nursery.cancel_scope)
            async with at_rest(drives.folders, "Notes"):
                raise AssertionError("its daemon had ended before it was stopped")

    trio.run(rest)
    until(lambda: is_mounted(drives), "the drive")


def test_a_drive_that_hangs_is_ended_by_force(drives: World):
    """And it stays so, though a supervisor runs."""
    hung = listener_of(drives.folders.socket("Notes"))
    assert hung
    os.kill(hung, signal.SIGSTOP)
    drives.must("umount", "--force", "Notes")
    assert not alive(hung)
    assert mounted_at(drives.drive("Notes")) is None
    assert listener_of(drives.folders.socket("Notes")) is None
    drives.must("mount", "Notes")
    assert (drives.drive("Notes") / "1.txt").read_text() == "content 1" * 50
