"""`add` without options, in a real terminal: three steps, each answer checked at once, and nothing
half done."""

from __future__ import annotations

import shlex

import pytest

from tests.cli.conftest import PASSWORD, World
from tests.cli.terminals import Terminal, terminal

pytestmark = [pytest.mark.usefixtures("mounts"), pytest.mark.timeout(300)]

FOLDER = "Folder: "


@pytest.fixture
def at_home(world: World) -> dict[str, str]:
    """Where `~` is."""
    (world.base / "user").mkdir()
    return {"HOME": str(world.base / "user"), "NO_COLOR": "1"}


def is_narrow(seen: Terminal) -> bool:
    """Questions, lists and explanations; what names a path, and the command line to copy, is as
    long as it is."""
    own = [line for line in seen.lines() if "/" not in line and "syncin-mount" not in line]
    return all(len(line) <= 80 for line in own)


async def test_from_nothing_to_a_drive_with_the_defaults(world: World, at_home: dict[str, str]):
    (world.disk / "welcome").write_text("from the server")
    with terminal(world, "add", **at_home) as seen:
        assert "not logged in to a server yet" in await seen.answer(
            "The server's address: ", world.url
        )
        await seen.answer("login or e-mail address there: ", "user1")
        await seen.answer("Password of user1 at .*: ", PASSWORD)
        assert "Step 1 of 3" in await seen.answer(r"Folder \[.*/user/Sync-in\]: ", "")
        said = await seen.answer(FOLDER, "1")
        assert "Step 2 of 3" in said
        assert "   1  personal/              cannot be synchronized whole" in said
        assert "   1  docs/" in await seen.answer(FOLDER, "1")
        await seen.answer(FOLDER, ".")
        assert "Step 3 of 3" in await seen.answer(r"Name \[docs\]: ", "")
        assert "direction  both      changes go both ways" in await seen.answer(
            r"Keep these settings.*: ", ""
        )
        await seen.answer(r"Add it\? \[Y/n\]: ", "")
        await seen.answer(r"Mount it now\? \[Y/n\]: ", "")
        assert await seen.end() == 0
    drive = world.base / "user/Sync-in"
    assert f"docs is mounted at {drive}" in seen.seen
    assert PASSWORD not in seen.seen
    assert "\x1b" not in seen.seen
    assert is_narrow(seen), seen.lines()
    await world.must("sync", "docs")
    assert (drive / "welcome").read_text() == "from the server"
    shown = await world.json("show", "docs")
    assert (shown["remote"], shown["direction"], shown["mode"]) == ("personal/docs", "both", "fast")


async def test_wrong_answers_are_told_at_once_and_asked_again(
    world: World, at_home: dict[str, str]
):
    await world.log_in()
    await world.add()
    (world.base / "file").touch()
    (world.base / "full").mkdir()
    (world.base / "full/x").touch()
    inside = world.drive / "inside"
    with terminal(world, "add", **at_home) as seen:
        for wrong, why in (
            (str(world.base / "file"), "is a file"),
            (str(world.base / "file/below"), "cannot be used"),
            (str(world.drive), "is used by 'docs' already"),
            (str(inside), "is inside that of 'docs'"),
            (str(world.base), "the program's own folder"),
        ):
            await seen.answer(r"Folder \[.*\]: ", wrong)
            await seen.expect(why)
        await seen.answer(r"Folder \[.*\]: ", "~/here/docs")
        for wrong, why in (
            (".", "open a folder first"),
            ("9", "there is no number 9 here"),
            ("personal/nope", "there is no folder 'personal/nope'"),
            ("nonsense/x", "is no remote folder"),
            ("personal", r"no folder has|1  personal/"),
        ):
            await seen.answer(FOLDER, wrong)
            await seen.expect(why)
        await seen.answer(FOLDER, "personal/docs")
        await seen.answer(FOLDER, ".")
        await seen.expect("personal/docs: synchronized as 'docs' already")
        await seen.answer(FOLDER, "+ a/b")
        await seen.expect("say how the folder is to be called")
        await seen.answer(FOLDER, "..")
        await seen.answer(FOLDER, "+ docs")
        await seen.expect("is there already on")
        await seen.answer(FOLDER, "spaces/team")
        await seen.answer(FOLDER, ".")
        await seen.expect("spaces/team: cannot be synchronized whole")
        await seen.answer(FOLDER, "+ plans")
        await seen.answer(FOLDER, ".")
        await seen.answer(r"Name \[plans\]: ", "docs")
        await seen.expect("there is a synchronization 'docs' already")
        await seen.answer(r"Name \[plans\]: ", "plans of 2026")
        await seen.answer("Keep these settings", "n")
        await seen.answer(r"Choice \[both\]: ", "4")
        await seen.expect("'4' is none of these")
        await seen.answer(r"Choice \[both\]: ", "upload")
        await seen.answer(r"Choice \[recent\]: ", "3")
        await seen.answer(r"Choice \[fast\]: ", "2")
        await seen.answer(r"Choice \[auto\]: ", "own")
        await seen.answer(r"every \[off\]: ", "soon")
        await seen.expect("'soon' is no time")
        await seen.answer(r"every \[off\]: ", "2h")
        await seen.answer("Rule .*: ", "ends-with:")
        await seen.expect("'ends-with:' cannot be a filter: it is empty")
        await seen.answer("Rule .*: ", "ends-with:.bak")
        await seen.answer("Rule .*: ", "")
        said = await seen.answer(r"Add it\? \[Y/n\]: ", "y")
        await seen.answer(r"Mount it now\? \[Y/n\]: ", "n")
        assert await seen.end() == 0
    assert seen.lines()[-2] == "now: syncin-mount mount 'plans of 2026'"
    shown = await world.json("show", "plans of 2026")
    told = {
        name: shown[name]
        for name in ("remote", "direction", "conflict", "mode", "trash", "schedule")
    }
    assert told == {
        "remote": "spaces/team/plans",
        "direction": "upload",
        "conflict": "remote",
        "mode": "secure",
        "trash": "own",
        "schedule": shown["schedule"],
    }
    assert shown["mountpoint"] == str(world.base / "user/here/docs")
    # The command that it shows does the same without questions.
    await world.must("remove", "plans of 2026", "--yes")
    (line,) = [
        each
        for each in said.replace("\r", "").split("\n")
        if each.startswith("  syncin-mount add ")
    ]
    await world.must(*shlex.split(line)[1:])
    again = await world.json("show", "plans of 2026")
    differ = {name for name in shown if shown[name] != again[name]}
    assert differ <= {"path_id", "changed", "on_server"}, differ


async def test_what_is_given_is_not_asked_and_read_only_folders_are_only_followed(
    world: World, at_home: dict[str, str]
):
    root = world.dev.root / "spaces/read/files/plans"
    root.mkdir(parents=True)
    await world.log_in()
    words = (
        "add",
        "read",
        "--remote",
        "spaces/read/plans",
        "--mode",
        "secure",
    )
    with terminal(world, *words, **at_home) as seen:
        await seen.answer(r"Folder \[.*\]: ", str(world.drive))
        said = await seen.answer("Keep these settings", "y")
        assert "Name [" not in said
        assert "direction download" in said
        assert "mode " not in said
        await seen.answer(r"Add it\? \[Y/n\]: ", "y")
        await seen.answer(r"Mount it now\? \[Y/n\]: ", "n")
        assert await seen.end() == 0
    assert "read-only" not in seen.seen.partition("Add it?")[2], (
        "it was said before, so it is no surprise"
    )
    shown = await world.json("show", "read")
    assert (shown["direction"], shown["mode"]) == ("download", "secure")


async def test_a_folder_with_files_is_imported_if_that_is_wanted(
    world: World, at_home: dict[str, str]
):
    (world.base / "papers").mkdir()
    (world.base / "papers/letter").write_text("written before")
    await world.log_in()
    with terminal(world, "add", "docs", "--remote", "personal/docs", **at_home) as seen:
        await seen.answer(r"Folder \[.*\]: ", str(world.base / "papers"))
        await seen.answer(r"Import them\? \[Y/n\]: ", "n")
        await seen.expect("choose an empty folder then")
        await seen.answer(r"Folder \[.*\]: ", str(world.base / "papers"))
        await seen.answer(r"Import them\? \[Y/n\]: ", "y")
        await seen.answer("Keep these settings", "y")
        assert f"{world.base}/papers --import" in await seen.answer(r"Add it\? \[Y/n\]: ", "y")
        assert "are only on this computer: they are uploaded" in await seen.answer(
            r"Import them\? \[Y/n\]: ", "y"
        )
        await seen.answer(r"Mount it now\? \[Y/n\]: ", "y")
        assert await seen.end() == 0
    await world.must("sync", "docs")
    assert (world.disk / "letter").read_text() == "written before"
    assert (world.base / "papers/letter").read_text() == "written before"


@pytest.mark.parametrize("key", ["\x03", "\x04"])
async def test_leaving_adds_nothing_and_says_what_stays(
    world: World, at_home: dict[str, str], key: str
):
    await world.log_in()
    with terminal(world, "add", **at_home) as seen:
        await seen.answer(r"Folder \[.*\]: ", "")
        await seen.answer(FOLDER, "personal/")
        await seen.answer(FOLDER, "+ new one")
        await seen.expect(FOLDER)
        seen.child.send(key)
        assert await seen.end() == 130
    assert "syncin-mount: nothing was added" in seen.seen
    assert "the folder personal/new one, which was made on the server, stays there" in seen.seen
    assert "Traceback" not in seen.seen
    assert await world.json("list") == []
    assert not world.dev.store.state.paths
    assert not (world.base / "user/Sync-in").exists()


async def test_a_server_that_is_away_is_one_sentence(world: World, at_home: dict[str, str]):
    await world.log_in()
    await world.stop()
    with terminal(world, "add", **at_home) as seen:
        await seen.answer(r"Folder \[.*\]: ", "")
        assert await seen.end() == 3
    assert seen.lines()[-2].startswith(f"syncin-mount: Nothing answers at {world.url}")


async def test_without_a_terminal_it_says_what_to_give(world: World):
    assert (
        await world.refused("add")
        == "there is no terminal to ask in; give NAME, --server, --remote, --mountpoint; see"
        " 'syncin-mount add --help'"
    )
    assert "give --remote, --mountpoint" in await world.refused("add", "docs", "--server", "home")


async def test_remote_ls_tells_what_can_be_synchronized(world: World):
    (world.dev.root / "spaces/read/files/plans").mkdir(parents=True)
    await world.log_in()
    await world.add()
    assert await world.must("remote", "ls", "--server", "home") == "".join(
        f"{root + '/':<28} cannot be synchronized whole: choose a folder in it\n"
        for root in ("personal", "shares", "spaces")
    )
    assert (
        await world.must("remote", "ls", "personal", "--server", "home")
        == f"{'personal/docs/':<28} synchronized as 'docs' already\n"
    )
    assert (
        await world.must("remote", "ls", "spaces/read", "--server", "home")
        == f"{'spaces/read/plans/':<28} read-only: a drive of it follows the server\n"
    )
    (plans,) = await world.json("remote", "ls", "spaces/read", "--server", "home")
    assert plans["synchronizable"] is True
    (docs,) = await world.json("remote", "ls", "personal", "--server", "home")
    assert (docs["synchronizable"], docs["why_not"]) == (False, "synchronized as 'docs' already")


async def test_the_address_comes_first_and_a_wrong_password_is_asked_for_again(
    world: World, at_home: dict[str, str]
):
    with terminal(world, "add", **at_home) as seen:
        await seen.answer("The server's address: ", "http://127.0.0.1:9")
        said = await seen.answer(r"The server's address \[.*\]: ", world.url)
        assert "Nothing answers at http://127.0.0.1:9" in said
        assert "login" not in said.lower()
        await seen.answer("login or e-mail address there: ", "user1")
        await seen.answer("Password of user1 at .*: ", "not-the-password")
        said = await seen.answer("Password of user1 at .*: ", "neither-this-one")
        assert "refused the login" in said
        assert "address there" not in said
        await seen.answer("Password of user1 at .*: ", PASSWORD)
        await seen.expect(r"Step 1 of 3(?s:.*)Folder \[")
        assert await seen.interrupt() == 130
    assert "not-the-password" not in seen.seen
    assert [each["name"] for each in await world.json("server", "list")] == ["home"]


async def test_three_wrong_passwords_are_enough(world: World, at_home: dict[str, str]):
    words = ("server", "add", "home", world.url, "--login", "user1")
    with terminal(world, *words, **at_home) as seen:
        for _ in range(3):
            await seen.answer("Password of user1 at .*: ", "wrong")
        assert await seen.end() == 5
    assert seen.seen.count("refused the login") == 3
    assert await world.json("server", "list") == []


async def test_no_password_is_asked_for_where_nothing_answers(
    world: World, at_home: dict[str, str]
):
    words = ("server", "add", "home", "http://127.0.0.1:9", "--login", "user1")
    with terminal(world, *words, **at_home) as seen:
        assert await seen.end() == 3
    assert "Password" not in seen.seen
    assert "Nothing answers at" in seen.seen
