"""`add --import`: a folder that holds files becomes a drive, merged with the server's, and nothing
is lost."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import trio

from tests.cli.conftest import World, until
from tests.cli.terminals import terminal

pytestmark = [pytest.mark.usefixtures("mounts"), pytest.mark.timeout(300)]

OLD, NEW = 1_500_000_000, 1_600_000_000


def put(path: Path, text: str, when: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    os.utime(path, (when, when))


def fill(world: World) -> None:
    """Both sides hold something: equal, alike, different, and what the other has not."""
    for folder, newer in ((world.drive, "a"), (world.disk, "b")):
        put(folder / "same.txt", "equal", OLD)
        put(folder / "deep/alike.txt", "one content", NEW if newer == "a" else OLD)
        put(folder / "a wins.txt", f"of {folder.name}", NEW if newer == "a" else OLD)
        put(folder / "b wins.txt", f"from {folder.name}", NEW if newer == "b" else OLD)
    put(world.drive / "ours/only.txt", "only here", OLD)
    put(world.disk / "theirs/only.txt", "only there", OLD)
    put(world.drive / "cache.tmp", "left out", OLD)
    (world.drive / "link").symlink_to("same.txt")


WORDS = ("--import", "--filter", "ends-with:.tmp")


async def test_both_sides_are_merged_and_only_what_differs_is_carried(world: World):
    fill(world)
    await world.log_in()
    done = await world.run(*command(world), *WORDS, "--yes")
    assert done.status == 0, done
    assert re.sub(" +", " ", done.out).split("\n")[:14] == [
        f"{world.drive} holds 7 files (51 B) in 2 folders. They become the drive's; of them",
        " 1 5 B are on the server with the same size and time",
        " 1 11 B are on the server with the same size and another time: contents decide",
        " deep/alike.txt",
        " 2 18 B differ: the most recent version wins, the other goes to a bin",
        " a wins.txt",
        " b wins.txt",
        " 1 9 B are only on this computer: they are uploaded",
        " ours/only.txt",
        " 1 10 B are only on the server: they are downloaded",
        " theirs/only.txt",
        " 2 8 B stay on this computer (links, names that are no text, left out by a filter)",
        " cache.tmp",
        " link",
    ]
    assert list(world.drive.iterdir()) == []
    assert done.out.endswith(
        f"your files are in the drive; to see them in {world.drive}: syncin-mount mount docs\n"
    )
    await world.must("mount", "docs")
    await world.must("sync", "docs")
    everywhere = {
        "same.txt": "equal",
        "deep/alike.txt": "one content",
        "a wins.txt": "of drive",
        "b wins.txt": "from docs",
        "ours/only.txt": "only here",
        "theirs/only.txt": "only there",
    }
    assert texts(world.disk) == everywhere
    assert texts(world.drive) == {**everywhere, "cache.tmp": "left out", "link": "equal"}
    binned = await world.json("bin", "list", "docs")
    assert {each["path"] for each in binned} == {"a wins.txt", "b wins.txt"}
    rows = await world.json("transfers", "docs")
    carried = {each["path"] for each in rows if each["bytes"]}
    assert "same.txt" not in carried
    assert "deep/alike.txt" not in carried, "its content is there"
    assert (await world.json("show", "docs"))["mode"] == "fast"


def command(world: World) -> tuple[str, ...]:
    return (
        "add",
        "docs",
        "--server",
        "home",
        "--remote",
        "personal/docs",
        "--mountpoint",
        str(world.drive),
    )


def texts(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".sync-in" not in path.name
    }


async def test_a_look_changes_nothing(world: World):
    fill(world)
    before = texts(world.drive)
    await world.log_in()
    told = await world.json(*command(world), *WORDS, "--dry-run")
    assert {
        name: told[name]["files"]
        for name in ("same", "alike", "differ", "only_local", "only_remote", "stays_local")
    } == {
        "same": 1,
        "alike": 1,
        "differ": 2,
        "only_local": 1,
        "only_remote": 1,
        "stays_local": 2,
    }
    assert told["remote_known"] is True
    assert texts(world.drive) == before
    assert await world.json("list") == []
    assert not world.dev.store.state.paths, "nothing stays registered"
    said = await world.refused(*command(world), *WORDS)
    assert said == "there is no terminal to ask in; look at it with --dry-run, then give --yes"
    assert texts(world.drive) == before
    assert not world.dev.store.state.paths


@pytest.mark.parametrize("answer", ["n", "\x03", "y"])
async def test_somebody_is_asked_first(world: World, answer: str):
    fill(world)
    before = texts(world.drive)
    await world.log_in()
    with terminal(world, *command(world), *WORDS) as seen:
        await seen.expect(r"Import them\? \[Y/n\]: ")
        seen.child.send(answer if answer == "\x03" else answer + "\n")
        status = await seen.end()
    assert "Traceback" not in seen.seen
    if answer == "y":
        assert status == 0
        assert texts(world.drive) == {}
        return
    assert status == 130
    assert texts(world.drive) == before
    assert await world.json("list") == []
    assert not world.dev.store.state.paths


@pytest.mark.parametrize(
    ("direction", "said", "there", "binned"),
    [
        ("download", "THEY GO TO A BIN", False, True),
        ("upload", "THEY ARE DELETED THERE", True, False),
    ],
)
async def test_directions_that_take_away_say_so_and_keep_it(
    world: World, direction: str, said: str, there: bool, binned: bool
):
    fill(world)
    await world.log_in()
    assert said in await world.must(*command(world), *WORDS, "--yes", "--direction", direction)
    await world.must("mount", "docs")
    done = await world.run("sync", "docs")
    if done.status == 4:  # a guard asks first: much would go
        plan = re.search(r"sync --yes (\S+)|--yes (\S+)", done.error + done.out)
        assert plan, done
        await world.must("sync", "docs", "--yes", plan[1] or plan[2])
    assert (world.disk / "ours/only.txt").exists() is there
    assert (world.disk / "theirs/only.txt").exists() is not there
    found = {each["path"] for each in await world.json("bin", "list", "docs")}
    assert bool(found & {"ours", "ours/only.txt"}) is binned
    assert bool(found & {"theirs", "theirs/only.txt"}) is not binned


async def test_what_cannot_be_imported_is_refused_before_anything_is_touched(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    import socket

    fill(world)
    before = texts(world.drive)
    await world.log_in()
    with socket.socket(socket.AF_UNIX) as listening:
        with monkeypatch.context() as here:  # an address of a socket may not be longer
            here.chdir(world.drive)
            listening.bind("s")
        done = await world.run(*command(world), *WORDS, "--yes")
    assert done.status == 1
    assert (
        done.error
        == "syncin-mount: s: it is a socket, which only its program can use\nsyncin-mount: 1 thing"
        f" in {world.drive} cannot be imported; nothing was touched: move that elsewhere first\n"
    )
    assert texts(world.drive) == before
    assert not world.dev.store.state.paths


async def test_what_a_program_writes_to_stays_and_comes_with_the_next_import(world: World):
    fill(world)
    await world.log_in()
    with (world.drive / "log").open("w") as writer:
        writer.write("begun")
        writer.flush()
        done = await world.run(*command(world), *WORDS, "--yes")
        assert done.status == 1
        assert "log stays in" in done.error
        assert done.error.endswith("close what uses it, then: syncin-mount add docs --import\n")
        assert texts(world.drive) == {"log": "begun"}
        refused = await world.run("mount", "docs")
        assert "bring what is in it into the drive" in refused.error
        writer.write(" and ended")
    assert await world.must("add", "docs", "--import", "--yes")
    await world.must("mount", "docs")
    await world.must("sync", "docs")
    assert (world.disk / "log").read_text() == "begun and ended"


async def test_killed_in_the_middle_it_goes_on(world: World):
    for number in range(3000):
        put(world.drive / f"d{number % 40}/f{number}", f"content {number}", OLD)
    before = texts(world.drive)
    await world.log_in()
    words = [sys.executable, "-m", "syncin_mount", *command(world), "--import", "--yes"]
    environment = {**os.environ, "SYNCIN_MOUNT_HOME": str(world.home)}
    with subprocess.Popen(words, env=environment, stdout=subprocess.PIPE) as process:  # noqa: ASYNC220

        async def some_are_gone() -> bool:
            return not (world.drive / "d0/f0").exists()

        await until(some_are_gone, "the first originals are taken away")
        process.send_signal(signal.SIGKILL)
        await trio.to_thread.run_sync(process.communicate)
    left = texts(world.drive)
    assert 0 < len(left) < 3000
    assert "is not empty" in (await world.run("mount", "docs")).error
    assert "imported" in await world.must("add", "docs", "--import", "--yes")
    await world.must("mount", "docs")
    assert texts(world.drive) == before
    await world.must("sync", "docs")
    assert texts(world.disk) == before


async def test_import_goes_with_what_it_needs(world: World):
    await world.log_in()
    assert "go with --import" in await world.refused(*command(world), "--dry-run")
    world.drive.mkdir()
    await world.add()
    assert "holds nothing" in await world.must("add", "docs", "--import")
    await world.must("mount", "docs")
    refused = await world.refused("add", "docs", "--import", status=1)
    assert "is mounted; unmount it first" in refused
