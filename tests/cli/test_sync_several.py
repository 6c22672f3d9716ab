"""`sync` with several synchronizations: each is carried, whatever becomes of the others, and the
worst is told."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import signal
import subprocess
import sys

import pytest
import trio

from syncin_mount.devserver import Delay, Moment, Rule
from tests.cli.conftest import LIMIT, World, until

NAMES = ("docs", "photos", "notes")


@pytest.fixture
async def several(world: World) -> World:
    """Three of them, with a file each on the server."""
    await world.log_in()
    for name in NAMES:
        folder = world.dev.files_of("user1") / name
        folder.mkdir(exist_ok=True)
        (folder / f"of-{name}").write_text(name)
        words = (
            "--server",
            "home",
            "--remote",
            f"personal/{name}",
            "--mountpoint",
            str(world.base / f"{name}-drive"),
        )
        await world.must("add", name, *words)
    return world


def contents(world: World, name: str) -> list[str]:
    folder = world.home / "state" / "replicas" / name / "objects"
    return sorted(path.read_text() for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("how", [(), ("--parallel",)])
async def test_all_are_carried_and_told_in_their_order(several: World, how: tuple[str, ...]):
    reports = await several.json("sync", "--all", *how)
    assert [each["name"] for each in reports] == list(NAMES)
    assert all(each["fetched"] == 1 for each in reports)
    for name in NAMES:
        assert contents(several, name) == [name]
        log = (several.home / "state" / "logs" / f"{name}.log").read_text()
        assert log.count("online") == 1, "each has its own log, whoever runs beside it"


@pytest.mark.parametrize("how", [(), ("--parallel",)])
async def test_one_that_fails_keeps_nobody_from_running_and_the_worst_is_told(
    several: World, how: tuple[str, ...]
):
    await several.must("sync", "docs")
    (several.disk / "of-docs").unlink()
    several.disk.rmdir()
    (several.home / "state" / "replicas").joinpath("photos").write_text("in the way")
    done = await several.run("sync", "docs", "photos", "notes", *how)
    assert done.status == 4, done
    assert re.search("^syncin-mount: docs: halted: ", done.error, re.MULTILINE)
    assert re.search("^syncin-mount: photos: .*replica.*photos", done.error, re.MULTILINE)
    assert "Traceback" not in done.error
    assert re.search("^notes: ", done.out, re.MULTILINE)
    assert contents(several, "notes") == ["notes"]
    done = await several.run("sync", "photos", "notes", *how, "--json")
    assert done.status == 1, "as for one alone"
    assert '"error": ' in done.out


async def test_disabled_ones_are_left_out_of_all(several: World):
    text = several.config.read_text()
    several.config.write_text(text.replace("enabled = true", "enabled = false", 1))
    assert [each["name"] for each in await several.json("sync", "--all")] == list(NAMES[1:])
    several.config.write_text(text.replace("enabled = true", "enabled = false"))
    done = await several.run("sync", "--all")
    assert (done.status, done.out) == (0, "")
    assert "no enabled synchronization" in done.error


async def test_a_dry_run_of_all_changes_nothing_and_says_whose_each_step_is(several: World):
    done = await several.run("sync", "--dry-run", "--all", "--parallel")
    assert done.status == 0, done
    for name in NAMES:
        assert f"{name}:\nFiles to download: 1\n  of-{name}" in done.out
        assert contents(several, name) == []
    assert "a plan is confirmed alone" in await several.refused(
        "sync", "--all", "--yes", "0123456789ab"
    )


@pytest.mark.usefixtures("mounts")
async def test_mounted_and_unmounted_ones_side_by_side(several: World):
    await several.must("mount", "docs")
    try:
        (several.base / "docs-drive" / "mine").write_text("mine")
        reports = await several.json("sync", "--all", "--parallel")
        assert [each["name"] for each in reports] == list(NAMES)
        assert (several.disk / "mine").read_text() == "mine"
        assert contents(several, "notes") == ["notes"]
    finally:
        await several.must("umount", "docs")


async def test_a_terminal_shows_a_line_for_each_and_one_for_all(several: World):
    several.dev.faults.add(Rule(Delay(0.5), method="POST", path="*/operation/diff/*"))
    shown = await trio.to_thread.run_sync(on_terminal, several, "sync", "--all", "--parallel")
    for name in (*NAMES, "all"):
        assert re.search(rf"^\s*{name} +.*[━╸ ]", shown, re.MULTILINE), shown
    assert re.search(r"\d of 3 done", shown)
    assert "docs: 1 action done" in shown or "docs: " in shown.splitlines()[-3]


def on_terminal(world: World, *words: str) -> str:
    """What a terminal of 80 columns shows, without the codes that move the cursor."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "syncin_mount", *words],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "SYNCIN_MOUNT_HOME": str(world.home), "COLUMNS": "80", "TERM": "xterm"},
    )
    os.close(theirs)
    shown = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # the last one has closed it
            break
        shown += piece
    os.close(ours)
    assert process.wait(LIMIT) == 0, shown
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode()).replace("\r", "\n")


@pytest.mark.parametrize("how", [(), ("--parallel",)])
async def test_ctrl_c_says_that_it_goes_on_later_and_it_does(several: World, how: tuple[str, ...]):
    big = os.urandom(3 << 20)
    for name in NAMES:
        (several.dev.files_of("user1") / name / "big").write_bytes(big)
    several.dev.faults.add(slow := Rule(Delay(0.2, Moment.DURING), method="GET", path="*/big"))

    def run() -> tuple[int, str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "syncin_mount", "sync", "--all", *how],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "SYNCIN_MOUNT_HOME": str(several.home)},
        )
        started.append(process)
        _, said = process.communicate(timeout=LIMIT)
        return process.returncode, said

    started: list[subprocess.Popen[str]] = []
    ended: list[tuple[int, str]] = []

    async def wait() -> None:
        ended.append(await trio.to_thread.run_sync(run))

    async def under_way() -> bool:
        return arrived(several) > 0

    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait)
        await until(under_way, "some of it is here")
        started[0].send_signal(signal.SIGINT)
    status, said = ended[0]
    assert status == 130, said
    assert said == "syncin-mount: stopped; the next run continues\n"
    kept = arrived(several)
    assert kept > 0
    several.dev.faults.remove(slow)
    for report in json.loads(await several.must("sync", "--all", *how, "--json")):
        assert not report["problems"]
    for name in NAMES:
        objects = (several.home / "state" / "replicas" / name / "objects").rglob("*")
        assert sorted(path.stat().st_size for path in objects if path.is_file()) == [
            len(name),
            len(big),
        ]
    assert arrived(several) == 0


def arrived(world: World) -> int:
    """Bytes of contents on their way."""
    size = 0
    for path in world.home.rglob("incoming/*-*-*"):
        with contextlib.suppress(FileNotFoundError):  # it became a content meanwhile
            size += path.stat().st_blocks * 512
    return size
