"""The assistant in a real browser: from an empty program to a mounted drive with files."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from syncin_mount.cli.demo.sandbox import LOGIN
from tests.web.assistant import ALL, HOW, WHERE, WHICH, Assistant, begin, empty_world, home
from tests.web.browser import new_tab
from tests.web.conftest import World, until
from tests.web.second_server import CODE, PASSWORD, SecondServer, second_server

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("mounts"), pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def empty(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A server with files, and a program that knows nothing; the home folder is one of its own."""
    del browser  # it keeps the home that it was started with
    with empty_world(tmp_path_factory.mktemp("assistant") / "world") as found:
        yield found


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecondServer]:
    with second_server(tmp_path_factory.mktemp("second")) as found:
        yield found


@pytest.fixture
def at(browser: Browser, empty: World) -> Iterator[Assistant]:
    with new_tab(browser, empty) as tab:
        tab.enter()
        yield Assistant(tab)


def test_from_an_empty_program_to_a_mounted_drive_with_files(at: Assistant, empty: World):
    at.tab.shows(at.page.get_by_role("heading", name="No synchronizations yet"))
    at.looks_well("0-empty")
    at.page.get_by_role("link", name="Add the first one").click()
    at.is_at("Which server?")
    at.looks_well("1-address")

    at.page.get_by_label("The server's address").fill("http://127.0.0.1:1")
    at.go_on()
    at.tab.shows(at.wrong())
    assert at.page.get_by_label("Password").count() == 0  # nobody is asked for it yet
    at.looks_well("2-no-server")
    at.page.get_by_label("The server's address").fill(empty.sandbox.url)
    at.go_on()
    at.page.get_by_label("Login or e-mail address").fill(LOGIN)
    at.page.get_by_label("Password").fill("wrong")
    at.go_on("Log in")
    at.tab.shows(at.wrong().get_by_text("refused the login"))
    at.looks_well("3-wrong-password")
    at.page.get_by_label("Password").fill(empty.password)
    at.go_on("Log in")

    at.is_at(WHERE)
    field = at.page.get_by_label("Folder", exact=True)
    until(lambda: field.input_value() == "~/Sync-in", "the suggestion")
    at.tab.shows(at.page.get_by_text("It is not there yet, and will be made."))
    at.tab.shows(at.page.get_by_role("button", name="Pictures"))
    at.looks_well("4-here")
    at.go_on()

    at.is_at(WHICH)
    at.unfold("Documents")
    at.tab.shows(at.page.get_by_role("radio", name="Letters", exact=True))
    at.go_on()
    at.tab.shows(at.wrong().get_by_text("Choose a folder of the server."))
    at.choose("Documents")
    at.looks_well("5-there")
    at.go_on()

    at.is_at(HOW)
    name = at.page.get_by_label("Name", exact=True)
    until(lambda: name.input_value() == "Documents", "the name")
    at.page.get_by_text("More settings").click()
    at.looks_well("6-settings")
    at.go_on()

    at.is_at(ALL)
    at.tab.shows(at.page.get_by_text("32 B in 2 files"))
    at.tab.shows(at.page.get_by_text("Free on the disk"))
    assert not (home(empty) / "Sync-in").exists()
    at.looks_well("7-review")
    at.go_on("Start")
    at.tab.state("Documents", "Up to date")
    drive = home(empty) / "Sync-in"
    assert drive.is_mount()
    assert (drive / "Letters/there.txt").read_text() == "Documents/Letters"
    at.looks_well("8-card")
    assert empty.password not in empty.folders.log("@supervisor").read_text()


def test_files_that_are_there_are_previewed_and_imported(at: Assistant, empty: World):
    pictures = home(empty) / "Pictures"
    (pictures / "mine.txt").write_text("only here")
    (pictures / "Summer").mkdir()
    (pictures / "Summer/there.txt").write_text("longer than the one that is there")
    at.page.get_by_role("link", name="Add", exact=True).click()
    at.is_at(WHERE)
    at.page.get_by_role("navigation", name="Where you are").get_by_role(
        "button", name="Home"
    ).click()
    at.page.get_by_role("button", name="Pictures").click()
    at.tab.shows(at.page.get_by_text("It holds files. They become the drive's"))
    at.looks_well("here-with-files")
    at.go_on()
    at.is_at(WHICH)
    assert at.page.get_by_role("radio", name="Documents", exact=True).is_disabled()
    at.tab.shows(at.page.get_by_text("synchronized as 'Documents' already"))
    at.looks_well("there-taken")
    at.choose("Photos")
    at.go_on()
    at.is_at(HOW)
    at.page.get_by_label("Name", exact=True).fill("Documents")
    at.go_on()
    at.tab.shows(at.wrong().get_by_text("there is a synchronization 'Documents' already"))
    at.looks_well("name-taken")
    at.page.get_by_label("Name", exact=True).fill("Pictures")
    at.go_on()
    at.is_at(ALL)
    at.tab.shows(at.page.get_by_text("are only on this computer: they are uploaded"))
    at.tab.shows(at.page.get_by_text("differ: the most recent version wins"))
    at.looks_well("review-import")
    at.go_on("Import and start")
    at.tab.state("Pictures", "Up to date")
    assert pictures.is_mount()
    there = empty.sandbox.server_files / "Photos"
    until((there / "mine.txt").exists, "the upload")
    assert (there / "mine.txt").read_text() == "only here"
    assert (pictures / "Summer/there.txt").read_text() == "longer than the one that is there"


def test_what_cannot_be_a_drive_s_folder_says_why(at: Assistant, empty: World):
    at.page.evaluate("() => location.hash = '#/add'")
    at.is_at(WHERE)
    for text, why in (
        ("~/Sync-in", "is used by 'Documents' already"),
        ("~/Sync-in/Letters", "is inside that of 'Documents'"),
        (str(empty.base), "overlaps with the program's own folder"),
    ):
        at.open_here(text)
        at.tab.shows(at.wrong().get_by_text(why))
        at.go_on()
        at.is_at(WHERE)  # it does not go on
    at.open_here("~")
    at.tab.shows(at.page.get_by_role("button", name="Sync-in").get_by_text("is used by"))
    at.looks_well("here-taken")
    (home(empty) / "file").write_text("x")
    at.open_here("~/file")
    at.tab.shows(at.wrong().get_by_text("is a file"))
    at.open_here("~")
    at.go_on("New folder")
    at.page.get_by_label("Name of the new folder").fill("Desktop")
    at.go_on("Make it")
    at.tab.shows(at.wrong().get_by_text("there is a 'Desktop' already"))
    at.page.get_by_label("Name of the new folder").fill("Mine")
    at.go_on("Make it")
    at.tab.shows(at.page.get_by_text("It is empty."))
    assert (home(empty) / "Mine").is_dir()


def test_a_folder_is_made_on_the_server_and_found_by_its_name(at: Assistant, empty: World):
    at.page.evaluate("() => location.hash = '#/add'")
    at.is_at(WHERE)
    at.go_on()
    at.is_at(WHICH)
    at.tab.shows(at.page.get_by_role("radio", name="Music", exact=True))
    search = at.page.get_by_role("searchbox")
    search.fill("mus")
    at.page.get_by_role("radio", name="Photos", exact=True).wait_for(state="detached")
    at.tab.shows(at.page.get_by_role("radio", name="Music", exact=True))
    search.fill("personal/Music")
    at.page.keyboard.press("Enter")
    assert search.input_value() == ""
    until(at.page.get_by_role("radio", name="Music", exact=True).is_checked, "the path")
    at.go_on("New folder in personal")
    at.page.get_by_label("Name of the new folder").fill("Music")
    at.go_on("Make it")
    at.tab.shows(at.wrong().get_by_text("is there already"))
    at.page.get_by_label("Name of the new folder").fill("Scores")
    at.go_on("Make it")
    until(at.page.get_by_role("radio", name="Scores", exact=True).is_checked, "the new folder")
    assert (empty.sandbox.server_files / "Scores").is_dir()
    at.page.get_by_role("link", name="Cancel").click()
    at.tab.shows(at.page.get_by_text("personal/Scores stays on the server"))


def test_a_certificate_that_nobody_verifies_and_a_second_factor(
    at: Assistant, empty: World, other: SecondServer
):
    at.page.evaluate("() => location.hash = '#/add'")
    at.is_at(WHERE)
    at.go_on("Back")
    at.is_at("Which server?")
    at.page.get_by_role("radio", name="Another account").check()
    at.page.get_by_label("The server's address").fill(other.url)
    at.go_on()
    at.tab.shows(at.wrong().get_by_text("cannot be verified"))
    at.tab.shows(at.page.get_by_text(other.fingerprint))
    at.looks_well("certificate")
    at.page.get_by_role("checkbox").check()
    at.go_on()
    at.page.get_by_label("Login or e-mail address").fill("user2")
    at.page.get_by_label("Password").fill(PASSWORD)
    at.go_on("Log in")
    code = at.page.get_by_label("Code of the second factor")
    code.fill("wrong")
    at.go_on("Log in")
    at.tab.shows(at.wrong().get_by_text("refused the login"))
    at.looks_well("code")
    code.fill(CODE)
    at.go_on("Log in")
    at.is_at(WHERE)
    assert "insecure_tls = true" in empty.folders.config_file.read_text()
    assert PASSWORD not in empty.folders.log("@supervisor").read_text()


def test_it_leaves_out_runs_at_any_interval_and_stays_disabled(at: Assistant, empty: World):
    (empty.sandbox.server_files / "Scans").mkdir(exist_ok=True)
    (empty.sandbox.server_files / "Scans/page.tiff").write_bytes(bytes(3000))
    (empty.sandbox.server_files / "Scans/page.txt").write_text("text")
    begin(at)
    at.open_here("~/Scans")
    at.go_on()
    at.is_at(WHICH)
    at.choose("Scans")
    at.go_on()
    at.is_at(HOW)
    at.page.get_by_text("More settings").click()
    at.page.get_by_label("At another interval").check()
    at.page.get_by_label("Interval", exact=True).fill("soon")
    at.page.get_by_label("Text").fill(".tiff")
    at.page.keyboard.press("Enter")
    at.tab.shows(at.page.get_by_label("Rules").get_by_text(".tiff"))
    at.page.get_by_label("Leave it disabled").check()
    at.looks_well("settings-more")
    at.go_on()
    at.tab.shows(at.wrong().get_by_text("'soon' is no time"))
    at.page.get_by_label("Interval", exact=True).fill("45m")
    at.go_on()
    at.is_at(ALL)
    at.tab.shows(at.page.get_by_text("4 B in 1 file"))
    at.go_on("Start")
    at.tab.state("Scans", "Disabled")
    text = empty.folders.config_file.read_text()
    assert 'scheduler = "45m"' in text
    assert 'filters = [".*.tiff$"]' in text
    assert not (home(empty) / "Scans").is_mount()


def test_an_import_that_stopped_goes_on_from_the_card(at: Assistant, empty: World):
    (empty.sandbox.server_files / "Desk").mkdir()
    folder = home(empty) / "Desktop"
    (folder / "done.txt").write_text("done")
    with (folder / "open.txt").open("w") as writer:
        writer.write("begun")
        writer.flush()
        begin(at)
        at.open_here("~/Desktop")
        at.go_on()
        at.is_at(WHICH)
        at.choose("Desk")
        at.go_on()
        at.is_at(HOW)
        name = at.page.get_by_label("Name", exact=True)
        until(lambda: name.input_value() == "Desk", "the name")
        at.go_on()
        at.is_at(ALL)
        at.go_on("Import and start")
        at.tab.shows(at.page.get_by_text("some files could not be imported"))
        at.page.get_by_role("link", name="To the synchronizations").click()
        card = at.tab.card("Desk")
        card.get_by_role("button", name="Go on with the import…").click()
        dialog = at.page.get_by_role("dialog")
        dialog.get_by_role("button", name="Go on").click()
        at.tab.shows(dialog.get_by_text("open.txt"))
        at.looks_well("import-again")
        writer.write(" and ended")
    dialog.get_by_role("button", name="Go on").click()
    at.tab.shows(dialog.get_by_text("Desk is mounted, with all of it."))
    dialog.get_by_role("button", name="Close", exact=True).last.click()
    assert card.get_by_role("button", name="Go on with the import…").count() == 0
    assert (folder / "open.txt").read_text() == "begun and ended"
    assert folder.is_mount()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_use_it(browser: Browser, empty: World, scheme: str):
    size = {"width": 360, "height": 740}
    with new_tab(browser, empty, viewport=size, color_scheme=scheme) as tab:
        tab.enter()
        at = Assistant(tab)
        at.page.evaluate("() => location.hash = '#/add'")
        at.is_at("Which server?")
        at.looks_well(f"{scheme}-server")
        at.page.get_by_role("radio", name="Another account").check()
        at.looks_well(f"{scheme}-address")
        at.page.get_by_role("radio").first.check()
        at.go_on()
        at.is_at(WHERE)
        at.tab.shows(at.page.get_by_label("Folder", exact=True))
        at.looks_well(f"{scheme}-here")
        at.go_on()
        at.is_at(WHICH)
        at.choose("Music")
        at.looks_well(f"{scheme}-there")
        at.go_on()
        at.is_at(HOW)
        at.page.get_by_text("More settings").click()
        at.looks_well(f"{scheme}-settings")
        at.go_on()
        at.is_at(ALL)
        at.looks_well(f"{scheme}-review")


def test_the_keyboard_alone_adds_a_drive(at: Assistant, empty: World):
    page, keys = at.page, at.page.keyboard

    def tab_to(*names: str) -> None:
        """Presses Tab until something with one of these names is in use."""
        named = """(names) => {
            const at = document.activeElement;
            const label = at.labels && at.labels[0];
            const said = [at.innerText, at.getAttribute("aria-label"), label && label.innerText];
            return names.some((name) => said.some((each) => each && each.trim() === name));
        }"""
        for _ in range(120):
            if page.evaluate(named, list(names)):
                return
            keys.press("Tab")
        pytest.fail(f"the keyboard does not reach {names}")

    tab_to("Add")
    keys.press("Enter")
    at.is_at("Which server?")
    tab_to("Continue")
    keys.press("Enter")
    at.is_at(WHERE)
    tab_to("Folder")
    keys.press("Control+a")
    keys.type("~/By keyboard")
    tab_to("Continue")
    keys.press("Enter")
    at.is_at(WHICH)
    tab_to("Folders in Photos")
    tab_to("Music", "Scores")  # the radio buttons are one stop; arrows choose among them
    while not page.get_by_role("radio", name="Music", exact=True).is_checked():
        keys.press("ArrowDown")
    tab_to("Continue")
    keys.press("Enter")
    at.is_at(HOW)
    name = page.get_by_label("Name", exact=True)
    until(lambda: name.input_value() == "Music", "the name")
    tab_to("Continue")
    keys.press("Enter")
    at.is_at(ALL)
    tab_to("Start")
    keys.press("Enter")
    at.tab.state("Music", "Up to date")
    assert (home(empty) / "By keyboard/there.txt").read_text() == "Music"
