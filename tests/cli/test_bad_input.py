"""Bad input gets one clear sentence, the right exit status, no traceback, and loses nothing."""

from __future__ import annotations

import http.server
import re
import socket
import threading
from collections.abc import Iterator

import pytest

from syncin_mount.devserver import Reply, Rule, StopListing
from tests.cli.conftest import PASSWORD, World

LOGIN = ("--login", "user1", "--password-stdin")


class Html(http.server.BaseHTTPRequestHandler):
    """A captive portal: a page for every question."""

    def do_GET(self) -> None:
        body = b"<!doctype html><title>Welcome to the hotel</title>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815 (the name is http.server's)

    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture
def portal() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Html) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


async def test_wrong_password(world: World):
    said = await world.refused(
        "server", "add", "home", world.url, *LOGIN, stdin="wrong\n", status=5
    )
    assert "refused the login" in said
    assert not world.config.exists()


async def test_nobody_listens_there(world: World):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        said = await world.refused("server", "add", "home", url, *LOGIN, stdin="x\n", status=3)
    assert url in said
    assert "refused" in said


@pytest.mark.parametrize(
    "url", ["ftp://h", "http://", "http://u:p@h", "http://h:x", "http://h/?q", "not a url"]
)
async def test_an_address_that_is_none(world: World, url: str):
    said = await world.refused("server", "add", "home", url, *LOGIN, stdin="x\n", status=5)
    assert "address" in said


async def test_a_server_that_answers_html(world: World, portal: str):
    said = await world.refused("server", "add", "home", portal, *LOGIN, stdin="x\n", status=3)
    assert "not like a Sync-in server" in said


async def test_another_server_than_sync_in(world: World):
    said = await world.refused(
        "server", "add", "home", f"{world.url}/elsewhere", *LOGIN, stdin="x\n", status=3
    )
    assert world.url in said


async def test_no_permission(world: World):
    words = ("server", "add", "home", world.url, "--login", "user2", "--password-stdin")
    said = await world.refused(*words, stdin=f"{PASSWORD}\n", status=5)
    assert "may not use desktop clients" in said


async def test_no_password(world: World):
    assert "--password-stdin" in await world.refused(
        "server", "add", "home", world.url, "--login", "user1"
    )
    assert "no password" in await world.refused(
        "server", "add", "home", world.url, *LOGIN, stdin=""
    )


async def test_the_same_account_twice(world: World):
    await world.log_in()
    said = await world.refused(
        "server", "add", "again", world.url, *LOGIN, stdin=f"{PASSWORD}\n", status=1
    )
    assert said == f"user1 at {world.url} is there already, as 'home'"


@pytest.mark.parametrize(
    ("remote", "status", "says"),
    [
        ("personal", 2, r"does not synchronize all of 'personal'; choose a folder in it"),
        ("shares", 2, r"does not synchronize all of 'shares'"),
        ("spaces/team", 2, r"does not synchronize a whole space; choose a folder in spaces/team"),
        ("docs", 2, r"begins with personal/, spaces/ or shares/"),
        ("personal/../x", 2, r"has no '\.' or '\.\.' in it"),
        (
            "personal/nope",
            5,
            r"there is no folder 'personal/nope' on http://.*; make it: syncin-mount remote mkdir",
        ),
        ("personal/nope/deeper", 5, r"there is no folder 'personal/nope/deeper'"),
        ("personal/file", 5, r"'personal/file' on http://.* is a file; choose a folder"),
        ("spaces/nope/x", 5, r"there is no folder|not allowed|may not"),
    ],
)
async def test_remote_folders_that_cannot_be(world: World, remote: str, status: int, says: str):
    (world.dev.files_of("user1") / "file").touch()
    await world.log_in()
    words = (
        "add",
        "docs",
        "--server",
        "home",
        "--remote",
        remote,
        "--mountpoint",
        str(world.drive),
    )
    assert re.search(says, await world.refused(*words, status=status))
    assert await world.json("list") == []
    assert not world.dev.store.state.paths, "nothing may stay registered on the server"


async def test_mount_points_that_cannot_be(world: World):
    await world.log_in()
    (world.base / "file").touch()
    (world.base / "full").mkdir()
    (world.base / "full/x").touch()
    words = ("add", "new", "--server", "home", "--remote", "personal/docs", "--mountpoint")
    assert "is a file; choose an empty folder" in await world.refused(
        *words,
        str(world.base / "file"),
        status=1,
    )
    assert "is not empty; choose an empty folder" in await world.refused(
        *words,
        str(world.base / "full"),
        status=1,
    )
    assert "cannot be used (Not a directory)" in await world.refused(
        *words,
        str(world.base / "file/x"),
        status=1,
    )
    assert "overlaps with" in await world.refused(*words, str(world.home / "state/x"), status=1)
    await world.add()
    (world.dev.files_of("user1") / "other").mkdir()
    words = ("add", "new", "--server", "home", "--remote", "personal/other", "--mountpoint")
    assert "is used by 'docs' already" in await world.refused(*words, f"{world.drive}/", status=1)
    assert "is inside that of 'docs'" in await world.refused(
        *words, str(world.drive / "in"), status=1
    )
    (world.base / "link").symlink_to(world.drive)
    assert "is used by 'docs' already" in await world.refused(
        *words, str(world.base / "link"), status=1
    )


async def test_remote_folders_used_twice(world: World):
    await world.log_in()
    await world.add()
    (world.disk / "in").mkdir()
    for remote, says in (
        ("personal/docs/", "as 'docs' already"),
        ("personal/docs/in", "overlaps with"),
    ):
        words = (
            "add",
            "new",
            "--server",
            "home",
            "--remote",
            remote,
            "--mountpoint",
            str(world.base / "new"),
        )
        assert says in await world.refused(*words, status=1)


@pytest.mark.parametrize(
    ("option", "says"),
    [
        (("--every", "often"), "'often' is no time"),
        (("--filter", "regexp:*.tmp"), "'regexp:*.tmp' cannot be a filter"),
    ],
)
async def test_settings_that_are_not_there_yet_say_so(
    world: World, option: tuple[str, str], says: str
):
    await world.log_in()
    words = (
        "add",
        "docs",
        "--server",
        "home",
        "--remote",
        "personal/docs",
        "--mountpoint",
        str(world.drive),
    )
    assert says in await world.refused(*words, *option)


async def test_a_folder_without_rights_becomes_a_download(world: World):
    (world.dev.root / "spaces/read/files/docs").mkdir(parents=True)
    await world.log_in()
    done = await world.run(
        *(
            "add",
            "docs",
            "--server",
            "home",
            "--remote",
            "spaces/read/docs",
            "--mountpoint",
            str(world.drive),
        )
    )
    assert done.status == 0, done
    assert (
        "gives no right to add, change and delete in spaces/read/docs: the direction is 'download'"
        in done.error
    )
    shown = await world.json("show", "docs")
    assert (shown["direction"], shown["direction_in_force"]) == ("both", "download")
    assert "read-only" in (await world.json("status", "docs"))[0]["restriction"]


async def test_names_that_are_not_known(world: World):
    assert "none at all yet; add one" in await world.refused("show", "docs")
    await world.log_in()
    assert "there are: home" in await world.refused("remote", "ls", "--server", "work")
    await world.add()
    for word in ("show", "mount", "umount", "sync", "status", "journal", "transfers", "remove"):
        assert (
            await world.refused(word, "nope")
            == "there is no synchronization 'nope'; there are: docs"
        )
    assert await world.refused("umount", "docs", status=1) == "'docs' is not mounted"


async def test_usage(world: World):
    assert "there is no command 'bogus'" in await world.refused("bogus")
    assert "say which" in await world.refused("sync")
    assert "not both" in await world.refused("sync", "--all", "docs")


async def test_an_unreadable_configuration(world: World):
    await world.log_in()
    await world.add()
    broken = world.config.read_text().replace('remote = "personal/docs"', "remote = personal/docs")
    world.config.write_text(broken)
    for words in (
        ("list",),
        ("show", "docs"),
        ("sync", "docs"),
        ("remove", "docs"),
        ("mount", "docs"),
    ):
        said = await world.refused(*words, status=1)
        assert re.fullmatch(
            rf"{re.escape(str(world.config))}, line \d+: .*not TOML, mend or remove the line", said
        )
    done = await world.run("doctor")
    assert done.status == 1
    assert "not TOML" in done.out
    assert world.config.read_text() == broken


async def test_a_token_that_was_revoked(world: World):
    await world.log_in()
    await world.add()
    for token in (world.home / "state/tokens").iterdir():
        token.write_text("not-a-token")
    said = await world.refused("sync", "docs", status=5)
    assert "syncin-mount server auth home" in said
    [server] = await world.json("server", "list")
    assert (server["logged_in"], server["log_in_refused"]) == (False, True)


async def test_a_server_that_is_used_is_not_removed(world: World):
    await world.log_in()
    await world.add()
    assert (
        await world.refused("server", "remove", "home", status=1)
        == "the server 'home' is used by docs; remove that first"
    )
    await world.must("remove", "docs")
    await world.must("server", "remove", "home")
    assert list((world.home / "state/tokens").iterdir()) == []
    assert not world.dev.store.state.clients


async def test_a_listing_cut_in_the_middle_deletes_nothing(world: World):
    for number in range(30):
        (world.disk / f"{number}.txt").write_text(str(number))
    await world.log_in()
    await world.add()
    await world.must("sync", "docs")
    world.dev.faults.add(Rule(StopListing(after_lines=3), path="*/operation/diff/*"))
    said = await world.refused("sync", "docs", status=3)
    assert "listing" in said
    world.dev.faults.clear()
    assert "both sides are the same" in await world.must("sync", "docs")
    assert len(list(world.disk.iterdir())) == 30


async def test_a_failing_server(world: World):
    await world.log_in()
    await world.add()
    world.dev.faults.add(Rule(Reply(500), path="*/operation/diff/*"))
    await world.refused("sync", "docs", status=5)
    world.dev.faults.replace([Rule(Reply(502, "<html>", "text/html"), path="*/operation/diff/*")])
    await world.refused("sync", "docs", status=3)


async def test_the_folder_vanished_on_the_server(world: World):
    (world.disk / "a.txt").write_text("a")
    await world.log_in()
    await world.add()
    await world.must("sync", "docs")
    world.disk.rename(world.disk.with_name("elsewhere"))
    said = await world.refused("sync", "docs", status=4)
    assert "halted" in said
    assert (await world.json("status", "docs"))[0]["known"] == 1


async def test_no_secret_is_ever_shown(world: World):
    await world.log_in()
    await world.add()
    await world.must("sync", "docs")
    secrets = [token.read_text() for token in (world.home / "state/tokens").iterdir()] + [PASSWORD]
    shown = [
        (await world.run(*words)).out
        for words in (
            ("server", "list", "--json"),
            ("show", "docs", "--json"),
            ("status",),
            ("doctor",),
        )
    ]
    written = [path.read_text() for path in (world.home / "state/logs").iterdir()] + [
        world.config.read_text()
    ]
    for secret in secrets:
        assert len(secret) > 5
        assert not any(secret in text for text in shown + written)


async def test_the_doctor_finds_nothing_wrong_and_then_what_is(world: World):
    await world.log_in()
    await world.add()
    findings = await world.json("doctor")
    assert not [finding for finding in findings if finding["verdict"] == "wrong"], findings
    text = await world.must("doctor")
    assert f"server home: user1 is let in at {world.url}" in text
    assert f"docs: not mounted; {world.drive} is free" in text
    (world.drive / "stray").touch()
    world.config.write_text(
        world.config.read_text().replace("filters = []", 'filters = ["(?=a)b*"]')
    )
    await world.stop()
    done = await world.run("doctor")
    assert done.status == 1
    assert "the filters cannot be used" in done.out
    assert f"the mount point {world.drive} is not empty" in done.out
    assert re.search("note .*server home: Nothing answers", done.out)
    assert "the filters cannot be used" in await world.refused("sync", "docs", status=1)


async def test_logging_in_again_renews_the_token(world: World):
    await world.log_in()
    for token in (world.home / "state/tokens").iterdir():
        token.unlink()
    assert "syncin-mount server auth home" in await world.refused(
        "remote", "ls", "--server", "home", status=5
    )
    await world.log_in_again()
    assert (await world.must("remote", "ls", "--server", "home")).startswith("personal/ ")


async def test_logging_in_again_registers_what_went_with_the_client_if_that_is_said(world: World):
    """Somebody removed this computer on the account page; seen on the real server, and there was no
    way back."""
    await world.log_in()
    await world.add()
    await world.must("sync", "docs")
    world.dev.store.state.paths.clear()
    world.dev.store.state.clients.clear()
    assert "syncin-mount server auth home" in await world.refused("sync", "docs", status=5)
    await world.log_in_again("--register")
    [path] = world.dev.store.state.paths
    assert [each["path_id"] for each in await world.json("list")] == [path.id]
    await world.must("sync", "docs")
    await world.log_in_again("--register")
    assert [each.id for each in world.dev.store.state.paths] == [path.id], "it was registered twice"
    world.dev.store.state.paths.clear()
    world.disk.rename(world.disk.with_name("elsewhere"))
    words = ("server", "auth", "home", "--password-stdin", "--register")
    done = await world.run(*words, stdin=f"{PASSWORD}\n")
    assert done.status == 0
    assert (
        "docs: the server has it no more, and does not register it again (There is no folder"
        in done.error
    )


async def test_folders_are_made_and_listed(world: World):
    await world.log_in()
    await world.must("remote", "mkdir", "personal/new", "--server", "home")
    assert "is there already" in await world.refused(
        "remote", "mkdir", "personal/new", "--server", "home", status=5
    )
    assert (
        await world.must("remote", "ls", "personal", "--server", "home")
        == "personal/docs/\npersonal/new/\n"
    )
    listed = await world.json("remote", "ls", "personal", "--server", "home")
    assert [item["path"] for item in listed] == ["personal/docs", "personal/new"]
