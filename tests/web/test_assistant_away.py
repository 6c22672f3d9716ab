"""The assistant in a real browser while the server goes away, at each step, and while the disk is
full: one sentence, nothing lost, and it goes on afterwards."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser

from syncin_mount.cli.demo.sandbox import LOGIN
from tests.small_disk import SmallDisk, small_disk
from tests.web.assistant import ALL, HOW, WHERE, WHICH, Assistant, begin, empty_world, home
from tests.web.browser import new_tab
from tests.web.conftest import PROFILE, World, until

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("mounts"), pytest.mark.timeout(600)]

DISK_MB = 64


@pytest.fixture(scope="module")
def world(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A program that knows nothing, and a server."""
    del browser  # it keeps the home that it was started with
    with empty_world(tmp_path_factory.mktemp("away") / "world") as found:
        yield found


@pytest.fixture(scope="module")
def disk(world: World) -> Iterator[SmallDisk]:
    """What has the local copies."""
    with small_disk(world.folders.state, "tmpfs", DISK_MB) as found:
        found.path.chmod(0o700)
        yield found
        assert "Traceback" not in world.folders.log("@supervisor").read_text()
        world.must("down", "--force")


@pytest.fixture
def at(browser: Browser, disk: SmallDisk, world: World) -> Iterator[Assistant]:
    del disk  # it is there before anything is written
    with new_tab(browser, world) as tab:
        tab.enter()
        yield Assistant(tab)


@contextmanager
def away(world: World) -> Iterator[None]:
    """The server is not there meanwhile."""
    world.sandbox.stop_server()
    try:
        yield
    finally:
        world.sandbox.start_server(world.base / "requests.log")


def one_sentence(at: Assistant) -> str:
    """What is told, once it is: one alert, without the words of a program."""
    at.tab.shows(at.wrong().first)
    [said] = at.wrong().all_inner_texts()
    assert said.strip()
    assert "\n" not in said.strip()
    for word in ("Traceback", "Error", "Errno", "syncin-mount ", "--"):
        assert word not in said
    return said


def test_the_server_goes_away_at_each_step(at: Assistant, world: World):
    at.page.get_by_role("link", name="Add the first one").click()
    at.is_at("Which server?")
    at.page.get_by_label("The server's address").fill(world.sandbox.url)
    with away(world):
        at.go_on()
        one_sentence(at)
    at.go_on()
    at.page.get_by_label("Login or e-mail address").fill(LOGIN)
    at.page.get_by_label("Password").fill(world.password)
    with away(world):
        at.go_on("Log in")
        one_sentence(at)
    at.go_on("Log in")
    at.is_at(WHERE)
    at.open_here("~/Music")
    with away(world):
        at.go_on()
        at.is_at(WHICH)
        one_sentence(at)
    at.go_on("Try again")
    at.choose("Music")
    at.go_on()
    at.is_at(HOW)
    with away(world):
        at.go_on()
        one_sentence(at)
    at.go_on()
    at.is_at(ALL)
    with away(world):
        at.go_on("Start")
        one_sentence(at)
    assert "Music" not in world.folders.config_file.read_text()
    at.go_on("Back to the settings")
    at.is_at(HOW)
    at.go_on()
    at.is_at(ALL)
    at.go_on("Start")
    at.tab.state("Music", "Up to date")
    assert (home(world) / "Music/there.txt").read_text() == "Music"


FILES, FILE_BYTES = 400, 60_000


@contextmanager
def filled_by_another(disk: SmallDisk) -> Iterator[None]:
    """Another program takes all that is left as soon as something was written."""
    before, ended = disk.room, threading.Event()

    def fill() -> None:
        while disk.room > before - (1 << 20):
            if ended.wait(0.0005):
                return
        disk.fill()

    thread = threading.Thread(target=fill)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def test_the_disk_is_full_during_an_import(at: Assistant, world: World, disk: SmallDisk):
    pictures = home(world) / "Pictures"
    contents = {f"{number}.jpg": os.urandom(FILE_BYTES) for number in range(FILES)}
    for name, content in contents.items():
        (pictures / name).write_bytes(content)
    if not world.folders.config_file.exists():  # this test runs alone
        world.sandbox.log_in(PROFILE, "cloud")
        at.tab.enter()
    begin(at)
    at.open_here("~/Pictures")
    at.go_on()
    at.is_at(WHICH)
    at.choose("Photos")
    at.go_on()
    at.is_at(HOW)
    at.go_on()
    at.is_at(ALL)
    with filled_by_another(disk):
        at.go_on("Import and start")
        assert "No space left on device" in one_sentence(at)
    assert not pictures.is_mount()
    left = {path.name: path.read_bytes() for path in pictures.iterdir()}
    assert left.items() <= contents.items()
    assert len(left) > 0
    at.looks_well("disk-full")
    at.go_on("Go on")  # nothing changed
    assert "No space left on device" in one_sentence(at)
    disk.free()
    at.go_on("Go on")
    at.tab.state("Photos", "Up to date")
    assert pictures.is_mount()
    there = {f"{name}": (pictures / name).read_bytes() for name in contents}
    assert there == contents
    until(
        lambda: all((world.sandbox.server_files / "Photos" / name).exists() for name in contents),
        "the uploads",
    )
