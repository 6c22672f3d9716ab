"""The assistant in a real browser where something stands in the way: a full disk, an address that
others can read along, a share that may only be read."""

from __future__ import annotations

import socket
import tomllib
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from syncin_mount.cli.demo.sandbox import LOGIN
from tests.small_disk import SmallDisk, small_disk
from tests.web.assistant import ALL, HOW, WHERE, WHICH, Assistant, begin, empty_world, home
from tests.web.browser import new_tab
from tests.web.conftest import PROFILE, World, until
from tests.web.second_server import CODE, PASSWORD, SHARE, second_server

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("mounts"), pytest.mark.timeout(600)]

DISK_MB, LARGE_MB = 96, 120


@pytest.fixture(scope="module")
def world(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A program without synchronizations, and a server that other computers reach, too."""
    del browser  # it keeps the home that it was started with
    with empty_world(tmp_path_factory.mktemp("limits") / "world", "--host", "0.0.0.0") as found:
        yield found


@pytest.fixture(scope="module")
def disk(world: World) -> Iterator[SmallDisk]:
    """What has the local copies and the account."""
    with small_disk(world.folders.state, "tmpfs", DISK_MB) as found:
        found.path.chmod(0o700)
        world.sandbox.log_in(PROFILE, "cloud")
        yield found
        world.must("down", "--force")


@pytest.fixture
def at(browser: Browser, world: World) -> Iterator[Assistant]:
    with new_tab(browser, world) as tab:
        tab.enter()
        yield Assistant(tab)


def name_of_this_computer() -> str:
    """As another computer would be called: no name of the loopback, which is this one for sure."""
    name = socket.gethostname()
    try:
        socket.gethostbyname(name)
    except OSError:
        pytest.skip("this computer does not know its own name")
    return name


def another_account(at: Assistant, url: str) -> None:
    """Types the address of one that is not known yet."""
    at.page.evaluate("() => location.hash = '#/add'")
    first = at.page.get_by_role("heading", level=2)
    at.tab.shows(first)
    if first.inner_text() == WHERE:
        at.go_on("Back")
    at.is_at("Which server?")
    at.page.get_by_role("radio", name="Another account").check()
    at.page.get_by_label("The server's address").fill(url)
    at.go_on()


def log_in(at: Assistant, login: str, password: str) -> None:
    at.page.get_by_label("Login or e-mail address").fill(login)
    at.page.get_by_label("Password").fill(password)
    at.go_on("Log in")


@pytest.mark.usefixtures("disk")
def test_what_others_can_read_on_the_way_is_agreed_to_and_that_is_kept(at: Assistant, world: World):
    url = f"http://{name_of_this_computer()}:{world.sandbox.port}"
    another_account(at, url)
    address = at.page.get_by_label("The server's address")
    consent = at.page.get_by_role("checkbox", name="I accept that others on the way can read")
    at.tab.shows(consent)
    at.tab.shows(at.wrong())
    at.looks_well("clear")
    at.go_on()  # the browser asks for the tick
    at.is_at("Which server?")
    assert at.page.get_by_label("Password").count() == 0
    consent.check()
    address.fill(f"{url}/")
    consent.wait_for(state="detached")  # it was said of another address
    at.go_on()
    consent.check()
    at.go_on()
    log_in(at, LOGIN, world.password)
    at.is_at(WHERE)
    text = world.folders.config_file.read_text()
    assert "insecure_http = true" in text
    assert url in text
    [name] = tomllib.loads(text)["servers"].keys() - {"cloud"}
    listed = world.must("remote", "ls", "--server", name, "personal")  # nobody is asked again
    assert "Music" in listed


def test_a_copy_that_does_not_fit_on_the_disk_says_so_before_anything_happens(
    at: Assistant, world: World, disk: SmallDisk
):
    there = world.sandbox.server_files / "Films"
    there.mkdir()
    with (there / "film.mkv").open("wb") as file:
        file.truncate(LARGE_MB << 20)
    (there / "list.txt").write_text("one film")
    begin(at)
    at.open_here("~/Films")
    at.go_on()
    at.is_at(WHICH)
    at.choose("Films")
    at.go_on()
    at.is_at(HOW)
    at.go_on()
    at.is_at(ALL)
    free = at.page.locator("dt", has_text="Free on the disk").locator("xpath=following-sibling::dd")
    shown = float(free.inner_text().split()[0])
    assert 0 < shown < DISK_MB * 1.05
    assert disk.room / 1e6 == pytest.approx(shown, rel=0.2)
    at.tab.shows(at.page.get_by_text("A complete copy takes"))
    at.looks_well("does-not-fit")
    at.go_on("Start")  # the browser asks for the tick
    at.is_at(ALL)
    assert "Films" not in world.folders.config_file.read_text()
    assert not (home(world) / "Films").exists()
    at.page.get_by_label("Add it all the same").check()
    at.go_on("Start")
    at.tab.shows(at.tab.card("Films"))
    drive = home(world) / "Films"
    until(drive.is_mount, "the drive")
    assert (drive / "list.txt").read_text() == "one film"
    assert (drive / "film.mkv").stat().st_size == LARGE_MB << 20


@pytest.mark.usefixtures("disk")
def test_a_share_that_may_only_be_read_is_followed_and_it_is_said_why(
    at: Assistant, world: World, tmp_path_factory: pytest.TempPathFactory
):
    with second_server(tmp_path_factory.mktemp("second")) as other:
        another_account(at, other.url)
        at.page.get_by_role("checkbox").check()
        at.go_on()
        log_in(at, "user2", PASSWORD)
        at.page.get_by_label("Code of the second factor").fill(CODE)
        at.go_on("Log in")
        at.is_at(WHERE)
        at.open_here("~/Read")
        at.go_on()
        at.is_at(WHICH)
        at.unfold("shares")
        at.choose(SHARE)
        line = at.page.locator(".line", has_text=SHARE)
        at.tab.shows(line.get_by_text("read-only"))
        at.go_on()
        at.is_at(HOW)
        at.tab.shows(at.page.get_by_text("The server lets you only read there"))
        directions = at.page.get_by_role("group", name="Direction").get_by_role("radio")
        offered = [each for each in directions.all() if each.is_enabled()]
        assert [each.input_value() for each in offered] == ["download"]
        assert offered[0].is_checked()
        at.looks_well("read-only")
        at.go_on()
        at.is_at(ALL)
        at.tab.shows(at.page.get_by_text("Download only"))
        at.go_on("Start")
        drive = home(world) / "Read"
        until(drive.is_mount, "the drive")
        until((drive / "read me.txt").exists, "what is shared")
        assert (drive / "read me.txt").read_text() == "to be read"
        with pytest.raises(OSError, match=r"Read-only|not permitted|denied"):
            (drive / "new.txt").write_text("not here")
