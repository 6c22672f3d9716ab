"""The calls of the page's settings, and how somebody could misuse them, against the real
supervisor."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from syncin_mount.cli.demo.sandbox import LOGIN
from syncin_mount.config import ConfigurationFile
from tests.web.conftest import PROFILE, World
from tests.web.lines import lines


@pytest.fixture(autouse=True)
def page(world: World) -> Iterator[None]:
    if not world.token:
        (world.add("docs", "--every", "1d") / "there.txt").write_text("there")
        world.must("sync", "docs")
        world.must("disable", "docs")  # nothing is mounted here
        world.enter()
    yield
    log = world.folders.log("@supervisor").read_text()
    assert "Traceback" not in log
    assert world.token not in log


WAY = {"server": "cloud", "url": "x"}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("filters/read", {"rules": ["x"] * 101}),
        ("filters/read", {"rules": ["x" * 1101]}),
        ("filters/read", {"rules": [""]}),
        ("filters/folder", {"name": "docs", "path": "x" * 8193}),
        ("filters/try", {"name": "x" * 201}),
        ("filters/change", {"name": "docs", "add": "x"}),
        ("accounts", {"more": 1}),
        ("accounts/edit", {"server": "cloud"}),
        ("accounts/edit", WAY | {"proxy": "x" * 2049}),
        ("accounts/edit", WAY | {"ca_file": "x" * 8193}),
        ("accounts/edit", WAY | {"login": "x"}),
        ("accounts/remove", {"server": "x" * 201}),
        ("clients/remove", {"server": "cloud", "id": ""}),
        ("clients/remove", {"server": "cloud", "id": "x" * 101}),
        ("program/edit", {"log": "everything"}),
        ("program/edit", {"history": 1}),
        ("program/edit", {"language": "xx"}),
    ],
)
def test_settings_that_are_too_long_or_none_are_not_understood(world: World, path: str, body: Any):
    before = world.folders.config_file.read_text()
    assert world.post(f"/api/{path}", body).status == 400
    assert world.folders.config_file.read_text() == before


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("filters", {"name": "../docs"}),
        ("filters/folder", {"name": "nobody"}),
        ("filters/folder", {"name": "docs", "path": "../.."}),
        ("filters/change", {"name": "nobody", "add": ["x"]}),
        ("filters/change", {"name": "docs", "add": ["regexp:(a+)+"]}),
        ("filters/change", {"name": "docs", "add": [f"path:{n}" for n in range(100)] + ["!x*"]}),
        ("accounts/edit", {"server": "nobody", "url": "x"}),
        ("accounts/remove", {"server": "../cloud"}),
        ("accounts/remove", {"server": "cloud"}),
        ("clients", {"server": "nobody"}),
        ("clients/remove", {"server": "cloud", "id": "guess"}),
    ],
)
def test_what_is_not_there_or_in_use_is_not_changed(world: World, path: str, body: Any):
    before = world.folders.config_file.read_text()
    answer = world.post(f"/api/{path}", body)
    if path == "filters/change" and len(body["add"]) > 1:
        assert answer.status == 400
    else:
        assert answer.status == 409, answer
        assert answer.json["why"]
    assert world.folders.config_file.read_text() == before


def test_an_account_in_use_names_what_uses_it(world: World):
    answer = world.post("/api/accounts/remove", {"server": "cloud"})
    assert "used by docs" in answer.json["why"]


def test_only_files_that_are_there_become_part_of_a_way(world: World, tmp_path: Path):
    url = {"server": "cloud", "url": world.sandbox.url}
    for field in ("ca_file", "client_cert"):
        for path in (str(tmp_path), "/nowhere", "~nobody-of-this-name/x"):
            answer = world.post("/api/accounts/edit", url | {field: path})
            assert (answer.status, answer.json["field"]) == (409, field)
    answer = world.post("/api/accounts/edit", url | {"proxy": "ftp://x"})
    assert (answer.status, answer.json["field"]) == (409, "proxy")


def test_a_way_that_leads_nowhere_is_kept_only_if_somebody_says_so(world: World):
    away = {"server": "cloud", "url": "http://127.0.0.1:1"}
    answer = world.post("/api/accounts/edit", away)
    assert (answer.status, answer.json["field"], answer.json["help"]) == (409, "url", "untried")
    assert world.post("/api/accounts/edit", away | {"untried": True}).status == 200
    assert server(world).url == "http://127.0.0.1:1"
    clear = {"server": "cloud", "url": "http://files.example.org", "untried": True}
    answer = world.post("/api/accounts/edit", clear)
    assert (answer.status, answer.json["help"]) == (409, "clear")
    back = {"server": "cloud", "url": world.sandbox.url}
    assert world.post("/api/accounts/edit", back).status == 200


def server(world: World) -> Any:
    return ConfigurationFile(world.folders).read().servers["cloud"]


def test_a_proxy_s_log_in_is_never_shown_and_stays(world: World):
    proxy = "http://me:proxy-secret@127.0.0.1:1"
    world.must("server", "edit", "cloud", "--proxy", proxy)
    try:
        answer = world.post("/api/accounts")
        assert b"proxy-secret" not in answer.body
        [account] = answer.json["accounts"]
        assert account["proxy"] == "http://127.0.0.1:1"
        assert (account["login"], account["used_by"]) == (LOGIN, ["docs"])
        way = {"server": "cloud", "url": world.sandbox.url, "untried": True}
        assert world.post("/api/accounts/edit", way).status == 200
        assert server(world).proxy == proxy
        assert world.post("/api/accounts/edit", way | {"proxy": ""}).status == 200
        assert server(world).proxy is None
    finally:
        world.sandbox.run(PROFILE, "server", "edit", "cloud", "--proxy", "env")


def test_a_rule_is_tried_and_nothing_changes(world: World):
    before = world.folders.config_file.read_text()
    [line] = lines(world.post("/api/filters/try", {"name": "docs", "add": ["*.txt"]}))
    assert (line["event"], line["rules"][0]["kind"]) == ("tried", "ends-with")
    assert (line["trial"]["out"]["files"], line["trial"]["out"]["bytes"]) == (1, 5)
    [line] = lines(world.post("/api/filters/try", {"name": "docs", "add": ["regexp:(?=x)"]}))
    assert (line["event"], "look" in line["why"]) == ("refused", True)
    assert world.folders.config_file.read_text() == before
    entries = world.post("/api/filters/folder", {"name": "docs"}).json["entries"]
    assert [each["name"] for each in entries] == ["there.txt"]


def test_this_computer_is_among_the_clients(world: World):
    [client] = world.post("/api/clients", {"server": "cloud"}).json["clients"]
    assert client["here"]
    assert client["folders"] == ["personal/docs"]


def test_the_program_s_settings_are_changed_one_by_one(world: World):
    assert world.post("/api/program/edit", {"tray": False}).status == 200
    assert world.post("/api/program/edit", {"log": "debug"}).status == 200
    now = world.post("/api/program").json
    assert (now["tray"], now["log"], now["notifications"]) == (False, "debug", True)
    assert "notifications" not in world.folders.config_file.read_text()
    assert world.post("/api/program/edit", {"tray": True, "log": "info"}).status == 200
    assert now["language"] == "auto"


def test_no_request_of_the_page_names_a_hook(world: World):
    file = world.folders.config_file
    hooks = '\n[hooks]\nafter_run = ["/bin/true"]\n'
    file.write_text(file.read_text() + hooks)
    table = {"after_run": ["/bin/false"], "on_halt": ["/bin/false"]}
    world.post("/api/program/edit", {"hooks": table, **table, "log": "debug"})
    world.post("/api/edit", {"name": "docs", "edits": {"hooks": table}, "hooks": table, **table})
    assert hooks.strip() in file.read_text()
    assert "/bin/false" not in file.read_text()


def test_the_language_is_chosen_and_left_to_the_browser_again(world: World):
    for language, kept in (("de", True), ("fr", True), ("auto", False)):
        assert world.post("/api/program/edit", {"language": language}).status == 200
        assert world.post("/api/program").json["language"] == language
        assert ("language =" in world.folders.config_file.read_text()) is kept
