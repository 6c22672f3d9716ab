"""The assistant's calls, as somebody could misuse them, against the real supervisor."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from syncin_mount.web.assistant.local_folders import MOST_FOLDERS
from syncin_mount.web.server import routes_of
from tests.web.conftest import World, until
from tests.web.lines import lines

NOBODY = cast("Any", None)
CALLS = [*routes_of(*[NOBODY] * 4)]

WANTED = {"name": "docs", "server": "cloud", "remote": "personal/docs", "folder": "/nowhere/docs"}


@pytest.fixture(autouse=True)
def page(world: World) -> Iterator[None]:
    if not world.token:
        world.enter()
    yield
    log = world.folders.log("@supervisor").read_text()
    assert "Traceback" not in log
    assert world.token not in log


@pytest.mark.parametrize("path", CALLS)
def test_no_call_at_all_is_answered_without_a_token(world: World, path: str):
    assert world.post(path, {}, token="").status == 401
    assert world.post(path, {}, token="wrong").status == 401
    assert world.post(path, {}, origin="http://evil.example").status == 403


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("server", {"url": "x" * 2049}),
        ("server", {"url": "cloud.example.org", "more": "x"}),
        ("log-in", {"url": "x", "login": "", "password": "x"}),
        ("log-in", {"url": "x", "login": "x" * 256, "password": "x"}),
        ("log-in", {"url": "x", "login": "x", "password": "x" * 1025}),
        ("log-in", {"url": "x", "login": "x", "password": "x", "code": "x" * 65}),
        ("here", {"path": "/" + "x" * 8192}),
        ("here/make", {"path": "/", "name": "x" * 256}),
        ("there", {"server": "x" * 201}),
        ("there", {"server": "cloud", "path": "x" * 8193}),
        ("there/make", {"server": "cloud", "path": "personal", "name": ""}),
        ("name", {"remote": "x" * 8193}),
        ("look", WANTED | {"direction": "sideways"}),
        ("look", WANTED | {"every": "x" * 21}),
        ("look", WANTED | {"more": 1}),
        ("look", WANTED | {"filters": ["x"] * 101}),
        ("start", {"look": "x" * 101}),
        ("import", {"name": "x" * 201}),
    ],
)
def test_an_answer_that_is_too_long_or_none_is_not_understood(world: World, path: str, body: Any):
    assert world.post(f"/api/assistant/{path}", body).status == 400


EDIT = {"name": "x", "direction": "both", "conflict": "recent", "mode": "fast", "trash": "own"}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("edit", EDIT | {"every": "x" * 21}),
        ("edit", EDIT | {"every": "off", "trash": "elsewhere"}),
        ("edit", EDIT | {"every": "off", "remote": "personal"}),
        ("edit", EDIT | {"every": "off", "mountpoint": "x" * 8193}),
        ("rename", {"name": "x", "new": "x" * 201}),
        ("remove", {"look": "x" * 101}),
        ("remove", {"look": "x", "keep": "x" * 8193}),
    ],
)
def test_a_change_that_is_too_long_or_none_is_not_understood(world: World, path: str, body: Any):
    assert world.post(f"/api/{path}", body).status == 400


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("settings", {"name": "nobody"}),
        ("edit", EDIT | {"every": "off"}),
        ("rename", {"name": "nobody", "new": "../x"}),
        ("remove/look", {"name": "../x"}),
        ("remove", {"look": "guess"}),
    ],
)
def test_what_is_not_there_is_not_changed(world: World, path: str, body: Any):
    assert world.post(f"/api/{path}", body).status == 409


@pytest.mark.parametrize(
    "path",
    ["", " ", "\0", "a\0b", "~nobody-of-this-name", "x/" * 4000, "../" * 1000, "/proc/self/fd/0"],
)
def test_what_is_no_folder_s_path_is_told(world: World, path: str):
    answer = world.post("/api/assistant/here", {"path": path})
    assert answer.status in {200, 409}
    assert answer.json.get("why") or answer.json["shown"]


def test_a_loop_of_links_leads_nowhere(world: World):
    loop = world.base / "loop"
    loop.symlink_to(loop)
    answer = world.post("/api/assistant/here", {"path": str(loop)})
    assert answer.status in {200, 409}
    assert answer.json["why"]


def test_a_folder_with_very_many_tells_some_and_how_many_more(world: World, tmp_path: Path):
    for number in range(MOST_FOLDERS + 30):
        (tmp_path / f"{number:05}").mkdir()
    found = world.post("/api/assistant/here", {"path": str(tmp_path)}).json
    assert len(found["folders"]) == MOST_FOLDERS
    assert found["more"] == 30


def test_names_of_files_are_not_told(world: World, tmp_path: Path):
    (tmp_path / "letter.txt").write_text("private")
    (tmp_path / ".hidden").mkdir()
    (tmp_path / "<img src=x>").mkdir()
    found = world.post("/api/assistant/here", {"path": str(tmp_path)}).json
    assert [each["name"] for each in found["folders"]] == ["<img src=x>"]
    assert found["holds"]


@pytest.mark.parametrize("name", [".", "..", "a/b", "/etc", " ", "a\nb", "a\0b", "\x1b[2J"])
def test_no_folder_is_made_elsewhere(world: World, tmp_path: Path, name: str):
    answer = world.post("/api/assistant/here/make", {"path": str(tmp_path), "name": name})
    assert (answer.status, answer.json["field"]) == (409, "folder")
    assert [*tmp_path.iterdir()] == []
    body = {"server": "cloud", "path": "personal", "name": name}
    assert world.post("/api/assistant/there/make", body).status == 409


@pytest.mark.parametrize("path", ["..", "personal/..", "personal/../../x", "/etc", "nowhere", "\0"])
def test_no_path_leads_out_of_the_server_s_folders(world: World, path: str):
    assert world.post("/api/assistant/there", {"server": "cloud", "path": path}).status == 409
    body = WANTED | {"remote": path, "folder": str(world.base / "new")}
    answer = world.post("/api/assistant/look", body)
    assert (answer.status, answer.json["field"]) == (409, "remote")


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"name": "../x"}, "name"),
        ({"name": ""}, "name"),
        ({"folder": "a\0b"}, "folder"),
        ({"every": "sometimes"}, "every"),
        ({"remote": "personal"}, "remote"),
        ({"remote": "personal/nowhere"}, "remote"),
        ({"server": "nobody"}, None),
    ],
)
def test_what_cannot_be_is_told_beside_its_field(
    world: World, changed: dict[str, str], field: str | None
):
    body = WANTED | {"folder": str(world.base / "new")} | changed
    answer = world.post("/api/assistant/look", body)
    assert (answer.status, answer.json.get("field")) == (409, field)
    assert "--" not in answer.json["why"]  # no command's words


def test_the_program_s_own_folder_is_no_place_for_a_drive(world: World):
    body = WANTED | {"folder": str(world.folders.state / "drive")}
    answer = world.post("/api/assistant/look", body)
    assert (answer.status, answer.json["field"]) == (409, "folder")
    found = world.post("/api/assistant/here", {"path": str(world.folders.state)}).json
    assert "overlaps with the program's own folder" in found["why"]


@pytest.mark.slow
def test_only_what_was_looked_at_is_started_and_only_once(world: World, mounts: None):
    del mounts
    guess = lines(world.post("/api/assistant/start", {"look": "guess"}))
    assert [each["help"] for each in guess] == ["again"]
    there = world.sandbox.server_files / "docs"
    there.mkdir(parents=True)
    (there / "a.txt").write_text("a")
    body = WANTED | {"folder": str(world.base / "docs")}
    looked = world.post("/api/assistant/look", body).json
    assert (looked["files"], looked["bytes"]) == (1, 1)
    assert not (world.base / "docs").exists()
    told = lines(world.post("/api/assistant/start", {"look": looked["look"]}))
    assert told[-1] == {
        "event": "mounted",
        "name": "docs",
        "notes": [],
        "offer_log_in": False,
    }
    # Pressed twice, or after a connection that broke: how it went is told again, nothing is done.
    again = lines(world.post("/api/assistant/start", {"look": looked["look"]}))
    assert again == told[-1:]
    assert world.must("list", "--json").count('"docs"') == 1
    until((world.base / "docs/a.txt").exists, "the file")
    assert (world.base / "docs/a.txt").read_text() == "a"


def test_what_changed_since_it_was_looked_at_is_not_done(world: World):
    there, here = world.sandbox.server_files / "mixed", world.base / "mixed"
    there.mkdir(parents=True)
    here.mkdir()
    (here / "a.txt").write_text("mine")
    wanted = {"name": "mixed", "remote": "personal/mixed", "folder": str(here), "importing": True}
    looked = world.post("/api/assistant/look", WANTED | wanted).json
    assert looked["imports"]["files"] == 1
    (there / "a.txt").write_text("that came since, and would lose")
    told = lines(world.post("/api/assistant/start", {"look": looked["look"]}))
    assert (told[-1]["event"], told[-1]["help"]) == ("refused", "again")
    assert "mixed" not in world.folders.config_file.read_text()
    assert (here / "a.txt").read_text() == "mine"


@pytest.mark.slow
def test_an_import_that_left_a_file_goes_on(world: World, mounts: None):
    del mounts
    here, there = world.base / "letters", world.sandbox.server_files / "letters"
    there.mkdir(parents=True)
    here.mkdir()
    for name in ("free.txt", "used.txt"):
        (here / name).write_text(name)
    wanted = {"name": "letters", "remote": "personal/letters", "folder": str(here)}
    with (here / "used.txt").open("r+b"):
        looked = world.post("/api/assistant/look", WANTED | wanted | {"importing": True}).json
        told = lines(world.post("/api/assistant/start", {"look": looked["look"]}))
        assert told[-1]["event"] == "stopped"
        assert [each["path"] for each in told[-1]["left"]] == ["used.txt"]
        assert not here.is_mount()
        assert (here / "used.txt").read_text() == "used.txt"
    told = lines(world.post("/api/assistant/import", {"name": "letters"}))
    assert told[-1] == {
        "event": "mounted",
        "name": "letters",
        "notes": [],
        "offer_log_in": False,
    }
    assert here.is_mount()
    assert {each.name: each.read_text() for each in here.iterdir()} == {
        "free.txt": "free.txt",
        "used.txt": "used.txt",
    }
    again = lines(world.post("/api/assistant/import", {"name": "letters"}))
    assert "is mounted" in again[-1]["why"]
