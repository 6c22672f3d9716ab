"""`transfers`: what was carried across, of one drive or several, mounted or not."""

from __future__ import annotations

import datetime as dt
import json
import os
import signal
import subprocess
import sys
import time
from functools import partial
from typing import Any

import pytest
import trio

from reconciler.model import ROOT, Action, Kind, Local, NodeId, Op, Outcome, Result, Side
from syncin_mount.store import History
from tests.cli.conftest import World, until

SECOND = 10**9


def record(
    world: World,
    name: str,
    *rows: tuple[float, str],
    op: Op = Op.SEND,
    result: Result = Result.DONE,
) -> None:
    """Writes into the history of the synchronization, as its process would: (seconds ago, path)."""
    folder = world.home / "state" / "replicas" / name
    folder.mkdir(parents=True, exist_ok=True)
    now = time.time_ns()
    moments = iter([now - int(ago * SECOND) for ago, _ in rows])
    history = History(folder / "history.sqlite", lambda: next(moments))
    local = Local(Kind.FILE, ROOT, "x", 2048, 0, 1)
    for _, path in rows:
        action = Action(op, Side.REMOTE, NodeId(2), None, local, None)
        history.record(Outcome(action, result, "it was refused", 10, 0.5), path, None)
    history.close()


async def two(world: World) -> None:
    """Two synchronizations that were never mounted, with something in their histories."""
    await world.log_in()
    await world.add()
    (world.dev.files_of("user1") / "photos").mkdir()
    await world.must(
        "add",
        "photos",
        "--server",
        "home",
        "--remote",
        "personal/photos",
        "--mountpoint",
        str(world.base / "drive2"),
    )
    record(world, "docs", *((1000 - 10 * number, f"doc {number}") for number in range(10)))
    record(world, "photos", *((995 - 10 * number, f"Photo {number}") for number in range(10)))


async def paths(world: World, *words: str) -> list[str]:
    return [row["path"] for row in await world.json("transfers", *words)]


async def test_several_histories_are_merged_by_time_and_paged(world: World):
    await two(world)
    everything = [f"{what} {number}" for number in range(10) for what in ("doc", "Photo")]
    assert await paths(world) == everything
    assert await paths(world, "photos", "docs") == everything
    assert await paths(world, "photos") == everything[1::2]
    pages: list[list[str]] = []
    more: list[str] = []
    while True:
        done = await world.run("transfers", "--limit", "7", "--json", *more)
        pages.append([row["path"] for row in json.loads(done.out)])
        if "--before" not in done.error:
            break
        more = ["--before", done.error.strip().rpartition("--before ")[2].strip("'")]
    assert [len(page) for page in pages] == [7, 7, 6]
    assert [path for page in reversed(pages) for path in page] == everything
    done = await world.run("transfers", "docs", "--limit", "3")
    assert done.error == "syncin-mount: there are older ones: the same with --before '8'\n"
    assert (await paths(world, "docs", "--limit", "3", "--before", "8")) == [
        "doc 4",
        "doc 5",
        "doc 6",
    ]


async def test_filters_of_text_time_and_run(world: World):
    await two(world)
    record(world, "docs", (0, "later"), op=Op.MOVE, result=Result.FAILED)
    assert await paths(world, "--search", "PHOTO 3") == ["Photo 3"]
    assert await paths(world, "--failed") == await paths(world, "--action", "move") == ["later"]
    assert await paths(world, "docs", "--run", "2") == ["later"]
    assert len(await paths(world, "docs", "--since", "16m")) == 6
    assert len(await paths(world, "docs", "--until", "16m")) == 5
    today = dt.datetime.now().astimezone().date()
    tomorrow = today + dt.timedelta(days=1)
    assert await paths(world, "--search", "later", "--until", str(tomorrow)) == ["later"]
    assert await paths(world, "--search", "later", "--since", str(tomorrow)) == []
    assert await world.must("transfers", "--search", "no such") == "nothing fits\n"
    out = await world.must("transfers", "docs", "--failed")
    assert "failed: it was refused" in out
    assert "2.0 KiB" in out
    assert (await world.json("transfers", "docs", "--failed"))[0]["run"] == 2


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (
            ("--since", "soon"),
            "'soon' is no time; give it as 15m, 2h, 3d (ago), 2026-01-31 or 2026-01-31T13:00",
        ),
        (
            ("--run", "3"),
            "each synchronization counts its runs for itself; name the one that is meant",
        ),
        (
            ("--follow", "--until", "1d"),
            "--follow goes with neither --before nor --until",
        ),
        (
            ("--before", "5"),
            "'5' does not say where the page is to end; give what the last page said at its end",
        ),
        (("docs", "--before", "x:-1"), "'x:-1' does not say where the page is to end"),
        (
            ("docs", "doc"),
            "there is no synchronization 'doc'; did you mean 'docs'? there are: docs, photos",
        ),
    ],
)
async def test_what_cannot_be_asked_is_said_in_one_sentence(
    world: World, words: tuple[str, ...], says: str
):
    await two(world)
    assert (await world.refused("transfers", *words)).startswith(says)


async def test_a_history_that_is_no_database_is_said(world: World):
    await two(world)
    path = world.home / "state" / "replicas" / "docs" / "history.sqlite"
    path.write_bytes(b"\xff" * 4096)
    said = await world.refused("transfers", "docs", status=1)
    assert said.startswith("the history of 'docs' cannot be read (file is not a database)")


class Follower:
    """`transfers --follow` at work, its lines as they come."""

    def __init__(self, world: World, *words: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "syncin_mount", "transfers", "--follow", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "SYNCIN_MOUNT_HOME": str(world.home)},
        )

    async def line(self) -> Any:
        assert self.process.stdout is not None
        with trio.fail_after(60):
            found = await trio.to_thread.run_sync(
                self.process.stdout.readline, abandon_on_cancel=True
            )
        return json.loads(found)

    async def interrupt(self) -> tuple[int, bytes]:
        self.process.send_signal(signal.SIGINT)
        with trio.fail_after(60):
            _, said = await trio.to_thread.run_sync(partial(self.process.communicate, timeout=60))
        return self.process.returncode, said


async def test_following_tells_what_comes_and_ends_cleanly(world: World):
    await two(world)
    follower = Follower(world, "--json", "--search", "doc", "--limit", "2")
    try:
        assert [(await follower.line())["path"] for _ in range(2)] == ["doc 8", "doc 9"]
        record(world, "docs", (0, "nothing of interest"), (0, "the next DOC"))
        assert (await follower.line())["path"] == "the next DOC"
        record(world, "photos", (0, "docked"))
        assert (await follower.line())["name"] == "photos"
        assert await follower.interrupt() == (0, b"")
    finally:
        follower.process.kill()
        follower.process.wait()


@pytest.mark.usefixtures("mounts")
async def test_following_goes_on_across_a_restart_of_the_daemon(world: World):
    await world.log_in()
    await world.add()
    follower = Follower(world, "docs", "--json")
    try:
        for number in range(2):
            await world.must("mount", "docs")
            (world.drive / f"file {number}").write_text("words")
            row = await follower.line()
            assert (row["path"], row["op"], row["result"]) == (f"file {number}", "send", "done")
            await world.must("umount", "docs")
        runs = [row["run"] for row in await world.json("transfers", "docs")]
        assert runs == [1, 2]
        assert await follower.interrupt() == (0, b"")
    finally:
        follower.process.kill()
        follower.process.wait()


@pytest.mark.usefixtures("mounts")
async def test_what_came_is_told_with_its_size_and_time(world: World):
    (world.disk / "there.txt").write_text("from the server")
    (world.disk / "empty").write_text("")
    await world.log_in()
    await world.add()
    await world.must("sync", "docs")
    rows = {row["path"]: row for row in await world.json("transfers", "docs")}
    assert {path: (row["op"], row["side"], row["size"]) for path, row in rows.items()} == {
        "there.txt": ("fetch", "local", 15),
        "empty": ("fetch", "local", 0),
    }
    assert rows["there.txt"]["seconds"] > 0
    (world.disk / "there.txt").unlink()
    await world.must("mount", "docs")

    async def deleted() -> bool:
        return await paths(world, "docs", "--action", "delete") == ["there.txt"]

    await until(deleted, "the deletion is in the history")
    assert (await world.json("transfers", "docs", "--action", "delete"))[0]["size"] == 15
